// The session monitor without a socket: clients of Socket.IO that come, speak, hear and drop, next to all other doors.
// What they hear is written with the ids of sessions and sockets replaced: S1 and S2 are the sessions in the order in
// which somebody hears of them, "S1@4" is a place in the log of one, and a client is called by its name.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/engine_stage.h"
#include "api/monitor.h"
#include "api/monitor_debug.h"
#include "support/desk.h"

namespace sojourn::test {

inline constexpr std::int64_t second_us = 1'000'000;

struct Visitor : EngineEnd {
  std::string name, engine_id;
  std::string sid, pid;
  std::string offset;  // of the last event that had one
};

class MonitorStage {
 public:
  explicit MonitorStage(DeskSetup setup = {}) : desk(std::move(setup)) {
    desk.router.add(static_cast<SocketIo*>(&monitor), {}, Monitor::entrances());
    desk.router.add(&debug, MonitorDebug::routes());
  }

  // Opens an engine and comes into the main namespace, with what it says of itself; "-" says nothing yet.
  Visitor& enter(std::string name, std::string const& auth = {}, Fields fields = {},
                 engine_io::Revision revision = engine_io::Revision::v4) {
    auto& visitor = visitors_.emplace_back();
    visitor.name = std::move(name);
    visitor.engine_id = "engine_" + visitor.name;
    std::vector<Header> headers{{"Host", "localhost:5409"}};
    for (auto const& [field, value] : fields) headers.push_back({field, value});
    Request request;
    request.method = "GET";
    request.path = "/socket.io/";
    request.headers = headers;
    request.remote_address = "127.0.0.1";
    request.at = desk.stage.clock.now();
    auto const door = desk.router.find_engines(request);
    if (!desk.router.enter(request)) return visitor;
    visitor.client =
        door.joiner(door.door, request, EngineLine{visitor.outlet, frame_poll, "polling", revision, visitor.engine_id});
    visitor.client->open();
    if (auth != "-" && revision == engine_io::Revision::v4) visitor.say("0" + auth);
    turn();
    return visitor;
  }
  // The same, and follows a thread; what it heard on the way is forgotten.
  Visitor& follow(std::string name, std::string const& thread, std::string const& auth = {}) {
    auto& visitor = enter(std::move(name), auth);
    emit(visitor, R"(["register_session",{"thread_id":")" + thread + "\"}]");
    hear(visitor);
    return visitor;
  }
  // Comes back as a stock client does after a drop.
  Visitor& come_back(Visitor const& as, std::string const& token = {}) {
    return enter(as.name, "{\"pid\":\"" + as.pid + "\",\"offset\":\"" + as.offset + "\"" +
                              (token.empty() ? "" : ",\"token\":\"" + token + "\"") + "}");
  }

  // Says an event, with an id if an answer is wanted.
  void emit(Visitor& visitor, std::string const& list, std::string const& id = {}) {
    visitor.say("2" + id + list);
    turn();
  }
  // The arguments of the answer; other things it hears stay for hear().
  std::string ask(Visitor& visitor, std::string const& list) {
    auto const id = std::to_string(++last_id_);
    emit(visitor, list, id);
    turn();
    return take_ack(visitor, id);
  }
  std::string take_ack(Visitor& visitor, std::string const& id) {
    auto& heard = heard_[&visitor];
    for (auto& line : read(visitor)) heard.push_back(std::move(line));
    auto const place = std::ranges::find_if(heard, [&](auto const& line) { return line.starts_with("43" + id + "["); });
    if (place == heard.end()) return "no answer";
    auto const answer = place->substr(2 + id.size());
    heard.erase(place);
    return answer;
  }
  // What came since this was called last.
  Words hear(Visitor& visitor) {
    auto heard = std::exchange(heard_[&visitor], {});
    for (auto& line : read(visitor)) heard.push_back(std::move(line));
    return heard;
  }

  void turn() {
    for (int i = 0; i < 3; ++i) {
      alarms.ring();
      desk.turn();
    }
  }
  void pass(std::int64_t us) {
    constexpr std::int64_t step_us = second_us;
    for (; us > 0; us -= step_us) {
      desk.stage.clock.advance_us(std::min(us, step_us));
      alarms.ring();
      desk.turn();
    }
    turn();
  }
  // The id behind a name of the script.
  std::string id_of(std::string const& name) const {
    for (auto const& [id, other] : names_) {
      if (other == name) return id;
    }
    return "unknown";
  }
  std::string plain(std::string line) {
    static std::regex const place(R"(([0-9a-f]{8}-[0-9a-f-]{27})/([0-9a-f]+)\.(\d+))");
    static std::regex const session("([0-9a-f]{8}-[0-9a-f-]{27})(?!\\w)");
    static std::regex const cursor("\"cursor\":\"[0-9a-f]+\\.(\\d+)\"");
    static std::regex const thread("thread_[0-9a-f]{8}-[0-9a-f-]{27}");
    line = std::regex_replace(line, thread, "thread_new");
    std::smatch match;
    while (std::regex_search(line, match, place))
      line = match.prefix().str() + name_of(match[1]) + "@" + match[3].str() + match.suffix().str();
    while (std::regex_search(line, match, session))
      line = match.prefix().str() + name_of(match[1]) + match.suffix().str();
    line = std::regex_replace(line, cursor, "\"cursor\":@$1");
    for (auto const& [sid, name] : sids_) {
      for (auto at = line.find(sid); at != line.npos; at = line.find(sid)) line.replace(at, sid.size(), name);
    }
    return line;
  }

  Desk desk;
  Alarms alarms{desk.stage.clock};
  Monitor::Rules rules{.pid_key = "a secret of this server"};
  Monitor monitor{{Random(10), desk.stage.clock.clock(), alarms.later(), {}},
                  {desk.stage.hub, desk.tools, desk.responder, desk.stream, desk.identity, desk.stage.log, rules}};
  MonitorDebug debug{{monitor, desk.stage.hub, desk.identity, "the key", true}};

 private:
  std::string name_of(std::string const& id) {
    auto& name = names_[id];
    if (name.empty()) name = "S" + std::to_string(names_.size());
    return name;
  }
  Words read(Visitor& visitor) {
    static std::regex const offset("\"([0-9a-f]{8}-[0-9a-f-]{27}/[0-9a-f]+\\.\\d+)\"\\]$");
    static std::regex const entry(R"re(^40\{"sid":"([^"]+)"(,"pid":"([^"]+)")?\}$)re");
    Words lines;
    for (auto& line : visitor.hear()) {
      std::smatch match;
      if (std::regex_search(line, match, offset)) visitor.offset = match[1];
      if (std::regex_match(line, match, entry)) {
        visitor.sid = match[1];
        visitor.pid = match[3];
        sids_.emplace(visitor.sid, visitor.name);
        line = "40 as " + sids_.at(visitor.sid);
      }
      lines.push_back(plain(std::move(line)));
    }
    return lines;
  }

  std::list<Visitor> visitors_;
  std::map<Visitor*, Words> heard_;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::string> sids_;
  int last_id_ = 0;
};

inline constexpr std::string_view register_kitchen = R"(["register_session",{"thread_id":"kitchen"}])";

class MonitorTest : public testing::Test {
 public:
  std::string post(std::string const& type, std::string const& data = "{}") {
    auto const& asked = stage.desk.ask("POST", "/api/v1/sessions/" + stage.id_of("S1") + "/events",
                                       R"({"type":")" + type + R"(","data":)" + data + "}");
    stage.turn();
    return std::to_string(asked.status());
  }
  static std::string registered(std::string const& name, std::string const& session, std::string const& place,
                                std::string const& thread = "kitchen", std::string const& more = {}) {
    return R"(42["session_registered",{"status":"ready","thread_id":")" + thread + R"(","session_id":")" + name +
           R"(","transport":"polling","shared_session_id":")" + session + R"(","is_in_room":true)" + more + "},\"" +
           place + "\"]";
  }
  // A thread in which something was said while nobody followed it.
  void open_with(int messages) {
    auto& first = stage.follow("opener", "kitchen");
    first.go();
    stage.turn();
    for (int i = 1; i <= messages; ++i) post("note", std::to_string(i));
  }

  MonitorStage stage;
};

}  // namespace sojourn::test

// All doors without a socket: requests and WebSocket messages in, answers and frames out.
// Invariant: a request's memory is gone once it is answered, and each is answered once, so that a door that keeps a
// view or answers twice is found. Time stands still until it is moved. One thread.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/accounts.h"
#include "api/agent_browser.h"
#include "api/auth.h"
#include "api/chat.h"
#include "api/client_files.h"
#include "api/events.h"
#include "api/extension.h"
#include "api/function_calls.h"
#include "api/identity.h"
#include "api/operations.h"
#include "api/queries.h"
#include "api/responder.h"
#include "api/router.h"
#include "api/session_files.h"
#include "api/sessions.h"
#include "api/states.h"
#include "api/stream.h"
#include "api/tabs.h"
#include "api/tools.h"
#include "api/tracked.h"
#include "api/tracking.h"
#include "api/upkeep.h"
#include "support/fake_caller.h"
#include "support/hub_stage.h"

namespace sojourn::test {

using Fields = std::vector<std::pair<std::string, std::string>>;

// A request on its way, and its answer.
class Ask {
 public:
  bool is_answered() const { return answers_ > 0; }
  int answers() const { return answers_; }
  int status() const { return response_.status; }
  std::string const& body() const { return response_.body; }
  Response const& response() const { return response_; }
  // What came of it; of an open one, all pieces so far. They go nowhere once the reader has left.
  std::string const& heard() const { return heard_; }
  bool is_whole() const { return is_whole_; }
  void hang_up() { is_gone_ = true; }
  Envelope const& envelope() const { return envelope_; }

 private:
  friend class Desk;
  struct Memory {
    std::string method, path, query, body;
    Fields fields;
    std::vector<Header> headers;
    Request request;
  };
  std::unique_ptr<Memory> memory_;
  int answers_ = 0;
  std::string heard_;
  bool is_whole_ = false;
  bool is_gone_ = false;
  Response response_{0, {}, {}, false, {}};
  Envelope envelope_;
};

// A client's end of a WebSocket or of an event stream: what it hears, line by line, and what it says.
struct Line {
  RecordingOutlet outlet;
  std::optional<Error> refusal;
  ConnectionId connection = 0;
  Dialect* dialect = nullptr;
  std::string greeting;

  bool is_open() const { return connection != 0 && outlet.closes == 0; }
  // The id in the greeting; empty = it names none.
  std::string session() const {
    if (auto const place = greeting.find("ext_"); place != greeting.npos) return greeting.substr(place, 16);
    constexpr std::string_view name = "\"session_id\":\"";
    auto const place = greeting.find(name);
    return place == greeting.npos ? "" : greeting.substr(place + name.size(), 36);
  }
};

// What a desk is to be, as a configuration says it.
struct DeskSetup {
  std::string media_folder = "/nonexistent";
  std::string files_folder = "/nonexistent";
  bool any_extension = false;
  bool is_open = true;  // without a token a request is the local principal's
  Accounts::Settings accounts = {{}, true, true};
  Tools::Table tools = {};
  ResponderSettings responder = {};
  HubStage::Options stage = {};
};

class Desk {
 public:
  Desk() : Desk(DeskSetup{}) {}
  explicit Desk(std::string media_folder) : Desk(DeskSetup{.media_folder = std::move(media_folder)}) {}
  explicit Desk(DeskSetup setup)
      : stage(setup.stage),
        identity(Keys(std::string(64, 'x')), setup.is_open),
        access({"http://allowed.test"}, setup.any_extension),
        tools(stage.hub, caller, std::move(setup.tools)),
        responder({stage.hub, caller, stage.clock.clock(), later(), std::move(setup.responder)}),
        tabs(stage.hub, std::move(setup.media_folder), Random(4)),
        accounts(identity, std::move(setup.accounts),
                 [this](auto job, auto done) { return work(std::move(job), std::move(done)); }),
        session_files(stage.hub, std::move(setup.files_folder),
                      [this](auto job, auto done) { return work(std::move(job), std::move(done)); }) {
    access.add_port(5409);
    // As in the server.
    router.add(&tracking, {}, Tracking::entrances());
    router.add(&extension, Extension::routes(), Extension::entrances());
    router.add(&tabs, Tabs::routes());
    router.add(&tracked, Tracked::routes());
    router.add(&accounts, Accounts::routes());
    router.add(&sessions, Sessions::routes());
    router.add(&upkeep, Upkeep::routes());
    router.add(&states, States::routes());
    router.add(&events, Events::routes());
    router.add(&stream, {}, Stream::entrances());
    router.add(&queries, Queries::routes());
    router.add(&chat, Chat::routes());
    router.add(&client_files, ClientFiles::routes());
    router.add(&function_calls, FunctionCalls::routes());
    router.add(&agent_browser, AgentBrowser::routes());
    router.add(&session_files, SessionFiles::routes());
    router.add(&operations, Operations::routes());
  }

  // A token of a user, or with a session and an id a session token; signed with this desk's key.
  std::string mint(Claims const& claims) const { return identity.keys().mint(claims, stage.clock.now().utc_us); }
  std::string mint(std::string user, Scope scope = Scope::write) const {
    return mint(Claims{std::move(user), 0, scope, {}, {}});
  }
  // The header that shows it.
  static std::pair<std::string, std::string> bearer(std::string const& token) {
    return {"Authorization", "Bearer " + token};
  }

  // Starts a request; `fields` may bring a Host of its own.
  Ask& begin(std::string method, std::string_view target, std::string body = {}, Fields fields = {}) {
    asks_.emplace_back();
    auto& ask = asks_.back();
    ask.memory_ = std::make_unique<Ask::Memory>();
    auto& memory = *ask.memory_;
    memory.method = std::move(method);
    memory.path = target.substr(0, target.find('?'));
    memory.query = target.find('?') == target.npos ? "" : target.substr(target.find('?') + 1);
    memory.body = std::move(body);
    memory.fields = std::move(fields);
    fill(memory);
    memory.request.listener = way_in;
    memory.request.pieces = Pieces(&Desk::add_piece, this, asks_.size() - 1, 1);
    router.handle(memory.request, Respond(&Desk::respond, this, asks_.size() - 1));
    return ask;
  }
  // The same with a JSON body, and turns until it is answered.
  Ask& ask(std::string method, std::string_view target, std::string body = {}, Fields fields = {}) {
    if (!body.empty()) fields.emplace_back("Content-Type", "application/json");
    auto& asked = begin(std::move(method), target, std::move(body), std::move(fields));
    for (int i = 0; i < 10 && !asked.is_answered(); ++i) turn();
    return asked;
  }

  // Opens a WebSocket and turns until it is in or refused.
  Line& connect(std::string_view target = "/ws", Fields fields = {},
                ListenerDialect listener = ListenerDialect::extension) {
    fields.emplace_back("Upgrade", "websocket");
    return enter(target, std::move(fields), listener);
  }
  // The same with an event stream.
  Line& follow(std::string_view target, Fields fields = {}) {
    fields.emplace_back("Accept", "text/event-stream");
    return enter(target, std::move(fields), ListenerDialect::extension);
  }
  // What a carrier does with a message, a Close frame, and the end of the socket.
  void say(Line& line, std::string message) {
    if (line.is_open()) line.dialect->receive(line.connection, message);
    std::string().swap(message);  // gone after the call, as a socket's buffer is
    turn();
  }
  void say_goodbye(Line& line) {
    stage.hub.submit({}, SayGoodbye{line.connection});
    turn();
  }
  void leave(Line& line) {
    if (line.outlet.closes == 0) stage.hub.submit({}, Leave{std::exchange(line.connection, 0)});
    turn();
  }

  void turn() {
    for (int i = 0; i < 2; ++i) {
      ring_alarms();
      caller.turn();
      finish_work();
      stage.turn();
    }
  }

  HubStage stage;
  FakeCaller caller;
  Identity identity;
  Access access;
  Tools tools;
  Responder responder;
  Extension extension{stage.hub};
  Tabs tabs;
  Tracking tracking{stage.hub, tools, responder, Random(5)};
  Tracked tracked{stage.hub, Random(6)};
  Accounts accounts;
  Sessions sessions{stage.hub, identity};
  Upkeep upkeep{stage.hub};
  States states{stage.hub};
  Events events{stage.hub};
  Stream stream{stage.hub, tools, responder};
  Queries queries{{stage.hub, responder, Random(7), stage.clock.clock(), later()}};
  Chat chat{{stage.hub, responder, Random(9), stage.clock.clock(), later(),
             [this](Principal const&, std::string const& thread) { touched.push_back(thread); }}};
  std::vector<std::string> touched;            // threads that the chat said were in use
  std::map<std::string, std::string> on_disk;  // what is there of the client's files, by path
  ClientFiles client_files{"/client", [this](std::string const& path) -> Result<std::string> {
                             ++reads;
                             auto const place = on_disk.find(path);
                             if (place == on_disk.end()) return error(Code::not_found, path);
                             return place->second;
                           }};
  int reads = 0;  // of files
  FunctionCalls function_calls{stage.hub};
  AgentBrowser agent_browser{{stage.hub, Random(8), stage.clock.clock()}};
  SessionFiles session_files;
  Router router{access, identity, stage.log, Random(3)};
  Operations operations{stage.hub, router, {"send", "memory"}};
  ListenerDialect way_in = ListenerDialect::extension;  // the listener of requests
  bool is_overworked = false;                           // no work is taken that is to be done elsewhere

 private:
  Line& enter(std::string_view target, Fields fields, ListenerDialect listener) {
    lines_.emplace_back();
    auto& line = lines_.back();
    Ask::Memory memory;
    memory.method = "GET";
    memory.path = target.substr(0, target.find('?'));
    memory.query = target.find('?') == target.npos ? "" : target.substr(target.find('?') + 1);
    memory.fields = std::move(fields);
    fill(memory);
    memory.request.listener = listener;
    Attachment via;
    via.outlet = &line.outlet;
    via.framing = frame_line;
    router.join(memory.request, std::move(via), Welcome(&Desk::welcome, this, lines_.size() - 1));
    for (int i = 0; i < 10 && line.connection == 0 && !line.refusal; ++i) turn();
    return line;
  }
  bool work(std::function<void()> job, std::function<void()> done) {
    if (is_overworked) return false;
    job();
    worked_.push_back(std::move(done));
    return true;
  }
  void finish_work() {
    for (auto count = worked_.size(); count > 0; --count) {
      auto const done = std::move(worked_.front());
      worked_.pop_front();
      done();
    }
  }
  // What is to run when the clock has been moved that far.
  Later later() {
    return [this](std::int64_t us, std::function<void()> function) {
      alarms_.emplace(stage.clock.now().steady_us + us, std::move(function));
    };
  }
  void ring_alarms() {
    while (!alarms_.empty() && alarms_.begin()->first <= stage.clock.now().steady_us)
      alarms_.extract(alarms_.begin()).mapped()();
  }
  void fill(Ask::Memory& memory) {
    bool has_host = false;
    for (auto const& [name, value] : memory.fields) has_host = has_host || name == "Host";
    if (!has_host) memory.fields.emplace_back("Host", "localhost:5409");
    for (auto const& [name, value] : memory.fields) memory.headers.push_back({name, value});
    auto& request = memory.request;
    request.method = memory.method;
    request.path = memory.path;
    request.query = memory.query;
    request.body = memory.body;
    request.headers = memory.headers;
    request.remote_address = "127.0.0.1";
    request.at = stage.clock.now();
  }
  static void respond(void* desk, std::uint64_t number, Response response) {
    auto& ask = *std::next(static_cast<Desk*>(desk)->asks_.begin(), static_cast<std::ptrdiff_t>(number));
    ++ask.answers_;
    ask.response_ = std::move(response);
    ask.heard_ = ask.response_.body;
    ask.is_whole_ = !ask.response_.is_open;
    if (ask.memory_) ask.envelope_ = ask.memory_->request.envelope;
    // Not at once: the door that answers now may still look at its request.
    static_cast<Desk*>(desk)->answered_.push_back(std::move(ask.memory_));
  }
  static bool add_piece(void* desk, std::uint64_t number, std::uint32_t, Piece piece) {
    auto& ask = *std::next(static_cast<Desk*>(desk)->asks_.begin(), static_cast<std::ptrdiff_t>(number));
    if (ask.is_gone_ || !ask.is_answered() || ask.is_whole_) return false;
    ask.heard_ += piece.bytes;
    ask.is_whole_ = piece.is_last;
    return true;
  }
  static void welcome(void* desk, std::uint64_t number, Result<Opened> opened) {
    auto& line = *std::next(static_cast<Desk*>(desk)->lines_.begin(), static_cast<std::ptrdiff_t>(number));
    if (!opened) {
      line.refusal = opened.error();
      return;
    }
    line.connection = opened->connection;
    line.dialect = opened->dialect;
    line.greeting = std::move(opened->greeting);
  }

  std::list<Ask> asks_;
  std::list<Line> lines_;
  std::vector<std::unique_ptr<Ask::Memory>> answered_;
  std::deque<std::function<void()>> worked_;
  std::multimap<std::int64_t, std::function<void()>> alarms_;
};

}  // namespace sojourn::test

// Engine.IO on the net stage: doors that say everything again and remember what happened, and clients that poll or
// have a WebSocket. One thread.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/engine.h"
#include "api/router.h"
#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn::test {

inline constexpr std::string_view separator = "\x1e";

// A door whose clients echo. What they hear stands in `heard`: "open", "text a", "bytes b", "move websocket",
// "leave transport close".
class EchoDoor {
 public:
  class Client final : public EngineClient {
   public:
    Client(EchoDoor& door, EngineLine line) : door_(door), line_(std::move(line)) { door_.clients.push_back(this); }
    ~Client() override { std::erase(door_.clients, this); }

    void open() override { door_.heard.emplace_back("open"); }
    bool has_come_in() const override { return has_come_in_; }
    void receive(std::string_view text) override {
      has_come_in_ = true;
      door_.heard.push_back("text " + std::string(text));
      say(text);
    }
    void receive_bytes(std::string_view bytes) override {
      door_.heard.push_back("bytes " + std::string(bytes));
      say_packet({engine_io::Type::message, std::string(bytes), true});
    }
    void move(Framing framing, std::string_view transport) override {
      line_.framing = framing;
      door_.heard.push_back("move " + std::string(transport));
    }
    void leave(std::string_view reason) override { door_.heard.push_back("leave " + std::string(reason)); }

    void say(std::string_view text) { say_packet({engine_io::Type::message, std::string(text)}); }
    void say_packet(engine_io::Packet const& packet) {
      std::string payload;
      engine_io::append_body(payload, packet);
      auto bytes = std::make_shared<std::string>();
      line_.framing(*bytes, payload);
      line_.outlet.push(std::move(bytes));
    }
    EngineLine const& line() const { return line_; }

   private:
    EchoDoor& door_;
    EngineLine line_;
    bool has_come_in_ = false;
  };

  static std::span<Entrance const> entrances() {
    static constexpr std::array table{
        Entrance{.pattern = "/engine.io", .carrier = Carrier::engine, .engine = sojourn::attach<&EchoDoor::attach>},
    };
    return table;
  }
  static std::span<Entrance const> other_entrances() {
    static constexpr std::array table{
        Entrance{.pattern = "/other.io", .carrier = Carrier::engine, .engine = sojourn::attach<&EchoDoor::attach>},
    };
    return table;
  }
  std::unique_ptr<EngineClient> attach(Request const&, EngineLine const& line) {
    return std::make_unique<Client>(*this, line);
  }

  std::vector<Client*> clients;  // that are there, in their order
  std::vector<std::string> heard;
};

using Heard = std::vector<std::string>;

// The doors outlive the net.
class EngineStage {
 public:
  explicit EngineStage(Limits const& limits = {}, EngineSettings const& settings = {}) : net(limits) {
    net.peers.world().engines = settings;
    net.router.add(&door, {}, EchoDoor::entrances());
    net.router.add(&other, {}, EchoDoor::other_entrances());
  }

  std::size_t size() { return net.peers.engines().size(); }
  // Whether all sessions are over and forgotten.
  bool is_empty() {
    return net.until([this] { return size() == 0; });
  }
  // Lets everything that is under way arrive.
  void settle() { net.steps(6); }

  EchoDoor door;
  EchoDoor other;
  NetStage net;
};

// A client that polls, with one connection for its polls and another for what it posts.
class PollingClient {
 public:
  explicit PollingClient(EngineStage& stage, std::string query = "EIO=4", std::string path = "/engine.io/")
      : polls(stage.net),
        posts(stage.net),
        stage_(stage),
        target_(std::move(path) + "?transport=polling&" + std::move(query)) {}

  // The body of the handshake.
  std::string open() {
    ask();
    auto const body = answer();
    constexpr std::string_view name = "\"sid\":\"";
    auto const at = body.find(name);
    if (at == body.npos) return body;
    auto const begin = at + name.size();
    sid = body.substr(begin, body.find('"', begin) - begin);
    target_ += "&sid=" + sid;
    return body;
  }
  // A poll, whose answer is awaited only by answer(): its body, behind the status if that is not 200.
  void ask() { polls.get(target_); }
  std::string answer(int ms = 3000) { return to_text(last = polls.answer(false, ms)); }
  std::string poll() {
    ask();
    return answer();
  }
  // A poll that waits.
  void park() {
    ask();
    stage_.settle();
  }
  std::string post(std::string_view body, std::string_view field = {}) {
    posts.send(head(field) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    return to_text(posts.answer());
  }
  // The request line of a post and its header, but for its length.
  std::string head(std::string_view field = {}) const {
    return "POST " + target_ + " HTTP/1.1\r\nHost: localhost:5409\r\n" + std::string(field);
  }

  std::string sid;
  NetClient polls;
  NetClient posts;
  HttpAnswer last;  // to a poll

 private:
  static std::string to_text(HttpAnswer const& answer) {
    return answer.status == 200 ? answer.body : std::to_string(answer.status) + " " + answer.body;
  }

  EngineStage& stage_;
  std::string target_;
};

inline std::string websocket_target(std::string_view sid = {}, std::string_view query = "EIO=4") {
  std::string target = "/engine.io/?transport=websocket&" + std::string(query);
  return sid.empty() ? target : target + "&sid=" + std::string(sid);
}

// The next frame as "1 text", "2 bytes", "8 1000 reason"; "-1 " = none came.
inline std::string next_frame(NetClient& client, int ms = 3000) {
  auto const frame = client.frame(ms);
  auto const code = frame.opcode == 8 ? std::to_string(frame.close_code) + " " : "";
  return std::to_string(frame.opcode) + " " + code + frame.payload;
}

// Refusals, as their bodies say them.
inline constexpr std::string_view unknown_sid = "400 {\"code\":1,\"message\":\"Session ID unknown\"}";
inline constexpr std::string_view bad_request = "400 {\"code\":3,\"message\":\"Bad request\"}";

}  // namespace sojourn::test

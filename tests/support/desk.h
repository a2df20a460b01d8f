// All doors of extension sessions without a socket: requests and WebSocket messages in, answers and frames out.
// Invariant: a request's memory is gone once it is answered, and each is answered once, so that a door that keeps a
// view or answers twice is found. Time stands still until it is moved. One thread.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/extension.h"
#include "api/operations.h"
#include "api/router.h"
#include "api/tabs.h"
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
  Response response_{0, {}, {}, false, {}};
  Envelope envelope_;
};

// A browser's end of a WebSocket: what it hears, line by line, and what it says.
struct Line {
  RecordingOutlet outlet;
  std::optional<Error> refusal;
  ConnectionId connection = 0;
  Dialect* dialect = nullptr;
  std::string greeting;

  bool is_open() const { return connection != 0 && outlet.closes == 0; }
  std::string session() const { return greeting.substr(greeting.find("ext_"), 16); }
};

class Desk {
 public:
  explicit Desk(std::string media_folder = "/nonexistent", bool any_extension = false)
      : access({"http://allowed.test"}, any_extension), tabs(stage.hub, std::move(media_folder), Random(4)) {
    access.add_port(5409);
    router.add(&extension, Extension::routes(), Extension::entrances());
    router.add(&tabs, Tabs::routes());
    router.add(&operations, Operations::routes());
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
    router.handle(memory.request, Respond(&Desk::respond, this, asks_.size() - 1));
    return ask;
  }
  // The same with a JSON body, and turns until it is answered.
  Ask& ask(std::string method, std::string_view target, std::string body = {}) {
    Fields fields;
    if (!body.empty()) fields.emplace_back("Content-Type", "application/json");
    auto& asked = begin(std::move(method), target, std::move(body), std::move(fields));
    for (int i = 0; i < 10 && !asked.is_answered(); ++i) turn();
    return asked;
  }

  // Opens a WebSocket and turns until it is in or refused.
  Line& connect(std::string_view target = "/ws", Fields fields = {},
                ListenerDialect listener = ListenerDialect::extension) {
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

  void turn() { stage.turns(2); }

  HubStage stage;
  Access access;
  Extension extension{stage.hub};
  Tabs tabs;
  Operations operations{stage.hub, "send"};
  Router router{access, stage.log, Random(3)};

 private:
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
    if (ask.memory_) ask.envelope_ = ask.memory_->request.envelope;
    // Not at once: the door that answers now may still look at its request.
    static_cast<Desk*>(desk)->answered_.push_back(std::move(ask.memory_));
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
};

}  // namespace sojourn::test

#include "app/watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "app/sessions.h"
#include "app/timeline.h"
#include "codec/sse.h"

namespace sojourn {
namespace {

constexpr std::int64_t close_policy = 1008;  // RFC 6455, section 7.4.1

class Stop {
 public:
  explicit Stop(int descriptor) : descriptor_(descriptor) {}
  Stop(Stop const&) = delete;
  Stop& operator=(Stop const&) = delete;
  ~Stop() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  // Whether it was asked for within the time.
  [[nodiscard]] bool wait(std::int64_t ms) const {
    pollfd entry{descriptor_, POLLIN, 0};
    int ready = 0;
    while ((ready = ::poll(&entry, 1, static_cast<int>(ms))) < 0 && errno == EINTR) {
    }
    return ready > 0;
  }

 private:
  int descriptor_;
};

std::string describe_pause(std::int64_t ms) {
  auto const tenths = std::to_string(ms % 1000 / 100);
  return std::to_string(ms / 1000) + (tenths == "0" ? "" : "." + tenths) + " s";
}

class Follower {
 public:
  Follower(Target const& target, WatchCommand const& command, Terminal& terminal)
      : target_(target),
        command_(command),
        terminal_(terminal),
        timeline_(terminal.columns),
        stop_(terminal.open_stop == nullptr ? -1 : terminal.open_stop()) {}

  Result<> run();

 private:
  enum class Turn : std::uint8_t { again, over };

  Result<Turn> listen();
  [[nodiscard]] ClientRequest to_request() const;
  Result<Turn> judge(Error const& failure);
  bool take(std::string_view line);
  void show(sse::Event const& event);
  void tell(std::string_view type, json::object const& event);
  void hear_close(json::object const& event);

  Target const& target_;
  WatchCommand const& command_;
  Terminal& terminal_;
  Timeline timeline_;
  Stop stop_;
  sse::LineReader stream_;
  std::string cursor_;      // of the last event that was shown
  bool has_begun_ = false;  // something came, in this attempt or before
  bool is_heard_ = false;   // something came in this attempt
  bool is_over_ = false;    // the session has ended
  Result<> going_on_;       // or why not: the output can't be written, or this connection is not wanted
};

Result<> Follower::run() {
  auto pause_ms = command_.first_pause_ms;
  while (true) {
    is_heard_ = false;
    auto const turn = listen();
    if (!turn) return turn.error();
    if (*turn == Turn::over) return {};
    if (is_heard_) pause_ms = command_.first_pause_ms;
    note(terminal_, "the connection is lost; trying again in " + describe_pause(pause_ms));
    if (stop_.wait(pause_ms)) return {};
    pause_ms = std::min(pause_ms * 2, command_.pause_ms_max);
  }
}

ClientRequest Follower::to_request() const {
  ClientRequest request{"GET", session_target(command_.id, "/events"), {}};
  request.accept = "text/event-stream";
  if (!cursor_.empty()) {
    request.headers.emplace_back("Last-Event-ID", cursor_);
  } else if (!command_.since.empty()) {
    request.target += "?since=" + encode_segment(command_.since);
  }
  return request;
}

// One connection, from its beginning to its end.
Result<Follower::Turn> Follower::listen() {
  // Every time anew: a server that was started again may have another address and another token.
  auto const server = find_server(target_, terminal_.environment);
  if (!server) return judge(server.error());
  auto request = to_request();
  if (!server->token.empty()) request.headers.emplace_back("Authorization", "Bearer " + server->token);
  Following following;
  following.on_line = [this](std::string_view line) { return take(line); };
  following.silence_ms_max = command_.silence_ms_max;
  following.stop_fd = stop_.descriptor();
  stream_.restart();
  auto const response = follow(server->url, request, following);
  if (!going_on_) return going_on_.error();
  if (is_over_) return Turn::over;
  if (!response) return judge(explain(response.error(), *server));
  if (response->status == 0) return Turn::over;  // the person has had enough
  if (response->status != 200) return judge(to_error(*response));
  if (!response->find_header("Content-Type").starts_with("text/event-stream")) return no_sojourn(*server);
  return Turn::again;
}

// Whether trying again can help.
Result<Follower::Turn> Follower::judge(Error const& failure) {
  if (!has_begun_) return failure;
  if (failure.code == Code::not_found || failure.code == Code::expired) {
    note(terminal_, "the session " + command_.id + " has ended");
    return Turn::over;
  }
  bool const is_temporary = failure.code == Code::internal || row(failure.code).retryable;
  if (!is_temporary) return failure;
  return Turn::again;
}

bool Follower::take(std::string_view line) {
  if (auto const event = stream_.take(line)) show(*event);
  return going_on_ && !is_over_;
}

void Follower::show(sse::Event const& event) {
  auto value = json::parse(event.data);
  if (!value || !value->is_object()) {
    value = json::object{{"type", event.type}, {"data", event.data}};
  }
  auto& object = value->get_object();
  if (!object.contains("type")) object["type"] = event.type;
  std::string const type(json::find_string(object, "type"));
  bool const is_told =
      type == "session.snapshot" || type == "session.resumed" || type == "session.gap" || type == "session.close";
  tell(type, object);
  if (target_.json) {
    going_on_ = print_json(terminal_, object);
  } else if (!is_told) {
    going_on_ = print(terminal_, timeline_.describe(object));
  }
  std::string const cursor(json::find_string(object, "cursor", event.id));
  if (!cursor.empty()) cursor_ = cursor;
  has_begun_ = is_heard_ = true;
  is_over_ = type == "session.closed";
  if (type == "session.close") hear_close(object);
}

// What a person has to know beside the events.
void Follower::tell(std::string_view type, json::object const& event) {
  auto const cursor = std::string(json::find_string(event, "cursor"));
  if (type == "session.snapshot" || type == "session.resumed") {
    note(terminal_,
         has_begun_ ? "connected again" : "watching " + command_.id + " from " + cursor + "; Ctrl-C ends it");
  }
  if (type == "session.gap") {
    auto const since = std::string(json::find_string(event, "since", cursor_));
    note(terminal_, "events after " + since + " are no longer kept; going on from " + cursor);
  }
  if (type != "session.closed") return;
  auto const* const data = event.if_contains("data");
  auto const& place = data != nullptr && data->is_object() ? data->get_object() : event;
  auto const reason = std::string(json::find_string(place, "reason"));
  note(terminal_, "the session " + command_.id + " has ended" + (reason.empty() ? "" : ": " + reason));
}

// Says what a WebSocket's close frame would: this connection ends, not the session.
void Follower::hear_close(json::object const& event) {
  auto const reason = std::string(json::find_string(event, "reason", "no reason given"));
  if (find_integer(event, "code") != close_policy) return note(terminal_, "the server ends the connection: " + reason);
  // Who was sent away does not come back by itself.
  if (going_on_) going_on_ = error(Code::forbidden, "the server has sent this command away: " + reason);
}

}  // namespace

Result<> watch_session(Target const& target, WatchCommand const& command, Terminal& terminal) {
  return Follower(target, command, terminal).run();
}

}  // namespace sojourn

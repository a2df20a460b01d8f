// The way in for every request: admission, who is asking, then the row of a constexpr route table, then the door.
// A door is a class with a static table of routes; the router is given (door, table) pairs by the app.
// The hub's thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/auth.h"
#include "api/engine.h"
#include "api/identity.h"
#include "api/replays.h"
#include "base/log.h"
#include "base/random.h"

namespace sojourn {

// Answers one request; the door is what add() was given.
using Handler = void (*)(void* door, Request const& request, Parameters const& parameters, Respond respond);
// Lets a live connection in; `via` has its outlet and framing.
using Joiner = void (*)(void* door, Request const& request, Parameters const& parameters, Attachment via,
                        Welcome welcome);

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/a/:id/b"; one trailing slash of the path is ignored
  Handler handler;
  std::string_view summary = {};          // for people, in the description of the API
  bool is_public = false;                 // nobody is asked who they are
  std::optional<Function> function = {};  // the browser function that it calls: its body and answer are that one's
};

enum class Carrier : std::uint8_t { websocket, event_stream, engine };

struct Entrance {
  std::string_view pattern;
  Carrier carrier;
  // Whether it is this one that is meant; null = always. Asked in the order of the doors.
  bool (*is_meant)(Request const& request) = nullptr;
  Joiner joiner = nullptr;
  std::string_view summary = {};
  bool judges_tokens = false;     // is asked with a refused token too, and says so in its own way
  EngineJoiner engine = nullptr;  // of a path of engines, which needs nothing else
};

// A member function of a door as a table entry: handle<&Door::member>.
template <typename> struct DoorOf;
template <typename Door, typename Answer, typename... Arguments> struct DoorOf<Answer (Door::*)(Arguments...)> {
  using type = Door;
};

template <auto Member> void handle(void* door, Request const& request, Parameters const& parameters, Respond respond) {
  (static_cast<typename DoorOf<decltype(Member)>::type*>(door)->*Member)(request, parameters, respond);
}

template <auto Member>
std::unique_ptr<EngineClient> attach(void* door, Request const& request, EngineLine const& line) {
  return (static_cast<typename DoorOf<decltype(Member)>::type*>(door)->*Member)(request, line);
}

template <auto Member>
void join(void* door, Request const& request, Parameters const& parameters, Attachment via, Welcome welcome) {
  (static_cast<typename DoorOf<decltype(Member)>::type*>(door)->*Member)(request, parameters, std::move(via), welcome);
}

class Router {
 public:
  struct Door {
    void* door;
    std::span<Route const> routes;
    std::span<Entrance const> entrances;
  };

  // The references outlive the router.
  Router(Access const& access, Identity const& identity, Log& log, Random random)
      : access_(access), identity_(identity), log_(log), random_(std::move(random)) {}

  // `door` and the tables outlive the router.
  void add(void* door, std::span<Route const> routes, std::span<Entrance const> entrances = {});
  std::span<Door const> doors() const { return doors_; }

  // From now on what was answered to a key is remembered over a restart.
  void remember(Hub& hub, Moment now, SealKey const& seal_key) { replays_.remember(hub, now, seal_key); }

  // Sets the principal and the envelope, and answers once, at once or later.
  void handle(Request& request, Respond respond);

  // The same for a live connection: an upgrade to WebSocket, or an event stream. A refusal comes through `welcome`.
  void join(Request& request, Attachment via, Welcome welcome);

  // Whose engines the request is for; nobody's = it is for something else.
  struct EngineDoor {
    void* door = nullptr;
    EngineJoiner joiner = nullptr;
  };
  EngineDoor find_engines(Request const& request) const;

  // The same way in for an engine's request. Its door hears of a token that was refused.
  Result<> enter(Request& request);

  // Whether the request is answered by a stream of events that does not end by itself.
  bool is_event_stream(Request const& request) const;

  // The ids of an answer: the client's own when they are well-formed.
  Envelope make_envelope(Request const& request);

 private:
  Result<> admit(Request& request);
  bool identify(Request& request) const;
  Entrance const* find_entrance(Request const& request, Carrier carrier, Parameters& parameters, void** door) const;
  bool is_websocket_path(std::string_view path) const;
  void refuse_path(Request const& request, std::string_view path, Respond respond) const;

  Access const& access_;
  Identity const& identity_;
  Log& log_;
  Random random_;
  Replays replays_;
  std::vector<Door> doors_;
};

// Whether `path` has the shape of `pattern`; its :parts go to `parameters`.
bool matches(std::string_view pattern, std::string_view path, Parameters& parameters);

// An error as the door that the request is for would say it.
Response refusal(Request const& request, Error const& error);

}  // namespace sojourn

// The way in for every request: admission, then the row of a constexpr route table, then the door.
// A door is a class with a static table of routes; the router is given (door, table) pairs by the app.
// The hub's thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/auth.h"
#include "base/log.h"
#include "base/random.h"

namespace sojourn {

// Answers one request; the door is what add() was given.
using Handler = void (*)(void* door, Request const& request, Parameters const& parameters, Respond respond);
// Lets a live connection in; `via` has its outlet and framing.
using Joiner = void (*)(void* door, Request const& request, Attachment via, Welcome welcome);

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/a/:id/b"; one trailing slash of the path is ignored
  Handler handler;
};

struct Entrance {
  std::string_view path;  // exact
  bool every_listener;    // else only those that speak `listener`
  ListenerDialect listener;
  Joiner joiner;
};

// A member function of a door as a table entry: handle<&Door::member>.
template <typename> struct DoorOf;
template <typename Door, typename... Arguments> struct DoorOf<void (Door::*)(Arguments...)> { using type = Door; };

template <auto Member> void handle(void* door, Request const& request, Parameters const& parameters, Respond respond) {
  (static_cast<typename DoorOf<decltype(Member)>::type*>(door)->*Member)(request, parameters, respond);
}

template <auto Member> void join(void* door, Request const& request, Attachment via, Welcome welcome) {
  (static_cast<typename DoorOf<decltype(Member)>::type*>(door)->*Member)(request, std::move(via), welcome);
}

class Router {
 public:
  // The references outlive the router.
  Router(Access const& access, Log& log, Random random) : access_(access), log_(log), random_(std::move(random)) {}

  // `door` and the tables outlive the router.
  void add(void* door, std::span<Route const> routes, std::span<Entrance const> entrances = {});

  // Sets the principal and the envelope, and answers once, at once or later.
  void handle(Request& request, Respond respond);

  // The same for an upgrade to WebSocket. A refusal comes through `welcome`.
  void join(Request& request, Attachment via, Welcome welcome);

  // The ids of an answer: the client's own when they are well-formed.
  Envelope make_envelope(Request const& request);

 private:
  struct Door {
    void* door;
    std::span<Route const> routes;
    std::span<Entrance const> entrances;
  };

  Result<> admit(Request& request);

  Access const& access_;
  Log& log_;
  Random random_;
  std::vector<Door> doors_;
};

// Whether `path` has the shape of `pattern`; its :parts go to `parameters`.
bool matches(std::string_view pattern, std::string_view path, Parameters& parameters);

}  // namespace sojourn

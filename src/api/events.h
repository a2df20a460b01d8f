// The native door to a session's log: events are appended, and read from a cursor on. The hub's thread.
#pragma once

#include <span>

#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

class Events {
 public:
  // `hub` outlives the door.
  explicit Events(Hub& hub) : hub_(hub) {}

  static std::span<Route const> routes();

  void append(Request const& request, Parameters const& parameters, Respond respond);
  void list(Request const& request, Parameters const& parameters, Respond respond);

 private:
  Hub& hub_;
};

}  // namespace sojourn

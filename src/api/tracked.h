// The documented REST side of session tracking: an admin's list, messages to a session or to everybody. The hub's
// thread.
#pragma once

#include <span>

#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

class Tracked {
 public:
  // `hub` outlives the door.
  Tracked(Hub& hub, Random random) : hub_(hub), random_(std::move(random)) {}

  static std::span<Route const> routes();

  void list(Request const& request, Parameters const& parameters, Respond respond);
  void close(Request const& request, Parameters const& parameters, Respond respond);
  void broadcast(Request const& request, Parameters const& parameters, Respond respond);
  void send_message(Request const& request, Parameters const& parameters, Respond respond);

 private:
  Hub& hub_;
  Random random_;
};

}  // namespace sojourn

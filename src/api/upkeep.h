// The native door to the upkeep of sessions: kept alive, looked at, cleaned up, and their state set back to what it
// was. A request that takes several commands is answered once, after the last of them. The hub's thread.
#pragma once

#include <span>

#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

class Upkeep {
 public:
  // `hub` outlives the door.
  explicit Upkeep(Hub& hub) : hub_(hub) {}

  static std::span<Route const> routes();

  void heartbeat(Request const& request, Parameters const& parameters, Respond respond);
  void show_stats(Request const& request, Parameters const& parameters, Respond respond);
  void clean(Request const& request, Parameters const& parameters, Respond respond);
  void sweep(Request const& request, Parameters const& parameters, Respond respond);
  void show_recovery(Request const& request, Parameters const& parameters, Respond respond);
  void restore(Request const& request, Parameters const& parameters, Respond respond);

 private:
  Hub& hub_;
};

}  // namespace sojourn

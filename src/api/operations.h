// The operators' door: is the process alive, is it ready, what does it run on. Nothing here changes anything.
// The hub's thread.
#pragma once

#include <span>
#include <string>

#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

class Operations {
 public:
  // Of what it runs: how bytes go out ("send", "io_uring"), and where sessions are kept ("sqlite", "memory").
  struct Facts {
    std::string sending;
    std::string store;
  };
  // `hub` and `router` outlive the door.
  Operations(Hub const& hub, Router const& router, Facts facts)
      : hub_(hub), router_(router), facts_(std::move(facts)) {}

  static std::span<Route const> routes();

  // From now on /readyz says no: the process is about to end.
  void drain() { draining_ = true; }

  void show_health(Request const& request, Parameters const& parameters, Respond respond);
  void show_readiness(Request const& request, Parameters const& parameters, Respond respond);
  void show_root(Request const& request, Parameters const& parameters, Respond respond);
  void describe(Request const& request, Parameters const& parameters, Respond respond);
  void show_documented_health(Request const& request, Parameters const& parameters, Respond respond);

 private:
  Hub const& hub_;
  Router const& router_;
  Facts facts_;
  bool draining_ = false;
};

}  // namespace sojourn

// The native door to the state of a session: the whole map or one key, with its revision as ETag; a change may name the
// revision it was made for (If-Match), and PATCH is JSON merge patch (RFC 7396). The hub's thread.
#pragma once

#include <span>

#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

class States {
 public:
  // `hub` outlives the door.
  explicit States(Hub& hub) : hub_(hub) {}

  static std::span<Route const> routes();

  void show(Request const& request, Parameters const& parameters, Respond respond);
  void set(Request const& request, Parameters const& parameters, Respond respond);
  void merge(Request const& request, Parameters const& parameters, Respond respond);
  void remove(Request const& request, Parameters const& parameters, Respond respond);

 private:
  void change(Request const& request, Parameters const& parameters, StateEdit edit, Respond respond);

  Hub& hub_;
};

}  // namespace sojourn

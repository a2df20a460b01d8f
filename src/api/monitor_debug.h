// What the session monitor shows to those who look for what went wrong: who is connected, who follows which thread, and
// what waits for somebody to follow. Can be switched off. The hub's thread.
#pragma once

#include <span>
#include <string>

#include "api/monitor.h"
#include "api/router.h"

namespace sojourn {

class MonitorDebug {
 public:
  struct Parts {
    Monitor const& monitor;
    Hub& hub;
    Identity const& identity;
    std::string key;  // with which anybody may see all sockets; empty = nobody may
    bool is_shown = true;
  };

  // The references outlive the door.
  explicit MonitorDebug(Parts parts) : parts_(std::move(parts)) {}

  static std::span<Route const> routes();

  void list_thread(Request const& request, Parameters const& parameters, Respond respond);
  void list_sockets(Request const& request, Parameters const& parameters, Respond respond);
  void list_all(Request const& request, Parameters const& parameters, Respond respond);

 private:
  bool may_see_sockets(Request const& request) const;

  Parts parts_;
};

// What is known of a client, as the members of a JSON object.
std::string to_facts(MonitorSocket const& socket);

}  // namespace sojourn

// The documented way to a token: a form with a name and a password. Passwords are compared on a thread of their own,
// since each is made slow on purpose. The hub's thread.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>

#include "api/identity.h"
#include "api/router.h"

namespace sojourn {

class Accounts {
 public:
  // Runs `job` elsewhere and then `done` on the hub's thread; false when too much waits already.
  using Work = std::function<bool(std::function<void()> job, std::function<void()> done)>;

  struct Settings {
    std::map<std::string, std::string> users;  // name, line of its password (base/scrypt)
    bool has_demo = false;                     // the documented user and password
    bool has_test_token = false;
  };

  // `identity` outlives the door.
  Accounts(Identity const& identity, Settings settings, Work work)
      : identity_(identity), settings_(std::move(settings)), work_(std::move(work)) {}

  static std::span<Route const> routes();

  void give_token(Request const& request, Parameters const& parameters, Respond respond);
  void give_test_token(Request const& request, Parameters const& parameters, Respond respond);

 private:
  Identity const& identity_;
  Settings settings_;
  Work work_;
};

}  // namespace sojourn

// The documented door to the browser functions: the app "agent-browser", run by name, its sessions, and its tasks.
// Invariant: only a task that nobody waits for is kept. The hub's thread.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "api/app_tasks.h"
#include "api/function_calls.h"
#include "api/router.h"
#include "base/random.h"
#include "core/hub.h"

namespace sojourn {

class AgentBrowser {
 public:
  struct World {
    Hub& hub;
    Random random;
    Clock clock;
  };

  // What the references name outlives the door.
  explicit AgentBrowser(World world) : world_(std::move(world)) {}
  AgentBrowser(AgentBrowser const&) = delete;
  AgentBrowser& operator=(AgentBrowser const&) = delete;

  static std::span<Route const> routes();

  void run(Request const& request, Parameters const& parameters, Respond respond);
  void list(Request const& request, Parameters const& parameters, Respond respond);
  void show(Request const& request, Parameters const& parameters, Respond respond);
  void keep_alive(Request const& request, Parameters const& parameters, Respond respond);
  void end(Request const& request, Parameters const& parameters, Respond respond);
  void show_task(Request const& request, Parameters const& parameters, Respond respond);

 private:
  // How the call came out, and what of it belongs to a task.
  using OnEnd = std::function<void(AppTask task, std::optional<Error> failure)>;

  void carry_out(Principal const& principal, FunctionWish wish, AppTask task, OnEnd done);

  World world_;
  AppTasks tasks_;
};

}  // namespace sojourn

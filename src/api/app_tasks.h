// Calls of an app that nobody waits for: what became of them, for whoever comes back for it within ten minutes.
// Invariant: bounded by number and bytes; the oldest that are over give way, those under way never. The hub's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/principal.h"

namespace sojourn {

struct AppTask {
  std::string id = {};
  std::string function = {};
  std::string session_id = {};  // empty = there is none
  std::string output = {};      // JSON object; empty = none
  std::string error = {};       // what went wrong; empty = nothing
  std::string error_code = {};
  std::string video = {};        // JSON, of a session that is gone already; empty = none
  std::int64_t created_us = 0;   // UTC
  std::int64_t finished_us = 0;  // UTC; 0 = it is under way
};

struct AppTaskLimits {
  std::int64_t keep_us = std::int64_t{600} * 1'000'000;  // one that is over
  std::size_t tasks = 1000;
  std::size_t bytes = 64 * 1024 * 1024;  // of outputs
};

class AppTasks {
 public:
  explicit AppTasks(AppTaskLimits const& limits = {}) : limits_(limits) {}

  // False when so many are under way already.
  bool begin(Principal const& principal, AppTask task, std::int64_t now_us);
  // Takes the place of the one with its id.
  void finish(AppTask task);
  // One that began, if it is this principal's to see.
  AppTask const* find(Principal const& principal, std::string_view id, std::int64_t now_us);

 private:
  struct Entry {
    AppTask task;
    std::string owner;
  };
  using Entries = std::list<Entry>;

  void forget(Entries::iterator place);
  void forget_old(std::int64_t now_us);

  AppTaskLimits limits_;
  Entries running_;
  Entries over_;  // in the order in which they ended
  std::unordered_map<std::string, Entries::iterator> by_id_;
  std::size_t bytes_ = 0;
};

}  // namespace sojourn

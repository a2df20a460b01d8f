// Functions that are to run later, to the millisecond, for a thread that has few of them. Each runs once, never early.
// Invariant: what has not run when this ends never does. One thread, that of whoever calls run_due().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>

namespace sojourn {

using TimerId = std::uint64_t;  // 0 = none

class Timers {
 public:
  // At `deadline_us` (steady clock).
  TimerId set(std::int64_t deadline_us, std::function<void()> function);
  // One that has run or never was: nothing happens.
  void cancel(TimerId id);

  // Runs what is due; functions may set and cancel.
  void run_due(std::int64_t now_us);
  // When there is something to run; INT64_MAX = never.
  std::int64_t next_us() const;
  std::size_t size() const { return timers_.size(); }

 private:
  struct Timer {
    TimerId id;
    std::function<void()> function;
  };
  using Order = std::multimap<std::int64_t, Timer>;

  Order timers_;
  std::unordered_map<TimerId, Order::iterator> places_;
  TimerId last_ = 0;
};

}  // namespace sojourn

#pragma once
// Functions that are to run later, for doors that know no loop. Each runs once, never early, up to a slot of the wheel
// late. Invariant: what has not run when this ends never does. The loop's thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>

#include "base/loop.h"
#include "base/timer_wheel.h"

namespace sojourn {

class Alarms {
 public:
  // Both outlive it.
  Alarms(Loop const& loop, TimerWheel& wheel) : loop_(loop), wheel_(wheel) {}
  Alarms(Alarms const&) = delete;
  Alarms& operator=(Alarms const&) = delete;

  // Runs `function` that long from now, inside TimerWheel::advance; it may set further ones.
  void set(std::int64_t us, std::function<void()> function);
  [[nodiscard]] std::size_t size() const { return alarms_.size(); }

 private:
  struct Alarm {
    Alarm(Alarms& a, std::function<void()> f) : alarms(a), function(std::move(f)) {}

    Alarms& alarms;
    std::function<void()> function;
    std::list<Alarm>::iterator place = {};
    Timer timer{[](void* alarm) { static_cast<Alarm*>(alarm)->alarms.ring(*static_cast<Alarm*>(alarm)); }, this};
  };

  void ring(Alarm const& alarm);

  Loop const& loop_;
  TimerWheel& wheel_;
  std::list<Alarm> alarms_;
};

}  // namespace sojourn

// Deadlines of connections: one intrusive timer each, in a wheel of slots, so that arming and disarming cost a few
// instructions and an idle connection costs no allocation. Timers fire up to one slot late, never early.
// The loop's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sojourn {

// Disarms itself when it ends.
class Timer {
 public:
  using Fire = void (*)(void* owner);

  Timer(Fire fire, void* owner) : fire_(fire), owner_(owner) {}
  ~Timer() { disarm(); }
  Timer(Timer const&) = delete;
  Timer& operator=(Timer const&) = delete;

  void disarm();
  bool is_armed() const { return before_ != nullptr; }

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer** before_ = nullptr;  // what points to this timer
  std::int64_t deadline_us_ = 0;
  Fire fire_;
  void* owner_;
};

class TimerWheel {
 public:
  explicit TimerWheel(std::int64_t now_us) : tick_(now_us / slot_us) {}

  // Replaces an earlier deadline (steady clock).
  void arm(Timer& timer, std::int64_t deadline_us);

  // Fires what is due.
  void advance(std::int64_t now_us);

  // The earliest moment at which advance() may have something to do; INT64_MAX = none.
  std::int64_t next_us() const;

 private:
  static constexpr std::int64_t slot_us = 50'000;
  static constexpr std::size_t slot_count = 1024;

  std::array<Timer*, slot_count> slots_{};
  std::int64_t tick_;                  // every slot up to this one has been fired
  mutable std::int64_t empty_to_ = 0;  // those behind it, up to this one, hold nothing
};

}  // namespace sojourn

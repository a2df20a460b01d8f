#include "base/timer_wheel.h"

#include <algorithm>
#include <limits>

namespace sojourn {

void Timer::disarm() {
  if (before_ == nullptr) return;
  *before_ = next_;
  if (next_ != nullptr) next_->before_ = before_;
  before_ = nullptr;
  next_ = nullptr;
}

void TimerWheel::arm(Timer& timer, std::int64_t deadline_us) {
  timer.disarm();
  timer.deadline_us_ = deadline_us;
  auto const tick = std::max(deadline_us / slot_us + 1, tick_ + 1);
  auto& slot = slots_[static_cast<std::size_t>(tick) % slot_count];
  // One beyond a round stands in a slot that comes up before its time.
  auto const round = static_cast<std::int64_t>(slot_count);
  empty_to_ = std::min(empty_to_, tick_ + (tick - tick_ - 1) % round);
  timer.next_ = slot;
  timer.before_ = &slot;
  if (slot != nullptr) slot->before_ = &timer.next_;
  slot = &timer;
}

void TimerWheel::advance(std::int64_t now_us) {
  auto const now_tick = now_us / slot_us;
  // After a long sleep one full round sees every slot.
  tick_ = std::max(tick_, now_tick - static_cast<std::int64_t>(slot_count));
  while (tick_ < now_tick) {
    ++tick_;
    Timer* due = nullptr;  // collected first: a timer that fires may disarm or arm others
    for (auto* timer = slots_[static_cast<std::size_t>(tick_) % slot_count]; timer != nullptr;) {
      auto* const next = timer->next_;
      if (timer->deadline_us_ <= now_us) {
        timer->disarm();
        timer->next_ = due;
        timer->before_ = &due;
        if (due != nullptr) due->before_ = &timer->next_;
        due = timer;
      }
      timer = next;
    }
    while (due != nullptr) {
      auto* const timer = due;
      timer->disarm();
      timer->fire_(timer->owner_);
    }
  }
}

std::int64_t TimerWheel::next_us() const {
  for (auto tick = std::max(tick_, empty_to_) + 1; tick <= tick_ + static_cast<std::int64_t>(slot_count); ++tick) {
    if (slots_[static_cast<std::size_t>(tick) % slot_count] != nullptr) return tick * slot_us;
    empty_to_ = tick;
  }
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace sojourn

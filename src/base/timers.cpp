#include "base/timers.h"

#include <limits>
#include <utility>

namespace sojourn {

TimerId Timers::set(std::int64_t deadline_us, std::function<void()> function) {
  auto const id = ++last_;
  places_[id] = timers_.emplace(deadline_us, Timer{id, std::move(function)});
  return id;
}

void Timers::cancel(TimerId id) {
  auto const place = places_.find(id);
  if (place == places_.end()) return;
  auto const function = std::move(place->second->second.function);  // which may own whoever asks
  timers_.erase(place->second);
  places_.erase(place);
}

void Timers::run_due(std::int64_t now_us) {
  while (!timers_.empty() && timers_.begin()->first <= now_us) {
    auto timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    places_.erase(timer.id);
    timer.function();
  }
}

std::int64_t Timers::next_us() const {
  return timers_.empty() ? std::numeric_limits<std::int64_t>::max() : timers_.begin()->first;
}

}  // namespace sojourn

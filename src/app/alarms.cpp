#include "app/alarms.h"

#include <iterator>
#include <utility>

namespace sojourn {

void Alarms::set(std::int64_t us, std::function<void()> function) {
  auto& alarm = alarms_.emplace_back(*this, std::move(function));
  alarm.place = std::prev(alarms_.end());
  wheel_.arm(alarm.timer, loop_.now().steady_us + us);
}

void Alarms::ring(Alarm const& alarm) {
  auto const function = alarm.function;
  alarms_.erase(alarm.place);
  function();
}

}  // namespace sojourn

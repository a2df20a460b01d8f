// Waiting until an action has had its effect, by what the browser tells: a navigation that it began, requests, changes
// of the document. Invariant: a page in which nothing happens is not waited for, and no page for longer than the caps.
// The browser thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "browser/hands.h"
#include "browser/navigation.h"
#include "browser/pointer.h"
#include "browser/tab.h"
#include "browser/traffic.h"

namespace sojourn {

// How things stood before the action.
struct Before {
  Traffic::Mark mark = 0;
  std::uint64_t document = 0;  // of the page
};

class Settling {
 public:
  static constexpr std::int64_t requests_us_max = 1'500'000;
  static constexpr std::int64_t readable_us_max = 5'000'000;  // of a page that was gone to
  static constexpr double changes_ms_max = 300;
  static constexpr double still_ms = 25;

  explicit Settling(Hands& hands) : hands_(hands), tab_(hands.tab()), navigation_(hands.tab()) {}

  Before before() const;
  // `frame_id`: where the action was done. A page that was gone to and can't be read in time is said in Tab::aside.
  // Errors: Code::ended; Code::crashed.
  Task<Result<>> settle(Before before, std::string frame_id, Impact impact, std::int64_t deadline_us);

 private:
  // Went somewhere else, and arrived.
  Task<Result<bool>> follow(Before before, std::int64_t deadline_us);

  Hands& hands_;
  Tab& tab_;
  Navigation navigation_;
};

}  // namespace sojourn

// How many messages one peer may send: each takes its price from a bucket that refills with time. A value; the loop's
// thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/limits.h"

namespace sojourn {

class Bucket {
 public:
  // Whether one more is within the limits.
  bool take(Limits const& limits, std::int64_t now_us) {
    if (limits.messages_per_s == 0) return true;
    auto const price_us = 1'000'000 / limits.messages_per_s;
    auto const full_at_us = std::max(full_at_us_, now_us) + price_us;
    if (full_at_us - now_us > limits.message_burst * price_us) return false;
    full_at_us_ = full_at_us;
    return true;
  }

 private:
  std::int64_t full_at_us_ = 0;  // when it is full again; steady clock
};

}  // namespace sojourn

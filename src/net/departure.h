// How a server that ends lets its peers go: one after another, and each with a moment of its own to come back, so that
// whoever takes over is not overrun. A value without a socket; the clock is an argument. The loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace sojourn {

// What a peer hears at the end.
struct Farewell {
  std::string_view reason;    // lives as long as the departure
  std::int64_t retry_ms = 0;  // when to come back; 0 = as it likes
};

class Departure {
 public:
  // Over at most `window_us`, and less for few peers; 0 = all at once, and nobody is told when to come back.
  Departure(std::string_view reason, std::vector<std::uint64_t> peers, std::int64_t now_us, std::int64_t window_us);

  // Whose turn has come since it was asked last. The view lives until the next call.
  std::span<std::uint64_t const> take_due(std::int64_t now_us);
  // When there is more; INT64_MAX = never.
  std::int64_t next_us() const;
  // When the last one's turn has come.
  std::int64_t end_us() const { return from_us_ + window_us_; }
  Farewell farewell();

 private:
  struct Hint {
    std::string reason;
    std::int64_t retry_ms = 0;
  };

  std::vector<std::uint64_t> peers_;
  std::size_t gone_ = 0;
  std::int64_t from_us_;
  std::int64_t window_us_;
  std::array<Hint, 32> hints_;  // reasons have to stay where they are
  Random random_;
};

}  // namespace sojourn

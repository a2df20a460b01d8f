#include "net/departure.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace sojourn {
namespace {

// Fewer than would take the whole window go this far apart.
constexpr std::int64_t apart_us = 2'000;
constexpr std::int64_t look_us = 10'000;
// Nobody comes back sooner, nor few at once: a server takes a moment to start.
constexpr std::int64_t retry_ms_min = 500;
constexpr std::int64_t spread_us_min = 1'000'000;

}  // namespace

Departure::Departure(std::string_view reason, std::vector<std::uint64_t> peers, std::int64_t now_us,
                     std::int64_t window_us)
    : peers_(std::move(peers)),
      from_us_(now_us),
      window_us_(std::min(window_us, static_cast<std::int64_t>(peers_.size()) * apart_us)) {
  auto const spread_ms = std::min(window_us, std::max(window_us_, spread_us_min)) / 1000;
  for (std::size_t i = 0; i < hints_.size(); ++i) {
    auto& hint = hints_[i];
    hint.reason = reason;
    if (window_us == 0) continue;
    hint.retry_ms = retry_ms_min + spread_ms * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(hints_.size());
    hint.reason += "; retry in " + std::to_string(hint.retry_ms) + " ms";
  }
}

std::span<std::uint64_t const> Departure::take_due(std::int64_t now_us) {
  auto const passed_us = std::clamp<std::int64_t>(now_us - from_us_, 0, window_us_);
  auto const all = static_cast<std::int64_t>(peers_.size());
  auto const due = window_us_ == 0 ? peers_.size() : static_cast<std::size_t>(all * passed_us / window_us_);
  auto const first = std::exchange(gone_, std::max(gone_, due));
  return std::span(peers_).subspan(first, gone_ - first);
}

std::int64_t Departure::next_us() const {
  if (gone_ == peers_.size()) return std::numeric_limits<std::int64_t>::max();
  auto const share = window_us_ * static_cast<std::int64_t>(gone_) / static_cast<std::int64_t>(peers_.size());
  return std::min(from_us_ + share + look_us, from_us_ + window_us_);
}

Farewell Departure::farewell() {
  std::array<unsigned char, 1> byte{};
  random_.fill(byte);
  auto const& hint = hints_[byte[0] % hints_.size()];
  return {hint.reason, hint.retry_ms};
}

}  // namespace sojourn

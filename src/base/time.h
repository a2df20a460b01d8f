// Time as values: a Moment carries the steady clock (for deadlines) and UTC (for people), both in microseconds.
// A Clock is passed in, never global; a fixed one makes the core deterministic in tests. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn {

struct Moment {
  std::int64_t steady_us = 0;
  std::int64_t utc_us = 0;
};

class Clock {
 public:
  // Reads the machine's clocks.
  Clock() = default;
  // Reads `source` whenever asked; it must outlive the clock.
  explicit Clock(Moment const& source) : source_(&source) {}

  Moment now() const;

 private:
  Moment const* source_ = nullptr;
};

// 2026-02-24T19:22:16.015Z
std::string to_iso_ms(std::int64_t utc_us);

// 2026-02-24T19:22:16.015123Z
std::string to_iso_us(std::int64_t utc_us);

// UTC, in microseconds, of a time such as 2026-02-24T19:22:16, with or without a fraction of the second, of which six
// digits count, and Z or an offset such as +01:00 (RFC 3339, section 5.6); without either it is UTC. Nothing of any
// other text.
std::optional<std::int64_t> from_iso(std::string_view text);

// Tue, 24 Feb 2026 19:22:16 GMT (RFC 9110, section 5.6.7)
std::string to_http_date(std::int64_t utc_us);

inline std::int64_t to_ms(std::int64_t us) { return us / 1000; }

}  // namespace sojourn

#pragma once
// Facts of the wire in the words of people: moments as ages, User-Agent headers as browsers.
// Invariant: any input gives some words. Thread: any; pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn {

// Microseconds since 1970 of 2026-02-24T19:22:16.015Z or 2026-02-24T19:22:16.015123Z; nullopt for any other form.
[[nodiscard]] std::optional<std::int64_t> parse_iso(std::string_view text);

// Seconds of 90s, 30m, 1h or 7d; nullopt for any other form, and for more than 100 years.
[[nodiscard]] std::optional<std::int64_t> parse_duration_s(std::string_view text);

// "just now", "12 s ago", "2 min ago", "3 h ago", "5 days ago". Nothing is ever in the future: clocks differ.
[[nodiscard]] std::string describe_age(std::int64_t age_us);

// "in 12 s", "in 59 min", "in 3 h", "in 5 days"; "now" for what is over.
[[nodiscard]] std::string describe_wait(std::int64_t left_us);

// "Chrome 156 on Linux", as far as the header tells; otherwise its own beginning.
[[nodiscard]] std::string describe_browser(std::string_view user_agent);

}  // namespace sojourn

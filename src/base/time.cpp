#include "base/time.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace sojourn {

Moment Clock::now() const {
  if (source_ != nullptr) return *source_;
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  return Moment{duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(),
                duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::string to_iso_ms(std::int64_t utc_us) {
  std::int64_t const ms = utc_us / 1000;
  std::time_t const seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  int const size = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                                 static_cast<int>(ms % 1000));
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string to_http_date(std::int64_t utc_us) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::time_t const seconds = static_cast<std::time_t>(utc_us / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  int const size = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                 months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                                 parts.tm_min, parts.tm_sec);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace sojourn

#include "base/time.h"

#include <array>
#include <chrono>
#include <string_view>

namespace sojourn {
namespace {

// Broken-down UTC, without a C library's locks and locale.
struct Parts {
  explicit Parts(std::int64_t utc_us) {
    using std::chrono::floor;
    std::chrono::sys_time<std::chrono::microseconds> const at{std::chrono::microseconds(utc_us)};
    auto const day = floor<std::chrono::days>(at);
    date = day;
    weekday = std::chrono::weekday(day).c_encoding();
    clock = std::chrono::hh_mm_ss(at - day);
  }
  std::chrono::year_month_day date;
  unsigned weekday = 0;
  std::chrono::hh_mm_ss<std::chrono::microseconds> clock;
};

void append_number(std::string& out, std::int64_t number, int digits) {
  std::array<char, 20> text{};
  for (int i = digits; i > 0; --i, number /= 10)
    text[static_cast<std::size_t>(i - 1)] = static_cast<char>('0' + number % 10);
  out.append(text.data(), static_cast<std::size_t>(digits));
}

void append_clock(std::string& out, Parts const& parts) {
  append_number(out, parts.clock.hours().count(), 2);
  out += ':';
  append_number(out, parts.clock.minutes().count(), 2);
  out += ':';
  append_number(out, parts.clock.seconds().count(), 2);
}

// 2026-02-24T19:22:16.
std::string to_iso_seconds(Parts const& parts) {
  std::string out;
  out.reserve(27);
  append_number(out, static_cast<int>(parts.date.year()), 4);
  out += '-';
  append_number(out, static_cast<unsigned>(parts.date.month()), 2);
  out += '-';
  append_number(out, static_cast<unsigned>(parts.date.day()), 2);
  out += 'T';
  append_clock(out, parts);
  return out += '.';
}

}  // namespace

Moment Clock::now() const {
  if (source_ != nullptr) return *source_;
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  return Moment{duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(),
                duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::string to_iso_ms(std::int64_t utc_us) {
  Parts const parts(utc_us);
  auto out = to_iso_seconds(parts);
  append_number(out, parts.clock.subseconds().count() / 1000, 3);
  return out += 'Z';
}

std::string to_iso_us(std::int64_t utc_us) {
  Parts const parts(utc_us);
  auto out = to_iso_seconds(parts);
  append_number(out, parts.clock.subseconds().count(), 6);
  return out += 'Z';
}

std::string to_http_date(std::int64_t utc_us) {
  constexpr std::string_view days = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  Parts const parts(utc_us);
  std::string out(days.substr(std::size_t{parts.weekday} * 3, 3));
  out += ", ";
  append_number(out, static_cast<unsigned>(parts.date.day()), 2);
  out += ' ';
  out += months.substr((static_cast<unsigned>(parts.date.month()) - std::size_t{1}) * 3, 3);
  out += ' ';
  append_number(out, static_cast<int>(parts.date.year()), 4);
  out += ' ';
  append_clock(out, parts);
  return out += " GMT";
}

}  // namespace sojourn

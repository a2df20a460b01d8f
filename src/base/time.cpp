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

// Digits from the left, into a place that is large enough; returns what is behind them.
char* write_number(char* place, unsigned number, int digits) {
  for (int i = digits; i > 0; --i, number /= 10) place[i - 1] = static_cast<char>('0' + number % 10);
  return place + digits;
}

char* write_clock(char* place, Parts const& parts) {
  place = write_number(place, static_cast<unsigned>(parts.clock.hours().count()), 2);
  *place++ = ':';
  place = write_number(place, static_cast<unsigned>(parts.clock.minutes().count()), 2);
  *place++ = ':';
  return write_number(place, static_cast<unsigned>(parts.clock.seconds().count()), 2);
}

// 2026-02-24T19:22:16.
char* write_iso_seconds(char* place, Parts const& parts) {
  place = write_number(place, static_cast<unsigned>(static_cast<int>(parts.date.year())), 4);
  *place++ = '-';
  place = write_number(place, static_cast<unsigned>(parts.date.month()), 2);
  *place++ = '-';
  place = write_number(place, static_cast<unsigned>(parts.date.day()), 2);
  *place++ = 'T';
  place = write_clock(place, parts);
  *place++ = '.';
  return place;
}

// Takes what a time is written of off the front of a text; once something is wrong it stays so.
struct Reader {
  std::string_view rest;
  bool good = true;

  bool has(char c) const { return !rest.empty() && rest.front() == c; }
  bool skip(char c) {
    bool const found = has(c);
    if (found) rest.remove_prefix(1);
    return found;
  }
  void expect(char c) { good = skip(c) && good; }
  bool has_digit() const { return !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; }
  int digit() {
    good = good && has_digit();
    if (!good) return 0;
    int const value = rest.front() - '0';
    rest.remove_prefix(1);
    return value;
  }
  int number(int digits, int most) {
    int value = 0;
    for (int i = 0; i < digits; ++i) value = value * 10 + digit();
    good = good && value <= most;
    return value;
  }
};

// Of the second, in microseconds.
std::int64_t read_fraction(Reader& reader) {
  std::int64_t value = 0;
  int digits = 0;
  do {
    int const next = reader.digit();
    if (digits < 6) value = value * 10 + next;
    ++digits;
  } while (reader.good && reader.has_digit());
  for (; digits < 6; ++digits) value *= 10;
  return value;
}

std::chrono::minutes read_offset(Reader& reader) {
  if (reader.rest.empty() || reader.skip('Z') || reader.skip('z')) return {};
  bool const is_west = reader.has('-');
  if (!reader.skip('+')) reader.expect('-');
  int const hours = reader.number(2, 23);
  reader.expect(':');
  std::chrono::minutes const offset(hours * 60 + reader.number(2, 59));
  return is_west ? -offset : offset;
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
  std::array<char, 32> text;
  auto* end = write_iso_seconds(text.data(), parts);
  end = write_number(end, static_cast<unsigned>(parts.clock.subseconds().count() / 1000), 3);
  *end++ = 'Z';
  return {text.data(), end};
}

std::string to_iso_us(std::int64_t utc_us) {
  Parts const parts(utc_us);
  std::array<char, 32> text;
  auto* end = write_iso_seconds(text.data(), parts);
  end = write_number(end, static_cast<unsigned>(parts.clock.subseconds().count()), 6);
  *end++ = 'Z';
  return {text.data(), end};
}

std::optional<std::int64_t> from_iso(std::string_view text) {
  using namespace std::chrono;
  Reader reader{text};
  year const y(reader.number(4, 9999));
  reader.expect('-');
  month const m(static_cast<unsigned>(reader.number(2, 12)));
  reader.expect('-');
  year_month_day const date(y, m, day(static_cast<unsigned>(reader.number(2, 31))));
  if (!reader.skip('T')) reader.expect('t');
  hours const h(reader.number(2, 23));
  reader.expect(':');
  minutes const min(reader.number(2, 59));
  reader.expect(':');
  seconds const s(reader.number(2, 59));
  microseconds const fraction(reader.skip('.') ? read_fraction(reader) : 0);
  auto const offset = read_offset(reader);
  if (!reader.good || !reader.rest.empty() || !date.ok()) return std::nullopt;
  sys_time<microseconds> const at = sys_days(date) + h + min + s + fraction - offset;
  return at.time_since_epoch().count();
}

std::string to_http_date(std::int64_t utc_us) {
  constexpr std::string_view days = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  Parts const parts(utc_us);
  std::array<char, 32> text;
  auto* end = days.substr(std::size_t{parts.weekday} * 3, 3).copy(text.data(), 3) + text.data();
  end += std::string_view(", ").copy(end, 2);
  end = write_number(end, static_cast<unsigned>(parts.date.day()), 2);
  *end++ = ' ';
  end += months.substr((static_cast<unsigned>(parts.date.month()) - std::size_t{1}) * 3, 3).copy(end, 3);
  *end++ = ' ';
  end = write_number(end, static_cast<unsigned>(static_cast<int>(parts.date.year())), 4);
  *end++ = ' ';
  end = write_clock(end, parts);
  end += std::string_view(" GMT").copy(end, 4);
  return {text.data(), end};
}

}  // namespace sojourn

#include "app/words.h"

#include <array>
#include <chrono>
#include <utility>

namespace sojourn {
namespace {

// The callers bound the length, so it can't overflow.
std::optional<std::int64_t> parse_digits(std::string_view text) {
  std::int64_t number = 0;
  for (char const c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::string describe_span(std::int64_t s) {
  if (s < 60) return std::to_string(s) + " s";
  if (s < 3600) return std::to_string(s / 60) + " min";
  if (s < 48 * 3600) return std::to_string(s / 3600) + " h";
  return std::to_string(s / (24 * 3600)) + " days";
}

struct Mark {
  std::string_view token;
  std::string_view name;
};

// In this order: every browser also claims to be those below it.
constexpr std::array products{
    Mark{"Edg/", "Edge"},
    Mark{"OPR/", "Opera"},
    Mark{"Vivaldi/", "Vivaldi"},
    Mark{"Firefox/", "Firefox"},
    Mark{"HeadlessChrome/", "Headless Chrome"},
    Mark{"Chrome/", "Chrome"},
    Mark{"Version/", "Safari"},
};
constexpr std::array systems{
    Mark{"Android", "Android"}, Mark{"iPhone", "iOS"},     Mark{"iPad", "iPadOS"}, Mark{"CrOS", "ChromeOS"},
    Mark{"Windows", "Windows"}, Mark{"Mac OS X", "macOS"}, Mark{"Linux", "Linux"},
};

}  // namespace

std::optional<std::int64_t> parse_iso(std::string_view text) {
  constexpr std::string_view ms_form = "0000-00-00T00:00:00.000Z";
  constexpr std::string_view us_form = "0000-00-00T00:00:00.000000Z";
  auto const form = text.size() == ms_form.size() ? ms_form : us_form;
  if (text.size() != form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '0' && text[i] != form[i]) return std::nullopt;
  }
  auto const year = parse_digits(text.substr(0, 4));
  auto const month = parse_digits(text.substr(5, 2));
  auto const day = parse_digits(text.substr(8, 2));
  auto const hour = parse_digits(text.substr(11, 2));
  auto const minute = parse_digits(text.substr(14, 2));
  auto const second = parse_digits(text.substr(17, 2));
  auto const fraction = parse_digits(text.substr(20, text.size() - 21));
  if (!year || !month || !day || !hour || !minute || !second || !fraction) return std::nullopt;
  std::chrono::year_month_day const date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::int64_t const days = std::chrono::sys_days(date).time_since_epoch().count();
  std::int64_t const seconds = ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
  return seconds * 1'000'000 + *fraction * (form == ms_form ? 1000 : 1);
}

std::optional<std::int64_t> parse_duration_s(std::string_view text) {
  constexpr std::int64_t s_max = std::int64_t{100} * 366 * 24 * 3600;
  if (text.size() < 2 || text.size() > 10) return std::nullopt;
  auto const count = parse_digits(text.substr(0, text.size() - 1));
  if (!count) return std::nullopt;
  std::int64_t unit_s = 0;
  for (auto const& [mark, s] : {std::pair{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 24 * 3600}}) {
    if (text.back() == mark) unit_s = s;
  }
  if (unit_s == 0 || *count > s_max / unit_s) return std::nullopt;
  return *count * unit_s;
}

std::string describe_age(std::int64_t age_us) {
  if (age_us < 2'000'000) return "just now";
  return describe_span(age_us / 1'000'000) + " ago";
}

std::string describe_wait(std::int64_t left_us) {
  if (left_us < 1'000'000) return "now";
  return "in " + describe_span(left_us / 1'000'000);
}

std::string describe_browser(std::string_view user_agent) {
  for (auto const& product : products) {
    auto const found = user_agent.find(product.token);
    if (found == std::string_view::npos) continue;
    auto const version = user_agent.substr(found + product.token.size());
    std::string text(product.name);
    auto const digits = version.substr(0, version.find_first_not_of("0123456789"));
    if (!digits.empty()) text += " " + std::string(digits);
    for (auto const& system : systems) {
      if (user_agent.find(system.token) != std::string_view::npos) return text + " on " + std::string(system.name);
    }
    return text;
  }
  return std::string(user_agent.substr(0, user_agent.find(' ')));
}

}  // namespace sojourn

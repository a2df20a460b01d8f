#include "app/words.h"

#include <array>
#include <chrono>

namespace sojourn {
namespace {

std::optional<int> parse_digits(std::string_view text) {
  int number = 0;
  for (char const c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
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

std::optional<std::int64_t> parse_iso_ms(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00.000Z";
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
  auto const ms = parse_digits(text.substr(20, 3));
  if (!year || !month || !day || !hour || !minute || !second || !ms) return std::nullopt;
  std::chrono::year_month_day const date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::int64_t const days = std::chrono::sys_days(date).time_since_epoch().count();
  std::int64_t const seconds = ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
  return (seconds * 1000 + *ms) * 1000;
}

std::string describe_age(std::int64_t age_us) {
  std::int64_t const s = age_us / 1'000'000;
  if (s < 2) return "just now";
  if (s < 60) return std::to_string(s) + " s ago";
  if (s < 3600) return std::to_string(s / 60) + " min ago";
  if (s < 48 * 3600) return std::to_string(s / 3600) + " h ago";
  return std::to_string(s / (24 * 3600)) + " days ago";
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

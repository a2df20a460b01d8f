#include "app/value.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sojourn {
namespace {

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (true) {
    auto const start = text.find_first_not_of(", \t");
    if (start == std::string_view::npos) return items;
    auto const end = std::min(text.find_first_of(", \t", start), text.size());
    items.emplace_back(text.substr(start, end - start));
    text.remove_prefix(end);
  }
}

}  // namespace

Error at(Setting const& setting, std::string_view what) {
  return error(Code::configuration, setting.where + ": " + std::string(what));
}

Error wrong_type(Setting const& setting, std::string_view wants) {
  constexpr std::array<std::string_view, 6> names{"this",          "text",   "a number",
                                                  "true or false", "a list", "a number with a fraction"};
  auto const* const foreign = std::get_if<Foreign>(&setting.value);
  std::string const got = foreign != nullptr ? foreign->what : std::string(names[setting.value.index()]);
  return at(setting, setting.key + " must be " + std::string(wants) + ", not " + got);
}

Result<std::vector<std::string>> to_list(Setting const& setting, std::string_view wants) {
  if (auto const* const untyped = std::get_if<Untyped>(&setting.value)) return split_list(untyped->text);
  if (auto const* const list = std::get_if<std::vector<std::string>>(&setting.value)) return *list;
  return wrong_type(setting, wants);
}

Result<std::string> to_word(Setting const& setting) {
  if (auto const* const untyped = std::get_if<Untyped>(&setting.value)) return untyped->text;
  if (auto const* const text = std::get_if<std::string>(&setting.value)) return *text;
  return wrong_type(setting, "text in quotes");
}

Result<bool> to_truth(Setting const& setting) {
  if (auto const* const flag = std::get_if<bool>(&setting.value)) return *flag;
  auto const* const untyped = std::get_if<Untyped>(&setting.value);
  if (untyped == nullptr) return wrong_type(setting, "true or false");
  if (untyped->text == "true" || untyped->text == "1") return true;
  if (untyped->text == "false" || untyped->text == "0") return false;
  return at(setting, setting.key + " must be true or false, not \"" + untyped->text + "\"");
}

std::optional<double> to_number(Setting const& setting) {
  if (auto const* const whole = std::get_if<std::int64_t>(&setting.value)) return static_cast<double>(*whole);
  if (auto const* const number = std::get_if<double>(&setting.value)) return *number;
  auto const* const untyped = std::get_if<Untyped>(&setting.value);
  if (untyped == nullptr) return std::nullopt;
  double number = 0;
  auto const* const end = untyped->text.data() + untyped->text.size();
  auto const [stop, ec] = std::from_chars(untyped->text.data(), end, number);
  return ec == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

Result<std::int64_t> to_whole(Setting const& setting, std::int64_t least, std::int64_t most) {
  std::string const bounds = std::to_string(least) + " to " + std::to_string(most);
  std::int64_t number = 0;
  if (auto const* const typed = std::get_if<std::int64_t>(&setting.value)) {
    number = *typed;
  } else {
    auto const* const untyped = std::get_if<Untyped>(&setting.value);
    if (untyped == nullptr) return wrong_type(setting, "a whole number from " + bounds);
    auto const* const end = untyped->text.data() + untyped->text.size();
    auto const [stop, ec] = std::from_chars(untyped->text.data(), end, number);
    if (ec != std::errc() || stop != end) {
      return at(setting, setting.key + " must be a whole number from " + bounds + ", not \"" + untyped->text + "\"");
    }
  }
  if (number < least || number > most) {
    return at(setting, setting.key + " is " + std::to_string(number) + " but must be from " + bounds);
  }
  return number;
}

}  // namespace sojourn

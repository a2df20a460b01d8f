#include "api/function_input.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "api/api.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::size_t noted_url_bytes_max = 512;
constexpr std::int64_t turn_ms = 30'000;  // for other calls of the session before it, and what follows the action

boost::json::string_view key(std::string_view name) { return {name.data(), name.size()}; }

std::string list_of(std::span<std::string_view const> words, std::string_view last) {
  std::string out;
  for (auto const word : words) {
    if (!out.empty()) out.append(word == words.back() ? last : ", ");
    out += word;
  }
  return out;
}

std::optional<std::int64_t> whole_number(json::value const& value) {
  if (value.is_int64()) return value.get_int64();
  constexpr double exact_max = 9'007'199'254'740'992.0;
  if (!value.is_double() || std::abs(value.get_double()) > exact_max) return std::nullopt;
  auto const number = static_cast<std::int64_t>(value.get_double());
  if (static_cast<double>(number) != value.get_double()) return std::nullopt;
  return number;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_letter_or_digit(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

// A language tag: parts of letters and digits, the first of letters alone.
bool is_language(std::string_view text) {
  constexpr std::size_t bytes_max = 35;
  bool const has_empty_part = text.find("--") != text.npos || text.ends_with('-');
  auto const first = text.substr(0, text.find('-'));
  return text.size() <= bytes_max && !has_empty_part && first.size() >= 2 && std::ranges::all_of(first, is_letter) &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

// A name such as the time zone database has.
bool is_time_zone(std::string_view text) {
  constexpr std::size_t bytes_max = 64;
  constexpr std::string_view others = "_/+-";
  bool const is_short = !text.empty() && text.size() <= bytes_max;
  return is_short && text.front() != '/' && text.back() != '/' &&
         std::ranges::all_of(text, [&](char c) { return is_letter_or_digit(c) || others.find(c) != others.npos; });
}

// What `value` has to be, or nothing when it is that; numbers become whole ones.
std::string check_text(FunctionField const& field, std::string_view text) {
  if (text.size() > static_cast<std::size_t>(field.most))
    return "has to be a text of at most " + std::to_string(field.most) + " bytes";
  if (field.type == FieldType::line && has_control_character(text))
    return "has to be a text of one line, without control characters";
  return {};
}

std::string check_integer(FunctionField const& field, json::value& value) {
  auto const number = whole_number(value);
  bool const is_good = number && *number >= field.least && *number <= field.most;
  if (is_good) value = *number;
  return is_good ? std::string()
                 : "has to be a whole number from " + std::to_string(field.least) + " to " + std::to_string(field.most);
}

std::string check_files(FunctionField const& field, json::value const& value) {
  auto const is_file = [](json::value const& each) { return each.is_string() || each.is_object(); };
  bool const is_list = value.is_array() && value.get_array().size() <= static_cast<std::size_t>(field.most) &&
                       std::ranges::all_of(value.get_array(), is_file);
  if (is_list) return {};
  return "has to be a list of at most " + std::to_string(field.most) + " paths or file objects";
}

std::string check(FunctionField const& field, json::value& value) {
  auto const text = value.is_string() ? std::string_view(value.get_string()) : std::string_view();
  switch (field.type) {
    case FieldType::text:
    case FieldType::line:
      return value.is_string() ? check_text(field, text) : "has to be a text";
    case FieldType::language:
      return is_language(text) ? "" : "has to be a language tag such as de-DE";
    case FieldType::time_zone:
      return is_time_zone(text) ? "" : "has to be the name of a time zone such as Europe/Berlin";
    case FieldType::integer:
      return check_integer(field, value);
    case FieldType::boolean:
      return value.is_bool() ? "" : "has to be true or false";
    case FieldType::choice:
      if (value.is_string() && std::ranges::find(field.choices, text) != field.choices.end()) return {};
      return "has to be " + list_of(field.choices, " or ");
    case FieldType::files:
      return check_files(field, value);
  }
  return {};
}

json::value default_of(FunctionField const& field) { return *json::parse(field.default_json); }

// Why `given` has a member that is not in the table.
Result<> refuse_unknown(json::object const& given, std::span<FunctionField const> fields, std::string_view prefix) {
  constexpr std::size_t name_bytes_max = 64;
  for (auto const& [name, value] : given) {
    if (std::ranges::find(fields, std::string_view(name), &FunctionField::name) != fields.end()) continue;
    std::string known;
    for (auto const& field : fields) known.append(known.empty() ? "" : ", ").append(field.name);
    auto const shown = std::string(prefix) + std::string(std::string_view(name).substr(0, name_bytes_max));
    return wrong_field("body", shown, "is not known here; " + (known.empty() ? "nothing is" : "known are " + known));
  }
  return {};
}

Result<json::object> read_fields(std::span<FunctionField const> fields, json::object const& given,
                                 std::string_view prefix) {
  if (auto const known = refuse_unknown(given, fields, prefix); !known) return known.error();
  json::object input;
  for (auto const& field : fields) {
    auto const* const value = given.if_contains(key(field.name));
    bool const is_given = value != nullptr && !value->is_null();
    if (!is_given && field.is_required)
      return wrong_field("body", std::string(prefix).append(field.name), "has to be given");
    if (!is_given) {
      // What a session's browser is stays as it is.
      input[key(field.name)] = field.is_of_session ? json::value() : default_of(field);
      continue;
    }
    auto taken = *value;
    if (auto const wrong = check(field, taken); !wrong.empty())
      return wrong_field("body", std::string(prefix).append(field.name), wrong);
    input[key(field.name)] = std::move(taken);
  }
  return input;
}

// "http://name:word@host:port" says by itself who it is for; what is said beside it counts more.
Result<> read_proxy(json::object& input, std::string_view prefix) {
  auto const url = std::string(json::find_string(input, "proxy_url"));
  if (url.empty()) return {};
  constexpr std::array<std::string_view, 4> schemes{"http", "https", "socks4", "socks5"};
  auto const colon = url.find("://");
  auto const scheme = colon == url.npos ? std::string("http") : url.substr(0, colon);
  auto host = colon == url.npos ? url : url.substr(colon + 3);
  if (auto const at = host.rfind('@'); at != host.npos) {
    std::string_view password = std::string_view(host).substr(0, at);
    auto const name = password.substr(0, password.find(':'));
    password.remove_prefix(std::min(name.size() + 1, password.size()));
    for (auto const& [member, word] : {std::pair{"proxy_username", name}, std::pair{"proxy_password", password}})
      if (json::find_string(input, member).empty() && !word.empty()) input[member] = decode_segment(word);
    host.erase(0, at + 1);
  }
  while (host.ends_with('/')) host.pop_back();
  bool const is_host = !host.empty() && host.find_first_of(" ,;/?#\\\"'<>") == host.npos;
  if (!is_host || std::ranges::find(schemes, scheme) == schemes.end())
    return wrong_field("body", std::string(prefix) + "proxy_url",
                       "has to be http://, https://, socks4:// or socks5:// with HOST:PORT");
  input["proxy_url"] = scheme + "://" + host;
  return {};
}

std::string noted_url(std::string_view url) {
  if (url.starts_with("data:")) return std::string(url.substr(0, std::min(url.find(','), std::size_t{64})));
  auto out = without_credentials(url);
  if (out.size() <= noted_url_bytes_max) return out;
  std::size_t cut = noted_url_bytes_max;
  while (cut > 0 && (out[cut] & 0xC0) == 0x80) --cut;  // not inside of a character
  return out.substr(0, cut) + "...";
}

std::int64_t number_of(json::object const& input, std::string_view name, std::int64_t otherwise) {
  auto const* const value = input.if_contains(key(name));
  return value != nullptr && value->is_int64() ? value->get_int64() : otherwise;
}

bool flag_of(json::object const& input, std::string_view name) {
  auto const* const value = input.if_contains(key(name));
  return value != nullptr && value->is_bool() && value->get_bool();
}

// As documented; see the action's own limits in the browser.
std::int64_t action_ms(json::object const& input) {
  constexpr std::array<std::string_view, 6> quick{"click", "dblclick", "fill", "hover", "check", "uncheck"};
  auto const action = json::find_string(input, "action");
  if (action == "wait") return number_of(input, "wait_ms", 0);
  return std::ranges::find(quick, action) != quick.end() ? 5'000 : 30'000;
}

}  // namespace

Result<json::object> read_input(Function function, json::object const& given) {
  auto input = read_fields(row(function).input, given, "");
  if (!input || function != Function::open) return input;
  if (auto const proxy = read_proxy(*input, ""); !proxy) return proxy.error();
  return input;
}

BrowserWish to_wish(json::object const& input) {
  auto const text = [&](std::string_view name) { return std::string(json::find_string(input, name)); };
  BrowserWish wish;
  wish.width = number_of(input, "width", wish.width);
  wish.height = number_of(input, "height", wish.height);
  wish.user_agent = text("user_agent");
  wish.locale = text("locale");
  wish.time_zone = text("time_zone");
  wish.proxy_url = text("proxy_url");
  wish.proxy_username = text("proxy_username");
  wish.proxy_password = text("proxy_password");
  wish.is_alone = text("isolation") == "process";
  wish.is_full = text("browser") == "full";
  wish.records_video = flag_of(input, "record_video");
  wish.shows_cursor = flag_of(input, "show_cursor");
  return wish;
}

Result<BrowserWish> read_wish(json::object const& given) {
  std::vector<FunctionField> fields;
  std::ranges::copy_if(row(Function::open).input, std::back_inserter(fields), &FunctionField::is_of_session);
  constexpr std::string_view prefix = "browser.";
  auto input = read_fields(fields, given, prefix);
  if (!input) return input.error();
  if (auto const proxy = read_proxy(*input, prefix); !proxy) return proxy.error();
  return to_wish(*input);
}

std::string note_of(Function function, json::object const& input) {
  json::object note;
  for (auto const& field : row(function).input) {
    auto const* const value = input.if_contains(key(field.name));
    if (!field.is_logged || value == nullptr || value->is_null() || *value == default_of(field)) continue;
    if (field.name == "url")
      note["url"] = noted_url(value->get_string());
    else
      note[key(field.name)] = *value;
  }
  return json::to_text(note);
}

std::int64_t timeout_us_of(Function function, json::object const& input) {
  std::int64_t own_ms = 0;
  if (function == Function::open || function == Function::execute) own_ms = number_of(input, "timeout_ms", 30'000);
  if (function == Function::interact) own_ms = number_of(input, "timeout_ms", action_ms(input));
  return (own_ms + turn_ms) * 1000;
}

}  // namespace sojourn

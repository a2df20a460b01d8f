#include "api/session_wish.h"

#include <algorithm>
#include <array>
#include <optional>

#include "api/api.h"
#include "api/function_input.h"

namespace sojourn {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t minute_us = 60 * second_us;
constexpr std::int64_t timeout_minutes_max = 1440;
constexpr std::int64_t browser_timeout_s_max = 3600;
constexpr std::int64_t life_s_max = 7 * 86'400;
constexpr std::size_t client_id_chars_max = 255;
constexpr std::size_t type_bytes_max = 128;
constexpr std::size_t metadata_bytes_max = 16 * 1024;

Error wrong(std::string_view name, std::string_view what) { return wrong_field("body", name, what); }

// Of UTF-8: every byte that does not continue a character begins one.
std::size_t count_chars(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// A member that is there; null is as good as absent.
json::value const* find(json::object const& body, std::string_view name) {
  auto const* const value = body.if_contains(boost::json::string_view(name.data(), name.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

// 0 = it is not there.
Result<std::int64_t> read_whole(json::object const& body, std::string_view name, std::int64_t most) {
  auto const* const value = find(body, name);
  if (value == nullptr) return 0;
  if (value->is_int64() && value->get_int64() >= 1 && value->get_int64() <= most) return value->get_int64();
  return wrong(name, "has to be a whole number from 1 to " + std::to_string(most));
}

Result<SessionKind> read_kind(json::object const& body) {
  auto const* const kind = find(body, "kind");
  if (kind == nullptr) return SessionKind::shared;
  auto const word = json::find_string(body, "kind");
  if (word == "shared") return SessionKind::shared;
  if (word == "browser") return SessionKind::browser;
  return wrong("kind", "of a session that is opened here has to be shared or browser");
}

Result<> read_traits(json::object const& body, SessionWish& wish) {
  if (auto const* const id = find(body, "client_id")) {
    if (!id->is_string() || id->get_string().empty() || count_chars(id->get_string()) > client_id_chars_max)
      return wrong("client_id", "has to be a text of 1 to 255 characters");
    wish.client_id = std::string(id->get_string());
  }
  if (auto const* const type = find(body, "session_type")) {
    if (!type->is_string() || type->get_string().size() > type_bytes_max)
      return wrong("session_type", "has to be a text of at most 128 characters");
    wish.type = std::string(type->get_string());
  }
  for (auto const& [name, place] : {std::pair{"metadata", &wish.metadata}, std::pair{"state", &wish.state}}) {
    auto const* const value = find(body, name);
    if (value == nullptr) continue;
    if (!value->is_object()) return wrong(name, "has to be an object");
    *place = json::to_text(*value);
    if (place == &wish.metadata && place->size() > metadata_bytes_max)
      return error(Code::too_large, "metadata has at most 16 KiB; a state has room for more");
  }
  return {};
}

Result<> read_browser(json::object const& body, SessionWish& wish) {
  auto const life_s = read_whole(body, "max_life_s", life_s_max);
  if (!life_s) return life_s.error();
  wish.life_us = *life_s * second_us;
  auto const* const given = find(body, "browser");
  if (given == nullptr) return {};
  if (!given->is_object()) return wrong("browser", "has to be an object");
  auto browser = read_wish(given->get_object());
  if (!browser) return browser.error();
  wish.browser = std::move(*browser);
  return {};
}

Result<> read_timeout(json::object const& body, SessionKind kind, SessionWish& wish) {
  bool const is_browser = kind == SessionKind::browser;
  auto const minutes =
      read_whole(body, "timeout_minutes", is_browser ? browser_timeout_s_max / 60 : timeout_minutes_max);
  if (!minutes) return minutes.error();
  wish.idle_us = *minutes * minute_us;
  auto const seconds = read_whole(body, "timeout_s", browser_timeout_s_max);
  if (!is_browser || find(body, "timeout_s") == nullptr) return {};
  if (!seconds) return seconds.error();
  if (*minutes != 0) return wrong("timeout_s", "has to be absent where timeout_minutes is there");
  wish.idle_us = *seconds * second_us;
  return {};
}

}  // namespace

Result<OpenSession> parse_open(json::object const& body) {
  OpenSession command;
  auto const kind = read_kind(body);
  if (!kind) return kind.error();
  command.kind = *kind;
  if (auto const traits = read_traits(body, command.wish); !traits) return traits.error();
  if (auto const timeout = read_timeout(body, *kind, command.wish); !timeout) return timeout.error();
  if (*kind == SessionKind::browser) {
    if (auto const browser = read_browser(body, command.wish); !browser) return browser.error();
    return command;
  }
  for (auto const* const name : {"browser", "max_life_s", "timeout_s"}) {
    if (find(body, name) != nullptr) return wrong(name, "is for a session of kind browser");
  }
  return command;
}

}  // namespace sojourn

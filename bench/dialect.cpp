#include "dialect.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "wire.h"

namespace bench {
namespace {

constexpr std::string_view plain_head = R"({"type":"m","data":{)";
constexpr std::string_view update_head = R"({"type":"contextual_update","text":"m","data":{)";
constexpr std::string_view ping = R"({"type":"ping"})";
constexpr std::string_view pong = R"({"type":"pong")";

constexpr std::array dialects{
    Dialect{"plain", "", "", "", plain_head, "", "", "", "", ""},
    Dialect{"session", "", R"({"type":"connected")", "", update_head, "", "", "", ping, pong},
    Dialect{"stream", "", R"({"type":"session.snapshot")", "", plain_head, "", "", "", ping, pong},
    Dialect{"socketio", "40", "40", R"(42["m",)", plain_head, "]", "2", "3", "", ""},
};

constexpr std::string_view mark = R"("number":1)";  // and eight digits: it never changes its length
constexpr std::size_t mark_digits = 8;

}  // namespace

Dialect const& find_dialect(std::string_view name) {
  auto const* const found = std::find_if(dialects.begin(), dialects.end(), [&](auto& it) { return it.name == name; });
  if (found == dialects.end()) fail("there is no dialect " + std::string(name));
  return *found;
}

std::string message_frame(Dialect const& dialect, std::size_t number, std::size_t size) {
  std::string const digits = std::to_string(number);
  std::string json(dialect.head);
  json.append(mark).append(mark_digits - digits.size(), '0').append(digits).append(R"(,"text":")");
  json.append(size - std::min(size, json.size() + 3), 'a').append("\"}}");
  return text_frame(std::string(dialect.before).append(json).append(dialect.after));
}

std::size_t find_number(std::string_view text) {
  // Messages of a run look alike: where the last one had its mark, this one has it too.
  static std::size_t last_at = 0;
  std::size_t at = last_at;
  if (text.size() < at || !text.substr(at).starts_with(mark)) at = text.find(mark);
  if (at == text.npos || text.size() < at + mark.size() + mark_digits) return none;
  last_at = at;
  std::string_view const digits = text.substr(at + mark.size(), mark_digits);
  std::size_t number = none;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : none;
}

}  // namespace bench

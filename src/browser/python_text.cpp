#include "browser/python_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sojourn {
namespace {

void append_hex(std::string& out, std::uint32_t code, int digits) {
  static constexpr std::string_view hex = "0123456789abcdef";
  for (int i = digits - 1; i >= 0; --i) out += hex[(code >> (4 * static_cast<unsigned>(i))) & 15U];
}

// One character of UTF-8 and how many bytes it has; a byte that begins none stands for itself.
struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
};

Character read_character(std::string_view text) {
  auto const first = static_cast<unsigned char>(text[0]);
  std::size_t const bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (bytes == 1 || text.size() < bytes) return {first, 1};
  std::uint32_t code = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {code, bytes};
}

// What Python prints as an escape though it is no control character: other blanks, invisible and private ones.
bool is_unprintable(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0xA0) || code == 0xAD || code == 0x061C || code == 0x06DD ||
         code == 0x070F || code == 0x1680 || code == 0x180E || (code >= 0x0600 && code <= 0x0605) ||
         (code >= 0x2000 && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F) ||
         (code >= 0x205F && code <= 0x206F) || code == 0x3000 || (code >= 0xD800 && code <= 0xF8FF) || code == 0xFEFF ||
         (code >= 0xFFF0 && code <= 0xFFFB) || (code & 0xFFFEU) == 0xFFFE || code >= 0xE0000;
}

void append_escape(std::string& out, std::uint32_t code) {
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += code <= 0xFF ? "\\x" : code <= 0xFFFF ? "\\u" : "\\U";
  append_hex(out, code, code <= 0xFF ? 2 : code <= 0xFFFF ? 4 : 8);
}

void append_repr(std::string& out, std::string_view text) {
  auto const is_double = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  auto const quote = is_double ? '"' : '\'';
  out += quote;
  while (!text.empty()) {
    auto const [code, bytes] = read_character(text);
    if (code == static_cast<unsigned char>(quote) || code == '\\') out += '\\';
    if (is_unprintable(code))
      append_escape(out, code);
    else
      out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  out += quote;
}

// The shortest digits that give the number back; as a power of ten from 1e+16 on and below 0.0001.
void append_float(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "nan";
    return;
  }
  if (std::isinf(number)) {
    out += number < 0 ? "-inf" : "inf";
    return;
  }
  auto const size = std::fabs(number);
  auto const is_plain = number == 0 || (size >= 1e-4 && size < 1e16);
  char digits[64];
  auto const end = std::to_chars(digits, digits + sizeof digits, number,
                                 is_plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string_view const text(digits, static_cast<std::size_t>(end - digits));
  out += text;
  if (is_plain && text.find('.') == std::string_view::npos) out += ".0";
}

// An array or object that is begun.
struct Open {
  json::value const* container;
  std::size_t next = 0;
};

void append_scalar(std::string& out, json::value const& value) {
  if (value.is_null()) {
    out += "None";
  } else if (auto const* const truth = value.if_bool()) {
    out += *truth ? "True" : "False";
  } else if (auto const* const whole = value.if_int64()) {
    out += std::to_string(*whole);
  } else if (auto const* const natural = value.if_uint64()) {
    out += std::to_string(*natural);
  } else if (auto const* const number = value.if_double()) {
    append_float(out, *number);
  } else if (auto const* const text = value.if_string()) {
    append_repr(out, *text);
  }
}

void append_value(std::string& out, json::value const& value, std::vector<Open>& open) {
  if (!value.is_array() && !value.is_object()) return append_scalar(out, value);
  out += value.is_array() ? '[' : '{';
  open.push_back({&value});
}

}  // namespace

std::optional<std::string> python_text(json::value const& value) {
  if (value.is_null()) return std::nullopt;
  if (auto const* const text = value.if_string()) return std::string(*text);
  std::string out;
  std::vector<Open> open;
  append_value(out, value, open);
  while (!open.empty()) {
    auto& [container, next] = open.back();
    auto const* const array = container->if_array();
    auto const* const object = container->if_object();
    if (next == (array != nullptr ? array->size() : object->size())) {
      out += array != nullptr ? ']' : '}';
      open.pop_back();
      continue;
    }
    if (next > 0) out += ", ";
    auto const at = next++;
    if (array != nullptr) {
      append_value(out, (*array)[at], open);
    } else {
      auto const& member = *(object->begin() + static_cast<std::ptrdiff_t>(at));
      append_repr(out, member.key());
      out += ": ";
      append_value(out, member.value(), open);
    }
  }
  return out;
}

}  // namespace sojourn

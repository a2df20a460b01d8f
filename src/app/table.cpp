#include "app/table.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace sojourn {
namespace {

struct Span {
  char32_t first;
  char32_t last;
};

// East Asian wide characters and pictographs (Unicode's property East_Asian_Width, coarsely).
constexpr std::array wide{Span{0x1100, 0x115F},   Span{0x2E80, 0x303E},   Span{0x3041, 0xA4CF},
                          Span{0xAC00, 0xD7A3},   Span{0xF900, 0xFAFF},   Span{0xFE30, 0xFE6F},
                          Span{0xFF00, 0xFF60},   Span{0xFFE0, 0xFFE6},   Span{0x1F300, 0x1F64F},
                          Span{0x1F680, 0x1F6FF}, Span{0x1F900, 0x1F9FF}, Span{0x20000, 0x3FFFD}};
// Characters that stand on or between others.
constexpr std::array narrow{Span{0x0300, 0x036F}, Span{0x200B, 0x200D}, Span{0x20D0, 0x20FF}, Span{0xFE00, 0xFE0F}};
// Controls of C1, marks of direction, separators of lines, the byte order mark, tags.
constexpr std::array unsafe{Span{0x0000, 0x001F}, Span{0x007F, 0x009F}, Span{0x061C, 0x061C}, Span{0x200E, 0x200F},
                            Span{0x2028, 0x202E}, Span{0x2066, 0x2069}, Span{0xFEFF, 0xFEFF}, Span{0xE0000, 0xE007F}};

template <std::size_t Count> bool contains(std::array<Span, Count> const& spans, char32_t c) {
  return std::any_of(spans.begin(), spans.end(), [c](Span const& s) { return c >= s.first && c <= s.last; });
}

// The bytes of the next character, 0 when `text` does not begin with one.
std::size_t next_size(std::string_view text) {
  for (std::size_t size = 1; size <= std::min<std::size_t>(4, text.size()); ++size) {
    if (is_utf8(text.substr(0, size))) return size;
  }
  return 0;
}

// `character` is one whole UTF-8 sequence.
char32_t decode(std::string_view character) {
  auto const first = static_cast<unsigned char>(character[0]);
  constexpr std::array<unsigned, 5> masks{0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t c = first & masks[character.size()];
  for (char const byte : character.substr(1)) c = (c << 6) | (static_cast<unsigned char>(byte) & 0x3FU);
  return c;
}

std::string to_hex(std::uint32_t number, std::size_t digits_min) {
  std::string text;
  while (number != 0 || text.size() < digits_min) {
    text.insert(text.begin(), "0123456789abcdef"[number & 15U]);
    number >>= 4;
  }
  return text;
}

std::string escape(char32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  return "\\u{" + to_hex(c, 2) + "}";
}

// JSON writes what lies beyond the first plane as two halves (RFC 8259, section 7).
std::string escape_json(char32_t c) {
  if (c < 0x10000) return "\\u" + to_hex(c, 4);
  c -= 0x10000;
  return "\\u" + to_hex(0xD800 + (c >> 10), 4) + "\\u" + to_hex(0xDC00 + (c & 0x3FFU), 4);
}

template <typename Escape, typename Broken>
std::string rewrite(std::string_view text, Escape escape_character, Broken escape_byte) {
  std::string out;
  while (!text.empty()) {
    std::size_t const size = next_size(text);
    if (size == 0) {
      out += escape_byte(static_cast<unsigned char>(text[0]));
    } else if (char32_t const c = decode(text.substr(0, size)); contains(unsafe, c)) {
      out += escape_character(c);
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(1, size));
  }
  return out;
}

std::size_t width(std::string_view character) {
  char32_t const c = decode(character);
  if (contains(narrow, c)) return 0;
  return contains(wide, c) ? 2 : 1;
}

}  // namespace

std::string visible(std::string_view text) {
  return rewrite(text, escape, [](unsigned char byte) { return "\\x" + to_hex(byte, 2); });
}

std::string visible_json(std::string_view text) {
  return rewrite(text, escape_json, [](unsigned char) { return std::string("\\ufffd"); });
}

std::size_t count_columns(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    std::size_t const size = std::max<std::size_t>(1, next_size(text));
    columns += width(text.substr(0, size));
    text.remove_prefix(size);
  }
  return columns;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (count_columns(text) <= columns) return std::string(text);
  std::string out;
  std::size_t used = 1;
  while (!text.empty()) {
    std::size_t const size = std::max<std::size_t>(1, next_size(text));
    used += width(text.substr(0, size));
    if (used > columns) break;
    out += text.substr(0, size);
    text.remove_prefix(size);
  }
  return out + "\u2026";
}

std::string to_text(Table const& table, std::size_t columns_max) {
  std::vector<std::vector<std::string>> lines{table.titles};
  for (auto const& row : table.rows) {
    auto& line = lines.emplace_back();
    for (auto const& cell : row) {
      bool const last = line.size() + 1 == table.titles.size();
      line.push_back(last ? visible(cell) : cut(visible(cell), columns_max));
    }
  }
  std::vector<std::size_t> widths(table.titles.size());
  for (auto const& line : lines) {
    for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], count_columns(line[i]));
  }
  std::string out;
  for (auto const& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i) {
      text += line[i];
      text.append(widths[i] - count_columns(line[i]) + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace sojourn

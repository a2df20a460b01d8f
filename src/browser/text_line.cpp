#include "browser/text_line.h"

#include <algorithm>

namespace sojourn {
namespace {

bool is_begin(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// Where the character that begins at `at` ends.
std::size_t end_of(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && !is_begin(text[end])) ++end;
  return end;
}

// As \s in JavaScript.
bool is_space(std::string_view character) {
  if (character.size() == 1) return character[0] == ' ' || (character[0] >= '\t' && character[0] <= '\r');
  if (character.size() == 2) return character == "\xC2\xA0";
  if (character.size() != 3) return false;
  if (character.starts_with("\xE2\x80")) {
    auto const last = static_cast<unsigned char>(character[2]);
    return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF;
  }
  return character == "\xE1\x9A\x80" || character == "\xE2\x81\x9F" || character == "\xE3\x80\x80" ||
         character == "\xEF\xBB\xBF";
}

}  // namespace

bool TextLine::add_character(std::string_view character) {
  if (is_space(character)) {
    has_gap_ = true;
    return true;
  }
  if (has_gap_ && !line_.empty()) {
    // A line does not end with a blank, so one that only the blank fits in is full.
    left_ = left_ > 1 ? left_ - 1 : 0;
    if (left_ == 0) return false;
    line_ += ' ';
  }
  has_gap_ = false;
  line_ += character;
  --left_;
  return left_ > 0;
}

void TextLine::add(std::string_view text) {
  for (std::size_t at = 0; at < text.size() && left_ > 0;) {
    auto const end = end_of(text, at);
    if (!add_character(text.substr(at, end - at))) return;
    at = end;
  }
}

std::string to_line(std::string_view text, std::size_t characters_max) {
  TextLine line(characters_max);
  line.add(text);
  return line.take();
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_begin));
}

std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size() && count-- > 0) at = end_of(text, at);
  return text.substr(0, at);
}

}  // namespace sojourn

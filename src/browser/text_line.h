// Text of a page as one line: white space collapsed, a number of characters at most, never cut inside of one. A value;
// any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sojourn {

class TextLine {
 public:
  explicit TextLine(std::size_t characters_max) : left_(characters_max) {}

  // `text` is UTF-8. What does not fit is left out.
  void add(std::string_view text);
  // What follows is another word.
  void part() { has_gap_ = true; }
  // Nothing more fits.
  bool is_full() const { return left_ == 0; }
  bool is_empty() const { return line_.empty(); }
  std::string take() { return std::move(line_); }

 private:
  bool add_character(std::string_view character);

  std::string line_;
  std::size_t left_;
  bool has_gap_ = false;
};

// The whole of `text` as one line.
std::string to_line(std::string_view text, std::size_t characters_max);

// How many characters UTF-8 text has.
std::size_t count_characters(std::string_view text);

// The first characters of it.
std::string_view first_characters(std::string_view text, std::size_t count);

}  // namespace sojourn

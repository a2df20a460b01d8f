#include "base/utf8.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sojourn {
namespace {

using namespace std::string_view_literals;

struct Row {
  std::string_view text;
  int failing_byte;  // index of the first bad byte; whole: valid; cut: valid so far, but may not end here
};

constexpr int whole = -1;
constexpr int cut = -2;

constexpr std::array rows = {
    Row{""sv, whole},
    Row{"\0"sv, whole},
    Row{"plain text of more than sixteen bytes"sv, whole},
    Row{"\u03ba\u1f79\u03c3\u03bc\u03b5"sv, whole},
    Row{"eight by\xC3\xA9te"sv, whole},
    Row{"seven b\xC3\xA9te"sv, whole},
    // first and last of each length
    Row{"\x7F"sv, whole},
    Row{"\xC2\x80"sv, whole},
    Row{"\xDF\xBF"sv, whole},
    Row{"\xE0\xA0\x80"sv, whole},
    Row{"\xEF\xBF\xBF"sv, whole},
    Row{"\xF0\x90\x80\x80"sv, whole},
    Row{"\xF4\x8F\xBF\xBF"sv, whole},
    // around the surrogates, and non-characters, which are valid
    Row{"\xED\x9F\xBF"sv, whole},
    Row{"\xEE\x80\x80"sv, whole},
    Row{"\xEF\xBF\xBE"sv, whole},
    Row{"\xEF\xB7\x90"sv, whole},
    Row{"\xF0\x9F\xBF\xBE"sv, whole},
    Row{"\xEF\xBB\xBFmark"sv, whole},
    // unfinished
    Row{"\xC2"sv, cut},
    Row{"\xE1"sv, cut},
    Row{"\xE1\x80"sv, cut},
    Row{"\xF1"sv, cut},
    Row{"\xF1\x80"sv, cut},
    Row{"\xF1\x80\x80"sv, cut},
    Row{"\xE0\xA0"sv, cut},
    Row{"\xED\x9F"sv, cut},
    Row{"\xF0\x90\x80"sv, cut},
    Row{"\xF4\x8F\xBF"sv, cut},
    Row{"abcdefgh\xF0\x9F\x98"sv, cut},
    // continuations without a lead
    Row{"\x80"sv, 0},
    Row{"\xBF"sv, 0},
    Row{"abcdefgh\x80"sv, 8},
    Row{"abcdefg\x80h"sv, 7},
    Row{"\xC2\x80\x80"sv, 2},
    // leads without their continuations
    Row{"\xC2 "sv, 1},
    Row{"\xC2\xC2"sv, 1},
    Row{"\xE1\x80 "sv, 2},
    Row{"\xE1\x80\xE1"sv, 2},
    Row{"\xF1\x80\x80 "sv, 3},
    Row{"\xF1\x80\x80\xC0"sv, 3},
    Row{"\xE1\x7F\x80"sv, 1},
    // bytes that never occur
    Row{"\xC0\x80"sv, 0},
    Row{"\xC1\xBF"sv, 0},
    Row{"\xF5\x80\x80\x80"sv, 0},
    Row{"\xF7\xBF\xBF\xBF"sv, 0},
    Row{"\xF8\x88\x80\x80\x80"sv, 0},
    Row{"\xFC\x84\x80\x80\x80\x80"sv, 0},
    Row{"\xFE"sv, 0},
    Row{"\xFF"sv, 0},
    // overlong forms
    Row{"\xE0\x80\x80"sv, 1},
    Row{"\xE0\x9F\xBF"sv, 1},
    Row{"\xF0\x80\x80\x80"sv, 1},
    Row{"\xF0\x8F\xBF\xBF"sv, 1},
    // surrogates, alone and in pairs
    Row{"\xED\xA0\x80"sv, 1},
    Row{"\xED\xBF\xBF"sv, 1},
    Row{"\xED\xA0\x80\xED\xB0\x80"sv, 1},
    // over U+10FFFF
    Row{"\xF4\x90\x80\x80"sv, 1},
    Row{"\u03ba\xF4\x90\x80\x80 edited"sv, 3},
};

// Index of the byte at which feeding one by one fails, or whole or cut.
int feed_bytewise(std::string_view text) {
  Utf8 validator;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!validator.feed(text.substr(at, 1))) return static_cast<int>(at);
  }
  return validator.complete() ? whole : cut;
}

// The reference: decodes by arithmetic, knows no state.
bool is_valid_naively(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    auto const lead = static_cast<unsigned char>(text[at]);
    std::size_t const ones = static_cast<std::size_t>(std::countl_one(lead));
    std::size_t const length = ones == 0 ? 1 : ones > 4 || ones == 1 ? 0 : ones;
    if (length == 0 || text.size() - at < length) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      auto const byte = static_cast<unsigned char>(text[at + i]);
      if ((byte & 0xC0) != 0x80) return false;
      point = point * 64 + (byte & 0x3F);
    }
    constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    at += length;
  }
  return true;
}

// Whether some continuation of at most three bytes makes the text valid.
bool is_hopeful(std::string const& text, int more = 3) {
  if (is_valid_naively(text)) return true;
  if (more == 0) return false;
  for (char const next : {'\x80', '\x8F', '\x90', '\x9F', '\xA0', '\xBF'}) {
    if (is_hopeful(text + next, more - 1)) return true;
  }
  return false;
}

int find_failing_byte_naively(std::string const& text) {
  for (std::size_t size = 1; size <= text.size(); ++size) {
    if (!is_hopeful(text.substr(0, size))) return static_cast<int>(size) - 1;
  }
  return is_valid_naively(text) ? whole : cut;
}

std::string make_random_text(std::mt19937& random) {
  static constexpr auto telling =
      "a\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF"sv;
  std::string text(random() % 12, 'x');
  for (auto count = random() % 8; count > 0; --count) {
    text += random() % 4 == 0 ? static_cast<char>(random() & 0xFF) : telling[random() % telling.size()];
    if (random() % 4 == 0) text += "\u20ac and more";
  }
  return text;
}

TEST(Utf8, RefusesEachSequenceAtItsFirstBadByte) {
  for (auto const& row : rows) {
    EXPECT_EQ(feed_bytewise(row.text), row.failing_byte) << testing::PrintToString(row.text);
    EXPECT_EQ(is_utf8(row.text), row.failing_byte == whole) << testing::PrintToString(row.text);
    EXPECT_EQ(find_failing_byte_naively(std::string(row.text)), row.failing_byte) << testing::PrintToString(row.text);
  }
}

TEST(Utf8, RefusesWhereverTheSequenceStandsInALongText) {
  for (auto const& row : rows) {
    for (std::size_t before = 0; before < 20; ++before) {
      auto const text = std::string(before, 'a') + std::string(row.text) + "bbbbbbbbbbbbbbbbbbbb";
      Utf8 validator;
      bool const valid = row.failing_byte == whole;
      EXPECT_EQ(validator.feed(text), valid) << testing::PrintToString(row.text) << " after " << before;
      EXPECT_EQ(validator.complete(), valid);
    }
  }
}

TEST(Utf8, StaysRefusedUntilReset) {
  Utf8 validator;
  EXPECT_FALSE(validator.feed("\xFF"));
  EXPECT_FALSE(validator.feed("a"));
  EXPECT_FALSE(validator.feed(""));
  EXPECT_FALSE(validator.complete());
  validator.reset();
  EXPECT_TRUE(validator.feed("a"));
  EXPECT_TRUE(validator.complete());
}

TEST(Utf8, KeepsAnOpenSequenceOverAnEmptyPiece) {
  Utf8 validator;
  EXPECT_TRUE(validator.feed("\xE2\x82"));
  EXPECT_TRUE(validator.feed(""));
  EXPECT_FALSE(validator.complete());
  EXPECT_TRUE(validator.feed("\xAC"));
  EXPECT_TRUE(validator.complete());
}

TEST(Utf8, FitsInFourBytes) { EXPECT_LE(sizeof(Utf8), 4U); }

TEST(Utf8, AgreesWithANaiveReferenceOnRandomBytes) {
  std::mt19937 random(20261121);
  int valid = 0;
  for (int round = 0; round < 20000; ++round) {
    auto const text = make_random_text(random);
    auto const expected = find_failing_byte_naively(text);
    ASSERT_EQ(feed_bytewise(text), expected) << testing::PrintToString(text);
    ASSERT_EQ(is_utf8(text), expected == whole) << testing::PrintToString(text);
    auto const split = random() % (text.size() + 1);
    Utf8 validator;
    bool const fed =
        validator.feed(std::string_view(text).substr(0, split)) && validator.feed(std::string_view(text).substr(split));
    ASSERT_EQ(fed, expected < 0) << testing::PrintToString(text) << " split at " << split;
    ASSERT_EQ(validator.complete(), expected == whole) << testing::PrintToString(text);
    valid += expected == whole ? 1 : 0;
  }
  EXPECT_GT(valid, 2000);
  EXPECT_LT(valid, 18000);
}

}  // namespace
}  // namespace sojourn

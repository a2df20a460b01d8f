#include "browser/text_line.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace sojourn {
namespace {

TEST(TextLineTest, WhiteSpaceOfAllKindsIsOneBlank) {
  EXPECT_EQ(to_line(" \t\r\n a \f\v b\xC2\xA0\xC2\xA0"
                    "c\xE2\x80\x83"
                    "d\xE3\x80\x80"
                    "e\xEF\xBB\xBF ",
                    80),
            "a b c d e");
  EXPECT_EQ(to_line(" \n\t ", 80), "");
}

TEST(TextLineTest, PartsAreApartAndPiecesAreNot) {
  TextLine line(80);
  line.add("one");
  line.add("two");
  line.part();
  line.part();
  line.add("three");
  line.part();
  EXPECT_EQ(line.take(), "onetwo three");
}

TEST(TextLineTest, CharactersAreCountedNotBytes) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xF0\x9F\x9A\x80";
  auto const line = to_line(text, 80);
  EXPECT_EQ(line.size(), 320U);
  EXPECT_TRUE(is_utf8(line));
  EXPECT_EQ(count_characters(line), 80U);
}

TEST(TextLineTest, ABlankCountsAndNeverEndsALine) {
  EXPECT_EQ(to_line("abc def", 5), "abc d");
  EXPECT_EQ(to_line("abc def", 4), "abc");
  EXPECT_EQ(to_line("abc def", 3), "abc");
}

TEST(TextLineTest, IsFullOnceNothingFits) {
  TextLine line(3);
  EXPECT_FALSE(line.is_full());
  line.add("ab c");
  EXPECT_TRUE(line.is_full());
  line.add("d");
  EXPECT_EQ(line.take(), "ab");
}

TEST(TextLineTest, TheFirstCharactersEndBetweenCharacters) {
  EXPECT_EQ(first_characters("\xC3\xA4\xC3\xB6\xC3\xBC", 2), "\xC3\xA4\xC3\xB6");
  EXPECT_EQ(first_characters("ab", 5), "ab");
  EXPECT_EQ(first_characters("", 5), "");
}

}  // namespace
}  // namespace sojourn

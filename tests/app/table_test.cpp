#include "app/table.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace sojourn {
namespace {

TEST(Table, AlignsItsColumnsAndLeavesNoBlanksAtLineEnds) {
  Table const table{{"A", "LONG", "C"}, {{"aaaa", "b", "c"}, {"a", "", ""}}};
  EXPECT_EQ(to_text(table),
            "A     LONG  C\n"
            "aaaa  b     c\n"
            "a\n");
}

TEST(Table, CountsWideAndCombiningCharactersAsTerminalsDo) {
  Table const table{{"A", "B"}, {{"\u65e5\u672c", "x"}, {"e\u0301", "x"}, {"\u00e9", "x"}}};
  EXPECT_EQ(to_text(table),
            "A     B\n"
            "\u65e5\u672c  x\n"
            "e\u0301     x\n"
            "\u00e9     x\n");
}

TEST(Table, CutsLongCellsButNotInTheLastColumn) {
  Table const table{{"A", "B"}, {{"123456789", "123456789"}}};
  EXPECT_EQ(to_text(table, 5), "A      B\n1234\u2026  123456789\n");
}

TEST(Table, CuttingNeverSplitsACharacter) {
  EXPECT_EQ(cut("\u65e5\u672c\u8a9e", 6), "\u65e5\u672c\u8a9e");
  EXPECT_EQ(cut("\u65e5\u672c\u8a9e", 5), "\u65e5\u672c\u2026");
  EXPECT_EQ(cut("\u65e5\u672c\u8a9e", 4), "\u65e5\u2026");
}

TEST(Table, ControlCharactersOfStrangersNeverReachTheTerminal) {
  EXPECT_EQ(visible("a\x1b[31mb\nc\td\re"), "a\\u{1b}[31mb\\nc\\td\\re");
  EXPECT_EQ(visible("\u009b31m \u202e \u2066 \x7f \u2028"), "\\u{9b}31m \\u{202e} \\u{2066} \\u{7f} \\u{2028}");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\u{00}");
  EXPECT_EQ(visible("\xff\xc0\xafz\xe2\x82"), "\\xff\\xc0\\xafz\\xe2\\x82");
  EXPECT_EQ(visible("plain \u00fc \u65e5 \U0001f600"), "plain \u00fc \u65e5 \U0001f600");
  EXPECT_EQ(to_text({{"A"}, {{"\x1b[2J"}}}), "A\n\\u{1b}[2J\n");
}

TEST(Table, JsonIsMadeVisibleWithoutChangingItsValue) {
  std::string const text = "{\"a\":\"\u009b \x7f \u202e \U000e0041 \u00fc\"}";
  auto const safe = visible_json(text);
  EXPECT_EQ(safe, "{\"a\":\"\\u009b \\u007f \\u202e \\udb40\\udc41 \u00fc\"}");
  EXPECT_EQ(*json::parse(safe), *json::parse(text));
}

}  // namespace
}  // namespace sojourn

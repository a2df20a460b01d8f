#include "browser/python_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sojourn {
namespace {

std::string print(std::string_view text) {
  auto const value = json::parse(text);
  if (!value) return "not JSON";
  return python_text(*value).value_or("nothing");
}

TEST(PythonTextTest, INF_04_AResultIsPrintedAsPythonPrintsIt) {
  EXPECT_EQ(print("true"), "True");
  EXPECT_EQ(print("false"), "False");
  EXPECT_EQ(print("null"), "nothing");
  EXPECT_EQ(print("\"It's \\\"raw\\\" \\n\""), "It's \"raw\" \n");
  EXPECT_EQ(print("\"\""), "");
  EXPECT_EQ(print("42"), "42");
  EXPECT_EQ(print("[]"), "[]");
  EXPECT_EQ(print("{}"), "{}");
  EXPECT_EQ(print(R"({"a":[1,2.5,null,true,{"b":"c"}],"d":{}})"), "{'a': [1, 2.5, None, True, {'b': 'c'}], 'd': {}}");
}

TEST(PythonTextTest, NumbersAreThoseOfPython) {
  EXPECT_EQ(print("[1.0,0.1,-0.0,1e16,123456789012345680.0,1e22,1e-5,0.0001,1.5e300,100.0,18446744073709551615]"),
            "[1.0, 0.1, -0.0, 1e+16, 1.2345678901234568e+17, 1e+22, 1e-05, 0.0001, 1.5e+300, 100.0, "
            "18446744073709551615]");
  EXPECT_EQ(*python_text(json::value(std::nan(""))), "nan");
  EXPECT_EQ(*python_text(json::value(-std::numeric_limits<double>::infinity())), "-inf");
}

TEST(PythonTextTest, StringsInsideAreQuotedByTheRulesOfRepr) {
  EXPECT_EQ(print(R"(["it's"])"), R"(["it's"])");
  EXPECT_EQ(print(R"(["say \"hi\""])"), R"(['say "hi"'])");
  EXPECT_EQ(print(R"(["it's \"both\""])"), R"(['it\'s "both"'])");
  EXPECT_EQ(print(R"(["a\\b\n\r\t"])"), R"(['a\\b\n\r\t'])");
  EXPECT_EQ(print(R"({"it's":1})"), R"({"it's": 1})");
}

TEST(PythonTextTest, CharactersStayUnlessTheyCannotBeSeen) {
  EXPECT_EQ(print("[\"\xC3\xA4 \xE6\xBC\xA2 \xF0\x9F\x9A\x80\"]"), "['\xC3\xA4 \xE6\xBC\xA2 \xF0\x9F\x9A\x80']");
  EXPECT_EQ(print(R"(["\u0000\u001f\u007f\u00a0\u00ad\u200b\u2028\ufeff\ue000"])"),
            R"(['\x00\x1f\x7f\xa0\xad\u200b\u2028\ufeff\ue000'])");
  EXPECT_EQ(print(R"(["\udb40\udc01"])"), R"(['\U000e0001'])");
}

TEST(PythonTextTest, DepthIsNoMatter) {
  json::value value(1);
  std::string expected = "1";
  for (int i = 0; i < 1'000; ++i) {
    value = json::array{std::move(value)};
    expected = '[' + expected + ']';
  }
  EXPECT_EQ(*python_text(value), expected);
}

}  // namespace
}  // namespace sojourn

#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sojourn::json {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What comes out when `text` goes in, or "refused".
std::string round_trip(std::string_view text) {
  auto const parsed = parse(text);
  return parsed ? to_text(*parsed) : "refused";
}

std::string quote(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

double from_bits(std::uint64_t bits) {
  double number = 0;
  std::memcpy(&number, &bits, sizeof(number));
  return number;
}

// Each pair was printed by JSON.stringify.
TEST(JsonNumbers, ArePrintedAsJavaScriptDoes) {
  std::vector<std::pair<double, std::string>> const table = {
      {0.0, "0"},
      {-0.0, "0"},
      {1.0, "1"},
      {-1.0, "-1"},
      {12.99, "12.99"},
      {0.1, "0.1"},
      {0.1 + 0.2, "0.30000000000000004"},
      {100.0, "100"},
      {123.456, "123.456"},
      {-12.5e-3, "-0.0125"},
      {1.0 / 3, "0.3333333333333333"},
      {0.000001234, "0.000001234"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {-1.5e-7, "-1.5e-7"},
      {9.999999e-7, "9.999999e-7"},
      {9007199254740992.0, "9007199254740992"},
      {37657819484116740.0, "37657819484116740"},
      {1e20, "100000000000000000000"},
      {123456789012345680000.0, "123456789012345680000"},
      {999999999999999900000.0, "999999999999999900000"},
      {1e21, "1e+21"},
      {1.5e300, "1.5e+300"},
      {-1.7976931348623157e308, "-1.7976931348623157e+308"},
      {5e-324, "5e-324"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {std::numeric_limits<double>::infinity(), "null"},
      {-std::numeric_limits<double>::infinity(), "null"},
      {std::nan(""), "null"},
  };
  for (auto const& [number, text] : table) EXPECT_EQ(to_text(value(number)), text);
}

TEST(JsonNumbers, ReadBackAsTheVerySameDouble) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    double const number = from_bits(random());
    if (!std::isfinite(number) || number == 0) continue;
    auto const text = to_text(value(number));
    auto const parsed = parse(text);
    ASSERT_TRUE(parsed) << text;
    ASSERT_EQ(parsed->to_number<double>(), number) << text;
  }
}

TEST(JsonNumbers, PassThroughUnchangedWhenJavaScriptWroteThem) {
  for (auto const* text : {"0.9318739796348483", "0.49777", "980197.8199757759", "51.688900103527004", "0.1", "4.35",
                           "1.4830129587372307e-173", "1e+21", "1e-7", "-0.5", "1708800136015.0625"})
    EXPECT_EQ(round_trip(text), text);
}

TEST(JsonNumbers, LoseOnlyWhatHasNoMeaning) {
  for (auto const& [in, out] : Pairs{{"1.0", "1"},
                                     {"-0", "0"},
                                     {"-0.0", "0"},
                                     {"0e5", "0"},
                                     {"1E2", "100"},
                                     {"12.990", "12.99"},
                                     {"1e400", "refused"},
                                     {"123456789012345678901234567890", "1.2345678901234568e+29"}})
    EXPECT_EQ(round_trip(in), out) << in;
}

TEST(JsonNumbers, KeepEveryDigitOfA64BitInteger) {
  for (auto const* text : {"9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551615"})
    EXPECT_EQ(round_trip(text), text);
}

TEST(JsonText, IsCompactAndKeepsTheOrderOfKeys) {
  EXPECT_EQ(round_trip(" { \"b\" : [ 1 , true , null ] ,\n\t\"a\" : { } , \"\" : \"x\" } "),
            R"({"b":[1,true,null],"a":{},"":"x"})");
  EXPECT_EQ(round_trip("[]"), "[]");
  EXPECT_EQ(round_trip("\"x\""), "\"x\"");
  EXPECT_EQ(round_trip("false"), "false");
}

TEST(JsonText, IsAppendedToWhatIsThere) {
  std::string out = "data: ";
  append(out, value("x"));
  append(out, value(1));
  EXPECT_EQ(out, "data: \"x\"1");
}

TEST(JsonText, EscapesKeysAsItEscapesValues) { EXPECT_EQ(round_trip(R"({"a\"\n":"b\"\n"})"), R"({"a\"\n":"b\"\n"})"); }

TEST(JsonStrings, EscapeWhatJavaScriptEscapesAndNothingElse) {
  EXPECT_EQ(quote(""), R"("")");
  EXPECT_EQ(quote("a/b'c<>&"), R"("a/b'c<>&")");
  EXPECT_EQ(quote("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(quote(std::string_view("\0\x01\x1f", 3)), R"("\u0000\u0001\u001f")");
  EXPECT_EQ(quote("\x7f"), "\"\x7f\"");
  EXPECT_EQ(quote("é漢😀\xe2\x80\xa8"), "\"é漢😀\xe2\x80\xa8\"");
}

TEST(JsonStrings, ComeBackWhateverTheyHold) {
  std::string all;
  for (char c = 1; c < 0x7f; ++c) all += c;
  all += std::string(1, '\0') + "é漢😀\u0085\u2028\ufffd";
  auto const parsed = parse(quote(all));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(std::string_view(parsed->get_string().data(), parsed->get_string().size()), all);
}

TEST(JsonStrings, ReadEscapesOfEveryKind) {
  EXPECT_EQ(round_trip(R"("\u00e9\u6f22\ud83d\ude00\/\b")"), "\"é漢😀/\\b\"");
  EXPECT_EQ(round_trip(R"("\u0000")"), R"("\u0000")");
}

TEST(JsonParse, RefusesWhatIsNotOneWholeText) {
  for (auto const* text : {"",
                           " ",
                           "{",
                           "[1",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{\"a\"}",
                           "'a'",
                           "nul",
                           "True",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "-",
                           "1e",
                           "0x10",
                           "NaN",
                           "Infinity",
                           "1 2",
                           "{} x",
                           "[] []",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\n\"",
                           "\"\t\"",
                           "/* c */ 1",
                           "1 // c",
                           "[1 2]",
                           "]",
                           "\xef\xbb\xbf{}",
                           "\"\\ud800\"",
                           "undefined"})
    EXPECT_EQ(round_trip(text), "refused") << text;
  EXPECT_EQ(round_trip(std::string_view("1\0", 2)), "refused");
}

TEST(JsonParse, RefusesTextThatIsNotUtf8) {
  for (auto const* bytes : {"\x80", "\xc0\xaf", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "a\xe2\x80"})
    EXPECT_EQ(round_trip("\"" + std::string(bytes) + "\""), "refused");
  EXPECT_EQ(round_trip("{\"\xff\":1}"), "refused");
}

TEST(JsonParse, SaysThatTheTextIsInvalidAndWhy) {
  auto const parsed = parse("[1,");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::invalid);
  EXPECT_TRUE(parsed.error().message.starts_with("not valid JSON: ")) << parsed.error().message;
  EXPECT_GT(parsed.error().message.size(), std::string_view("not valid JSON: ").size());
}

TEST(JsonParse, GoesSixtyFourLevelsDeepAndNoFurther) {
  EXPECT_EQ(depth_max, 64U);
  EXPECT_EQ(round_trip(nested(64)), nested(64));
  EXPECT_EQ(round_trip(nested(65)), "refused");
  EXPECT_EQ(round_trip(nested(500'000)), "refused");
  std::string objects;
  for (int i = 0; i < 64; ++i) objects += "{\"a\":";
  EXPECT_NE(round_trip(objects + "1" + std::string(64, '}')), "refused");
  EXPECT_EQ(round_trip("[" + objects + "1" + std::string(64, '}') + "]"), "refused");
}

TEST(JsonParse, KeepsTheLastOfDoubleKeys) {
  EXPECT_EQ(round_trip(R"({"a":1,"a":"two","a":3})"), R"({"a":3})");
  EXPECT_EQ(round_trip(R"({"a":1,"b":2,"\u0061":3})"), R"({"a":3,"b":2})");
}

TEST(JsonParse, ReadsLongTextsWhole) {
  std::string const word(900'000, 'x');
  EXPECT_EQ(round_trip("{\"" + word + "\":\"" + word + "\"}"), "{\"" + word + "\":\"" + word + "\"}");
}

TEST(FindString, GivesTheStringOrWhatIsAskedForInstead) {
  auto const parsed = parse(R"({"name":"x","count":1,"none":null,"empty":""})");
  ASSERT_TRUE(parsed);
  auto const& o = parsed->get_object();
  EXPECT_EQ(find_string(o, "name"), "x");
  EXPECT_EQ(find_string(o, "name", "other"), "x");
  EXPECT_EQ(find_string(o, "empty", "other"), "");
  EXPECT_EQ(find_string(o, "count", "other"), "other");
  EXPECT_EQ(find_string(o, "none", "other"), "other");
  EXPECT_EQ(find_string(o, "absent", "other"), "other");
  EXPECT_EQ(find_string(o, "absent"), "");
}

}  // namespace
}  // namespace sojourn::json

#include "base/id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace sojourn {
namespace {

// "x" stands for a digit, "v" for one of the four digits of the variant, anything else for itself.
bool has_form(std::string_view text, std::string_view form) {
  return std::ranges::equal(text, form, [](char c, char wanted) {
    if (wanted == 'x') return std::string_view("0123456789abcdef").find(c) != std::string_view::npos;
    if (wanted == 'v') return std::string_view("89ab").find(c) != std::string_view::npos;
    return c == wanted;
  });
}

TEST(Uuid, IsVersionFourInLowerCase) {
  Random random(1);
  std::set<std::string> seen;
  std::set<char> variants;
  for (int i = 0; i < 1000; ++i) {
    auto const id = make_uuid(random);
    ASSERT_TRUE(has_form(id, "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx")) << id;
    EXPECT_TRUE(seen.insert(id).second) << id << " twice";
    variants.insert(id[19]);
  }
  EXPECT_EQ(variants.size(), 4U) << "the two bits of the variant are fixed, the two behind them are not";
}

TEST(Uuid, IsTheSameForTheSameSeed) {
  Random one(42), same(42), other(43);
  auto const id = make_uuid(one);
  EXPECT_EQ(id, make_uuid(same));
  EXPECT_NE(id, make_uuid(other));
  EXPECT_NE(id, make_uuid(one));
}

TEST(Hex, HasAsManyDigitsAsAskedFor) {
  Random random(1);
  for (std::size_t const count : {0U, 1U, 2U, 7U, 8U, 33U}) {
    auto const hex = make_hex(random, count);
    EXPECT_EQ(hex.size(), count);
    EXPECT_EQ(hex.find_first_not_of("0123456789abcdef"), std::string::npos) << hex;
  }
}

TEST(Hex, UsesEveryDigitAtEveryPlace) {
  Random random(1);
  std::set<char> first, last;
  for (int i = 0; i < 500; ++i) {
    auto const hex = make_hex(random, 3);
    first.insert(hex[0]);
    last.insert(hex[2]);
  }
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(last.size(), 16U);
}

TEST(ExtensionId, BTW_02_IsExtAndTheFirstTwelveDigitsOfAVersionFourUuid) {
  Random random(7), same(7);
  for (int i = 0; i < 100; ++i) {
    auto const id = make_extension_id(random);
    auto uuid = make_uuid(same);
    std::erase(uuid, '-');
    EXPECT_EQ(id, "ext_" + uuid.substr(0, 12));
    EXPECT_TRUE(is_extension_id(id)) << id;
  }
}

TEST(ExtensionId, BTW_02_IsSixteenLowerCaseCharactersAndNothingElse) {
  EXPECT_TRUE(is_extension_id("ext_0123456789ab"));
  EXPECT_TRUE(is_extension_id("ext_ffffffffffff"));
  for (auto const* text :
       {"", "ext_", "ext_0123456789a", "ext_0123456789abc", "ext_0123456789AB", "Ext_0123456789ab", "ext-0123456789ab",
        "ext_0123456789ag", "ext_0123456789a ", " ext_0123456789ab", "ext_0123456789a\n", "ext_٠١٢٣٤٥"})
    EXPECT_FALSE(is_extension_id(text)) << text;
  EXPECT_FALSE(is_extension_id(std::string_view("ext_0123456789a\0", 16)));
}

TEST(BrowserId, INF_12_HasTwentySixCharactersThatNobodyMistakesOrGuesses) {
  Random random(3);
  std::set<std::string> seen;
  std::set<char> used;
  for (int i = 0; i < 1000; ++i) {
    auto const id = make_browser_id(random);
    EXPECT_EQ(id.size(), 31U);
    EXPECT_TRUE(is_browser_id(id)) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
    used.insert(id.begin() + 5, id.end());
  }
  EXPECT_EQ(std::string(used.begin(), used.end()), "0123456789abcdefghjkmnpqrstvwxyz");
}

TEST(SocketId, HasTwentyCharactersOfBase64url) {
  Random random(3);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto const id = make_socket_id(random);
    EXPECT_EQ(id.size(), 20U);
    EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), id.npos) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(BrowserId, IsThatAndNothingElse) {
  std::string const good = "sess_0123456789abcdefghjkmnpqrs";
  EXPECT_TRUE(is_browser_id(good));
  for (auto const& text :
       {std::string(), std::string("sess_"), good + "0", good.substr(0, 30), "S" + good.substr(1),
        good.substr(0, 30) + "l", good.substr(0, 30) + "A", good.substr(0, 30) + "\n", "ext__" + good.substr(5)})
    EXPECT_FALSE(is_browser_id(text)) << text;
}

TEST(RequestId, MayBeChosenFromHarmlessCharactersOnly) {
  EXPECT_TRUE(is_request_id("a"));
  EXPECT_TRUE(is_request_id("AZaz09._-"));
  EXPECT_TRUE(is_request_id(std::string(64, 'x')));
  EXPECT_FALSE(is_request_id(std::string(65, 'x')));
  EXPECT_FALSE(is_request_id(""));
  // The neighbours of each range, and what would break a header or a log line.
  for (char const c : std::string_view("@[`{/:,\"'\\ \t\r\n<>=;\0\x7f\x80\xff", 23))
    EXPECT_FALSE(is_request_id(std::string("ok") + c)) << static_cast<int>(c);
}

}  // namespace
}  // namespace sojourn

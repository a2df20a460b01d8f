#include "base/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sojourn {
namespace {

TEST(EqualIgnoringCase, ComparesAsciiLettersWithoutTheirCase) {
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "cONTENT-tYPE"));
  EXPECT_TRUE(equal_ignoring_case("AZ", "az"));
  EXPECT_FALSE(equal_ignoring_case("ab", "abc"));
  EXPECT_FALSE(equal_ignoring_case("abc", "abd"));
}

TEST(EqualIgnoringCase, LeavesEverythingButLettersAlone) {
  EXPECT_FALSE(equal_ignoring_case("@", "`"));  // the neighbours of A and a
  EXPECT_FALSE(equal_ignoring_case("[", "{"));  // the neighbours of Z and z
  EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));
  EXPECT_FALSE(equal_ignoring_case("K", "\xe2\x84\xaa"));  // the Kelvin sign
}

TEST(LowerCase, ChangesAsciiLettersOnly) {
  EXPECT_EQ(lower_case("AZaz09@[`{ \xc3\x84"), "azaz09@[`{ \xc3\x84");
  EXPECT_EQ(lower_case(""), "");
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty() && parts.size() < 10) parts.emplace_back(take_until(text, separator));
  return parts;
}

TEST(TakeUntil, TakesWhatStandsBeforeTheSeparatorAndMovesBehindIt) {
  std::string_view rest = "a=b=c";
  EXPECT_EQ(take_until(rest, '='), "a");
  EXPECT_EQ(rest, "b=c");
  EXPECT_EQ(take_until(rest, '='), "b");
  EXPECT_EQ(rest, "c");
}

TEST(TakeUntil, TakesEverythingWhenThereIsNoSeparator) {
  std::string_view rest = "abc";
  EXPECT_EQ(take_until(rest, '='), "abc");
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(take_until(rest, '='), "");
}

TEST(TakeUntil, SplitsAList) {
  EXPECT_EQ(split("/a//b", '/'), (std::vector<std::string>{"", "a", "", "b"}));
  EXPECT_EQ(split("a,", ','), (std::vector<std::string>{"a"}));
  EXPECT_EQ(split(",", ','), (std::vector<std::string>{""}));
}

TEST(WithoutCredentials, LosesWhatStandsBeforeTheHost) {
  EXPECT_EQ(without_credentials("http://ann:se@cret@host:1/a@b?c@d"), "http://host:1/a@b?c@d");
  EXPECT_EQ(without_credentials("http://host/ann@b"), "http://host/ann@b");
  EXPECT_EQ(without_credentials("ann@host"), "host");
  EXPECT_EQ(without_credentials("data:,http://a@b"), "data:,http://a@b");
  EXPECT_EQ(without_credentials("about:blank"), "about:blank");
}

TEST(Trimmed, LosesBlanksAndTabsAtBothEndsOnly) {
  EXPECT_EQ(trimmed(" \t a b\t "), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\r\na\n"), "\r\na\n");
}

}  // namespace
}  // namespace sojourn

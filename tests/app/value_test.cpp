#include "app/value.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sojourn {
namespace {

using Texts = std::vector<std::string>;

Setting of(decltype(Setting::value) value) { return {"a.key", std::move(value), "f:1"}; }

template <typename Value> std::string refusal(Result<Value> const& read) {
  if (read) return "accepted";
  EXPECT_EQ(read.error().code, Code::configuration);
  return read.error().message;
}

TEST(SettingValue, ListsAreTypedOrWordsBetweenCommasAndBlanks) {
  EXPECT_EQ(to_list(of(Texts{"a, b", ""}), "a list").value(), (Texts{"a, b", ""}));
  EXPECT_EQ(to_list(of(Untyped{" a,b  c,,"}), "a list").value(), (Texts{"a", "b", "c"}));
  EXPECT_EQ(to_list(of(Untyped{""}), "a list").value(), Texts{});
  EXPECT_EQ(refusal(to_list(of(std::string("a")), "a list")), "f:1: a.key must be a list, not text");
}

TEST(SettingValue, WordsKeepEveryCharacter) {
  EXPECT_EQ(to_word(of(Untyped{" x "})).value(), " x ");
  EXPECT_EQ(to_word(of(std::string())).value(), "");
  EXPECT_EQ(refusal(to_word(of(Foreign{"a date or time"}))), "f:1: a.key must be text in quotes, not a date or time");
}

TEST(SettingValue, TruthIsSpelledInFourWays) {
  EXPECT_TRUE(to_truth(of(true)).value());
  EXPECT_TRUE(to_truth(of(Untyped{"1"})).value());
  EXPECT_FALSE(to_truth(of(Untyped{"false"})).value());
  EXPECT_EQ(refusal(to_truth(of(Untyped{"on"}))), "f:1: a.key must be true or false, not \"on\"");
  EXPECT_EQ(refusal(to_truth(of(std::int64_t{1}))), "f:1: a.key must be true or false, not a number");
}

TEST(SettingValue, NumbersAreReadToTheirEnd) {
  EXPECT_EQ(to_number(of(std::int64_t{3})), 3.0);
  EXPECT_EQ(to_number(of(Untyped{"1.5"})), 1.5);
  EXPECT_EQ(to_number(of(Untyped{"1.5m"})), std::nullopt);
  EXPECT_EQ(to_number(of(true)), std::nullopt);
}

TEST(SettingValue, WholeNumbersHaveBounds) {
  EXPECT_EQ(to_whole(of(std::int64_t{1}), 1, 8).value(), 1);
  EXPECT_EQ(to_whole(of(Untyped{"8"}), 1, 8).value(), 8);
  EXPECT_EQ(refusal(to_whole(of(std::int64_t{0}), 1, 8)), "f:1: a.key is 0 but must be from 1 to 8");
  EXPECT_EQ(refusal(to_whole(of(Untyped{"9"}), 1, 8)), "f:1: a.key is 9 but must be from 1 to 8");
  EXPECT_EQ(refusal(to_whole(of(Untyped{"99999999999999999999"}), 1, 8)),
            "f:1: a.key must be a whole number from 1 to 8, not \"99999999999999999999\"");
  EXPECT_EQ(refusal(to_whole(of(2.0), 1, 8)),
            "f:1: a.key must be a whole number from 1 to 8, not a number with a fraction");
}

}  // namespace
}  // namespace sojourn

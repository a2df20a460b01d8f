#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace sojourn {
namespace {

using Bytes16 = std::array<unsigned char, 16>;

Bytes16 sixteen(Random& random) {
  Bytes16 bytes{};
  random.fill(bytes);
  return bytes;
}

TEST(SeededRandom, RepeatsItsStream) {
  Random one(5), same(5), other(6);
  auto const first = sixteen(one);
  auto const second = sixteen(one);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, sixteen(same));
  EXPECT_EQ(second, sixteen(same));
  EXPECT_NE(first, sixteen(other));
}

TEST(SeededRandom, IsAValueWhoseCopyGoesOnByItself) {
  Random one(5);
  sixteen(one);
  Random copy = one;
  EXPECT_EQ(sixteen(one), sixteen(copy));
}

TEST(SeededRandom, GivesTheSameStreamHoweverItIsCut) {
  Random whole(9), pieces(9);
  std::vector<unsigned char> expected(30), got(30);
  whole.fill(expected);
  pieces.fill(std::span(got).first(1));
  pieces.fill(std::span(got).subspan(1, 0));
  pieces.fill(std::span(got).subspan(1));
  EXPECT_EQ(got, expected);
}

TEST(SeededRandom, UsesAllValuesOfAByteAboutEquallyOften) {
  Random random(1);
  std::vector<unsigned char> bytes(256 * 100);
  random.fill(bytes);
  std::array<int, 256> counts{};
  for (auto const byte : bytes) ++counts[byte];
  EXPECT_GT(*std::ranges::min_element(counts), 50);
  EXPECT_LT(*std::ranges::max_element(counts), 160);
}

TEST(SystemRandom, NeverRepeatsItself) {
  Random one, two;
  auto const first = sixteen(one);
  EXPECT_NE(first, sixteen(one));
  EXPECT_NE(first, sixteen(two));
  EXPECT_NE(first, Bytes16{});
}

}  // namespace
}  // namespace sojourn

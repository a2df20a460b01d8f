#include "core/tombstones.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

constexpr std::int64_t day_us = std::int64_t{24} * 3600 * 1'000'000;

TEST(Tombstones, RememberWhoseASessionWasAndHowItEnded) {
  Tombstones stones(10);
  stones.add("a", {"alice", true, 5});
  stones.add("b", {"bob", false, 6});
  ASSERT_NE(stones.find("a", 6), nullptr);
  EXPECT_EQ(stones.find("a", 6)->owner, "alice");
  EXPECT_TRUE(stones.find("a", 6)->expired);
  EXPECT_EQ(stones.find("b", 6)->owner, "bob");
  EXPECT_FALSE(stones.find("b", 6)->expired);
  EXPECT_EQ(stones.find("c", 6), nullptr);
}

TEST(Tombstones, StandForADay) {
  Tombstones stones(10);
  stones.add("a", {"alice", true, 5});
  EXPECT_NE(stones.find("a", 5 + day_us - 1), nullptr);
  EXPECT_EQ(stones.find("a", 5 + day_us), nullptr);
  EXPECT_EQ(stones.size(), 1U) << "cleared away when the next one comes";
  stones.add("b", {"alice", true, 5 + day_us - 1});
  EXPECT_EQ(stones.size(), 2U);
  stones.add("c", {"alice", true, 5 + day_us});
  EXPECT_EQ(stones.size(), 2U);
}

TEST(Tombstones, AreAtMostSoManyAndTheOldestGiveWay) {
  Tombstones stones(3);
  for (int i = 0; i < 10; ++i) stones.add(std::to_string(i), {"alice", true, i});
  EXPECT_EQ(stones.size(), 3U);
  EXPECT_EQ(stones.find("6", 10), nullptr);
  for (auto const* id : {"7", "8", "9"}) EXPECT_NE(stones.find(id, 10), nullptr) << id;
}

TEST(Tombstones, MayBeNone) {
  Tombstones stones(0);
  stones.add("a", {"alice", true, 1});
  EXPECT_EQ(stones.size(), 0U);
  EXPECT_EQ(stones.find("a", 1), nullptr);
}

TEST(Tombstones, OneForAnIdThatEndsTwiceIsTheNewerOne) {
  Tombstones stones(3);
  stones.add("a", {"alice", false, 1});
  stones.add("a", {"bob", true, 2});
  EXPECT_EQ(stones.size(), 1U);
  EXPECT_EQ(stones.find("a", 3)->owner, "bob");
  for (int i = 0; i < 3; ++i) stones.add(std::to_string(i), {"carol", true, 3});
  EXPECT_EQ(stones.size(), 3U);
}

}  // namespace
}  // namespace sojourn

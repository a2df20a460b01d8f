#include "net/bucket.h"

#include <gtest/gtest.h>

namespace sojourn {
namespace {

constexpr std::int64_t second_us = 1'000'000;

Limits limits_of(std::int64_t per_s, std::int64_t burst) {
  Limits limits;
  limits.messages_per_s = per_s;
  limits.message_burst = burst;
  return limits;
}

int take_all(Bucket& bucket, Limits const& limits, std::int64_t now_us) {
  int taken = 0;
  while (taken < 1000 && bucket.take(limits, now_us)) ++taken;
  return taken;
}

TEST(Bucket, ABurstIsWithinTheLimitsAndNoMore) {
  Bucket bucket;
  EXPECT_EQ(take_all(bucket, limits_of(10, 5), 7 * second_us), 5);
}

TEST(Bucket, ItRefillsWithTimeButNotBeyondABurst) {
  auto const limits = limits_of(10, 5);
  Bucket bucket;
  take_all(bucket, limits, 0);
  EXPECT_EQ(take_all(bucket, limits, second_us / 10 - 1), 0);
  EXPECT_EQ(take_all(bucket, limits, second_us / 10), 1);
  EXPECT_EQ(take_all(bucket, limits, 4 * second_us / 10), 3);
  EXPECT_EQ(take_all(bucket, limits, 1000 * second_us), 5);
}

TEST(Bucket, WhatIsRefusedCostsNothing) {
  auto const limits = limits_of(10, 5);
  Bucket bucket;
  take_all(bucket, limits, 0);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(bucket.take(limits, 0));
  EXPECT_TRUE(bucket.take(limits, second_us / 10));
}

TEST(Bucket, WithoutALimitEverythingIsTaken) {
  Bucket bucket;
  EXPECT_EQ(take_all(bucket, limits_of(0, 1), 0), 1000);
}

}  // namespace
}  // namespace sojourn

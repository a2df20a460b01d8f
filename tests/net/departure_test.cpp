#include "net/departure.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace sojourn {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr auto never = std::numeric_limits<std::int64_t>::max();

std::vector<std::uint64_t> peers(std::size_t count) {
  std::vector<std::uint64_t> ids(count);
  std::iota(ids.begin(), ids.end(), 1U);
  return ids;
}

TEST(Departure, EverybodyGoesOnceAndEvenlyOverTheWindow) {
  Departure departure("bye", peers(10'000), 5 * second_us, 10 * second_us);
  std::size_t gone = 0;
  for (std::int64_t at_us = 5 * second_us; at_us <= 15 * second_us; at_us += second_us / 10) {
    auto const due = departure.take_due(at_us);
    EXPECT_LE(due.size(), 101U);
    for (auto const id : due) EXPECT_EQ(id, ++gone);
  }
  EXPECT_EQ(gone, 10'000U);
  EXPECT_EQ(departure.next_us(), never);
  EXPECT_TRUE(departure.take_due(never).empty());
}

TEST(Departure, FewDoNotWaitForTheWholeWindow) {
  Departure departure("bye", peers(3), 0, 10 * second_us);
  EXPECT_TRUE(departure.take_due(0).empty());
  EXPECT_LE(departure.next_us(), 10'000);
  EXPECT_EQ(departure.end_us(), 6'000);
  EXPECT_EQ(departure.take_due(6'000).size(), 3U);
  EXPECT_EQ(Departure("bye", {}, 0, second_us).next_us(), never);
}

TEST(Departure, WhoAsksAgainInTimeMissesNobody) {
  Departure departure("bye", peers(1'000), 0, second_us);
  std::size_t gone = 0;
  for (int asked = 0; departure.next_us() != never; ++asked) {
    ASSERT_LT(asked, 500);
    gone += departure.take_due(departure.next_us()).size();
  }
  EXPECT_EQ(gone, 1'000U);
}

TEST(Departure, EachIsToldAMomentOfItsOwn) {
  Departure departure("bye", peers(10'000), 0, 10 * second_us);
  std::set<std::int64_t> moments;
  for (int i = 0; i < 1'000; ++i) {
    auto const farewell = departure.farewell();
    EXPECT_EQ(farewell.reason, "bye; retry in " + std::to_string(farewell.retry_ms) + " ms");
    EXPECT_LE(farewell.reason.size(), 123U) << "what a close frame holds";
    moments.insert(farewell.retry_ms);
  }
  EXPECT_GE(*moments.begin(), 500);
  EXPECT_LT(*moments.rbegin(), 10'500);
  EXPECT_GT(moments.size(), 25U);
}

TEST(Departure, FewNeedNotStayAwayLong) {
  Departure departure("bye", peers(2), 0, 10 * second_us);
  for (int i = 0; i < 100; ++i) EXPECT_LT(departure.farewell().retry_ms, 1'500);
}

TEST(Departure, WithoutAWindowAllGoAtOnceAndComeBackAsTheyLike) {
  Departure departure("bye", peers(100), 0, 0);
  EXPECT_EQ(departure.farewell().reason, "bye");
  EXPECT_EQ(departure.farewell().retry_ms, 0);
  EXPECT_EQ(departure.take_due(0).size(), 100U);
  EXPECT_EQ(departure.next_us(), never);
}

}  // namespace
}  // namespace sojourn

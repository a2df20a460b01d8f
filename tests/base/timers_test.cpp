#include "base/timers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace sojourn {
namespace {

constexpr auto never_us = std::numeric_limits<std::int64_t>::max();

class TimersTest : public testing::Test {
 protected:
  TimerId set(std::int64_t deadline_us, int name) {
    return timers.set(deadline_us, [this, name] { ran.push_back(name); });
  }
  std::vector<int> run(std::int64_t now_us) {
    timers.run_due(now_us);
    return std::exchange(ran, {});
  }

  Timers timers;
  std::vector<int> ran;
};

TEST_F(TimersTest, RunsWhatIsDueInTheOrderOfItsTimeAndNeverEarly) {
  set(30, 3);
  set(10, 1);
  set(20, 2);
  EXPECT_EQ(timers.next_us(), 10);
  EXPECT_EQ(run(9), (std::vector<int>{}));
  EXPECT_EQ(run(20), (std::vector{1, 2}));
  EXPECT_EQ(timers.next_us(), 30);
  EXPECT_EQ(run(1000), (std::vector{3}));
  EXPECT_EQ(run(1000), (std::vector<int>{})) << "each once";
  EXPECT_EQ(timers.next_us(), never_us);
  EXPECT_EQ(timers.size(), 0U);
}

TEST_F(TimersTest, ThoseOfTheSameTimeRunInTheOrderInWhichTheyWereSet) {
  for (int i = 0; i < 5; ++i) set(10, i);
  EXPECT_EQ(run(10), (std::vector{0, 1, 2, 3, 4}));
}

TEST_F(TimersTest, WhatIsCancelledDoesNotRunAndAnotherCancelDoesNothing) {
  auto const first = set(10, 1);
  auto const second = set(10, 2);
  EXPECT_NE(first, second);
  EXPECT_NE(first, TimerId{0});
  timers.cancel(first);
  timers.cancel(first);
  timers.cancel(0);
  timers.cancel(99);
  EXPECT_EQ(run(10), (std::vector{2}));
  timers.cancel(second);
}

TEST_F(TimersTest, AFunctionMaySetAndCancelOthers) {
  TimerId doomed = 0;
  timers.set(1, [&] {
    timers.cancel(doomed);
    set(2, 2);    // due already
    set(50, 50);  // later
  });
  doomed = set(1, 1);
  EXPECT_EQ(run(10), (std::vector{2}));
  EXPECT_EQ(run(50), (std::vector{50}));
}

TEST_F(TimersTest, AFunctionMayCancelItself) {
  TimerId own = 0;
  own = timers.set(1, [&] {
    timers.cancel(own);
    ran.push_back(1);
  });
  EXPECT_EQ(run(1), (std::vector{1}));
}

TEST_F(TimersTest, WhatAFunctionHoldsIsFreedWhenItHasRunOrIsCancelledOrAllEnds) {
  auto const held = std::make_shared<int>(1);
  auto const id = timers.set(1, [held] {});
  timers.set(2, [held] {});
  timers.cancel(id);
  EXPECT_EQ(held.use_count(), 2);
  timers.run_due(2);
  EXPECT_EQ(held.use_count(), 1);
  {
    Timers others;
    others.set(1, [held] {});
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(TimersTest, WhatACancelledOneHoldsMayCancelInItsTurn) {
  struct Holder {
    Timers& timers;
    TimerId other;
    ~Holder() { timers.cancel(other); }
  };
  auto const other = set(5, 5);
  auto holder = std::make_shared<Holder>(Holder{timers, other});
  auto const id = timers.set(1, [holder] {});
  holder.reset();
  timers.cancel(id);
  EXPECT_EQ(run(10), (std::vector<int>{}));
  EXPECT_EQ(timers.size(), 0U);
}

}  // namespace
}  // namespace sojourn

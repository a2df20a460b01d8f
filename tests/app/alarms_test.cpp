#include "app/alarms.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

class AlarmsTest : public testing::Test {
 protected:
  // Sets one that writes its name down.
  void set(std::int64_t ms, std::string name) {
    alarms.set(ms * 1000, [this, name] { rung += name; });
  }
  // What has rung when that much time has passed since the beginning.
  std::string after(std::int64_t ms) {
    wheel.advance(began_us + ms * 1000);
    return rung;
  }

  Loop loop;
  std::int64_t began_us = loop.now().steady_us;
  TimerWheel wheel{began_us};
  Alarms alarms{loop, wheel};
  std::string rung;
};

TEST_F(AlarmsTest, EachRingsOnceNeverEarlyAndNotMuchLater) {
  set(500, "b");
  set(200, "a");
  EXPECT_EQ(after(199), "");
  EXPECT_EQ(after(301), "a");
  EXPECT_EQ(after(499), "a");
  EXPECT_EQ(after(601), "ab");
  EXPECT_EQ(after(100'000), "ab");
  EXPECT_EQ(alarms.size(), 0u);
}

TEST_F(AlarmsTest, OneMaySetAnother) {
  alarms.set(100'000, [this] {
    rung += "a";
    set(300, "b");
  });
  EXPECT_EQ(after(201), "a");
  EXPECT_EQ(after(401), "ab");
}

TEST_F(AlarmsTest, WhatHasNotRungAtTheEndNeverDoes) {
  {
    Alarms others{loop, wheel};
    others.set(100'000, [this] { rung += "never"; });
  }
  set(100, "a");
  EXPECT_EQ(after(1000), "a");
}

}  // namespace
}  // namespace sojourn

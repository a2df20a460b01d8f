// Sessions with their pages, on the browser thread: order, ends, and what a session is told of its browser.
#include "browser/seats.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "support/seats_stage.h"

namespace sojourn {
namespace {

using SeatsTest = test::SeatsStage;

TEST_F(SeatsTest, ItsTimersEndWithIt) {
  EXPECT_LT(timers.next_us(), INT64_MAX) << "old videos are looked for now and then";
  seats.reset();
  EXPECT_EQ(timers.next_us(), INT64_MAX);
}

TEST_F(SeatsTest, WhatIsAskedBeforeThePageIsThereWaitsForIt) {
  seats->open("sess_a", {});
  auto const opened = ask("sess_a", Function::open, {{"url", "about:blank"}});
  EXPECT_FALSE(opened->has_value());
  EXPECT_EQ(output_of(opened).at("url"), "about:blank");
}

TEST_F(SeatsTest, INF_10_WithoutRecoveryABrowserThatEndsEndsItsSessionsAndSaysSo) {
  settings.recovers = false;
  seats->open("sess_a", {});
  output_of(ask("sess_a", Function::open, {{"url", "about:blank"}}));
  auto const endless = ask("sess_a", Function::execute, {{"code", "new Promise(() => 0)"}});
  until([] { return false; }, std::chrono::milliseconds(100));
  kill_browsers();
  ASSERT_TRUE(until([&] { return endless->has_value(); }, std::chrono::milliseconds(3000)));
  EXPECT_EQ((*endless)->error().code, Code::crashed);
  EXPECT_TRUE(until([&] { return has_ended(); }));
  EXPECT_EQ(count_news("crashed"), 1U);
  EXPECT_EQ(error_of(ask("sess_a", Function::snapshot, {})).code, Code::crashed);
  EXPECT_TRUE(checkpoints.empty());
  seats->close("sess_a", {});
  EXPECT_EQ(seats->size(), 0U);
}

TEST_F(SeatsTest, ASessionIsClosedBeforeItsPageIsThere) {
  seats->open("sess_a", {});
  auto const box = ask("sess_a", Function::open, {{"url", "about:blank"}});
  std::optional<Result<std::string>> closed;
  seats->close("sess_a", [&](Result<std::string> output) { closed.emplace(std::move(output)); });
  ASSERT_TRUE(until([&] { return closed.has_value() && box->has_value(); }));
  EXPECT_EQ((*box)->error().code, Code::ended);
  until([] { return false; }, std::chrono::milliseconds(500));
  EXPECT_EQ(seats->size(), 0U);
}

TEST_F(SeatsTest, MoreCallsThanMayWaitAreRefused) {
  seats->open("sess_a", {});
  Box last;
  for (int i = 0; i < 101; ++i) last = ask("sess_a", Function::snapshot, {});
  ASSERT_TRUE(last->has_value());
  EXPECT_EQ((*last)->error().code, Code::too_many);
}

}  // namespace
}  // namespace sojourn

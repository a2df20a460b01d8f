// Contexts of real browsers: which browser they are in, that they are prepared, and when a browser goes.
#include "browser/fleet.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <optional>

#include "support/browser_stage.h"

namespace sojourn {
namespace {

class FleetTest : public testing::Test, public test::BrowserStage {
 protected:
  FleetTest() {
    settings_.profile_key = "fleet-test-" + std::to_string(getpid());
    settings_.keep_us = 300'000;
  }
  void SetUp() override {
    auto const found = find_executables("");
    if (found.shell.empty() && found.full.empty()) GTEST_SKIP() << "no Chromium is installed";
    fleet_ = std::make_unique<Fleet>(loop, timers, settings_);
  }

  std::optional<Fleet::Berth> take(BrowserWish wish = {}) {
    auto const box = std::make_shared<std::optional<Result<Fleet::Berth>>>();
    std::function<void(Result<Fleet::Berth>)> done = [box](Result<Fleet::Berth> taken) { box->emplace(taken); };
    std::function<void(std::string)> on_gone = [this](std::string reason) { gone_.push_back(std::move(reason)); };
    start(fleet_->take(std::move(wish), std::move(on_gone)), std::move(done));
    EXPECT_TRUE(until([&] { return box->has_value(); }));
    if (!box->has_value() || !**box) return std::nullopt;
    return ***box;
  }
  // The contexts that a browser has, but for its own.
  std::size_t count_contexts(Fleet::Berth const& berth) {
    auto const answer = wait(Fleet::browser_of(berth).wire().send({}, "Target.getBrowserContexts"));
    return answer->at("browserContextIds").get_array().size();
  }

  BrowserSettings settings_;
  std::unique_ptr<Fleet> fleet_;
  std::vector<std::string> gone_;
};

TEST_F(FleetTest, OneBrowserServesManyAndTheNextContextIsPrepared) {
  auto const first = take();
  ASSERT_TRUE(first);
  fleet_->use_pause();
  ASSERT_TRUE(until([&] { return count_contexts(*first) == 2; }));
  auto const second = take();
  ASSERT_TRUE(second);
  EXPECT_EQ(first->ship, second->ship);
  EXPECT_NE(first->context_id, second->context_id);
  EXPECT_EQ(fleet_->size(), 1U);
}

TEST_F(FleetTest, WhoeverAsksForABrowserAloneHasOne) {
  auto const shared = take();
  BrowserWish wish;
  wish.is_alone = true;
  auto const alone = take(wish);
  ASSERT_TRUE(shared && alone);
  EXPECT_NE(shared->ship, alone->ship);
  fleet_->give_back(*alone);
  EXPECT_TRUE(until([&] { return fleet_->size() == 1; })) << "nobody else may use it";
}

TEST_F(FleetTest, WhatIsGivenBackIsDisposedOf) {
  settings_.warm = 0;
  auto const kept = take();
  auto const other = take();
  ASSERT_TRUE(kept && other);
  EXPECT_EQ(count_contexts(*kept), 2U);
  fleet_->give_back(*other);
  EXPECT_TRUE(until([&] { return count_contexts(*kept) == 1; }));
}

TEST_F(FleetTest, ABrowserThatNobodyUsesEndsAfterAWhile) {
  auto berth = take();
  ASSERT_TRUE(berth);
  fleet_->give_back(*berth);
  EXPECT_EQ(fleet_->size(), 1U);
  EXPECT_TRUE(until([&] { return fleet_->size() == 0; }, std::chrono::milliseconds(5000)));
  EXPECT_TRUE(gone_.empty()) << "nobody was in it";
}

TEST_F(FleetTest, WhoIsInABrowserThatEndsIsTold) {
  auto const berth = take();
  ASSERT_TRUE(berth);
  auto const ended = wait(Fleet::browser_of(*berth).wire().send({}, "Browser.crash"));
  EXPECT_FALSE(ended);
  EXPECT_TRUE(until([&] { return gone_.size() == 1; }, std::chrono::milliseconds(5000)));
  EXPECT_EQ(fleet_->size(), 0U);
  EXPECT_TRUE(take()) << "another takes its place";
}

TEST_F(FleetTest, ABrowserThatIsNotThereIsAnError) {
  settings_.executable = "/nowhere/chromium";
  EXPECT_FALSE(take());
  EXPECT_EQ(fleet_->size(), 0U);
}

}  // namespace
}  // namespace sojourn

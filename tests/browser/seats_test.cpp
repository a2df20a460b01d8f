// Sessions with their pages, on the browser thread: order, ends, and what a session is told of its browser.
#include "browser/seats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "support/browser_stage.h"

namespace sojourn {
namespace {

class SeatsTest : public testing::Test, public test::BrowserStage {
 protected:
  SeatsTest() {
    settings_.data = data;
    settings_.profile_key = profile_key(data);
  }
  ~SeatsTest() override { seats_.reset(); }
  void SetUp() override {
    auto const found = find_executables("");
    if (found.shell.empty() && found.full.empty()) GTEST_SKIP() << "no Chromium is installed";
    seats_ =
        std::make_unique<Seats>(loop, timers, settings_, [this](BrowserNews one) { news_.push_back(std::move(one)); });
  }

  using Box = std::shared_ptr<std::optional<Result<std::string>>>;
  Box ask(std::string const& id, Function function, json::object input) {
    auto const box = std::make_shared<std::optional<Result<std::string>>>();
    input["screenshot"] = false;
    FunctionCall call{id, function, std::move(input), 20'000'000};
    seats_->call(std::move(call), [box](Result<std::string> output) { box->emplace(std::move(output)); });
    return box;
  }
  json::object output_of(Box const& box) {
    EXPECT_TRUE(until([&] { return box->has_value(); }));
    if (!box->has_value() || !**box) return {};
    return json::parse(***box)->get_object();
  }

  BrowserSettings settings_;
  std::unique_ptr<Seats> seats_;
  std::vector<BrowserNews> news_;
};

TEST_F(SeatsTest, ItsTimersEndWithIt) {
  EXPECT_LT(timers.next_us(), INT64_MAX) << "old videos are looked for now and then";
  seats_.reset();
  EXPECT_EQ(timers.next_us(), INT64_MAX);
}

TEST_F(SeatsTest, WhatIsAskedBeforeThePageIsThereWaitsForIt) {
  seats_->open("sess_a", {});
  auto const opened = ask("sess_a", Function::open, {{"url", "about:blank"}});
  EXPECT_FALSE(opened->has_value());
  EXPECT_EQ(output_of(opened).at("url"), "about:blank");
}

TEST_F(SeatsTest, ABrowserThatEndsEndsItsSessionsAndSaysSo) {
  seats_->open("sess_a", {});
  output_of(ask("sess_a", Function::open, {{"url", "about:blank"}}));
  auto const endless = ask("sess_a", Function::execute, {{"code", "new Promise(() => 0)"}});
  until([] { return false; }, std::chrono::milliseconds(100));
  for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
    auto const pid = std::atoi(entry.path().filename().c_str());
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    std::string const line{std::istreambuf_iterator<char>(file), {}};
    if (pid > 0 && line.find(settings_.profile_key) != std::string::npos && line.find("--type=") == std::string::npos)
      kill(pid, SIGKILL);
  }
  ASSERT_TRUE(until([&] { return endless->has_value(); }, std::chrono::milliseconds(3000)));
  EXPECT_EQ((*endless)->error().code, Code::crashed);
  EXPECT_TRUE(until(
      [&] { return std::ranges::any_of(news_, [](auto const& one) { return one.name == "crashed" && one.is_end; }); }));
  seats_->close("sess_a", {});
  EXPECT_EQ(seats_->size(), 0U);
}

TEST_F(SeatsTest, ASessionIsClosedBeforeItsPageIsThere) {
  seats_->open("sess_a", {});
  auto const box = ask("sess_a", Function::open, {{"url", "about:blank"}});
  std::optional<Result<std::string>> closed;
  seats_->close("sess_a", [&](Result<std::string> output) { closed.emplace(std::move(output)); });
  ASSERT_TRUE(until([&] { return closed.has_value() && box->has_value(); }));
  EXPECT_EQ((*box)->error().code, Code::ended);
  until([] { return false; }, std::chrono::milliseconds(500));
  EXPECT_EQ(seats_->size(), 0U);
}

TEST_F(SeatsTest, MoreCallsThanMayWaitAreRefused) {
  seats_->open("sess_a", {});
  Box last;
  for (int i = 0; i < 101; ++i) last = ask("sess_a", Function::snapshot, {});
  ASSERT_TRUE(last->has_value());
  EXPECT_EQ((*last)->error().code, Code::too_many);
}

}  // namespace
}  // namespace sojourn

// Sessions with their pages over a real Chromium: what is asked of them, what they tell, and a browser that is killed.
// Tests skip themselves where there is no Chromium. One thread.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "browser/seats.h"
#include "support/browser_stage.h"
#include "support/small_site.h"

namespace sojourn::test {

class SeatsStage : public testing::Test, public BrowserStage {
 protected:
  using Box = std::shared_ptr<std::optional<Result<std::string>>>;

  SeatsStage() {
    settings.data = data;
    settings.profile_key = profile_key(data);
    settings.seal_key[0] = 7;
  }
  ~SeatsStage() override { seats.reset(); }
  void SetUp() override {
    auto const found = find_executables("");
    if (found.shell.empty() && found.full.empty()) GTEST_SKIP() << "no Chromium is installed";
    begin();
  }

  // As a server does; one that was there before is gone.
  void begin() {
    seats.reset();
    seats = std::make_unique<Seats>(
        loop, timers, settings,
        Seats::Listener{[this](BrowserNews one) { news.push_back(std::move(one)); },
                        [this](BrowserCheckpoint one) { checkpoints.push_back(std::move(one)); }});
  }
  Box ask(std::string const& id, Function function, json::object input) {
    auto const box = std::make_shared<std::optional<Result<std::string>>>();
    input["screenshot"] = false;
    FunctionCall call{id, function, std::move(input), 20'000'000};
    seats->call(std::move(call), [box](Result<std::string> output) { box->emplace(std::move(output)); });
    return box;
  }
  json::object output_of(Box const& box) {
    EXPECT_TRUE(until([&] { return box->has_value(); }));
    if (!box->has_value() || !**box) return {{"failure", box->has_value() ? (*box)->error().message : "none"}};
    return json::parse(***box)->get_object();
  }
  Error error_of(Box const& box) {
    EXPECT_TRUE(until([&] { return box->has_value(); }));
    return box->has_value() && !**box ? (*box)->error() : error(Code::internal, "it came to something");
  }
  json::object open(std::string const& id, std::string const& url) {
    return output_of(ask(id, Function::open, {{"url", url}}));
  }
  std::string value(std::string const& id, std::string const& code) {
    auto const output = output_of(ask(id, Function::execute, {{"code", code}}));
    return output.contains("result") ? json::to_text(output.at("result")) : json::to_text(output);
  }
  // Of this test's sessions, without a word.
  void kill_browsers() const {
    for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
      auto const pid = std::atoi(entry.path().filename().c_str());
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);
      std::string const line{std::istreambuf_iterator<char>(file), {}};
      bool const is_ours = pid > 0 && line.find(settings.profile_key) != std::string::npos;
      if (is_ours && line.find("--type=") == std::string::npos) kill(pid, SIGKILL);
    }
  }
  std::size_t count_news(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count(news, name, &BrowserNews::name));
  }
  bool has_ended() const {
    return std::ranges::any_of(news, [](auto const& one) { return one.is_end; });
  }
  void wait_for_checkpoint() {
    auto const count = checkpoints.size();
    EXPECT_TRUE(until([&] { return checkpoints.size() > count; })) << "nothing was kept";
  }

  BrowserSettings settings;
  SmallSite site;
  std::unique_ptr<Seats> seats;
  std::vector<BrowserNews> news;
  std::vector<BrowserCheckpoint> checkpoints;
};

}  // namespace sojourn::test

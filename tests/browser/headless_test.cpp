// The port over real browsers: what core may count on, whatever a page does.
#include "browser/headless.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "browser/chromium.h"

namespace sojourn {
namespace {

class HeadlessTest : public testing::Test {
 protected:
  HeadlessTest() {
    auto const found = find_executables("");
    has_browser_ = !found.shell.empty() || !found.full.empty();
    std::string made = "/tmp/sojourn_headless_test_XXXXXX";
    folder_ = ::mkdtemp(made.data());
    settings_.data = folder_;
    settings_.keep_us = 1'000'000;
  }
  ~HeadlessTest() override {
    browser_.reset();
    std::filesystem::remove_all(folder_);
  }
  void SetUp() override {
    if (!has_browser_) GTEST_SKIP() << "no Chromium is installed";
    browser_ = std::make_unique<Headless>(loop_, settings_);
    browser_->listen([this](BrowserNews one) { news_.push_back(std::move(one)); },
                     [this](BrowserCheckpoint one) { checkpoints_.push_back(std::move(one)); });
  }

  bool run_until(std::function<bool()> const& is_so, std::int64_t ms = 20'000) {
    auto const until = Clock().now().steady_us + ms * 1000;
    bool so = false;
    loop_.run([&] {
      so = is_so();
      auto const now = Clock().now().steady_us;
      if (so || now >= until) loop_.stop();
      return std::min(until, now + 20'000);
    });
    return so;
  }

  // The output, or nothing when there was none in time; an error is a string that begins with its word.
  json::object call(std::string const& id, Function function, std::string const& input,
                    std::int64_t timeout_us = 20'000'000) {
    auto const box = ask(id, function, input, timeout_us);
    EXPECT_TRUE(run_until([&] { return box->has_value(); }));
    return to_object(*box);
  }
  std::shared_ptr<std::optional<Result<std::string>>> ask(std::string const& id, Function function,
                                                          std::string const& input,
                                                          std::int64_t timeout_us = 20'000'000) {
    auto const box = std::make_shared<std::optional<Result<std::string>>>();
    FunctionCall call;
    call.session_id = id;
    call.function = function;
    call.input = json::parse(input)->get_object();
    call.timeout_us = timeout_us;
    browser_->call(std::move(call), [box](Result<std::string> output) { box->emplace(std::move(output)); });
    return box;
  }
  json::object close(std::string const& id) {
    std::optional<Result<std::string>> box;
    browser_->close(id, [&](Result<std::string> output) { box.emplace(std::move(output)); });
    EXPECT_TRUE(run_until([&] { return box.has_value(); }));
    return to_object(box);
  }
  static json::object to_object(std::optional<Result<std::string>> const& box) {
    if (!box) return {};
    if (!*box) return {{"error", row((*box).error().code).word}, {"message", (*box).error().message}};
    return json::parse(**box)->get_object();
  }
  bool heard(std::string_view name, std::string_view id) const {
    return std::ranges::any_of(news_, [&](auto const& one) { return one.name == name && one.session_id == id; });
  }

  bool has_browser_ = false;
  std::string folder_;
  BrowserSettings settings_;
  Loop loop_;
  std::unique_ptr<Headless> browser_;
  std::vector<BrowserNews> news_;
  std::vector<BrowserCheckpoint> checkpoints_;
};

constexpr auto cheap = R"(,"screenshot":false})";

std::string open_input(std::string const& url) { return "{\"url\":\"" + url + "\"" + cheap; }

TEST_F(HeadlessTest, APageIsOpenedReadAndClosed) {
  browser_->open("sess_a", {});
  auto const opened = call("sess_a", Function::open, open_input("data:text/html,<title>Hi</title><button>Go</button>"));
  EXPECT_EQ(opened.at("title"), "Hi");
  EXPECT_EQ(opened.at("elements_text"), "@e1 [button] \"Go\"");
  auto const ran = call("sess_a", Function::execute, R"js({"code":"1+1","screenshot":false})js");
  EXPECT_EQ(ran.at("result"), "2");
  EXPECT_TRUE(run_until([&] { return heard("navigated", "sess_a"); }));
  EXPECT_EQ(close("sess_a").at("success"), true);
  EXPECT_EQ(call("sess_a", Function::execute, R"({"code":"1"})").at("error"), "ended");
}

TEST_F(HeadlessTest, BeforeSomethingIsOpenedThatIsWhatOneIsTold) {
  browser_->open("sess_a", {});
  auto const told = call("sess_a", Function::snapshot, "{}");
  EXPECT_EQ(told.at("error"), "conflict");
  EXPECT_EQ(told.at("message"), "Browser not started. Call 'open' first.");
}

TEST_F(HeadlessTest, ACloseWaitsForNoCallAndEndsIt) {
  browser_->open("sess_a", {});
  call("sess_a", Function::open, open_input("about:blank"));
  auto const endless = ask("sess_a", Function::execute, R"js({"code":"for(;;);","screenshot":false})js");
  auto const behind = ask("sess_a", Function::snapshot, "{}");
  run_until([] { return false; }, 100);
  auto const began = Clock().now().steady_us;
  EXPECT_EQ(close("sess_a").at("success"), true);
  EXPECT_LT(Clock().now().steady_us - began, 2'000'000);
  ASSERT_TRUE(run_until([&] { return endless->has_value() && behind->has_value(); }));
  EXPECT_EQ((*endless)->error().code, Code::ended);
  EXPECT_EQ((*behind)->error().code, Code::ended);
}

TEST_F(HeadlessTest, AnotherAddressIsOpenedHoweverThePageHangs) {
  browser_->open("sess_a", {});
  call("sess_a", Function::open, open_input("data:text/html,<title>Stays</title>"));
  for (auto const* const code :
       {"setTimeout(() => { for (;;) { try { for (;;); } catch {} } })", "0", "window.close()"}) {
    json::object const input{{"code", code}, {"screenshot", false}};
    call("sess_a", Function::execute, json::to_text(input), 3'000'000);
    auto const opened = call("sess_a", Function::open, open_input("data:text/html,<title>Next</title>"));
    EXPECT_EQ(opened.contains("title") ? opened.at("title") : json::value(json::to_text(opened)), "Next") << code;
  }
}

TEST_F(HeadlessTest, CallsOfDifferentSessionsRunSideBySide) {
  browser_->open("sess_a", {});
  browser_->open("sess_b", {});
  call("sess_a", Function::open, open_input("about:blank"));
  call("sess_b", Function::open, open_input("about:blank"));
  auto const slow =
      ask("sess_a", Function::execute, R"js({"code":"new Promise(r => setTimeout(r, 3000, 1))","screenshot":false})js");
  EXPECT_EQ(call("sess_b", Function::execute, R"js({"code":"2","screenshot":false})js").at("result"), "2");
  EXPECT_FALSE(slow->has_value());
}

TEST_F(HeadlessTest, CallsOfOneSessionRunInTheirOrder) {
  browser_->open("sess_a", {});
  auto const first = ask("sess_a", Function::open, open_input("about:blank"));
  auto const second = ask("sess_a", Function::execute, R"js({"code":"globalThis.n = 1","screenshot":false})js");
  auto const third = ask("sess_a", Function::execute, R"js({"code":"++n","screenshot":false})js");
  ASSERT_TRUE(run_until([&] { return third->has_value(); }));
  ASSERT_TRUE(first->has_value() && second->has_value() && **third);
  EXPECT_EQ(to_object(*third).at("result"), "2");
}

TEST_F(HeadlessTest, ACallThatWaitsForOthersHasItsDeadlineAllTheSame) {
  browser_->open("sess_a", {});
  call("sess_a", Function::open, open_input("about:blank"));
  auto const slow =
      ask("sess_a", Function::execute, R"js({"code":"new Promise(() => 0)","screenshot":false})js", 60'000'000);
  auto const behind = ask("sess_a", Function::snapshot, "{}", 100'000);
  ASSERT_TRUE(run_until([&] { return behind->has_value(); }, 5000));
  EXPECT_EQ((*behind)->error().code, Code::timeout);
  EXPECT_FALSE(slow->has_value());
}

TEST_F(HeadlessTest, ClosingWhatIsNotThereDoesNoHarm) {
  EXPECT_EQ(close("sess_nobody").at("success"), true);
  EXPECT_TRUE(close("sess_nobody").at("video").is_null());
}

TEST_F(HeadlessTest, ABrowserThatCannotBeStartedSaysWhatToDo) {
  settings_.executable = "/nowhere/chromium";
  Headless other(loop_, settings_);
  other.listen([](BrowserNews) {}, [](BrowserCheckpoint) {});
  other.open("sess_a", {});
  std::optional<Result<std::string>> box;
  other.call({"sess_a", Function::open, {{"url", "about:blank"}}, 5'000'000},
             [&](Result<std::string> output) { box.emplace(std::move(output)); });
  ASSERT_TRUE(run_until([&] { return box.has_value(); }));
  EXPECT_EQ(box->error().code, Code::unavailable);
  EXPECT_NE(box->error().message.find("/nowhere/chromium"), std::string::npos);
}

TEST_F(HeadlessTest, ManyOpenedAndClosedLeaveNothing) {
  for (int i = 0; i < 10; ++i) {
    auto const id = "sess_" + std::to_string(i);
    browser_->open(id, {});
    EXPECT_EQ(call(id, Function::open, open_input("about:blank")).at("url"), "about:blank");
    close(id);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/files/sess_0"));
}

TEST_F(HeadlessTest, ASessionOfBeforeCostsNothingUntilItIsCalled) {
  browser_->open("sess_a", {});
  call("sess_a", Function::open, open_input("data:text/html,<title>Before</title>"));
  ASSERT_TRUE(run_until([&] { return checkpoints_.size() >= 2; })) << "what was wished, and the page";
  browser_ = std::make_unique<Headless>(loop_, settings_);
  browser_->listen([this](BrowserNews one) { news_.push_back(std::move(one)); }, [](BrowserCheckpoint) {});
  browser_->resume("sess_a", checkpoints_.back().sealed);
  browser_->resume("sess_b", checkpoints_.back().sealed);
  news_.clear();
  bool is_saved = false;
  browser_->save([&] { is_saved = true; });
  EXPECT_TRUE(run_until([&] { return is_saved; }));
  EXPECT_EQ(close("sess_b").at("success"), true) << "one that nobody ever called";
  auto const shown = call("sess_a", Function::snapshot, "{}");
  EXPECT_EQ(shown.at("title"), "Before");
  EXPECT_EQ(shown.at("recovered"), true);
  EXPECT_TRUE(heard("recovered", "sess_a"));
  EXPECT_EQ(call("sess_b", Function::snapshot, "{}").at("error"), "ended");
}

TEST_F(HeadlessTest, CapacityIsWhatWasSaidOrWhatMemoryAllows) {
  EXPECT_GT(browser_->capacity(), 0U);
  settings_.contexts_max = 3;
  EXPECT_EQ(Headless(loop_, settings_).capacity(), 3U);
}

}  // namespace
}  // namespace sojourn

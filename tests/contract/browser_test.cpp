// What every Browser promises, whatever it is made of: each test runs over each of them. What pages do is in
// tests/browser; this is what the hub counts on.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/loop.h"
#include "base/time.h"
#include "browser/executable.h"
#include "browser/headless.h"
#include "support/fake_browser.h"

namespace sojourn {
namespace {

// A browser on its stage; turn() is one iteration of the loop that calls back.
struct Stage {
  virtual ~Stage() = default;
  virtual Browser* browser() = 0;  // null = it can't be had on this machine
  virtual void turn() = 0;
};

struct FakeStage final : Stage {
  FakeBrowser fake;

  Browser* browser() override { return &fake; }
  void turn() override { fake.turn(); }
};

struct HeadlessStage final : Stage {
  HeadlessStage() {
    auto const found = find_executables("");
    if (found.shell.empty() && found.full.empty()) return;
    std::string made = (std::filesystem::temp_directory_path() / "sojourn-contract-XXXXXX").string();
    folder = ::mkdtemp(made.data());
    BrowserSettings settings;
    settings.data = folder;
    headless = std::make_unique<Headless>(loop, settings);
  }
  ~HeadlessStage() override {
    headless.reset();
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }

  Browser* browser() override { return headless.get(); }
  void turn() override {
    loop.run([this] {
      loop.stop();
      return Clock().now().steady_us + 10'000;
    });
  }

  std::string folder;
  Loop loop;
  std::unique_ptr<Headless> headless;
};

struct Subject {
  std::string name;
  std::function<std::unique_ptr<Stage>()> make;
};
std::ostream& operator<<(std::ostream& out, Subject const& subject) { return out << subject.name; }

// What was called back, how often.
struct Heard {
  int runs = 0;
  std::optional<Result<std::string>> output;

  std::string word() const {
    if (!output) return "nothing";
    return *output ? "answered" : std::string(row(output->error().code).word);
  }
};
using HeardRef = std::shared_ptr<Heard const>;

class BrowserContract : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    if (stage_->browser() == nullptr) GTEST_SKIP() << "there is no Chromium";
    browser().listen([this](BrowserNews news) { news_.push_back(std::move(news)); }, [](BrowserCheckpoint const&) {});
  }

  Browser& browser() { return *stage_->browser(); }
  HeardRef call(std::string id, Function function, json::object input = {}) {
    auto heard = std::make_shared<Heard>();
    FunctionCall call{std::move(id), function, std::move(input), 20'000'000};
    browser().call(std::move(call), hear(heard));
    return heard;
  }
  HeardRef open_page(std::string id) {
    return call(std::move(id), Function::open, {{"url", "about:blank"}, {"screenshot", false}});
  }
  HeardRef execute(std::string id, std::string code) {
    return call(std::move(id), Function::execute, {{"code", std::move(code)}, {"screenshot", false}});
  }
  HeardRef close(std::string const& id) {
    auto heard = std::make_shared<Heard>();
    browser().close(id, hear(heard));
    return heard;
  }
  // Turns until all of them were answered.
  void wait_for(std::vector<HeardRef> const& all) {
    auto const until_us = Clock().now().steady_us + std::int64_t{30} * 1'000'000;
    for (auto const& each : all) {
      while (each->runs == 0 && Clock().now().steady_us < until_us) stage_->turn();
    }
    for (int i = 0; i < 5; ++i) stage_->turn();
    for (auto const& each : all) EXPECT_EQ(each->runs, 1);
  }

  std::unique_ptr<Stage> stage_ = GetParam().make();
  std::vector<BrowserNews> news_;

 private:
  static Browser::Done hear(std::shared_ptr<Heard> const& heard) {
    return [heard](Result<std::string> output) {
      ++heard->runs;
      heard->output.emplace(std::move(output));
    };
  }
};

TEST_P(BrowserContract, HasRoomForSessions) { EXPECT_GT(browser().capacity(), 0U); }

TEST_P(BrowserContract, NeverCallsBackInsideACall) {
  browser().open("sess_a", {});
  auto const opened = open_page("sess_a");
  auto const closed = close("sess_a");
  auto const late = execute("sess_a", "1");
  EXPECT_EQ(opened->runs + closed->runs + late->runs, 0);
  wait_for({opened, closed, late});
}

TEST_P(BrowserContract, AnswersEachCallOnceWithAnObject) {
  browser().open("sess_a", {});
  auto const opened = open_page("sess_a");
  auto const ran = execute("sess_a", "1 + 1");
  wait_for({opened, ran});
  for (auto const& each : {opened, ran}) {
    ASSERT_EQ(each->word(), "answered") << each->output->error().message;
    auto const output = json::parse(**each->output);
    ASSERT_TRUE(output);
    EXPECT_TRUE(output->is_object());
  }
  wait_for({close("sess_a")});
}

TEST_P(BrowserContract, AnActionThatFailsSaysSoFirst) {
  browser().open("sess_a", {});
  wait_for({open_page("sess_a")});
  auto const interacted =
      call("sess_a", Function::interact, {{"action", "click"}, {"ref", "@e99"}, {"screenshot", false}});
  wait_for({interacted});
  ASSERT_EQ(interacted->word(), "answered") << interacted->output->error().message;
  auto const output = json::parse(**interacted->output)->as_object();
  EXPECT_EQ(output.begin()->key(), "success");
  wait_for({close("sess_a")});
}

TEST_P(BrowserContract, ACloseEndsWhatRunsInItsSessionAndNothingElse) {
  browser().open("sess_a", {});
  browser().open("sess_b", {});
  auto const before = {open_page("sess_a"), open_page("sess_b")};
  wait_for(before);
  auto const other = execute("sess_b", "2");
  auto const closed = close("sess_a");
  auto const after = execute("sess_a", "1");
  wait_for({other, closed, after});
  EXPECT_EQ(other->word(), "answered");
  EXPECT_EQ(after->word(), "ended");
  ASSERT_EQ(closed->word(), "answered");
  auto const output = json::parse(**closed->output)->as_object();
  EXPECT_TRUE(output.at("success").as_bool());
  EXPECT_TRUE(output.at("video").is_null());
  wait_for({close("sess_b")});
}

TEST_P(BrowserContract, ToCloseWhatIsNotThereSucceeds) {
  browser().open("sess_a", {});
  browser().close("sess_a", {});
  auto const again = close("sess_a");
  auto const unknown = close("sess_nobody");
  wait_for({again, unknown});
  for (auto const& each : {again, unknown}) {
    ASSERT_EQ(each->word(), "answered");
    EXPECT_TRUE(json::parse(**each->output)->at("success").as_bool());
  }
}

TEST_P(BrowserContract, NewsAreOfSessionsThatAreThere) {
  browser().open("sess_a", {});
  wait_for({open_page("sess_a"), close("sess_a")});
  auto const count = news_.size();
  for (int i = 0; i < 20; ++i) stage_->turn();
  EXPECT_EQ(news_.size(), count) << "nothing is told of a session that was closed";
  for (auto const& news : news_) EXPECT_EQ(news.session_id, "sess_a");
}

INSTANTIATE_TEST_SUITE_P(Browsers, BrowserContract,
                         testing::Values(Subject{"Fake", [] { return std::make_unique<FakeStage>(); }},
                                         Subject{"Headless", [] { return std::make_unique<HeadlessStage>(); }}),
                         [](auto const& each) { return each.param.name; });

}  // namespace
}  // namespace sojourn

// Waits and commands of a page over a pipe that the test holds the other end of.
#include "browser/tab.h"

#include <fcntl.h>
#include <unistd.h>

#include "browser/params.h"
#include "support/page_stage.h"

namespace sojourn {
namespace {

class TabTest : public testing::Test, public test::PageStage {
 protected:
  TabTest() {
    int to[2];
    int from[2];
    if (pipe2(to, O_CLOEXEC | O_NONBLOCK) != 0 || pipe2(from, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    read_ = to[0];
    write_ = from[1];
    wire = std::make_unique<Wire>(loop, timers, to[1], from[0], [] {});
    tab = std::make_unique<Tab>(*wire, loop, timers, PageAddress{"C", "T", "S"});
    tab->tell = [this](std::string name, json::object what) { news.push_back(name + json::to_text(what)); };
    tab->listen();
  }
  ~TabTest() override {
    tab.reset();
    wire.reset();
    close(read_);
    close(write_);
  }
  void say(std::string const& text) {
    ASSERT_EQ(write(write_, text.c_str(), text.size() + 1), static_cast<ssize_t>(text.size() + 1));
    run_for(5);
  }
  void event(std::string const& method, std::string const& params, std::string const& session = "S") {
    say(R"({"method":")" + method + R"(","sessionId":")" + session + R"(","params":)" + params + "}");
  }
  std::string sent() {
    run_for(5);
    std::string text(65536, 0);
    auto const got = read(read_, text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  std::int64_t in_ms(std::int64_t ms) const { return Clock().now().steady_us + ms * 1000; }
  // Its value, when it has come.
  std::shared_ptr<std::optional<bool>> begin(Task<bool> task) {
    auto const box = std::make_shared<std::optional<bool>>();
    std::function<void(bool)> done = [box](bool value) { box->emplace(value); };
    start(std::move(task), std::move(done));
    return box;
  }

  int read_ = -1;
  int write_ = -1;
  std::unique_ptr<Wire> wire;
  std::unique_ptr<Tab> tab;
  std::vector<std::string> news;
};

TEST_F(TabTest, AWaitEndsWhenItsConditionHoldsOrAtItsDeadline) {
  Tab::Condition there = [this] { return tab->frames.main() != nullptr; };
  Tab::Condition never = [] { return false; };
  auto const first = begin(tab->wait_until(std::move(there), in_ms(5000)));
  auto const second = begin(tab->wait_until(std::move(never), in_ms(30)));
  EXPECT_FALSE(first->has_value());
  event("Page.frameNavigated", R"({"frame":{"id":"A","loaderId":"L","url":"http://a/"}})");
  EXPECT_EQ(*first, true);
  run_for(50);
  EXPECT_EQ(*second, false);
}

TEST_F(TabTest, GivingUpEndsAllWaitsAndCommandsInsideTheCall) {
  Tab::Condition never = [] { return false; };
  auto const wait = begin(tab->wait_until(std::move(never), in_ms(5000)));
  auto const answer = tab->send("S", "Page.reload", {}, in_ms(5000));
  tab->give_up();
  EXPECT_EQ(*wait, false);
  EXPECT_TRUE(answer.is_given());
  EXPECT_EQ(tab->state().error().code, Code::ended);
  EXPECT_TRUE(tab->send("S", "Page.reload", {}, in_ms(5000)).is_given()) << "nothing more is asked";
}

TEST_F(TabTest, ACrashIsToldAndFailsWhatWaits) {
  auto const answer = tab->send("S", "Page.reload", {}, in_ms(5000));
  event("Inspector.targetCrashed", "{}");
  EXPECT_TRUE(answer.is_given());
  EXPECT_EQ(tab->state().error().code, Code::crashed);
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0], R"(page_crashed{"reason":"its renderer ended"})");
  event("Inspector.targetCrashed", "{}");
  EXPECT_EQ(news.size(), 1U) << "once";
  tab->revive();
  EXPECT_TRUE(tab->state());
  event("Page.frameNavigated", R"({"frame":{"id":"A","loaderId":"L","url":"http://a/"}})");
  EXPECT_NE(tab->frames.main(), nullptr) << "it is heard again";
}

TEST_F(TabTest, ADialogIsAnsweredAtOnce) {
  event("Page.javascriptDialogOpening", R"({"type":"alert","message":"hi","url":"http://a/"})");
  EXPECT_NE(sent().find(R"("method":"Page.handleJavaScriptDialog")"), std::string::npos);
  EXPECT_EQ(news.at(0), R"(dialog{"type":"alert","message":"hi","action":"dismissed","url":"http://a/"})");
}

TEST_F(TabTest, AFrameOfAnotherProcessIsSwitchedOnFurnishedAndLetGo) {
  tab->furniture["Emulation.setTimezoneOverride"] = only("timezoneId", "UTC");
  event("Target.attachedToTarget", R"({"sessionId":"X","targetInfo":{"targetId":"B","type":"iframe"}})");
  auto const text = sent();
  for (auto const* const method : {"Page.enable", "Network.enable", "Target.setAutoAttach",
                                   "Emulation.setTimezoneOverride", "Runtime.runIfWaitingForDebugger"})
    EXPECT_NE(text.find(method), std::string::npos) << method;
}

TEST_F(TabTest, WhoeverListensHearsItsEventsOfThePageItself) {
  int heard = 0;
  tab->listen("Page.screencastFrame", [&](json::object const&) { ++heard; });
  event("Page.screencastFrame", "{}");
  event("Page.screencastFrame", "{}", "other");
  EXPECT_EQ(heard, 1);
  tab->listen("Page.screencastFrame", {});
  event("Page.screencastFrame", "{}");
  EXPECT_EQ(heard, 1);
}

TEST_F(TabTest, APageThatDoesNotAnswerIsStoppedThenLost) {
  auto const roused = begin(tab->rouse());
  EXPECT_TRUE(run_until([&] { return roused->has_value(); }, 6000));
  EXPECT_EQ(*roused, false);
  auto const text = sent();
  EXPECT_NE(text.find("Runtime.terminateExecution"), std::string::npos);
  EXPECT_NE(text.find("Page.crash"), std::string::npos);
  EXPECT_TRUE(tab->has_crashed());
  EXPECT_EQ(news.at(0).substr(0, 4), "hung");
}

}  // namespace
}  // namespace sojourn

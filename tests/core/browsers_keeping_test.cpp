// Browser sessions over a restart of the server: what comes back, with which time left, and what does not.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/browser_stage.h"

namespace sojourn {
namespace {

using Resumed = std::vector<std::pair<std::string, std::string>>;

class BrowsersKeepingTest : public BrowserTest {
 public:
  BrowsersKeepingTest() : BrowserTest(Options{.browsers = {.idle_us = 60 * second_us, .life_us = 100 * second_us}}) {}

 protected:
  // What the browser gives of a session now and then; committed.
  void checkpoint(std::string const& id, std::string sealed) {
    fake_browser.give_checkpoint(id, std::move(sealed));
    turns(4);
  }
  void kill() {
    auto const restored = restart();
    ASSERT_TRUE(restored) << restored.error().message;
    turns(3);
  }
};

TEST_F(BrowsersKeepingTest, ItComesBackWithWhatIsKnownOfItAndItsBrowserGetsItsCheckpoint) {
  auto const before = open_browser("alice", {.client_id = "desk"});
  ask(user("alice"), calling(before.id, Function::open));
  fake_browser.tell(before.id, "navigated", R"({"url":"http://site.test/","title":"Site"})");
  turns(3);
  checkpoint(before.id, "first");
  checkpoint(before.id, "second");
  kill();
  EXPECT_EQ(fake_browser.resumed, (Resumed{{before.id, "second"}}));
  EXPECT_EQ(fake_browser.opened.size(), 1U) << "nothing is started for it";
  auto const after = get<SessionInfo>(user("alice"), GetSession{{}, before.id});
  EXPECT_EQ(after.url, "http://site.test/");
  EXPECT_EQ(after.title, "Site");
  EXPECT_EQ(after.width, 1280);
  EXPECT_EQ(after.calls, 1U);
  EXPECT_EQ(after.checkpoint_us, clock.now().utc_us);
  EXPECT_EQ(after.last_call_us, clock.now().utc_us);
  EXPECT_EQ(after.life_us, 100 * second_us);
  EXPECT_TRUE(get<Opened>(user("alice"), opening({.client_id = "desk"})).resumed);
  EXPECT_TRUE(ask(user("alice"), calling(before.id))->as<FunctionAnswer>());
  EXPECT_EQ(ask(user("bob"), calling(before.id))->code(), Code::not_found);
}

TEST_F(BrowsersKeepingTest, TimeWithoutAServerIsNeitherIdlenessNorLife) {
  auto const id = open_browser().id;
  advance_s(50);
  ask(calling(id));
  checkpoint(id, "sealed");
  clock.advance_us(1000 * second_us);
  kill();
  EXPECT_EQ(look_at(id).expires_us, clock.now().utc_us + 50 * second_us);
  ask(calling(id));
  advance_s(49);
  EXPECT_EQ(hub.session_count(), 1U);
  advance_s(1);
  EXPECT_EQ(ask(user("alice"), calling(id))->code(), Code::expired);
  EXPECT_EQ(fake_browser.closed, Lines{id});
}

TEST_F(BrowsersKeepingTest, TheSeatIsKeptWithItsUseToo) {
  auto const id = open_browser().id;
  checkpoint(id, "sealed");
  advance_s(40);
  ask(calling(id));
  ask(calling(id));
  advance_s(6);
  kill();
  EXPECT_EQ(look_at(id).calls, 2U);
}

TEST_F(BrowsersKeepingTest, INF_10_WithoutRecoveryItIsGone) {
  auto const id = open_browser().id;
  checkpoint(id, "sealed");
  ASSERT_TRUE(restart({.recovers = false}));
  turns(3);
  EXPECT_TRUE(fake_browser.resumed.empty());
  auto const answer = ask(user("alice"), calling(id));
  EXPECT_EQ(answer->code(), Code::not_found);
  EXPECT_EQ(answer->message(), "Session not found");
  EXPECT_TRUE(store.records().empty());
}

TEST_F(BrowsersKeepingTest, NothingIsKeptOfOneThatEnded) {
  auto const id = open_browser().id;
  checkpoint(id, "sealed");
  ask(user("alice"), calling(id, Function::close));
  checkpoint(id, "late");
  kill();
  EXPECT_TRUE(fake_browser.resumed.empty());
  for (auto const& record : store.records())
    for (auto const& [name, value] : record.marks) EXPECT_EQ(name, "stone") << record.session_id;
  EXPECT_EQ(ask(user("alice"), calling(id))->code(), Code::ended);
}

TEST_F(BrowsersKeepingTest, ACheckpointIsNoUseAndNeedsRoom) {
  auto const id = open_browser().id;
  advance_s(30);
  checkpoint(id, "sealed");
  EXPECT_EQ(look_at(id).expires_us, clock.now().utc_us + 30 * second_us);
  store.set_room(false);
  checkpoint(id, "too much");
  store.set_room(true);
  kill();
  EXPECT_EQ(fake_browser.resumed, (Resumed{{id, "sealed"}}));
}

TEST_F(BrowsersKeepingTest, TheServerWaitsForTheLastCheckpointsBeforeItEnds) {
  auto const id = open_browser().id;
  turns(3);
  hub.save_now();
  EXPECT_FALSE(hub.is_saved());
  fake_browser.give_checkpoint(id, "last");
  turns(4);
  hub.save_now();
  turns(4);
  EXPECT_TRUE(hub.is_saved());
  kill();
  EXPECT_EQ(fake_browser.resumed, (Resumed{{id, "last"}}));
}

}  // namespace
}  // namespace sojourn

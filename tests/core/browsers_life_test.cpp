// How long a browser session lives, and what keeps it.
#include <gtest/gtest.h>

#include <string>

#include "core/browser_stage.h"

namespace sojourn {
namespace {

using BrowsersLifeTest = BrowserTest;

class ShortLifeTest : public BrowserTest {
 public:
  ShortLifeTest() : BrowserTest(Options{.browsers = {.idle_us = 60 * second_us, .life_us = 100 * second_us}}) {}
};

class EndlessTest : public BrowserTest {
 public:
  EndlessTest() : BrowserTest(Options{.browsers = {.idle_us = 0, .life_us = 0}}) {}
};

TEST_F(BrowsersLifeTest, INF_09_ItEndsWhenNobodyCallsItForItsTime) {
  auto const info = open_browser();
  EXPECT_EQ(info.idle_us, 600 * second_us);
  EXPECT_EQ(info.expires_us, clock.now().utc_us + 600 * second_us);
  advance_s(599);
  EXPECT_EQ(get<SessionPage>(ListSessions{of_browser}).total, 1U);
  advance_s(1);
  EXPECT_EQ(fake_browser.closed, Lines{info.id});
  auto const answer = ask(user("alice"), calling(info.id));
  EXPECT_EQ(answer->code(), Code::expired);
  EXPECT_EQ(answer->message(), "Session expired");
  EXPECT_EQ(ask(user("bob"), calling(info.id))->code(), Code::not_found);
  EXPECT_TRUE(ask(user("alice"), calling(info.id, Function::close))->as<FunctionAnswer>());
  EXPECT_NE(open_browser().id, info.id);
}

TEST_F(BrowsersLifeTest, ItsOwnTimeCounts) {
  auto const info = open_browser("alice", {.idle_us = 5 * second_us});
  advance_s(4);
  EXPECT_EQ(hub.session_count(), 1U);
  advance_s(1);
  EXPECT_EQ(ask(user("alice"), calling(info.id))->code(), Code::expired);
}

TEST_F(BrowsersLifeTest, CallsAndHeartbeatsKeepIt) {
  auto const info = open_browser();
  advance_s(500);
  ask(calling(info.id));
  advance_s(500);
  ask(NoteUse{{}, info.id, Use::heartbeat});
  EXPECT_EQ(look_at(info.id).expires_us, clock.now().utc_us + 600 * second_us);
  advance_s(500);
  EXPECT_TRUE(get<Opened>(user("alice"), opening({.client_id = "none"})).connection == 0);
  EXPECT_EQ(look_at(info.id).id, info.id);
  advance_s(100);
  EXPECT_EQ(ask(user("alice"), calling(info.id))->code(), Code::expired);
}

TEST_F(BrowsersLifeTest, ToAskForItAgainKeepsIt) {
  auto const info = open_browser("alice", {.client_id = "desk"});
  advance_s(500);
  EXPECT_TRUE(get<Opened>(user("alice"), opening({.client_id = "desk"})).resumed);
  advance_s(500);
  EXPECT_EQ(look_at(info.id).id, info.id);
}

TEST_F(BrowsersLifeTest, ToLookAtItToTalkInItAndToWatchItDoNot) {
  auto const info = open_browser();
  auto const member = get<Opened>(JoinSession{{}, info.id, attachment(outlet)});
  advance_s(500);
  look_at(info.id);
  ask(ListSessions{});
  ask(NoteUse{{}, info.id, Use::stats});
  ask(ReadEvents{{}, info.id});
  set(info.id, "a", "1");
  post(info.id, "hello");
  ask(Touch{member.connection});
  EXPECT_TRUE(ask(Say{member.connection, "hello"})->as<Posted>());
  EXPECT_EQ(log_of(info.id).events.back()->at_us, clock.now().utc_us) << "an event has its own time all the same";
  fake_browser.outputs.insert_or_assign(Function::snapshot, error(Code::timeout, "Timeout"));
  ask(calling(info.id));
  EXPECT_EQ(look_at(info.id).expires_us, info.expires_us);
  advance_s(100);
  EXPECT_EQ(outlet.close_reason, "Session closed");
  EXPECT_EQ(ask(user("alice"), calling(info.id))->code(), Code::expired);
}

TEST_F(BrowsersLifeTest, ItDoesNotEndWhileACallRuns) {
  auto const info = open_browser();
  fake_browser.answers_by_itself = false;
  auto const call = submit(calling(info.id));
  advance_s(5000);
  EXPECT_EQ(look_at(info.id).expires_us, clock.now().utc_us + 600 * second_us);
  fake_browser.answer(std::string("{}"));
  turns(3);
  EXPECT_TRUE(call->as<FunctionAnswer>());
  advance_s(599);
  EXPECT_EQ(hub.session_count(), 1U);
  advance_s(2);
  EXPECT_EQ(hub.session_count(), 0U);
}

TEST_F(BrowsersLifeTest, ACallThatFailedKeepsItNoLongerThanItRan) {
  auto const info = open_browser();
  fake_browser.answers_by_itself = false;
  auto const call = submit(calling(info.id));
  advance_s(700);
  EXPECT_EQ(hub.session_count(), 1U);
  fake_browser.answer(error(Code::timeout, "Timeout"));
  turns(4);
  EXPECT_EQ(call->code(), Code::timeout);
  EXPECT_EQ(hub.session_count(), 0U) << "its time had been over for long";
}

TEST_F(ShortLifeTest, AtItsLongestAgeItEndsWhateverHappens) {
  auto const info = open_browser();
  EXPECT_EQ(info.life_us, 100 * second_us);
  EXPECT_EQ(info.expires_us, clock.now().utc_us + 60 * second_us);
  advance_s(50);
  ask(calling(info.id));
  EXPECT_EQ(look_at(info.id).expires_us, clock.now().utc_us + 50 * second_us) << "its end comes before its idle time";
  fake_browser.answers_by_itself = false;
  auto const call = submit(calling(info.id));
  advance_s(49);
  EXPECT_EQ(call->runs, 0);
  advance_s(1);
  EXPECT_EQ(call->code(), Code::expired);
  EXPECT_EQ(ask(user("alice"), GetSession{{}, info.id})->code(), Code::expired);
  EXPECT_EQ(fake_browser.closed, Lines{info.id});
}

TEST_F(ShortLifeTest, NobodyAsksForALongerLifeThanThereIs) {
  EXPECT_EQ(open_browser("alice", {.life_us = 40 * second_us}).life_us, 40 * second_us);
  EXPECT_EQ(open_browser("alice", {.life_us = 400 * second_us}).life_us, 100 * second_us);
  advance_s(40);
  EXPECT_EQ(hub.session_count(), 1U);
}

TEST_F(EndlessTest, WithoutTimesItStaysUntilItIsClosed) {
  auto const info = open_browser();
  EXPECT_EQ(info.expires_us, 0);
  EXPECT_EQ(info.life_us, 0);
  advance_s(100'000'000);
  EXPECT_EQ(look_at(info.id).id, info.id);
  EXPECT_TRUE(ask(calling(info.id, Function::close))->as<FunctionAnswer>());
  EXPECT_EQ(hub.session_count(), 0U);
}

TEST_F(BrowsersLifeTest, SharedSessionsLiveByTheirOwnRules) {
  auto const session = open_empty();
  advance_s(3599);
  EXPECT_TRUE(ask(GetSession{{}, session.id})->as<SessionInfo>());
  advance_s(3599);
  EXPECT_TRUE(ask(GetSession{{}, session.id})->as<SessionInfo>()) << "any use keeps it";
}

}  // namespace
}  // namespace sojourn

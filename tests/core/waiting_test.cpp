// waiting.cpp: who waits for a browser session until another one ends.
#include <gtest/gtest.h>

#include <string>

#include "core/browser_stage.h"

namespace sojourn {
namespace {

class WaitingTest : public BrowserTest {
 public:
  WaitingTest() : BrowserTest(Options{.browsers = {.queue_max = 3, .wait_us = 30 * second_us}}) {
    fake_browser.places = 2;
    one = open_browser("alice");
    two = open_browser("alice");
  }

  std::shared_ptr<Answer const> queue(std::string owner, SessionWish wish = {}) {
    auto answer = submit(user(std::move(owner)), opening(std::move(wish)));
    turns(2);
    return answer;
  }
  void close(std::string const& id) {
    submit(CloseSession{{}, id});
    turns(4);
  }

  SessionInfo one, two;
};

TEST_F(WaitingTest, INF_11_OneMoreThanThereMayBeWaitsUntilAnotherEnds) {
  auto const third = queue("alice");
  EXPECT_EQ(third->runs, 0);
  EXPECT_EQ(fake_browser.opened.size(), 2U);
  close(one.id);
  ASSERT_TRUE(third->as<Opened>());
  EXPECT_FALSE(third->as<Opened>()->resumed);
  EXPECT_EQ(fake_browser.opened.back().first, third->as<Opened>()->session.id);
  EXPECT_EQ(get<SessionPage>(ListSessions{of_browser}).total, 2U);
}

TEST_F(WaitingTest, ItIsLetInHoweverTheOtherEnds) {
  auto const expired = queue("alice"), crashed = queue("alice");
  fake_browser.tell(one.id, "crashed", "{}", true);
  turns(4);
  EXPECT_TRUE(expired->as<Opened>());
  EXPECT_FALSE(crashed->is_there());
  ask(calling(two.id, Function::close));
  turns(2);
  EXPECT_TRUE(crashed->as<Opened>());
}

TEST_F(WaitingTest, OwnersTakeTurns) {
  auto const a1 = queue("alice"), a2 = queue("alice"), b1 = queue("bob");
  close(one.id);
  EXPECT_TRUE(a1->as<Opened>());
  close(two.id);
  EXPECT_TRUE(b1->as<Opened>());
  EXPECT_FALSE(a2->is_there());
  close(a1->as<Opened>()->session.id);
  EXPECT_TRUE(a2->as<Opened>());
}

TEST_F(WaitingTest, NobodyComesInBeforeThoseWhoWait) {
  auto const waiting = queue("alice");
  hub.submit(local_principal(), CloseSession{{}, one.id});
  auto const newcomer = submit(user("bob"), opening());
  turns(4);
  EXPECT_TRUE(waiting->as<Opened>());
  EXPECT_FALSE(newcomer->is_there());
}

TEST_F(WaitingTest, WhoHasWaitedLongEnoughHearsWhatToDo) {
  auto const waiting = queue("bob");
  auto const behind = queue("bob");
  EXPECT_LE(hub.next_deadline_us(), clock.now().steady_us + 30 * second_us);
  advance_s(29);
  EXPECT_EQ(waiting->runs, 0);
  advance_s(1);
  ASSERT_EQ(waiting->code(), Code::too_many);
  EXPECT_EQ(waiting->message(),
            "as many browser sessions run as may (2), and after 30 s in the queue this request was number 1 of 2; "
            "close one that is not needed any more, or try again");
  EXPECT_EQ(waiting->outcome->error().retry_s, 60);
  EXPECT_NE(behind->message().find("number 1 of 1"), std::string::npos);
  EXPECT_EQ(get<SessionPage>(ListSessions{of_browser}).total, 2U);
  close(one.id);
  EXPECT_EQ(fake_browser.opened.size(), 2U) << "nothing is opened for nobody";
}

TEST_F(WaitingTest, ItIsToldToComeBackWhenTheFirstMayHaveEnded) {
  close(one.id);
  open_browser("alice", {.idle_us = 37 * second_us});
  auto const waiting = queue("bob");
  advance_s(30);
  EXPECT_EQ(waiting->outcome->error().retry_s, 7);
}

TEST_F(WaitingTest, MoreThanMayWaitAreRefusedAtOnce) {
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(queue("alice")->is_there());
  auto const answer = queue("bob");
  ASSERT_EQ(answer->code(), Code::too_many);
  EXPECT_NE(answer->message().find("the queue is full: 3 requests wait in it"), std::string::npos) << answer->message();
  EXPECT_GT(answer->outcome->error().retry_s, 0);
}

TEST_F(WaitingTest, WhatIsFoundAgainNeverWaits) {
  close(one.id);
  auto const mine = open_browser("alice", {.client_id = "desk"});
  queue("bob");
  auto const again = queue("alice", {.client_id = "desk"});
  ASSERT_TRUE(again->as<Opened>());
  EXPECT_TRUE(again->as<Opened>()->resumed);
  EXPECT_EQ(again->as<Opened>()->session.id, mine.id);
}

TEST_F(WaitingTest, TwoWhoWaitForTheSameOneGetItTogether) {
  auto const first = queue("alice", {.client_id = "desk"});
  auto const other = queue("bob", {.client_id = "desk"});
  auto const second = queue("alice", {.client_id = "desk"});
  close(one.id);
  ASSERT_TRUE(first->as<Opened>());
  ASSERT_TRUE(second->as<Opened>());
  EXPECT_FALSE(first->as<Opened>()->resumed);
  EXPECT_TRUE(second->as<Opened>()->resumed);
  EXPECT_EQ(second->as<Opened>()->session.id, first->as<Opened>()->session.id);
  EXPECT_FALSE(other->is_there());
}

TEST_F(WaitingTest, AConnectionDoesNotWait) {
  auto const answer = ask(OpenSession{of_browser, attachment(outlet), {}});
  EXPECT_EQ(answer->code(), Code::too_many);
}

TEST_F(WaitingTest, WhoMayNotOpenDoesNotWait) {
  EXPECT_EQ(queue("alice", {.owner = "bob"})->code(), Code::forbidden);
  EXPECT_EQ(ask(user("alice", Scope::read), opening())->code(), Code::forbidden);
  EXPECT_EQ(queue("alice", {.state = "{\"a\":\"" + std::string(70'000, 'x') + "\"}"})->code(), Code::too_large);
}

TEST_F(WaitingTest, OtherSessionsAreOpenedAllTheSame) {
  queue("alice");
  EXPECT_FALSE(open_empty().id.empty());
}

TEST_F(WaitingTest, AReplyIsNotNeeded) {
  hub.submit(user("bob"), opening());
  hub.submit(user("bob"), opening());
  turns(2);
  close(one.id);
  EXPECT_EQ(fake_browser.opened.size(), 3U);
  advance_s(31);
  EXPECT_EQ(hub.session_count(), 2U);
}

}  // namespace
}  // namespace sojourn

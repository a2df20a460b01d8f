// upkeep.cpp: what sessions are used for, forgetting what they said, sweeping, and room for new ones.
#include <gtest/gtest.h>

#include <string>

#include "core/core_stage.h"

namespace sojourn {

namespace {

class UpkeepTest : public CoreTest {
 public:
  using CoreTest::CoreTest;
};

class CrowdedTest : public UpkeepTest {
 public:
  CrowdedTest() : UpkeepTest(Options{.sessions_per_user = 2}) {}
};

TEST_F(UpkeepTest, UsesAreCountedAndTheLatestAreKept) {
  auto const session = open_empty();
  for (int i = 0; i < 15; ++i) ask(NoteUse{shared, session.id, Use::heartbeat});
  for (int i = 0; i < 10; ++i) ask(NoteUse{shared, session.id, Use::stats});
  auto const view = get<UseView>(NoteUse{shared, session.id, Use::stats});
  EXPECT_EQ(view.session.id, session.id);
  EXPECT_EQ(view.use.count(Use::heartbeat), 15U);
  EXPECT_EQ(view.use.count(Use::stats), 11U);
  EXPECT_EQ(view.use.count(Use::query), 0U);
  ASSERT_EQ(view.use.recent.size(), 20U);
  EXPECT_EQ(view.use.recent.front().use, Use::heartbeat);
  EXPECT_EQ(view.use.recent.back().use, Use::stats);
  EXPECT_EQ(words_of(session.id), Lines{"session.opened"}) << "nothing of it is in the log";
}

TEST_F(UpkeepTest, AHeartbeatKeepsASessionAlive) {
  auto const session = open_empty();
  clock.advance_us(hour_us - second_us);
  EXPECT_TRUE(ask(user("alice"), NoteUse{shared, session.id, Use::heartbeat})->as<UseView>());
  clock.advance_us(hour_us - second_us);
  turn();
  EXPECT_TRUE(ask(user("alice"), NoteUse{shared, session.id, Use::heartbeat})->as<UseView>());
  clock.advance_us(hour_us);
  turn();
  EXPECT_EQ(ask(user("alice"), NoteUse{shared, session.id, Use::heartbeat})->code(), Code::expired);
}

TEST_F(UpkeepTest, AReaderMayLookAtTheUseAndNotAddToIt) {
  auto const session = open_empty();
  auto const reader = user("alice", Scope::read);
  EXPECT_TRUE(ask(reader, NoteUse{shared, session.id, Use::stats})->as<UseView>());
  EXPECT_EQ(ask(reader, NoteUse{shared, session.id, Use::heartbeat})->code(), Code::forbidden);
  EXPECT_EQ(ask(reader, CleanSession{shared, session.id})->code(), Code::forbidden);
  EXPECT_EQ(ask(reader, SweepSessions{})->code(), Code::forbidden);
  EXPECT_EQ(ask(user("bob"), NoteUse{shared, session.id, Use::stats})->code(), Code::not_found);
}

TEST_F(UpkeepTest, CleaningForgetsTheLogAndKeepsTheState) {
  auto const session = open_empty();
  post(session.id, "note", "1");
  set(session.id, "k", "2");
  ask(NoteUse{shared, session.id, Use::case_opened});
  EXPECT_EQ(get<SessionInfo>(GetSession{{}, session.id}).cases, 1U);
  auto const cleaned = get<Cleaned>(user("alice"), CleanSession{shared, session.id});
  EXPECT_EQ(cleaned.cases, 1U);
  EXPECT_EQ(cleaned.events, 3U);
  auto const page = log_of(session.id);
  ASSERT_EQ(page.events.size(), 1U);
  EXPECT_EQ(page.events[0]->type, EventType::cleaned);
  EXPECT_EQ(page.events[0]->seq, 4U);
  EXPECT_EQ(page.events[0]->data, R"({"cases":1,"events":3})");
  EXPECT_EQ(state_of(session.id), R"({"k":2})");
  EXPECT_EQ(get<SessionInfo>(GetSession{{}, session.id}).cases, 0U);
  EXPECT_EQ(post(session.id, "note", "3").seq, 5U) << "places are never used again";
}

TEST_F(UpkeepTest, WhoWasShownEverythingSeesTheCleaningAndWhoComesBackGetsAGap) {
  auto const session = open_empty();
  auto const cursor = to_text(post(session.id, "note", "1").cursor);
  join(session.id, outlet, user("alice"));
  outlet.take_lines();
  submit(user("alice"), PostMessage{{}, session.id, "note", "2"});
  ask(user("alice"), CleanSession{shared, session.id});
  EXPECT_EQ(outlet.take_lines(), (Lines{"3 message 0 note 2", R"(4 session.cleaned 0 {"cases":0,"events":3})"}));
  auto const later = join(session.id, other_outlet, user("alice"), cursor);
  EXPECT_NE(later.greeting.find(" with a gap after " + cursor), std::string::npos) << later.greeting;
  EXPECT_EQ(get<EventPage>(ReadEvents{{}, session.id, cursor}).gap, true);
}

TEST_F(UpkeepTest, SweepingEndsWhatIsOver) {
  open_empty();
  open_empty();
  clock.advance_us(hour_us / 2);
  auto const younger = open_empty();
  EXPECT_EQ(get<Swept>(SweepSessions{}).sessions, 0U);
  clock.advance_us(hour_us / 2);
  auto const answer = submit(SweepSessions{});
  turns(4);
  EXPECT_EQ(answer->as<Swept>()->sessions, 2U);
  EXPECT_EQ(answer->as<Swept>()->at_us, clock.now().utc_us);
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{shared})), Lines{younger.id});
}

TEST_F(CrowdedTest, TheLeastRecentlyUsedThatNobodyIsInGivesWay) {
  auto const first = open_empty("alice");
  clock.advance_us(second_us);
  auto const second = open_empty("alice");
  clock.advance_us(second_us);
  ask(user("alice"), GetSession{{}, first.id});  // used now
  auto const other = open_empty("bob");
  auto const third = open_empty("alice");
  EXPECT_EQ(ids_of(get<SessionPage>(user("alice"), ListSessions{shared})), (Lines{first.id, third.id}));
  EXPECT_EQ(ask(user("alice"), GetSession{{}, second.id})->code(), Code::not_found);
  EXPECT_TRUE(ask(user("bob"), GetSession{{}, other.id})->as<SessionInfo>());
}

TEST_F(CrowdedTest, NobodyInASessionLosesItAndCreationIsNeverRefused) {
  auto const first = open_empty("alice");
  auto const second = open_empty("alice");
  join(first.id, outlet, user("alice"));
  join(second.id, other_outlet, user("alice"));
  auto const third = open_empty("alice");
  EXPECT_EQ(ids_of(get<SessionPage>(user("alice"), ListSessions{shared})), (Lines{first.id, second.id, third.id}));
  auto const fourth = open_empty("alice");
  EXPECT_EQ(ids_of(get<SessionPage>(user("alice"), ListSessions{shared})), (Lines{first.id, second.id, fourth.id}))
      << "the third went, and that is all there was to give";
}

TEST_F(CrowdedTest, ASessionWhoseQuestionIsOnItsWayStays) {
  auto const first = open_empty("alice");
  auto const second = open_empty("alice");
  ask(user("alice"), AskQuery{shared, first.id, "q1", "{}"});
  clock.advance_us(second_us);
  ask(user("alice"), GetSession{{}, second.id});
  auto const third = open_empty("alice");
  EXPECT_EQ(ids_of(get<SessionPage>(user("alice"), ListSessions{shared})), (Lines{first.id, third.id}));
}

TEST_F(CrowdedTest, WhatIsFoundAgainTakesNoRoom) {
  SessionWish wish;
  wish.client_id = "laptop";
  auto const first = open_empty("alice", wish);
  auto const second = open_empty("alice");
  EXPECT_EQ(open_empty("alice", wish).id, first.id);
  EXPECT_EQ(ids_of(get<SessionPage>(user("alice"), ListSessions{shared})), (Lines{first.id, second.id}));
}

}  // namespace

}  // namespace sojourn

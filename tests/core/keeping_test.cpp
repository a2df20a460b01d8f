#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {
namespace {

// A server that is killed at any moment and starts again.
class KeepingTest : public CoreTest {
 protected:
  void kill() {
    auto const restored = restart();
    ASSERT_TRUE(restored) << restored.error().message;
  }
  Opened follow(std::string thread_id, RecordingOutlet& end) {
    JoinSession command{shared, {}, attachment(end)};
    command.via.follows = true;
    command.opens = true;
    command.wish.thread_id = std::move(thread_id);
    return get<Opened>(user("alice"), std::move(command));
  }
  std::string greeting_of(std::string const& id, std::string const& since, RecordingOutlet& end) {
    auto const opened = join(id, end, user("alice"), since);
    turns(3);
    return opened.greeting;
  }
};

TEST_F(KeepingTest, SHP_25_WhatWasAcknowledgedIsThereAgain) {
  auto const before = open_empty("alice", {.client_id = "laptop",
                                           .type = "lab",
                                           .metadata = R"({"a":[1,"ü"]})",
                                           .state = R"({"k":1})",
                                           .idle_us = 120 * second_us});
  post(before.id, "chat", R"({"text":"hello"})");
  set(before.id, "deep", R"({"x":null})");
  set(before.id, "k", "2");
  auto const kept = log_of(before.id);
  auto const revision = get<StateView>(GetState{{}, before.id, "deep"}).revision;
  kill();
  auto const after = get<SessionInfo>(user("alice"), GetSession{{}, before.id});
  EXPECT_EQ(after.opened_us, before.opened_us);
  EXPECT_EQ(after.owner, "alice");
  EXPECT_EQ(after.client_id, "laptop");
  EXPECT_EQ(after.type, "lab");
  EXPECT_EQ(after.metadata, R"({"a":[1,"ü"]})");
  EXPECT_EQ(after.idle_us, 120 * second_us);
  EXPECT_EQ(after.cursor, kept.cursor) << "the same epoch";
  EXPECT_EQ(state_of(before.id), R"({"deep":{"x":null},"k":2})");
  EXPECT_EQ(get<StateView>(GetState{{}, before.id}).revision, 5U);
  EXPECT_EQ(get<StateView>(GetState{{}, before.id, "deep"}).revision, revision);
  auto const again = log_of(before.id);
  ASSERT_EQ(again.events.size(), kept.events.size());
  for (std::size_t i = 0; i < kept.events.size(); ++i) {
    EXPECT_EQ(again.events[i]->seq, kept.events[i]->seq);
    EXPECT_EQ(again.events[i]->data, kept.events[i]->data);
    EXPECT_EQ(again.events[i]->user, kept.events[i]->user);
  }
  EXPECT_EQ(post(before.id, "more").seq, 6U);
}

TEST_F(KeepingTest, FMV_16_AClientFindsItsSessionAgainAfterARestart) {
  auto const before = open_empty("alice", {.client_id = "laptop"});
  kill();
  auto const again = get<Opened>(user("alice"), OpenSession{shared, {}, {.client_id = "laptop"}});
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.session.id, before.id);
  EXPECT_FALSE(get<Opened>(user("bob"), OpenSession{shared, {}, {.client_id = "laptop"}}).resumed);
}

TEST_F(KeepingTest, ListsStandInTheSameOrder) {
  Lines ids;
  for (int i = 0; i < 20; ++i) ids.push_back(open_empty(i % 2 == 0 ? "alice" : "bob").id);
  kill();
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{})), ids);
  EXPECT_EQ(get<SessionPage>(user("bob"), ListSessions{}).total, 10U);
}

TEST_F(KeepingTest, WhatWasNotCommittedNeverWas) {
  auto const id = open_empty().id;
  store.hold();
  auto const posted = submit(PostMessage{{}, id, "lost"});
  auto const changed = submit(ChangeState{{}, id, {StateEdit::Verb::set, "k", "1", {}}});
  turns(3);
  kill();
  EXPECT_FALSE(posted->is_there() || changed->is_there());
  EXPECT_EQ(words_of(id), Lines{"session.opened"});
  EXPECT_EQ(state_of(id), "{}");
  EXPECT_EQ(post(id, "first").seq, 2U) << "nobody was ever shown a second";
}

// A volatile message has no place; the one that it tells of has to be one that lasts.
TEST_F(KeepingTest, NoCursorIsToldThatMayBeUsedAgain) {
  auto const id = open_empty().id;
  store.hold();
  submit(PostMessage{{}, id, "lost"});
  auto const told = submit(PostMessage{{}, id, "volatile", {}, true});
  turns(2);
  ASSERT_TRUE(told->as<Posted>());
  EXPECT_EQ(told->as<Posted>()->cursor.seq, 1U);
}

TEST_F(KeepingTest, WhoComesBackWithItsCursorGetsWhatItMissed) {
  auto const id = open_empty().id;
  auto const seen = post(id, "a");
  post(id, "b");
  kill();
  post(id, "c");
  greeting_of(id, to_text(seen.cursor), outlet);
  auto const lines = outlet.take_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("b"), std::string::npos);
  EXPECT_NE(lines[1].find("c"), std::string::npos);
}

TEST_F(KeepingTest, AMI_23_WhatNobodyFollowedIsMissedAfterARestartToo) {
  auto const thread = follow("chat", outlet);
  post(thread.session.id, "heard");
  ask(Leave{thread.connection});
  post(thread.session.id, "a");
  post(thread.session.id, "b");
  clock.advance_us(6 * second_us);
  turns(3);
  kill();
  EXPECT_EQ(get<std::vector<MissedCount>>(ListMissed{}).at(0).messages, 2U);
  auto const again = follow("chat", other_outlet);
  EXPECT_EQ(again.session.id, thread.session.id);
  EXPECT_NE(again.greeting.find("missed a b"), std::string::npos) << again.greeting;
  clock.advance_us(6 * second_us);
  turns(3);
  kill();
  EXPECT_EQ(follow("chat", third_outlet).greeting.find("missed"), std::string::npos) << "once";
}

TEST_F(KeepingTest, TokensAndTheirRevocationsLast) {
  auto const id = open_empty().id;
  auto const good = mint(id);
  auto const revoked = mint(id);
  auto const single = mint(id, Scope::read, true);
  auto const brief = mint(id, Scope::read, false, second_us);
  ask(guest(single), GetSession{{}, id});
  kill();
  EXPECT_EQ(ask(guest(single), GetSession{{}, id})->code(), Code::unauthenticated);
  ask(RevokeToken{{}, id, revoked.token.id});
  clock.advance_us(2 * second_us);
  kill();
  EXPECT_TRUE(ask(guest(good), PostMessage{{}, id, "x"})->as<Posted>());
  for (auto const& gone : {revoked, single, brief})
    EXPECT_EQ(ask(guest(gone), GetSession{{}, id})->code(), Code::unauthenticated);
  EXPECT_EQ(get<std::vector<SessionToken>>(ListTokens{{}, id}).size(), 2U) << "the used one is known as such";
}

TEST_F(KeepingTest, ATokenThatAReadUsesUpIsKnownAsUsedBeforeTheReadIsAnswered) {
  auto const id = open_empty().id;
  auto const single = mint(id, Scope::read, true);
  store.hold();
  auto const answer = submit(guest(single), ReadEvents{{}, id});
  turns(3);
  EXPECT_FALSE(answer->is_there());
  store.release();
  turns(4);
  EXPECT_TRUE(answer->as<EventPage>());
}

TEST_F(KeepingTest, WhatIsSaidAgainAfterARestartIsSaidOnce) {
  auto const id = open_empty().id;
  auto const before = join(id, outlet, user("alice"));
  auto const first = get<Posted>(Say{before.connection, "m", "1", false, "id-1", true});
  kill();
  auto const after = join(id, other_outlet, user("alice"));
  EXPECT_EQ(get<Posted>(Say{after.connection, "m", "1", false, "id-1", true}).seq, first.seq);
  EXPECT_NE(get<Posted>(Say{after.connection, "m", "1", false, "id-2", true}).seq, first.seq);
}

TEST_F(KeepingTest, HowSessionsEndedIsKnownForADay) {
  auto const expired = open_empty("alice", {.idle_us = second_us}).id;
  clock.advance_us(second_us);
  turns(3);
  auto const deleted = open_empty("alice").id;
  ask(CloseSession{{}, deleted});
  kill();
  EXPECT_EQ(ask(user("alice"), GetSession{{}, expired})->code(), Code::expired);
  EXPECT_EQ(ask(user("alice"), GetSession{{}, deleted})->code(), Code::not_found);
  EXPECT_EQ(ask(user("bob"), GetSession{{}, expired})->code(), Code::not_found);
  EXPECT_EQ(hub.session_count(), 0U) << "what ended never comes back";
  clock.advance_us(24 * hour_us);
  kill();
  EXPECT_EQ(ask(user("alice"), GetSession{{}, expired})->code(), Code::not_found);
}

TEST_F(KeepingTest, ForgottenTombstonesAreForgottenByTheStore) {
  HubStage::Options options;
  options.limits.tombstones = 2;
  CoreStage stage(options);
  for (int i = 0; i < 5; ++i) stage.ask(CloseSession{{}, stage.open_empty().id});
  EXPECT_EQ(stage.store.records().size(), 2U);
}

// Time in which there was no server is nobody's idleness; what was idle before counts.
TEST_F(KeepingTest, FMV_20_ASessionLosesNoTimeByARestart) {
  for (std::int64_t const away_s : {50, 3000}) {
    auto const id = open_empty("alice", {.idle_us = 100 * second_us}).id;
    clock.advance_us(60 * second_us);
    ask(user("alice"), GetSession{{}, id});
    clock.advance_us(6 * second_us);
    turns(3);  // what was used is saved
    clock.advance_us(away_s * second_us);
    kill();
    EXPECT_EQ(hub.session_count(), 1U);
    clock.advance_us(90 * second_us);
    turns(3);
    EXPECT_EQ(hub.session_count(), 1U) << away_s;
    clock.advance_us(10 * second_us);
    turns(3);
    EXPECT_EQ(hub.session_count(), 0U) << away_s;
  }
}

TEST_F(KeepingTest, WhoWasConnectedAllTheTimeHasAllItsTimeAgain) {
  auto const id = open_empty("alice", {.idle_us = 10 * second_us}).id;
  join(id, outlet, user("alice"));
  auto const other = open_empty("bob").id;
  clock.advance_us(600 * second_us);
  ask(user("bob"), GetSession{{}, other});
  clock.advance_us(6 * second_us);
  turns(3);  // the server was seen alive
  kill();
  EXPECT_TRUE(ask(user("alice"), GetSession{{}, id})->as<SessionInfo>());
}

TEST_F(KeepingTest, TheTimeThatIsLeftIsTold) {
  auto const id = open_empty("alice", {.idle_us = 100 * second_us}).id;
  clock.advance_us(1000 * second_us);
  kill();
  auto const listed = get<SessionPage>(user("alice"), ListSessions{});
  ASSERT_EQ(listed.sessions.size(), 1U);
  EXPECT_EQ(listed.sessions[0].expires_us, clock.now().utc_us + 100 * second_us);
}

TEST_F(KeepingTest, WhenItEndsIsToldTheSameWhileItStaysTheSame) {
  open_empty("alice", {.idle_us = 100 * second_us});
  auto const expires = [&] { return get<SessionPage>(user("alice"), ListSessions{}).sessions.at(0).expires_us; };
  auto const before = expires();
  clock.set_utc_by(1);  // as far as two clocks that are read one after the other may be apart
  EXPECT_EQ(expires(), before);
  clock.set_utc_by(hour_us);
  EXPECT_EQ(expires(), before + hour_us + 1);
}

TEST_F(KeepingTest, AUseThatIsNotSavedYetIsWhenTheServerEnds) {
  auto const id = open_empty("alice", {.client_id = "desk", .idle_us = 100 * second_us}).id;
  clock.advance_us(20 * second_us);
  ask(user("alice"), OpenSession{shared, {}, {.client_id = "desk"}});
  auto const used = get<SessionPage>(user("alice"), ListSessions{}).sessions.at(0).last_seen_us;
  hub.save_now();
  turns(4);
  EXPECT_TRUE(hub.is_saved());
  kill();
  EXPECT_EQ(get<SessionPage>(user("alice"), ListSessions{}).sessions.at(0).last_seen_us, used);
}

TEST_F(KeepingTest, WhoWasInItWithoutAWordHasAMinuteToComeBack) {
  auto const id = open_empty("alice", {.idle_us = 100 * second_us}).id;
  join(id, outlet, user("alice"));
  auto const other = open_empty("bob").id;
  clock.advance_us(90 * second_us);
  ask(user("bob"), GetSession{{}, other});
  clock.advance_us(6 * second_us);
  turns(3);
  kill();
  clock.advance_us(59 * second_us);
  turns(3);
  EXPECT_TRUE(ask(user("alice"), GetSession{{}, id})->as<SessionInfo>());
}

TEST_F(KeepingTest, PlacesOfAfterABackupAreNoneAny) {
  auto const id = open_empty().id;
  auto const before = post(id, "a").cursor;
  store.commit({99, {{.session_id = "server", .marks = {{"restored", "1"}}}}}, 0, [](Result<> const&) {});
  store.turn();
  kill();
  turns(3);
  auto const page = get<EventPage>(ReadEvents{{}, id, to_text(before)});
  EXPECT_TRUE(page.gap);
  auto const now = log_of(id).cursor;
  EXPECT_NE(now.epoch, before.epoch);
  kill();
  EXPECT_EQ(log_of(id).cursor, now) << "once";
}

TEST_F(KeepingTest, WithoutRoomNothingIsSavedNorEndsByItself) {
  auto const id = open_empty("alice", {.idle_us = second_us}).id;
  clock.advance_us(40 * second_us);
  store.set_room(false);
  auto const batches = store.batches().size();
  turns(3);
  clock.advance_us(40 * second_us);
  turns(3);
  EXPECT_EQ(store.batches().size(), batches);
  EXPECT_GT(hub.next_deadline_us(), clock.now().steady_us) << "and nobody turns in circles";
  store.set_room(true);
  clock.advance_us(2 * second_us);
  turns(3);
  EXPECT_EQ(ask(user("alice"), GetSession{{}, id})->code(), Code::expired);
}

TEST_F(KeepingTest, WhatWasCleanedStaysForgotten) {
  auto const id = open_empty().id;
  post(id, "secret");
  ask(CleanSession{{}, id});
  kill();
  EXPECT_EQ(words_of(id), Lines{"session.cleaned"});
}

TEST_F(KeepingTest, ALogIsReadOnlyWhenSomebodyLooks) {
  for (int i = 0; i < 10; ++i) post(open_empty().id, "x");
  kill();
  EXPECT_EQ(store.reads(), 0);
  auto const ids = ids_of(get<SessionPage>(ListSessions{}));
  EXPECT_EQ(store.reads(), 0);
  EXPECT_EQ(words_of(ids[3]), (Lines{"session.opened", "message"}));
  EXPECT_GT(store.reads(), 0);
}

TEST_F(KeepingTest, ALogThatIsNotWholeIsNotTold) {
  auto const id = open_empty().id;
  post(id, "x");
  kill();
  store.lose_events();
  EXPECT_EQ(ask(GetSession{{}, id})->code(), Code::damaged);
  EXPECT_EQ(ask(PostMessage{{}, id, "y"})->code(), Code::damaged);
  EXPECT_EQ(ask(JoinSession{shared, id, attachment(outlet)})->code(), Code::damaged);
}

TEST_F(KeepingTest, ARecordThatIsNoneOfOursIsRefused) {
  store.commit({1, {{.session_id = "abc", .marks = {{"birth", "{"}}}}}, 0, [](Result<> const&) {});
  store.turn();
  auto const restored = restart();
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::damaged);
  EXPECT_NE(restored.error().message.find("abc"), std::string::npos);
}

TEST_F(KeepingTest, BrowserSessionsWithoutACheckpointAreGone) {
  auto const id = get<Opened>(user("alice"), OpenSession{SessionKind::browser, {}, {}}).session.id;
  kill();
  EXPECT_EQ(ask(user("alice"), GetSession{{}, id})->code(), Code::not_found);
  turns(3);
  EXPECT_TRUE(store.records().empty());
}

TEST_F(KeepingTest, WithoutRoomNothingMoreIsKeptAndTheRestGoesOn) {
  auto const id = open_empty().id;
  auto const member = join(id, outlet, user("alice"));
  auto const ends = open_empty().id;
  store.set_room(false);
  for (auto const& command : std::vector<Command>{
           PostMessage{{}, id, "x"}, ChangeState{{}, id, {StateEdit::Verb::set, "k", "1", {}}},
           OpenSession{shared, {}, {}}, MintToken{{}, id, Scope::read, hour_us}, Say{member.connection, "x"},
           JoinSession{shared, {}, attachment(other_outlet), {}, 0, true}})
    EXPECT_EQ(ask(command)->code(), Code::storage_full);
  EXPECT_EQ(words_of(id), Lines{"session.opened"}) << "refused before it was done";
  EXPECT_EQ(state_of(id), "{}");
  EXPECT_EQ(hub.session_count(), 2U);
  EXPECT_TRUE(ask(PostMessage{{}, id, "volatile", {}, true})->as<Posted>());
  EXPECT_TRUE(ask(CloseSession{{}, ends})->as<SessionInfo>()) << "which makes room";
  EXPECT_TRUE(open(extension, third_outlet).connection != 0);
  store.set_room(true);
  EXPECT_TRUE(ask(PostMessage{{}, id, "x"})->as<Posted>());
}

// What a door notes stands or falls with what is done in the same turn.
TEST_F(KeepingTest, WhatDoorsNoteComesBackWithWhatWasDoneInTheSameTurn) {
  hub.note({"lost", "1"});
  submit(user("alice"), OpenSession{shared, {}, {}});
  kill();
  EXPECT_TRUE(hub.take_notes().empty());
  EXPECT_EQ(hub.session_count(), 0U);
  hub.note({"kept", "2"});
  hub.note({"gone", "3"});
  submit(user("alice"), OpenSession{shared, {}, {}});
  turn();
  bool is_told = false;
  hub.note({"gone", std::nullopt}, [&](Result<Outcome> const&) { is_told = true; });
  EXPECT_FALSE(is_told);
  turns(3);
  EXPECT_TRUE(is_told);
  kill();
  EXPECT_EQ(hub.take_notes(), (std::vector<std::pair<std::string, std::string>>{{"kept", "2"}}));
  EXPECT_TRUE(hub.take_notes().empty()) << "once";
  EXPECT_EQ(hub.session_count(), 1U);
}

TEST_F(KeepingTest, TheHubIsBehindWhileMuchIsUncommitted) {
  auto const session = open_empty("alice");
  store.hold();
  std::string const text = "\"" + std::string(50'000, 'x') + "\"";
  int posted = 0;
  for (; !hub.is_behind() && posted < 100; ++posted) {
    submit(user("alice"), PostMessage{shared, session.id, "m", text});
    turn();
  }
  EXPECT_GE(posted, 4);
  EXPECT_LE(posted, 6) << "a quarter of what may wait for one reader";
  store.release();
  turns(4);
  EXPECT_FALSE(hub.is_behind());
}

TEST_F(KeepingTest, WhatASessionWasUsedForIsStillCounted) {
  auto const session = open_empty("alice");
  get<UseView>(user("alice"), NoteUse{shared, session.id, Use::case_opened});
  kill();
  auto view = get<UseView>(user("alice"), NoteUse{shared, session.id, Use::stats});
  EXPECT_EQ(view.use.count(Use::case_opened), 1U) << "at once";
  EXPECT_EQ(view.session.cases, 1U);
  get<UseView>(user("alice"), NoteUse{shared, session.id, Use::heartbeat});
  clock.advance_us(40 * second_us);
  get<UseView>(user("alice"), NoteUse{shared, session.id, Use::heartbeat});
  clock.advance_us(6 * second_us);
  turns(4);
  kill();
  view = get<UseView>(user("alice"), NoteUse{shared, session.id, Use::stats});
  EXPECT_EQ(view.use.count(Use::heartbeat), 2U) << "a little later";
  get<Cleaned>(user("alice"), CleanSession{shared, session.id});
  kill();
  view = get<UseView>(user("alice"), NoteUse{shared, session.id, Use::stats});
  EXPECT_EQ(view.use.count(Use::case_opened), 0U);
  EXPECT_EQ(view.use.count(Use::cleanup), 1U);
}

// Nothing ends before its time or lives for ever because somebody sets the clock, over a restart or not.
TEST_F(KeepingTest, AClockThatIsSetHarmsNobody) {
  for (std::int64_t const by_us : {hour_us, -hour_us, 24 * hour_us, -24 * hour_us, std::int64_t{1} << 50}) {
    for (bool const is_killed : {false, true}) {
      auto const id = open_empty("alice", {.idle_us = 100 * second_us}).id;
      clock.advance_us(6 * second_us);
      turns(3);  // it is saved, by the clock of before
      clock.set_utc_by(by_us);
      turns(3);
      EXPECT_EQ(hub.session_count(), 1U) << by_us;
      if (is_killed) kill();
      ask(user("alice"), GetSession{{}, id});
      clock.advance_us(99 * second_us);
      turns(3);
      EXPECT_EQ(hub.session_count(), 1U) << by_us;
      EXPECT_EQ(log_of(id).events.size(), 1U) << by_us;
      clock.advance_us(101 * second_us);
      turns(3);
      EXPECT_EQ(hub.session_count(), 0U) << by_us;
    }
  }
}

}  // namespace
}  // namespace sojourn

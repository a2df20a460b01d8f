// The end of an iteration: replies, deadlines, expiry. What waits for the store is in turn_commit_test.cpp.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {
namespace {

class TurnTest : public CoreTest {};

TEST_F(TurnTest, AReplyNeverRunsInsideSubmit) {
  auto const opened = open(extension, outlet);
  for (auto const& command : std::vector<Command>{
           ListSessions{extension}, GetSession{extension, opened.session.id}, GetSession{extension, "nobody"},
           PostMessage{extension, opened.session.id, "x"}, Touch{opened.connection}, Say{opened.connection, "x"},
           AnswerCall{opened.connection, "x", true}, GetState{{}, opened.session.id}, ReadEvents{{}, opened.session.id},
           JoinSession{{}, opened.session.id, attachment(other_outlet)}, ListTokens{{}, opened.session.id},
           MakeOffer{opened.connection, {}}, CallTool{opened.connection, "x", "{}"}, PostToAll{"x"},
           SayGoodbye{opened.connection}, CallSession{extension, opened.session.id, "x"},
           CloseSession{extension, opened.session.id}, Leave{opened.connection},
           OpenSession{extension, attachment(outlet), {}}}) {
    auto const answer = submit(command);
    EXPECT_EQ(answer->runs, 0) << command.index();
    turn();
    EXPECT_EQ(answer->runs, 1) << command.index();
    turns(3);
    EXPECT_EQ(answer->runs, 1) << command.index();
  }
}

TEST_F(TurnTest, ARepliesOwnCommandIsAnsweredInTheNextTurn) {
  int depth = 0;
  Reply chain = [&](Result<Outcome> const&) {
    if (++depth < 5) hub.submit(local_principal(), ListSessions{extension}, chain);
  };
  hub.submit(local_principal(), ListSessions{extension}, chain);
  for (int i = 1; i < 5; ++i) {
    EXPECT_TRUE(turn()) << "there is more to do without waiting";
    EXPECT_EQ(depth, i) << "a chain of replies starves nobody";
  }
  EXPECT_FALSE(turn());
  EXPECT_EQ(depth, 5);
}

TEST_F(TurnTest, WhatAReplySaysIsShownInTheSameTurn) {
  auto const opened = open(extension, outlet);
  Reply const nothing = [](Result<Outcome> const&) {};
  hub.submit(local_principal(), ListSessions{extension}, [&](Result<Outcome> const&) {
    hub.submit({}, Say{opened.connection, "from a reply"}, nothing);
  });
  EXPECT_TRUE(turn()) << "its own reply is still to come";
  EXPECT_EQ(outlet.take_lines().size(), 1U);
}

TEST_F(TurnTest, RepliesRunInTheOrderOfTheirCommands) {
  std::vector<int> order;
  for (int i = 0; i < 5; ++i)
    hub.submit(local_principal(), ListSessions{extension}, [&order, i](Result<Outcome> const&) { order.push_back(i); });
  turn();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(TurnTest, ACommandNeedsNoReply) {
  auto const opened = open(extension, outlet);
  hub.submit(local_principal(), PostMessage{extension, opened.session.id, "x"});
  hub.submit(local_principal(), CallSession{extension, opened.session.id, "y", {}, 1000});
  turn();
  EXPECT_EQ(outlet.take_lines().size(), 2U);
  clock.advance_us(1000);
  turns(2);
  EXPECT_EQ(hub.next_deadline_us(), never) << "a call without a reply expires too";
}

TEST_F(TurnTest, CallsExpireAtTheirDeadlineAndNotBefore) {
  auto const opened = open(extension, outlet);
  EXPECT_EQ(hub.next_deadline_us(), never);
  auto const start_us = clock.now().steady_us;
  auto const slow = submit(CallSession{extension, opened.session.id, "slow", {}, 2000});
  auto const quick = submit(CallSession{extension, opened.session.id, "quick", {}, 1000});
  auto const same = submit(CallSession{extension, opened.session.id, "same", {}, 1000});
  turn();
  EXPECT_EQ(hub.next_deadline_us(), start_us + 1000);
  clock.advance_us(999);
  turn();
  EXPECT_FALSE(quick->is_there());
  clock.advance_us(1);
  turn();
  for (auto const& answer : {quick, same}) {
    EXPECT_EQ(answer->code(), Code::timeout);
    EXPECT_EQ(answer->message(), "Operation timeout");
  }
  EXPECT_FALSE(slow->is_there());
  EXPECT_EQ(hub.next_deadline_us(), start_us + 2000);
  auto const late = submit(AnswerCall{opened.connection, last_word(outlet.take_lines().at(1)), true, "1", {}});
  clock.advance_us(1'000'000);
  turns(2);
  EXPECT_EQ(*late->as<bool>(), false);
  EXPECT_EQ(slow->code(), Code::timeout);
  EXPECT_EQ(quick->runs, 1);
  EXPECT_EQ(hub.next_deadline_us(), never);
}

TEST_F(TurnTest, AWhisperReachesItsConnectionOnlyAndIsNoEvent) {
  auto const opened = open(extension, outlet);
  get<Opened>(JoinSession{{}, opened.session.id, attachment(other_outlet)});
  outlet = RecordingOutlet();
  auto const psst = [](Session const& session, Connection const& connection, Moment now) {
    return session.id + " " + std::to_string(connection.id) + " " + std::to_string(now.utc_us);
  };
  hub.whisper(opened.connection, psst);
  EXPECT_EQ(outlet.text, opened.session.id + " " + std::to_string(opened.connection) + " " +
                             std::to_string(clock.now().utc_us) + "\n");
  EXPECT_EQ(other_outlet.text, "");
  submit(PostMessage{{}, opened.session.id, "x"});
  turn();
  EXPECT_TRUE(outlet.text.ends_with("\n1 message 0 x\n")) << "the whisper took no place in the log";
  int asked = 0;
  auto const count = [&](Session const&, Connection const&, Moment) { return std::to_string(++asked); };
  hub.whisper(99, count);
  submit(SayGoodbye{opened.connection});
  hub.whisper(opened.connection, count);
  EXPECT_EQ(asked, 0);
}

class ExpiryTest : public CoreTest {
 protected:
  bool lives(std::string const& id) {
    // Asking would keep it.
    for (auto const& each : get<SessionPage>(ListSessions{shared}).sessions)
      if (each.id == id) return true;
    return false;
  }
};

TEST_F(ExpiryTest, SHP_11_ASharedSessionEndsAfterItsTimeWithoutAnybody) {
  auto const id = open_empty("alice").id, quick = open_empty("alice", {.idle_us = second_us}).id;
  EXPECT_EQ(hub.next_deadline_us(), clock.now().steady_us + second_us);
  clock.advance_us(second_us - 1);
  turns(2);
  EXPECT_TRUE(lives(quick));
  clock.advance_us(1);
  turns(2);
  EXPECT_FALSE(lives(quick));
  EXPECT_TRUE(lives(id));
  clock.advance_us(hour_us - second_us - 1);
  turns(2);
  EXPECT_TRUE(lives(id));
  clock.advance_us(1);
  turns(2);
  EXPECT_FALSE(lives(id));
  EXPECT_EQ(hub.session_count(), 0U);
  EXPECT_EQ(hub.next_deadline_us(), never);
}

TEST_F(ExpiryTest, AnyUseKeepsASession) {
  auto const id = open_empty("alice").id;
  for (auto const& use :
       std::vector<Command>{GetSession{{}, id}, GetState{{}, id}, PostMessage{{}, id, "x"}, ReadEvents{{}, id},
                            ChangeState{{}, id, {StateEdit::Verb::set, "k", "1", {}}}, ListConnections{{}, id},
                            MintToken{{}, id, Scope::read, hour_us}, PostMessage{{}, id, "x", {}, true}}) {
    clock.advance_us(hour_us - 1);
    turns(2);
    EXPECT_FALSE(ask(use)->code()) << use.index();
  }
  clock.advance_us(hour_us - 1);
  turns(2);
  EXPECT_TRUE(lives(id));
  EXPECT_EQ(ask(user("bob"), GetSession{{}, id})->code(), Code::not_found);
  clock.advance_us(1);
  turns(2);
  EXPECT_FALSE(lives(id)) << "what is refused is no use";
}

TEST_F(ExpiryTest, SHP_11_ASessionNeverEndsWhileSomebodyIsInIt) {
  auto const opened = open(shared, outlet);
  for (int i = 0; i < 10; ++i) {
    clock.advance_us(hour_us);
    turns(2);
  }
  EXPECT_TRUE(lives(opened.session.id));
  EXPECT_EQ(outlet.closes, 0);
  EXPECT_GT(hub.next_deadline_us(), clock.now().steady_us) << "it is looked at now and then, not all the time";
  clock.advance_us(hour_us / 2);
  ask(Leave{opened.connection});
  clock.advance_us(hour_us - 1);
  turns(2);
  EXPECT_TRUE(lives(opened.session.id)) << "its time begins when the last one leaves";
  clock.advance_us(1);
  turns(2);
  EXPECT_FALSE(lives(opened.session.id));
}

TEST_F(ExpiryTest, SHP_12_TheOwnerIsToldThatItExpiredAndOthersThatItIsNotThere) {
  auto const id = open_empty("alice").id, deleted = open_empty("alice").id;
  ask(CloseSession{{}, deleted});
  clock.advance_us(hour_us);
  turns(2);
  auto const answer = ask(user("alice"), GetSession{{}, id});
  EXPECT_EQ(answer->code(), Code::expired);
  EXPECT_EQ(answer->message(), "Session expired");
  EXPECT_EQ(ask(admin(), PostMessage{{}, id, "x"})->code(), Code::expired);
  EXPECT_EQ(ask(user("bob"), GetSession{{}, id})->code(), Code::not_found);
  EXPECT_EQ(ask(user("alice"), GetSession{{}, deleted})->code(), Code::not_found);
  clock.advance_us(24 * hour_us - 1);
  EXPECT_EQ(ask(user("alice"), GetSession{{}, id})->code(), Code::expired);
  clock.advance_us(1);
  EXPECT_EQ(ask(user("alice"), GetSession{{}, id})->code(), Code::not_found) << "that is remembered for a day";
}

TEST_F(ExpiryTest, TheEndIsCommittedBeforeAnybodyIsTold) {
  auto const id = open_empty("alice").id;
  store.hold();
  clock.advance_us(hour_us);
  turns(2);
  auto const answer = submit(user("alice"), GetSession{{}, id});
  turns(2);
  EXPECT_FALSE(answer->is_there());
  store.release();
  turns(2);
  EXPECT_EQ(answer->code(), Code::expired);
  EXPECT_EQ(store.batches().back().changes.back().session_id, id);
  EXPECT_TRUE(store.batches().back().changes.back().forgets);
}

TEST_F(ExpiryTest, OneTurnEndsSoManyAndTheRestFollow) {
  for (int i = 0; i < 300; ++i) submit(OpenSession{shared, {}, {.idle_us = second_us}});
  turns(3);
  EXPECT_EQ(hub.session_count(), 300U);
  clock.advance_us(second_us);
  turn();
  EXPECT_LE(hub.next_deadline_us(), clock.now().steady_us) << "the next turn is due at once";
  EXPECT_EQ(get<SessionPage>(ListSessions{}).total, 300U - 256U);
  EXPECT_EQ(get<SessionPage>(ListSessions{}).total, 0U);
  turns(3);
  EXPECT_EQ(hub.session_count(), 0U);
}

TEST_F(ExpiryTest, ABrowsersSessionDoesNotExpire) {
  open(extension, outlet);
  EXPECT_EQ(hub.next_deadline_us(), never);
  clock.advance_us(1000 * hour_us);
  turns(2);
  EXPECT_EQ(hub.session_count(), 1U);
}

TEST(IdleTime, IsTheServersOwnWhereNobodySaysMore) {
  HubStage::Options options;
  options.idle_us = 5 * second_us;
  CoreStage stage(options);
  EXPECT_EQ(stage.open_empty("alice").idle_us, 5 * second_us);
  EXPECT_EQ(stage.open_empty("alice", {.idle_us = 7 * second_us}).idle_us, 7 * second_us);
  EXPECT_EQ(stage.hub.next_deadline_us(), stage.clock.now().steady_us + 5 * second_us);
}

TEST(Graves, AreOnlySoMany) {
  HubStage::Options options;
  options.limits.tombstones = 2;
  CoreStage stage(options);
  Lines ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(stage.open_empty("alice").id);
    stage.clock.advance_us(second_us);
  }
  stage.clock.advance_us(hour_us);
  stage.turns(3);
  EXPECT_EQ(stage.ask(GetSession{{}, ids[0]})->code(), Code::not_found);
  EXPECT_EQ(stage.ask(GetSession{{}, ids[1]})->code(), Code::expired);
  EXPECT_EQ(stage.ask(GetSession{{}, ids[2]})->code(), Code::expired);
}

}  // namespace
}  // namespace sojourn

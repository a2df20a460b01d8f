// The part of turn.cpp that waits for the store: what is durable is told after its commit, or never.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {
namespace {

class CommitTest : public CoreTest {
 protected:
  std::shared_ptr<Answer const> post(Opened const& to, std::string name) {
    return submit(PostMessage{to.session.kind, to.session.id, std::move(name)});
  }
};

TEST_F(CommitTest, ADurableEventIsShownAndAnsweredOnlyAfterItsCommit) {
  auto const opened = open(shared, outlet);
  store.hold();
  auto const posted = post(opened, "x");
  turns(5);
  EXPECT_TRUE(store.is_busy());
  EXPECT_FALSE(posted->is_there());
  EXPECT_EQ(outlet.text, "");
  store.release();
  turn();
  EXPECT_TRUE(posted->as<Posted>());
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message 0 x"});
}

TEST_F(CommitTest, AReadOfWhatIsNotCommittedWaitsForItsCommit) {
  store.hold();
  auto const opening = submit(OpenSession{shared, attachment(outlet), {}});
  turn();
  EXPECT_TRUE(store.is_busy());
  auto const list = submit(ListSessions{shared});  // while the commit runs
  turns(3);
  EXPECT_FALSE(opening->is_there());
  EXPECT_FALSE(list->is_there());
  store.release();
  turn();
  ASSERT_TRUE(opening->as<Opened>());
  EXPECT_TRUE(list->as<SessionPage>());

  store.hold();
  auto const posted = post(*opening->as<Opened>(), "x");
  auto const read = submit(GetSession{shared, opening->as<Opened>()->session.id});  // before the commit begins
  turns(3);
  EXPECT_FALSE(posted->is_there() || read->is_there());
  store.release();
  turn();
  EXPECT_TRUE(posted->as<Posted>());
  EXPECT_TRUE(read->as<SessionInfo>());
}

TEST_F(CommitTest, AReadWaitsForTheNewestOfSeveralCommits) {
  auto const opened = open(shared, outlet);
  open(shared, other_outlet);  // listed after it, with nothing to wait for
  store.hold();
  post(opened, "in flight");
  turn();
  post(opened, "gathering");
  auto const read = submit(GetSession{shared, opened.session.id});
  auto const list = submit(ListSessions{shared});
  store.release();
  turn();
  EXPECT_EQ(store.committed_seq(opened.session.id), 2U);
  EXPECT_FALSE(read->is_there() || list->is_there());
  turn();
  EXPECT_EQ(store.committed_seq(opened.session.id), 3U);
  EXPECT_TRUE(read->is_there() && list->is_there());
}

TEST_F(CommitTest, AReadOfWhatIsCommittedDoesNotWaitForOtherSessions) {
  auto const quiet = open(shared, outlet);
  auto const busy = open(shared, other_outlet);
  store.hold();
  post(busy, "x");
  turn();
  auto const read = submit(GetSession{shared, quiet.session.id});
  turn();
  EXPECT_TRUE(read->as<SessionInfo>());
}

TEST_F(CommitTest, ChangesMadeWhileACommitRunsAreCommittedTogetherAfterwards) {
  auto const opened = open(shared, outlet);
  auto const batches = store.batches().size();
  store.hold();
  post(opened, "a");
  turn();
  post(opened, "b");
  turn();
  post(opened, "c");
  turn();
  EXPECT_EQ(store.batches().size(), batches + 1) << "one commit at a time";
  store.release();
  turn();
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message 0 a"}) << "the others are not kept yet";
  turn();
  ASSERT_EQ(store.batches().size(), batches + 2);
  EXPECT_EQ(store.batches().back().changes.size(), 2U);
  EXPECT_EQ(store.batches().back().number, store.batches()[batches].number + 1);
  EXPECT_EQ(outlet.take_lines(), (Lines{"3 message 0 b", "4 message 0 c"}));
}

TEST_F(CommitTest, TellsTheStoreWhoseChangeItIsAndWhereItsLogBegins) {
  auto const opened = open(shared, outlet, user("alice"));
  post(opened, "x");
  turn();
  auto const& first = store.batches().at(0).changes.at(0);
  EXPECT_EQ(first.session_id, opened.session.id);
  EXPECT_EQ(first.event->type, EventType::opened);
  EXPECT_EQ(first.event->seq, 1U);
  EXPECT_EQ(first.first_seq, 1U);
  EXPECT_FALSE(first.forgets);
  auto const& second = store.batches().at(1).changes.at(0);
  EXPECT_EQ(second.session_id, opened.session.id);
  EXPECT_EQ(second.event->seq, 2U);
}

TEST(Commit, LetsTheStoreForgetWhatFellOffTheLogAndAllOfWhatEnded) {
  HubStage::Options options;
  options.limits.log_events = 2;
  HubStage stage(options);
  RecordingOutlet outlet;
  auto const opened = stage.open(shared, outlet);
  for (int i = 0; i < 5; ++i) {
    stage.submit(PostMessage{shared, opened.session.id, "x"});
    stage.turns(2);
  }
  auto const& last = stage.store.batches().back().changes.at(0);
  EXPECT_EQ(last.event->seq, 6U);
  EXPECT_EQ(last.first_seq, 5U);
  EXPECT_EQ(stage.store.records().at(0).first_seq, 5U);
  stage.submit(CloseSession{shared, opened.session.id});
  stage.turns(2);
  EXPECT_TRUE(stage.store.batches().back().changes.at(0).forgets);
  EXPECT_EQ(stage.store.batches().back().changes.at(0).event, nullptr);
  ASSERT_EQ(stage.store.records().size(), 1U);
  EXPECT_EQ(stage.store.records()[0].marks.at(0).first, "stone");
}

TEST_F(CommitTest, MemoryOnlySessionsNeverWaitForTheStoreNorAppearInIt) {
  auto const durable = open(shared, other_outlet);
  auto const commits = store.batches().size();
  store.hold();
  post(durable, "slow");
  turn();
  auto const opened = open(extension, outlet);
  EXPECT_FALSE(opened.session.id.empty());
  auto const posted = post(opened, "quick");
  auto const read = submit(GetSession{extension, opened.session.id});
  auto const list = submit(ListSessions{extension});
  turn();
  EXPECT_TRUE(posted->as<Posted>() && read->as<SessionInfo>() && list->as<SessionPage>());
  EXPECT_EQ(outlet.take_lines(), Lines{"1 message 0 quick"});
  auto const closed = submit(CloseSession{extension, opened.session.id});
  turn();
  EXPECT_TRUE(closed->as<SessionInfo>());
  EXPECT_EQ(outlet.closes, 1);
  EXPECT_EQ(store.batches().size(), commits + 1);
  EXPECT_EQ(store.batches().back().changes.size(), 1U);
}

TEST_F(CommitTest, TheEndOfADurableSessionIsToldOnlyAfterItsCommit) {
  auto const opened = open(shared, outlet);
  store.hold();
  post(opened, "last");
  auto const closed = submit(CloseSession{shared, opened.session.id});
  auto const commands =
      std::vector<Command>{GetSession{shared, opened.session.id}, CloseSession{shared, opened.session.id},
                           PostMessage{shared, opened.session.id, "too late"}, Say{opened.connection, "too late"}};
  std::vector<std::shared_ptr<Answer const>> refused;
  for (auto const& command : commands) refused.push_back(submit(command));
  auto const list = submit(ListSessions{shared});
  turns(4);
  EXPECT_FALSE(closed->is_there() || list->is_there());
  for (auto const& answer : refused) EXPECT_FALSE(answer->is_there());
  EXPECT_EQ(outlet.text, "");
  EXPECT_EQ(outlet.closes, 0);

  store.release();
  turn();
  EXPECT_TRUE(closed->as<SessionInfo>());
  for (auto const& answer : refused) EXPECT_EQ(answer->code(), Code::not_found);
  EXPECT_TRUE(list->as<SessionPage>()->sessions.empty());
  EXPECT_EQ(outlet.take_lines(), (Lines{"2 message 0 last", R"(3 session.closed 0 {"reason":"deleted"})"}));
  EXPECT_EQ(outlet.closes, 1);
  EXPECT_EQ(outlet.pushes_after_close, 0);
  EXPECT_EQ(hub.session_count(), 0U);
  EXPECT_EQ(store.records().at(0).marks.at(0).first, "stone");
}

TEST_F(CommitTest, AMemberMayLeaveWhileTheEndOfItsSessionIsCommitted) {
  auto const opened = open(shared, outlet);
  submit(CloseSession{shared, opened.session.id});
  turn();
  submit(Leave{opened.connection});
  turns(2);
  EXPECT_TRUE(outlet.pushed.empty());
  EXPECT_EQ(outlet.closes, 0);
  EXPECT_EQ(hub.session_count(), 0U);
}

TEST_F(CommitTest, NobodyHearsWhoLeavesASessionThatHasEnded) {
  auto const opened = open(shared, outlet);
  auto const other = join(opened.session.id, other_outlet);
  outlet.take_lines();
  store.hold();
  submit(CloseSession{shared, opened.session.id});
  submit(Leave{other.connection});
  turns(3);
  EXPECT_EQ(outlet.take_lines(), Lines{});
  store.release();
  turns(2);
  EXPECT_EQ(outlet.take_lines(), Lines{R"(2 session.closed 0 {"reason":"deleted"})"});
}

TEST_F(CommitTest, AFailedCommitStopsTheHub) {
  auto const memory = open(extension, other_outlet);
  auto const opened = open(shared, outlet);
  store.hold();
  auto const in_flight = post(opened, "in flight");
  turn();
  auto const gathering = post(opened, "gathering");
  auto const read = submit(GetSession{shared, opened.session.id});
  auto const call = submit(CallSession{extension, memory.session.id, "do"});
  turn();
  EXPECT_FALSE(hub.is_stopped());
  store.release();
  store.fail(error(Code::storage_full, "no space left"));
  turn();
  EXPECT_TRUE(hub.is_stopped());
  for (auto const& answer : {in_flight, gathering, read, call}) {
    EXPECT_EQ(answer->code(), Code::storage_full);
    EXPECT_EQ(answer->message(), "no space left");
    EXPECT_EQ(answer->runs, 1);
  }
  EXPECT_EQ(outlet.text, "") << "what is not kept is never shown";
  EXPECT_EQ(hub.next_deadline_us(), never);

  for (auto const& command :
       std::vector<Command>{OpenSession{extension, attachment(outlet), {}}, ListSessions{extension},
                            GetSession{extension, memory.session.id}, PostMessage{extension, memory.session.id, "x"},
                            Touch{memory.connection}, Leave{memory.connection}}) {
    auto const answer = submit(command);
    EXPECT_EQ(answer->runs, 0);
    turn();
    EXPECT_EQ(answer->code(), Code::unavailable) << command.index();
  }
  EXPECT_FALSE(store.is_busy()) << "a stopped hub commits nothing";
}

TEST_F(CommitTest, AStoppedHubExpiresNothingAndAnswersNoQuestionOfWhatItIsNotSureOf) {
  auto const opened = open(shared, outlet);
  store.fail(error(Code::storage_full, "no space left"));
  post(opened, "x");
  turns(2);
  ASSERT_TRUE(hub.is_stopped());
  submit(Leave{opened.connection});
  clock.advance_us(100 * hour_us);
  turns(3);
  EXPECT_EQ(hub.session_count(), 1U);
  for (auto const& command :
       std::vector<Command>{GetState{{}, opened.session.id}, ReadEvents{{}, opened.session.id}, ListSessions{},
                            JoinSession{{}, opened.session.id, attachment(other_outlet)}, OpenSession{shared},
                            MintToken{{}, opened.session.id}, PostToAll{"x"}, CloseSession{{}, opened.session.id}})
    EXPECT_EQ(ask(command)->code(), Code::unavailable) << command.index();
  EXPECT_EQ(hub.connection_count(), 0U);
}

TEST_F(CommitTest, WhoWasComingInWhenACommitFailedIsForgottenWithItsOutlet) {
  auto const opened = open(shared, outlet);
  auto const bystander = join(opened.session.id, third_outlet);
  store.hold();
  post(opened, "x");
  auto const joining = submit(JoinSession{{}, opened.session.id, attachment(other_outlet)});
  auto const opening = submit(OpenSession{shared, attachment(other_outlet), {}});
  turns(2);
  store.release();
  store.fail(error(Code::storage_full, "no space left"));
  turns(2);
  EXPECT_EQ(joining->code(), Code::storage_full);
  EXPECT_EQ(opening->code(), Code::storage_full);
  EXPECT_EQ(hub.connection_count(), 2U);
  auto const pushes = other_outlet.pushed.size();
  submit(Leave{opened.connection});  // the others are told
  turns(2);
  EXPECT_EQ(other_outlet.pushed.size(), pushes);
  EXPECT_EQ(other_outlet.closes, 0);
  EXPECT_NE(bystander.connection, 0U);
}

TEST_F(CommitTest, AStoppedHubPushesNothingToWhoIsGone) {
  auto const durable = open(shared, other_outlet);
  auto const memory = open(extension, outlet);
  store.fail(error(Code::storage_full, "no space left"));
  post(durable, "x");
  turn();
  post(memory, "not shown yet");
  store.turn();
  ASSERT_TRUE(hub.is_stopped());
  submit(Leave{memory.connection});
  hub.turn();
  hub.whisper(memory.connection, [](Session const&, Connection const&, Moment) { return std::string("psst"); });
  EXPECT_TRUE(outlet.pushed.empty());
}

}  // namespace
}  // namespace sojourn

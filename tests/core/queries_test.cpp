// queries.cpp: what is asked in a session, who hears it, and what the log keeps of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "core/core_stage.h"

namespace sojourn {

namespace {

class QueryTest : public CoreTest {
 protected:
  std::shared_ptr<Answer const> ask_query(std::string const& id, std::string const& name,
                                          Principal const& by = user("alice")) {
    return submit(by, AskQuery{shared, id, name, R"({"query":"why?"})", second_us});
  }
  void offer(ConnectionId connection) { ask(MakeOffer{connection, Offer{{}, true}}); }
};

TEST_F(QueryTest, WithoutAnybodyToAnswerTheQuestionIsInTheLogAndTheHistoryComesBack) {
  auto const session = open_empty();
  post(session.id, "note", R"("first")");
  set(session.id, "k", "1");
  auto const first = ask(user("alice"), AskQuery{shared, session.id, "q1", R"({"query":"one"})"});
  ask(RecordAnswer{session.id, R"({"result":{"answer":"1"},"is_error":false})", "q1", 0.5});
  auto const second = ask(user("alice"), AskQuery{shared, session.id, "q2", R"({"query":"two"})"});
  ASSERT_TRUE(second->as<QueryAnswer>());
  auto const& answer = *second->as<QueryAnswer>();
  EXPECT_EQ(answer.data, "");
  EXPECT_EQ(answer.session_id, session.id);
  EXPECT_EQ(answer.by.name, "alice");
  ASSERT_EQ(answer.history.size(), 3U) << "a message, a question, an answer; no state, not itself";
  EXPECT_EQ(answer.history[0]->name, "note");
  EXPECT_EQ(answer.history[1]->type, EventType::query);
  EXPECT_EQ(answer.history[2]->type, EventType::query_result);
  EXPECT_EQ(words_of(session.id), (Lines{"session.opened", "message", "session.state", "session.query",
                                         "session.query_result", "session.query"}));
}

TEST_F(QueryTest, TheHistoryIsBoundedAndEndsWithTheNewest) {
  auto const session = open_empty();
  for (int i = 1; i <= 60; ++i) post(session.id, "note", std::to_string(i));
  auto const answer = get<QueryAnswer>(user("alice"), AskQuery{shared, session.id, "q", "{}"});
  ASSERT_EQ(answer.history.size(), 40U);
  EXPECT_EQ(answer.history.front()->data, "21");
  EXPECT_EQ(answer.history.back()->data, "60");
}

TEST_F(QueryTest, AMemberThatOfferedHearsItOnlyAfterItsCommitAndItsAnswerComesBack) {
  auto const session = open_empty();
  auto const member = join(session.id, outlet, user("alice"));
  offer(member.connection);
  outlet.take_lines();
  auto const answer = ask_query(session.id, "q1");
  EXPECT_EQ(outlet.text.find("run"), std::string::npos) << "nothing is shown before it is stored";
  for (int i = 0; i < 4; ++i) turn();
  auto const lines = outlet.take_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), R"(run 0 {"query":"why?"} q1)"), 1);
  EXPECT_FALSE(answer->is_there());
  ask(AnswerCall{member.connection, "q1", true, R"({"answer":"because"})", {}});
  ASSERT_TRUE(answer->as<QueryAnswer>());
  EXPECT_EQ(answer->as<QueryAnswer>()->data, R"({"answer":"because"})");
  EXPECT_FALSE(answer->as<QueryAnswer>()->failure);
}

TEST_F(QueryTest, WhoDidNotOfferIsNotAskedAndTheLatestToComeIs) {
  auto const session = open_empty();
  auto const older = join(session.id, outlet, user("alice"));
  auto const newer = join(session.id, other_outlet, user("alice"));
  join(session.id, third_outlet, user("alice"));
  offer(older.connection);
  offer(newer.connection);
  ask_query(session.id, "q1");
  for (int i = 0; i < 4; ++i) turn();
  EXPECT_EQ(outlet.text.find("run"), std::string::npos);
  EXPECT_NE(other_outlet.text.find("run"), std::string::npos);
  EXPECT_EQ(third_outlet.text.find("run"), std::string::npos);
}

TEST_F(QueryTest, ItFailsAtItsDeadlineAndWhenTheOtherLeaves) {
  auto const session = open_empty();
  auto const member = join(session.id, outlet, user("alice"));
  offer(member.connection);
  auto const late = ask_query(session.id, "late");
  for (int i = 0; i < 4; ++i) turn();
  clock.advance_us(second_us);
  turns(2);
  ASSERT_TRUE(late->as<QueryAnswer>());
  EXPECT_EQ(late->as<QueryAnswer>()->failure->code, Code::timeout);

  auto const gone = ask_query(session.id, "gone");
  turns(4);
  ask(Leave{member.connection});
  ASSERT_TRUE(gone->as<QueryAnswer>());
  EXPECT_EQ(gone->as<QueryAnswer>()->failure->code, Code::not_connected);
}

TEST_F(QueryTest, ACancelledQueryTellsWhoWasAskedAndFails) {
  auto const session = open_empty();
  auto const other = open_empty();
  auto const member = join(session.id, outlet, user("alice"));
  offer(member.connection);
  auto const answer = ask_query(session.id, "q1");
  turns(4);
  EXPECT_EQ(ask(user("bob"), CancelQuery{shared, session.id, "q1"})->code(), Code::not_found);
  EXPECT_EQ(*ask(CancelQuery{shared, other.id, "q1"})->as<ConnectionId>(), 0U) << "not of that session";
  EXPECT_FALSE(answer->is_there());
  EXPECT_EQ(*ask(user("alice"), CancelQuery{shared, session.id, "q1"})->as<ConnectionId>(), member.connection);
  EXPECT_EQ(answer->as<QueryAnswer>()->failure->code, Code::conflict);
  EXPECT_EQ(*ask(user("alice"), CancelQuery{shared, session.id, "q1"})->as<ConnectionId>(), 0U) << "only once";
  EXPECT_FALSE(*ask(AnswerCall{member.connection, "q1", true, "{}", {}})->as<bool>()) << "too late";
}

TEST_F(QueryTest, ProgressIsVolatileAndOnlyOfWhoWasAsked) {
  auto const session = open_empty();
  auto const member = join(session.id, outlet, user("alice"));
  auto const watcher = join(session.id, other_outlet, user("alice"));
  offer(member.connection);
  ask_query(session.id, "q1");
  turns(4);
  other_outlet.take_lines();
  EXPECT_FALSE(*ask(ReportProgress{{}, watcher.connection, "q1", R"({"text":"x"})"})->as<bool>());
  EXPECT_FALSE(*ask(ReportProgress{{}, member.connection, "q2", R"({"text":"x"})"})->as<bool>());
  EXPECT_TRUE(*ask(ReportProgress{{}, member.connection, "q1", R"({"text":"be"})"})->as<bool>());
  EXPECT_EQ(other_outlet.take_lines(),
            (Lines{"0 session.query_progress " + std::to_string(member.connection) + R"( {"text":"be"} q1)"}));
  EXPECT_EQ(ask(user("bob"), ReportProgress{session.id, 0, "q1", "{}"})->code(), Code::not_found);
  EXPECT_TRUE(*ask(user("alice"), ReportProgress{session.id, 0, "q1", R"({"text":"cause"})"})->as<bool>());
  EXPECT_EQ(other_outlet.take_lines(), (Lines{R"(0 session.query_progress 0 {"text":"cause"} q1)"}));
  EXPECT_EQ(words_of(session.id).back(), "session.query");
}

TEST_F(QueryTest, ANameIsUsedOnceAtATimeAndAReaderMayNotAsk) {
  auto const session = open_empty();
  offer(join(session.id, outlet, user("alice")).connection);
  ask_query(session.id, "q1");
  EXPECT_EQ(ask(user("alice"), AskQuery{shared, session.id, "q1", "{}"})->code(), Code::conflict);
  EXPECT_EQ(ask(user("alice", Scope::read), AskQuery{shared, session.id, "q2", "{}"})->code(), Code::forbidden);
  EXPECT_EQ(ask(user("bob"), AskQuery{shared, session.id, "q2", "{}"})->code(), Code::not_found);
  auto const browser = open(extension, other_outlet);
  EXPECT_EQ(ask(AskQuery{{}, browser.session.id, "q2", "{}"})->code(), Code::unsupported);
}

TEST_F(QueryTest, AnEndOfTheSessionFailsWhatWaits) {
  auto const session = open_empty();
  offer(join(session.id, outlet, user("alice")).connection);
  auto const answer = ask_query(session.id, "q1");
  turns(4);
  ask(CloseSession{{}, session.id});
  ASSERT_TRUE(answer->as<QueryAnswer>());
  EXPECT_EQ(answer->as<QueryAnswer>()->failure->code, Code::not_connected);
}

TEST_F(QueryTest, ASessionDoesNotExpireWhileItsQuestionIsOnItsWay) {
  auto const session = open_empty();
  ask(user("alice"), AskQuery{shared, session.id, "q1", "{}"});
  clock.advance_us(2 * hour_us);
  turn();
  EXPECT_TRUE(ask(RecordAnswer{session.id, "{}", "q1", {}})->as<Posted>());
  clock.advance_us(hour_us);
  turn();
  EXPECT_EQ(ask(user("alice"), GetSession{{}, session.id})->code(), Code::expired);
}

TEST_F(QueryTest, ASingleUseTokenAsksAndItsAnswerIsRecorded) {
  auto const session = open_empty();
  auto const visitor = guest(mint(session.id, Scope::write, true));
  auto const asked = get<QueryAnswer>(visitor, AskQuery{shared, session.id, "q1", "{}"});
  EXPECT_EQ(ask(visitor, AskQuery{shared, session.id, "q2", "{}"})->code(), Code::unauthenticated);
  EXPECT_TRUE(ask(asked.by, RecordAnswer{session.id, "{}", "q1", {}})->as<Posted>());
}

TEST_F(QueryTest, TheLogIsReadByRequestId) {
  auto const session = open_empty();
  ask(user("alice"), AskQuery{shared, session.id, "q1", "{}"});
  ask(user("alice"), AskQuery{shared, session.id, "q2", "{}"});
  ask(RecordAnswer{session.id, "{}", "q1", {}});
  auto const page = get<EventPage>(ReadEvents{{}, session.id, {}, 10, "q1"});
  ASSERT_EQ(page.events.size(), 2U);
  EXPECT_EQ(page.events[0]->type, EventType::query);
  EXPECT_EQ(page.events[1]->type, EventType::query_result);
  EXPECT_EQ(page.cursor.seq, 4U);
  EXPECT_EQ(get<EventPage>(ReadEvents{{}, session.id, {}, 1, "q1"}).cursor.seq, 2U) << "where to go on";
}

}  // namespace

}  // namespace sojourn

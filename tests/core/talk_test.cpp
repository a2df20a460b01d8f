// talk.cpp: what is said into a session, its state as others change it, and its log read again.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "core/core_stage.h"
#include "core/talk.h"

namespace sojourn {
namespace {

class TalkTest : public CoreTest {};

TEST_F(TalkTest, BTW_21_ShowsAMessageToItsSessionAndToNobodyElse) {
  auto const opened = open(extension, outlet);
  open(extension, other_outlet);
  clock.advance_us(5000);
  auto const posted = get<Posted>(PostMessage{extension, opened.session.id, "navigate", R"({"url":"x"})"});
  auto const lines = outlet.take_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], std::to_string(posted.seq) + R"( message 0 navigate {"url":"x"})");
  EXPECT_EQ(other_outlet.text, "");
  EXPECT_EQ(posted.at_us, clock.now().utc_us);
}

TEST_F(TalkTest, AMessageKeepsWhoSaidItAndHowTheyCallIt) {
  auto const opened = open(shared, outlet, user("alice"));
  auto const said = get<Posted>(Say{opened.connection, "chat", "1", false, "my-1"});
  EXPECT_EQ(said.seq, 2U);
  EXPECT_EQ(said.cursor.seq, 2U);
  EXPECT_EQ(said.cursor.epoch, opened.session.cursor.epoch);
  get<Posted>(user("alice"), PostMessage{{}, opened.session.id, "note", {}, false, "my-2"});
  auto const from = std::to_string(opened.connection);
  EXPECT_EQ(outlet.take_lines(), (Lines{"2 message " + from + " chat 1 my-1", "3 message 0 note my-2"}));
  auto const events = log_of(opened.session.id).events;
  EXPECT_EQ(events.at(1)->user, "alice");
  EXPECT_EQ(events.at(1)->at_us, said.at_us);
  EXPECT_EQ(events.at(2)->user, "alice");
  EXPECT_EQ(events.at(2)->from, 0U);
}

TEST_F(TalkTest, WhatIsVolatileIsShownAndNotKept) {
  auto const opened = open(shared, outlet);
  auto const posted = get<Posted>(PostMessage{{}, opened.session.id, "cursor", "[1,2]", true, "my-1"});
  EXPECT_EQ(posted.seq, 0U);
  EXPECT_EQ(get<Posted>(Say{opened.connection, "typing", {}, true}).seq, 0U);
  EXPECT_EQ(outlet.take_lines(),
            (Lines{"0 message 0 cursor [1,2] my-1", "0 message " + std::to_string(opened.connection) + " typing"}));
  EXPECT_EQ(words_of(opened.session.id), Lines{"session.opened"});
}

TEST_F(TalkTest, PostToAllReachesEverySessionThatOneMayWriteTo) {
  auto const alices = open(shared, outlet, user("alice"));
  auto const bobs = open(shared, other_outlet, user("bob"));
  auto const empty = open_empty("alice").id;
  open(extension, third_outlet, user("alice"));
  auto const told = get<Told>(user("alice"), PostToAll{"news", "1", "my-1"});
  EXPECT_EQ(told.sessions, 1U);
  EXPECT_EQ(told.at_us, clock.now().utc_us);
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message 0 news 1 my-1"});
  EXPECT_EQ(other_outlet.text, "");
  EXPECT_EQ(get<Told>(admin(), PostToAll{"news"}).sessions, 2U);
  EXPECT_EQ(outlet.take_lines(), Lines{"3 message 0 news"});
  EXPECT_EQ(other_outlet.take_lines(), Lines{"2 message 0 news"});
  EXPECT_EQ(third_outlet.text, "") << "browsers are not told";
  EXPECT_EQ(words_of(empty), Lines{"session.opened"}) << "nobody is there to hear it";
  EXPECT_EQ(get<Told>(user("carol"), PostToAll{"news"}).sessions, 0U);
  EXPECT_EQ(log_of(bobs.session.id).events.back()->user, "root");
}

TEST_F(TalkTest, TheAnswerToAMessageSaysHowManyAreThere) {
  auto const id = open_empty("alice").id;
  EXPECT_EQ(post(id, "x").connections, 0U);
  auto const opened = join(id, outlet);
  join(id, other_outlet);
  EXPECT_EQ(post(id, "x").connections, 2U);
  EXPECT_EQ(get<Posted>(Say{opened.connection, "x", {}, true}).connections, 2U);
}

TEST(PostToAllLimit, IsOfWhatAllSessionsTogetherKeep) {
  HubStage::Options options;
  options.limits.queues_bytes = 1000;
  CoreStage stage(options);
  RecordingOutlet outlet;
  stage.open(shared, outlet, user("alice"));
  stage.open_empty("alice");
  EXPECT_TRUE(stage.ask(PostToAll{"x", std::string(250, '1')})->as<Told>());
  EXPECT_EQ(stage.ask(PostToAll{"x", std::string(251, '1')})->code(), Code::too_large);
  EXPECT_TRUE(stage.ask(user("bob"), PostToAll{"x", std::string(251, '1')})->as<Told>())
      << "those of others don't count";
}

TEST_F(TalkTest, PostToAllIsAnsweredAfterItsCommit) {
  open(shared, outlet);
  store.hold();
  auto const told = submit(PostToAll{"news"});
  turns(3);
  EXPECT_FALSE(told->is_there());
  EXPECT_EQ(outlet.text, "");
  store.release();
  turn();
  EXPECT_TRUE(told->as<Told>());
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message 0 news"});
}

class SayOnceTest : public CoreTest {
 protected:
  Posted say(Opened const& by, std::string id, std::string name = "order", bool is_volatile = false) {
    return get<Posted>(Say{by.connection, std::move(name), {}, is_volatile, std::move(id), true});
  }

  Opened alice = open(shared, outlet, user("alice"));
};

TEST_F(SayOnceTest, TheSecondOfAnIdIsTheFirst) {
  auto const first = say(alice, "m1");
  clock.advance_us(second_us);
  auto const again = say(alice, "m1", "another name");
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(again.at_us, first.at_us);
  EXPECT_EQ(again.cursor, first.cursor);
  EXPECT_EQ(say(alice, "m2").seq, first.seq + 1);
  auto const second = join(alice.session.id, other_outlet, user("alice"));
  EXPECT_EQ(say(second, "m1").seq, first.seq) << "of its user, whatever the connection";
  EXPECT_EQ(words_of(alice.session.id), (Lines{"session.opened", "message", "message"}));
  EXPECT_EQ(log_of(alice.session.id).events.at(1)->name, "order");
}

TEST_F(SayOnceTest, AnotherUserOrSessionHasIdsOfItsOwn) {
  auto const first = say(alice, "m1");
  auto const token = mint(alice.session.id);
  auto const visitor = join(alice.session.id, other_outlet, guest(token));
  EXPECT_GT(say(visitor, "m1").seq, first.seq);
  auto const elsewhere = open(shared, third_outlet, user("alice"));
  say(elsewhere, "m1");
  EXPECT_EQ(words_of(elsewhere.session.id).size(), 2U);
}

TEST_F(SayOnceTest, WithoutTheWishEachIsNew) {
  say(alice, "m1");
  get<Posted>(Say{alice.connection, "order", {}, false, "m1", false});
  get<Posted>(Say{alice.connection, "order", {}, false, "m1", false});
  EXPECT_EQ(words_of(alice.session.id).size(), 4U);
  EXPECT_EQ(say(alice, "m1").seq, 2U) << "what was said without the wish is not remembered";
}

TEST_F(SayOnceTest, WhatIsVolatileIsNotRemembered) {
  EXPECT_EQ(say(alice, "m1", "typing", true).seq, 0U);
  EXPECT_EQ(say(alice, "m1", "typing", true).seq, 0U);
  EXPECT_EQ(outlet.take_lines().size(), 2U) << "each is shown";
  EXPECT_EQ(say(alice, "m1").seq, 2U);
}

TEST_F(SayOnceTest, TheSecondIsAnsweredAfterTheCommitOfTheFirst) {
  store.hold();
  auto const first = submit(Say{alice.connection, "order", {}, false, "m1", true});
  turns(2);
  auto const again = submit(Say{alice.connection, "order", {}, false, "m1", true});
  turns(3);
  EXPECT_FALSE(first->is_there() || again->is_there());
  store.release();
  turns(2);
  ASSERT_TRUE(first->as<Posted>() && again->as<Posted>());
  EXPECT_EQ(first->as<Posted>()->seq, again->as<Posted>()->seq);
}

TEST(SayOnceOfATrimmedLog, SaysAgainWhatFellOff) {
  HubStage::Options options;
  options.limits.log_events = 10;
  CoreStage stage(options);
  RecordingOutlet outlet;
  auto const opened = stage.open(shared, outlet, user("alice"));
  auto const say = [&](std::string id) {
    return stage.get<Posted>(Say{opened.connection, "order", {}, false, std::move(id), true}).seq;
  };
  EXPECT_EQ(say("m"), 2U);
  for (int i = 0; i < 8; ++i) say(std::to_string(i));
  EXPECT_EQ(say("m"), 2U) << "it is the oldest";
  for (int i = 8; i < 12; ++i) say(std::to_string(i));
  EXPECT_EQ(say("m"), 15U);
  EXPECT_EQ(say("m"), 15U);
  for (int i = 0; i < 100; ++i) say("x" + std::to_string(i));
  EXPECT_EQ(say("x95"), 111U) << "what is forgotten is but what fell off";
}

class StateTalkTest : public CoreTest {
 protected:
  std::shared_ptr<Answer const> change(StateEdit edit, ConnectionId by = 0) {
    return ask(user("alice"), ChangeState{{}, by == 0 ? id : std::string(), std::move(edit), by});
  }
  using Verb = StateEdit::Verb;

  std::string id = open_empty("alice").id;
};

TEST_F(StateTalkTest, SHP_18_AChangeIsAnEventAndItsSeqTheRevision) {
  auto const opened = join(id, outlet, user("alice"));
  auto const one = change({Verb::set, "a", "1", {}});
  ASSERT_TRUE(one->as<Changed>());
  EXPECT_EQ(one->as<Changed>()->revision, 2U);
  EXPECT_EQ(one->as<Changed>()->cursor.seq, 2U);
  EXPECT_EQ(one->as<Changed>()->at_us, clock.now().utc_us);
  EXPECT_EQ(outlet.take_lines(), Lines{R"(2 session.state 0 {"set":{"a":1},"removed":[]})"});
  ask(Say{opened.connection, "x"});
  ask(ChangeState{{}, {}, {Verb::merge, {}, R"({"a":null,"b":{"c":2}})", {}}, opened.connection, "my-1"});
  EXPECT_EQ(outlet.take_lines().back(),
            "4 session.state " + std::to_string(opened.connection) + R"( {"set":{"b":{"c":2}},"removed":["a"]} my-1)");
  EXPECT_EQ(log_of(id).events.back()->user, "alice");
  auto const view = get<StateView>(GetState{{}, id});
  EXPECT_EQ(*view.value, R"({"b":{"c":2}})");
  EXPECT_EQ(view.revision, 4U);
  EXPECT_EQ(view.cursor.seq, 4U);
  auto const key = get<StateView>(GetState{{}, {}, "b", opened.connection});
  EXPECT_EQ(*key.value, R"({"c":2})");
  EXPECT_EQ(key.revision, 4U);
}

TEST_F(StateTalkTest, AKeyThatIsNotThereIsNotFound) {
  auto const answer = ask(GetState{{}, id, "k"});
  EXPECT_EQ(answer->code(), Code::not_found);
  EXPECT_EQ(answer->message(), "State key not found: k");
  EXPECT_EQ(change({Verb::remove, "k", {}, {}})->code(), Code::not_found);
}

TEST_F(StateTalkTest, OfTwoWhoChangeTheSameRevisionOneWins) {
  set(id, "k", "0");
  auto const revision = get<StateView>(GetState{{}, id, "k"}).revision;
  auto const one = submit(ChangeState{{}, id, {Verb::set, "k", "1", revision}});
  auto const two = submit(ChangeState{{}, id, {Verb::set, "k", "2", revision}});
  turns(3);
  EXPECT_TRUE(one->as<Changed>());
  EXPECT_EQ(two->code(), Code::precondition_failed);
  EXPECT_NE(two->message().find(std::to_string(one->as<Changed>()->revision)), std::string::npos);
  EXPECT_EQ(state_of(id), R"({"k":1})");
  EXPECT_EQ(words_of(id).size(), 3U) << "what is refused is no event";
}

TEST_F(StateTalkTest, WhatIsRefusedIsToldOnlyAfterTheCommitThatItKnowsOf) {
  store.hold();
  submit(ChangeState{{}, id, {Verb::set, "k", "1", {}}});
  auto const refused = submit(ChangeState{{}, id, {Verb::set, "k", "2", 0}});
  auto const missing = submit(ChangeState{{}, id, {Verb::remove, "other", {}, {}}});
  auto const unknown = submit(GetState{{}, id, "other"});
  turns(3);
  EXPECT_FALSE(refused->is_there() || missing->is_there() || unknown->is_there());
  store.release();
  turns(2);
  EXPECT_EQ(refused->code(), Code::precondition_failed);
  EXPECT_EQ(missing->code(), Code::not_found);
  EXPECT_EQ(unknown->code(), Code::not_found);
}

TEST_F(StateTalkTest, AStateIsReadAfterTheCommitOfWhatItTells) {
  store.hold();
  submit(ChangeState{{}, id, {Verb::set, "k", "1", {}}});
  auto const read = submit(GetState{{}, id});
  turns(3);
  EXPECT_FALSE(read->is_there());
  store.release();
  turns(2);
  EXPECT_EQ(*read->as<StateView>()->value, R"({"k":1})");
}

class ReadTest : public CoreTest {
 protected:
  EventPage read(std::string since, std::size_t limit = 100) {
    return get<EventPage>(ReadEvents{{}, id, std::move(since), limit});
  }
  // The seqs of a page, and what it says of itself.
  std::string told(EventPage const& page) {
    std::string text;
    for (auto const& event : page.events) text += std::to_string(event->seq) + " ";
    return text + "to " + std::to_string(page.cursor.seq) + " of " + std::to_string(page.last_seq) +
           (page.gap ? " gap" : "");
  }

  std::string id = open_empty("alice").id;
};

TEST_F(ReadTest, ReadsTheLogAfterACursorOrASeq) {
  for (int i = 2; i <= 6; ++i) post(id, std::to_string(i));
  auto const epoch = log_of(id).cursor.epoch;
  EXPECT_EQ(told(read("")), "1 2 3 4 5 6 to 6 of 6");
  EXPECT_EQ(told(read("0")), "1 2 3 4 5 6 to 6 of 6");
  EXPECT_EQ(told(read("4")), "5 6 to 6 of 6");
  EXPECT_EQ(told(read(to_text(Cursor{epoch, 4}))), "5 6 to 6 of 6");
  EXPECT_EQ(told(read("4", 1)), "5 to 5 of 6");
  EXPECT_EQ(told(read("6")), "to 6 of 6");
  EXPECT_EQ(told(read("", 2)), "1 2 to 2 of 6");
  EXPECT_EQ(read("2", 1).events.at(0)->name, "3");
  EXPECT_EQ(read("2", 1).cursor.epoch, epoch);
}

TEST_F(ReadTest, AForeignCursorOrOneOfTheFutureIsAGap) {
  post(id, "x");
  auto const epoch = log_of(id).cursor.epoch;
  EXPECT_EQ(told(read(to_text(Cursor{epoch + 1, 1}))), "1 2 to 2 of 2 gap");
  EXPECT_EQ(told(read("3")), "1 2 to 2 of 2 gap");
  EXPECT_EQ(told(read("18446744073709551615")), "1 2 to 2 of 2 gap");
}

TEST_F(ReadTest, WhatIsNoCursorIsRefused) {
  for (auto const* text : {"x", "-1", "1.", "1.2.3", " "}) {
    auto const answer = ask(ReadEvents{{}, id, text});
    EXPECT_EQ(answer->code(), Code::invalid) << text;
    EXPECT_TRUE(answer->message().starts_with("since is a cursor such as ")) << answer->message();
  }
}

TEST_F(ReadTest, WhatIsNotCommittedIsNotInTheLogYet) {
  store.hold();
  submit(PostMessage{{}, id, "x"});
  EXPECT_EQ(told(read("")), "1 to 1 of 1") << "and nobody waits for it";
  EXPECT_EQ(told(read("2")), "to 2 of 1") << "of who heard of it otherwise";
  store.release();
  turns(2);
  EXPECT_EQ(told(read("")), "1 2 to 2 of 2");
}

TEST(ReadOfATrimmedLog, HasAGapWhereTheCursorFellOff) {
  HubStage::Options options;
  options.limits.log_events = 10;
  CoreStage stage(options);
  auto const id = stage.open_empty("alice").id;
  for (int i = 2; i <= 30; ++i) stage.post(id, std::to_string(i));
  auto const read = [&](std::string since) { return stage.get<EventPage>(ReadEvents{{}, id, std::move(since), 100}); };
  auto const whole = read("");
  EXPECT_EQ(whole.events.front()->seq, 21U);
  EXPECT_EQ(whole.events.size(), 10U);
  EXPECT_FALSE(whole.gap) << "nothing was asked for that is missing";
  EXPECT_FALSE(read("20").gap);
  EXPECT_EQ(read("20").events.size(), 10U);
  EXPECT_TRUE(read("19").gap);
  EXPECT_EQ(read("19").events.front()->seq, 21U);
}

TEST(RecentTalk, IsWhatWasSaidBeforeAPlaceAndNothingBehindTheEnd) {
  Session session("s", shared, 1);
  for (auto const type :
       {EventType::opened, EventType::message, EventType::state, EventType::query, EventType::query_result})
    session.journal.append(Event{.type = type});
  auto const places = [&](std::uint64_t seq) {
    std::vector<std::uint64_t> out;
    for (auto const& event : recent_talk(session, seq)) out.push_back(event->seq);
    return out;
  };
  EXPECT_EQ(places(6), (std::vector<std::uint64_t>{2, 4, 5}));
  EXPECT_EQ(places(5), (std::vector<std::uint64_t>{2, 4}));
  EXPECT_EQ(places(1000), places(6));
  EXPECT_TRUE(places(2).empty());
  EXPECT_TRUE(places(0).empty());
  for (int i = 0; i < 2000; ++i) session.journal.append(Event{.type = EventType::state});
  EXPECT_TRUE(places(session.journal.last_seq()).empty()) << "nobody looks through all of a long log";
}

}  // namespace
}  // namespace sojourn

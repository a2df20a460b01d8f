// show.cpp: events go from the log to the members, encoded once for all who want them the same way.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/core_stage.h"
#include "support/inside.h"

namespace sojourn {

struct SessionsOfHub {
  using Type = std::unordered_map<std::string_view, std::unique_ptr<Session>> Hub::*;
  friend Type reach(SessionsOfHub);
};
template struct Inside<SessionsOfHub, &Hub::sessions_>;

namespace {

Journal const& journal_of(Hub& hub, std::string const& id) {
  return (hub.*reach(SessionsOfHub{})).find(id)->second->journal;
}

class ShowTest : public CoreTest {
 protected:
  Opened enter(std::string const& id, Attachment via) { return get<Opened>(JoinSession{{}, id, std::move(via)}); }
  std::shared_ptr<Answer const> post(Opened const& to, std::string name, std::string data = {}) {
    return submit(PostMessage{{}, to.session.id, std::move(name), std::move(data)});
  }
  void forget() {
    for (auto* each : {&outlet, &other_outlet, &third_outlet}) {
      each->take_lines();
      each->pushed.clear();
    }
  }
};

TEST_F(ShowTest, EventsOfOneTurnGoOutTogetherAndInOrder) {
  auto const opened = open(extension, outlet);
  for (auto const* name : {"a", "b", "c"}) post(opened, name);
  EXPECT_TRUE(outlet.pushed.empty()) << "nothing is pushed before the end of the iteration";
  turn();
  EXPECT_EQ(outlet.pushed.size(), 1U);
  EXPECT_EQ(outlet.take_lines(), (Lines{"1 message 0 a", "2 message 0 b", "3 message 0 c"}));
  turns(3);
  EXPECT_EQ(outlet.pushed.size(), 1U) << "once";
}

TEST_F(ShowTest, WhatWaitsIsNotShownToAPeerThatSaidGoodbye) {
  auto const opened = open(extension, outlet);
  enter(opened.session.id, attachment(other_outlet));
  forget();
  post(opened, "x");
  submit(SayGoodbye{opened.connection});
  turns(2);
  EXPECT_TRUE(outlet.pushed.empty());
  EXPECT_EQ(other_outlet.pushed.size(), 1U);
}

TEST_F(ShowTest, MembersWithTheSameLanguageAndFramingShareOneBuffer) {
  auto const opened = open(shared, outlet);
  enter(opened.session.id, attachment(other_outlet));
  auto different = attachment(third_outlet);
  different.framing = [](std::string& out, std::string_view message) { out.append(message).append(";\n"); };
  enter(opened.session.id, different);
  turn();
  forget();
  auto const before = dialect.encoded();
  post(opened, "x", std::string(1000, 'x'));
  submit(PostMessage{{}, opened.session.id, "fleeting", {}, true});
  turns(2);
  ASSERT_EQ(outlet.pushed.size(), 2U);
  ASSERT_EQ(other_outlet.pushed.size(), 2U);
  ASSERT_EQ(third_outlet.pushed.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(outlet.pushed[i].get(), other_outlet.pushed[i].get());
    EXPECT_NE(outlet.pushed[i].get(), third_outlet.pushed[i].get());
    EXPECT_EQ(*third_outlet.pushed[i], outlet.pushed[i]->substr(0, outlet.pushed[i]->size() - 1) + ";\n");
  }
  EXPECT_EQ(dialect.encoded() - before, 4) << "once for each framing, not for each member";
}

TEST_F(ShowTest, WhatADialectDoesNotShowIsNotPushed) {
  struct Mute final : Dialect {
    std::string greet(Session const&, Connection const&, Arrival const&) const override { return {}; }
    void receive(ConnectionId, std::string_view) override {}
    bool encode(Session const&, Event const& event, std::string& out) const override {
      out += "half a message";
      return event.name == "loud" && !(out = event.name).empty();
    }
    std::string ask(Session const&, Event const&) const override { return {}; }
  } mute;
  auto via = attachment(outlet);
  via.dialect = &mute;
  auto const opened = get<Opened>(OpenSession{extension, via, {}});
  post(opened, "quiet");
  turn();
  EXPECT_TRUE(outlet.pushed.empty());
  for (auto const* name : {"quiet", "loud", "quiet"}) post(opened, name);
  turn();
  EXPECT_EQ(outlet.text, "loud\n");
}

TEST_F(ShowTest, ADurableEventWaitsForItsCommitAndAVolatileOneDoesNot) {
  auto const opened = open(shared, outlet);
  store.hold();
  post(opened, "kept");
  ask(PostMessage{{}, opened.session.id, "fleeting", {}, true});
  EXPECT_EQ(outlet.take_lines(), Lines{"0 message 0 fleeting"});
  store.release();
  turns(2);
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message 0 kept"});
}

TEST_F(ShowTest, WhoJoinsBetweenAnEventAndItsCommitSeesEachEventExactlyOnce) {
  auto const opened = open(shared, outlet);
  store.hold();
  post(opened, "in flight");
  submit(ChangeState{{}, opened.session.id, {StateEdit::Verb::set, "a", "1", {}}});
  turn();
  post(opened, "gathering");
  submit(ChangeState{{}, opened.session.id, {StateEdit::Verb::set, "b", "2", {}}});
  auto const joining = submit(JoinSession{{}, opened.session.id, attachment(other_outlet)});
  post(opened, "same batch, later");
  turn();
  post(opened, "next batch");
  turns(3);
  EXPECT_FALSE(joining->is_there());
  EXPECT_EQ(other_outlet.text, "");
  store.release();
  turn();
  EXPECT_FALSE(joining->is_there()) << "the snapshot has what is not committed yet";
  EXPECT_EQ(other_outlet.text, "");
  turn();
  ASSERT_TRUE(joining->as<Opened>());
  EXPECT_TRUE(joining->as<Opened>()->greeting.ends_with(R"( at 5 with {"a":1,"b":2})"))
      << joining->as<Opened>()->greeting;
  turns(2);
  EXPECT_EQ(other_outlet.take_lines(), (Lines{"6 message 0 same batch, later", "7 message 0 next batch"}));
  EXPECT_EQ(outlet.take_lines().size(), 7U) << "one of them is that somebody joined";
}

TEST_F(ShowTest, AJoinerIsNotShownTheVolatileEventsBeforeIt) {
  auto const opened = open(shared, outlet);
  submit(PostMessage{{}, opened.session.id, "before", {}, true});
  auto const joining = submit(JoinSession{{}, opened.session.id, attachment(other_outlet)});
  submit(PostMessage{{}, opened.session.id, "after", {}, true});
  turns(2);
  EXPECT_TRUE(joining->as<Opened>());
  EXPECT_EQ(other_outlet.take_lines(), Lines{"0 message 0 after"});
  EXPECT_EQ(outlet.take_lines().size(), 3U);
}

class CoalescingTest : public ShowTest {
 protected:
  void change(StateEdit edit, std::string request_id = {}) {
    submit(ChangeState{{}, opened.session.id, std::move(edit), 0, std::move(request_id)});
  }
  void set(std::string key, std::string value) { change({StateEdit::Verb::set, std::move(key), std::move(value), {}}); }

  Opened opened = open(shared, outlet);
};

TEST_F(CoalescingTest, ChangesOfStateInARowAreShownAsOne) {
  for (int i = 0; i < 5; ++i) set("k", std::to_string(i));
  set("other", "[true]");
  turns(2);
  EXPECT_EQ(outlet.take_lines(), Lines{R"(2-7 session.state 0 {"set":{"k":4,"other":[true]},"removed":[]})"});
  EXPECT_EQ(log_of(opened.session.id).events.size(), 7U) << "the log has them all";
}

TEST_F(CoalescingTest, ARemovalAndASettingOfTheSameKeyUndoEachOther) {
  change({StateEdit::Verb::set, {}, R"({"a":1,"b":2,"c":3})", {}});
  turns(2);
  forget();
  change({StateEdit::Verb::remove, "a", {}, {}});
  set("b", "20");
  change({StateEdit::Verb::remove, "b", {}, {}});
  set("a", "10");
  change({StateEdit::Verb::remove, "c", {}, {}});
  change({StateEdit::Verb::merge, {}, R"({"d":{"e":1}})", {}});
  turns(2);
  EXPECT_EQ(outlet.take_lines(), Lines{R"(3-8 session.state 0 {"set":{"a":10,"d":{"e":1}},"removed":["b","c"]})"});
  EXPECT_EQ(state_of(opened.session.id), R"({"a":10,"d":{"e":1}})");
}

TEST_F(CoalescingTest, WhatIsSaidBetweenChangesKeepsItsPlace) {
  set("k", "1");
  post(opened, "x");
  set("k", "2");
  set("k", "3");
  post(opened, "y");
  turns(2);
  EXPECT_EQ(outlet.take_lines(), (Lines{R"(2 session.state 0 {"set":{"k":1},"removed":[]})", "3 message 0 x",
                                        R"(4-5 session.state 0 {"set":{"k":3},"removed":[]})", "6 message 0 y"}));
}

TEST_F(CoalescingTest, EachMemberSeesOneChangeOfWhatItHasNotSeen) {
  set("k", "1");
  auto const joining = submit(JoinSession{{}, opened.session.id, attachment(other_outlet)});
  set("k", "2");
  set("l", "3");
  turns(3);
  ASSERT_TRUE(joining->as<Opened>());
  EXPECT_EQ(outlet.take_lines().back(), R"(2-4 session.state 0 {"set":{"k":2,"l":3},"removed":[]})");
  EXPECT_EQ(other_outlet.take_lines(), Lines{R"(3-4 session.state 0 {"set":{"k":2,"l":3},"removed":[]})"});
}

TEST_F(CoalescingTest, NotMoreThanSoManyAreOne) {
  for (int i = 0; i < 600; ++i) set("k", std::to_string(i));
  turns(2);
  EXPECT_EQ(outlet.take_lines(), (Lines{R"(2-257 session.state 0 {"set":{"k":255},"removed":[]})",
                                        R"(258-513 session.state 0 {"set":{"k":511},"removed":[]})",
                                        R"(514-601 session.state 0 {"set":{"k":599},"removed":[]})"}));
}

TEST_F(CoalescingTest, OneTellsWhoMadeTheLastChange) {
  change({StateEdit::Verb::set, "a", "1", {}}, "first");
  change({StateEdit::Verb::set, "b", "1", {}}, "last");
  turns(2);
  EXPECT_EQ(outlet.take_lines(), Lines{R"(2-3 session.state 0 {"set":{"a":1,"b":1},"removed":[]} last)"});
}

TEST_F(CoalescingTest, AValueAsDeepAsIsAllowedIsNotLost) {
  auto const deep = std::string(64, '[') + std::string(64, ']');
  for (auto const* order : {"first", "middle", "last"}) {
    forget();
    if (order != std::string("first")) set("k", "1"), set("k", "2");
    set("deep", deep);
    if (order != std::string("last")) set("k", "3"), set("k", "4");
    turns(2);
    EXPECT_NE(outlet.text.rfind("{\"deep\":" + deep + "}"), std::string::npos) << order;
    auto const lines = outlet.take_lines();
    EXPECT_EQ(lines.size(), order == std::string("middle") ? 3U : 2U);
    EXPECT_EQ(state_of(opened.session.id),
              "{\"deep\":" + deep + ",\"k\":" + (order == std::string("last") ? "2" : "4") + "}");
    outlet.text.clear();
    outlet = RecordingOutlet();
  }
}

// Kept small, so that one turn's burst is larger than the log.
HubStage::Options small_log() {
  HubStage::Options options;
  options.limits.log_events = 10;
  options.limits.log_bytes = 4096;
  return options;
}

TEST(Burst, ReachesTheMemberWholeThoughTheLogIsSmaller) {
  for (auto const kind : {extension, shared}) {
    for (std::size_t const bytes : {1U, 3000U}) {
      HubStage stage(small_log());
      RecordingOutlet outlet;
      auto const opened = stage.open(kind, outlet);
      auto const first = opened.session.cursor.seq + 1;
      for (int i = 0; i < 100; ++i)
        stage.submit(PostMessage{kind, opened.session.id, std::to_string(i), std::string(bytes, 'x')});
      stage.turns(2);
      auto const lines = outlet.take_lines();
      ASSERT_EQ(lines.size(), 100U);
      for (std::size_t i = 0; i < lines.size(); ++i)
        EXPECT_TRUE(lines[i].starts_with(std::to_string(i + first) + " message 0 " + std::to_string(i) + " x"))
            << lines[i];
      auto const& journal = journal_of(stage.hub, opened.session.id);
      EXPECT_LE(journal.size(), 10U) << "and what was shown gave way";
      EXPECT_LE(journal.bytes(), 4096U);
    }
  }
}

TEST(Burst, OfAMemoryOnlySessionIsShownAsItComesAndNotKeptForTheEndOfTheTurn) {
  HubStage stage(small_log());
  RecordingOutlet outlet;
  auto const opened = stage.open(extension, outlet);
  for (int i = 0; i < 1000; ++i) {
    stage.submit(PostMessage{extension, opened.session.id, "x"});
    EXPECT_LE(journal_of(stage.hub, opened.session.id).size(), 10U);
  }
}

TEST(Burst, OfVolatileEventsIsShownAsItComes) {
  HubStage stage;
  RecordingOutlet outlet;
  auto const opened = stage.open(shared, outlet);
  for (int i = 0; i < 5000; ++i) stage.submit(PostMessage{{}, opened.session.id, std::to_string(i), {}, true});
  EXPECT_GE(outlet.take_lines().size(), 3000U) << "not all of it waits for the end of the turn";
  stage.turn();
  EXPECT_TRUE(outlet.text.ends_with("0 message 0 4999\n"));
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(outlet.text, '\n')), 5000U);
}

TEST(Burst, IsNotLostWhenTheCommitTakesLongerThanTheLogKeepsEvents) {
  HubStage::Options options;
  options.limits.log_ms = 1000;
  HubStage stage(options);
  RecordingOutlet outlet;
  auto const opened = stage.open(shared, outlet);
  stage.store.hold();
  stage.submit(PostMessage{shared, opened.session.id, "old"});
  stage.turn();
  stage.clock.advance_us(2'000'000);
  stage.submit(PostMessage{shared, opened.session.id, "new"});
  stage.store.release();
  stage.turns(3);
  EXPECT_EQ(outlet.take_lines(), (Lines{"2 message 0 old", "3 message 0 new"}));
}

TEST(MemoryLog, OfASessionThatLivesInMemoryIsTheSmallerOne) {
  HubStage::Options options;
  options.limits.memory_log_bytes = 4096;
  HubStage stage(options);
  RecordingOutlet outlet, other_outlet;
  auto const browser = stage.open(extension, outlet);
  auto const kept = stage.open(shared, other_outlet);
  for (int i = 0; i < 50; ++i) {
    for (auto const& id : {browser.session.id, kept.session.id})
      stage.submit(PostMessage{{}, id, "x", std::string(1000, 'x')});
    stage.turns(2);
  }
  EXPECT_LE(journal_of(stage.hub, browser.session.id).bytes(), 4096U);
  EXPECT_GE(journal_of(stage.hub, kept.session.id).bytes(), 50'000U);
}

}  // namespace
}  // namespace sojourn

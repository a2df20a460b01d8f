#include <gtest/gtest.h>

#include <limits>
#include <list>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/hub.h"
#include "support/hub_stage.h"
#include "support/inside.h"

namespace sojourn {

struct SessionsOfHub {
  using Type = std::list<Session> Hub::*;
  friend Type reach(SessionsOfHub);
};
struct ConnectionsOfHub {
  using Type = std::unordered_map<ConnectionId, Connection> Hub::*;
  friend Type reach(ConnectionsOfHub);
};
template struct Inside<SessionsOfHub, &Hub::sessions_>;
template struct Inside<ConnectionsOfHub, &Hub::connections_>;

namespace {

constexpr auto extension = SessionKind::extension;
constexpr auto shared = SessionKind::shared;
constexpr auto never = std::numeric_limits<std::int64_t>::max();
using Lines = std::vector<std::string>;

class TurnTest : public testing::Test, protected HubStage {
 protected:
  // Gives the hub's newest session one more member, as a command to join it would.
  void add_member(Attachment via) {
    auto& session = (hub.*reach(SessionsOfHub{})).back();
    ConnectionId const id = 1000 + session.members.size();
    session.members.push_back(id);
    (hub.*reach(ConnectionsOfHub{}))[id] =
        Connection{id, &session, local_principal(), via, 0, 0, session.journal.last_seq(), true};
  }
  std::shared_ptr<Answer const> post(Opened const& to, std::string name, std::string data = {}) {
    return submit(PostMessage{to.session.kind, to.session.id, std::move(name), std::move(data)});
  }

  RecordingOutlet outlet, other_outlet, third_outlet;
};

TEST_F(TurnTest, AReplyNeverRunsInsideSubmit) {
  auto const opened = open(extension, outlet);
  for (auto const& command : std::vector<Command>{
           ListSessions{extension}, GetSession{extension, opened.session.id}, GetSession{extension, "nobody"},
           PostMessage{extension, opened.session.id, "x", {}}, Touch{opened.connection},
           Say{opened.connection, "x", {}}, AnswerCall{opened.connection, "x", true, {}, {}},
           SayGoodbye{opened.connection}, CallSession{extension, opened.session.id, "x", {}},
           CloseSession{extension, opened.session.id}, Leave{opened.connection},
           OpenSession{extension, attachment(outlet)}}) {
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
    hub.submit({}, Say{opened.connection, "from a reply", {}}, nothing);
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
  hub.submit(local_principal(), PostMessage{extension, opened.session.id, "x", {}});
  hub.submit(local_principal(), CallSession{extension, opened.session.id, "y", {}, 1000});
  turn();
  EXPECT_EQ(outlet.take_lines().size(), 2U);
  clock.advance_us(1000);
  turns(2);
  EXPECT_EQ(hub.next_deadline_us(), never) << "a call without a reply expires too";
}

TEST_F(TurnTest, EventsOfOneTurnGoOutTogetherAndInOrder) {
  auto const opened = open(extension, outlet);
  for (auto const* name : {"a", "b", "c"}) post(opened, name);
  EXPECT_TRUE(outlet.pushed.empty()) << "nothing is pushed before the end of the iteration";
  turn();
  EXPECT_EQ(outlet.pushed.size(), 1U);
  EXPECT_EQ(outlet.take_lines(), (Lines{"2 message 0 a", "3 message 0 b", "4 message 0 c"}));
  turns(3);
  EXPECT_EQ(outlet.pushed.size(), 1U) << "once";
}

TEST_F(TurnTest, WhatWaitsIsNotShownToAPeerThatSaidGoodbye) {
  auto const opened = open(extension, outlet);
  post(opened, "x");
  submit(SayGoodbye{opened.connection});
  turns(2);
  EXPECT_TRUE(outlet.pushed.empty());
}

TEST_F(TurnTest, MembersWithTheSameLanguageAndFramingShareOneBuffer) {
  auto const opened = open(extension, outlet);
  add_member(attachment(other_outlet));
  auto different = attachment(third_outlet);
  different.framing = [](std::string& out, std::string_view message) { out.append(message).append(";\n"); };
  add_member(different);
  post(opened, "x", std::string(1000, 'x'));
  turn();
  ASSERT_EQ(outlet.pushed.size(), 1U);
  ASSERT_EQ(other_outlet.pushed.size(), 1U);
  ASSERT_EQ(third_outlet.pushed.size(), 1U);
  EXPECT_EQ(outlet.pushed[0].get(), other_outlet.pushed[0].get());
  EXPECT_NE(outlet.pushed[0].get(), third_outlet.pushed[0].get());
  EXPECT_EQ(*third_outlet.pushed[0], outlet.pushed[0]->substr(0, outlet.pushed[0]->size() - 1) + ";\n");
  EXPECT_EQ(dialect.encoded(), 2) << "once for each framing, not for each member";
}

TEST_F(TurnTest, AMemberThatCameLaterIsShownOnlyWhatCameAfterIt) {
  auto const opened = open(extension, outlet);
  post(opened, "early");
  add_member(attachment(other_outlet));
  post(opened, "late");
  turn();
  EXPECT_EQ(outlet.take_lines().size(), 2U);
  EXPECT_EQ(other_outlet.take_lines(), Lines{"3 message 0 late"});
}

TEST_F(TurnTest, WhatADialectDoesNotShowIsNotPushed) {
  struct Mute final : Dialect {
    std::string greet(Session const&, Connection const&) const override { return {}; }
    void receive(ConnectionId, std::string_view) override {}
    bool encode(Session const&, Event const& event, std::string& out) const override {
      out += "half a message";
      return event.name == "loud" && !(out = event.name).empty();
    }
  } mute;
  auto via = attachment(outlet);
  via.dialect = &mute;
  auto const answer = submit(OpenSession{extension, via});
  turn();
  auto const opened = *answer->as<Opened>();
  post(opened, "quiet");
  turn();
  EXPECT_TRUE(outlet.pushed.empty());
  for (auto const* name : {"quiet", "loud", "quiet"}) post(opened, name);
  turn();
  EXPECT_EQ(outlet.text, "loud\n");
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
  auto const quick_line = outlet.take_lines().at(1);
  auto const late = submit(AnswerCall{opened.connection, quick_line.substr(quick_line.rfind(' ') + 1), true, "1", {}});
  clock.advance_us(1'000'000);
  turns(2);
  EXPECT_EQ(*late->as<bool>(), false);
  EXPECT_EQ(slow->code(), Code::timeout);
  EXPECT_EQ(quick->runs, 1);
  EXPECT_EQ(hub.next_deadline_us(), never);
}

TEST_F(TurnTest, AWhisperReachesItsConnectionOnlyAndIsNoEvent) {
  auto const opened = open(extension, outlet);
  open(extension, other_outlet);
  auto const psst = [](Session const& session, Moment now) { return session.id + " " + std::to_string(now.utc_us); };
  hub.whisper(opened.connection, psst);
  EXPECT_EQ(outlet.text, opened.session.id + " " + std::to_string(clock.now().utc_us) + "\n");
  EXPECT_EQ(other_outlet.text, "");
  EXPECT_EQ(post(opened, "x")->runs, 0);
  turn();
  EXPECT_TRUE(outlet.text.ends_with("2 message 0 x\n")) << "the whisper took no place in the log";
  int asked = 0;
  auto const count = [&](Session const&, Moment) { return std::to_string(++asked); };
  hub.whisper(99, count);
  submit(SayGoodbye{opened.connection});
  hub.whisper(opened.connection, count);
  EXPECT_EQ(asked, 0);
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
      for (int i = 0; i < 100; ++i)
        stage.submit(PostMessage{kind, opened.session.id, std::to_string(i), std::string(bytes, 'x')});
      stage.turns(2);
      auto const lines = outlet.take_lines();
      ASSERT_EQ(lines.size(), 100U);
      for (std::size_t i = 0; i < lines.size(); ++i)
        EXPECT_TRUE(lines[i].starts_with(std::to_string(i + 2) + " message 0 " + std::to_string(i) + " x")) << lines[i];
      auto const& journal = (stage.hub.*reach(SessionsOfHub{})).back().journal;
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
    stage.submit(PostMessage{extension, opened.session.id, "x", {}});
    EXPECT_LE((stage.hub.*reach(SessionsOfHub{})).back().journal.size(), 10U);
  }
}

TEST(Burst, IsNotLostWhenTheCommitTakesLongerThanTheLogKeepsEvents) {
  HubStage::Options options;
  options.limits.log_ms = 1000;
  HubStage stage(options);
  RecordingOutlet outlet;
  auto const opened = stage.open(shared, outlet);
  stage.store.hold();
  stage.submit(PostMessage{shared, opened.session.id, "old", {}});
  stage.turn();
  stage.clock.advance_us(2'000'000);
  stage.submit(PostMessage{shared, opened.session.id, "new", {}});
  stage.store.release();
  stage.turns(3);
  EXPECT_EQ(outlet.take_lines(), (Lines{"2 message 0 old", "3 message 0 new"}));
}

}  // namespace
}  // namespace sojourn

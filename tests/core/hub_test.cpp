#include "core/hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/id.h"
#include "support/hub_stage.h"
#include "support/inside.h"

namespace sojourn {

struct WorldOfHub {
  using Type = Hub::World Hub::*;
  friend Type reach(WorldOfHub);
};
template struct Inside<WorldOfHub, &Hub::world_>;

namespace {

constexpr auto extension = SessionKind::extension;
constexpr auto shared = SessionKind::shared;
using Lines = std::vector<std::string>;

Principal user(std::string name) { return {Role::user, std::move(name)}; }

std::vector<std::string> ids_of(Answer const& answer) {
  std::vector<std::string> ids;
  if (auto const* list = answer.as<std::vector<SessionInfo>>())
    for (auto const& session : *list) ids.push_back(session.id);
  return ids;
}

class HubTest : public testing::Test, protected HubStage {
 protected:
  // The answer to a command that needs no commit.
  std::shared_ptr<Answer const> ask(Principal const& principal, Command command) {
    auto answer = submit(principal, std::move(command));
    turns(2);
    EXPECT_EQ(answer->runs, 1);
    return answer;
  }
  std::shared_ptr<Answer const> ask(Command command) { return ask(local_principal(), std::move(command)); }

  std::int64_t last_seen_us(std::string const& id) {
    auto const answer = ask(GetSession{extension, id});
    return answer->as<SessionInfo>() == nullptr ? -1 : answer->as<SessionInfo>()->last_seen_us;
  }

  // Calls the session, and the request id that its outlet was shown.
  std::pair<std::shared_ptr<Answer const>, std::string> call(std::string const& id, RecordingOutlet& to) {
    auto answer = submit(CallSession{extension, id, "do", "{}", 1'000'000});
    turn();
    auto const lines = to.take_lines();
    return {answer, lines.empty() ? "" : lines.back().substr(lines.back().rfind(' ') + 1)};
  }

  RecordingOutlet outlet, other_outlet;
};

TEST_F(HubTest, BTW_13_OpensASessionAndGreetsItsConnection) {
  auto const answer = ask(OpenSession{extension, attachment(outlet)});
  auto const* opened = answer->as<Opened>();
  ASSERT_NE(opened, nullptr);
  EXPECT_NE(opened->connection, 0U);
  EXPECT_EQ(opened->dialect, &dialect);
  EXPECT_EQ(opened->greeting, "welcome " + std::to_string(opened->connection) + " to " + opened->session.id);
  EXPECT_EQ(opened->session.kind, extension);
  EXPECT_EQ(opened->session.user_agent, "Tester/1.0");
  EXPECT_EQ(opened->session.address, "127.0.0.1");
  EXPECT_EQ(opened->session.device, "device-1");
  EXPECT_EQ(outlet.text, "") << "the greeting is the caller's to send, and nobody is shown its own opening";
}

TEST_F(HubTest, BTW_07_AJustOpenedSessionWasSeenWhenItWasOpened) {
  auto const opened = open(extension, outlet);
  EXPECT_EQ(opened.session.opened_us, clock.now().utc_us);
  EXPECT_EQ(opened.session.last_seen_us, opened.session.opened_us);
}

TEST_F(HubTest, BTW_01_EveryConnectionGetsASessionOfItsOwn) {
  auto const first = open(extension, outlet);
  auto const second = open(extension, outlet);
  EXPECT_NE(first.session.id, second.session.id);
  EXPECT_NE(first.connection, second.connection);
  EXPECT_EQ(hub.session_count(), 2U);
  EXPECT_EQ(hub.connection_count(), 2U);
}

TEST_F(HubTest, BTW_02_NamesExtensionsByTwelveDigitsAndSharedSessionsByAUuid) {
  EXPECT_TRUE(is_extension_id(open(extension, outlet).session.id));
  auto const uuid = open(shared, other_outlet).session.id;
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
}

TEST_F(HubTest, BTW_02_NeverGivesALiveIdASecondTime) {
  for (auto const kind : {extension, shared}) {
    std::set<std::string> ids;
    for (int i = 0; i < 20; ++i) {
      (hub.*reach(WorldOfHub{})).random = Random(42);  // would mint the first id again and again
      auto const opened = open(kind, outlet);
      EXPECT_TRUE(ids.insert(opened.session.id).second) << opened.session.id << " twice";
      EXPECT_TRUE(ask(GetSession{kind, opened.session.id})->as<SessionInfo>());
    }
  }
  EXPECT_EQ(hub.session_count(), 40U);
}

TEST_F(HubTest, NeverGivesARequestIdThatIsStillWaitedForASecondTime) {
  auto const opened = open(extension, outlet);
  std::set<std::string> request_ids;
  for (int i = 0; i < 20; ++i) {
    (hub.*reach(WorldOfHub{})).random = Random(42);
    auto const [answer, request_id] = call(opened.session.id, outlet);
    EXPECT_EQ(request_id.size(), 8U);
    EXPECT_TRUE(request_ids.insert(request_id).second) << request_id << " twice";
    EXPECT_FALSE(answer->is_there());
  }
}

TEST_F(HubTest, BTW_08_ListsTheSessionsOfAKindInTheOrderOfOpening) {
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(open(extension, outlet).session.id);
    open(shared, other_outlet);
  }
  EXPECT_EQ(ids_of(*ask(ListSessions{extension})), ids);
  EXPECT_EQ(ids_of(*ask(ListSessions{shared})).size(), 10U);
  ask(CloseSession{extension, ids[4]});
  ids.erase(ids.begin() + 4);
  EXPECT_EQ(ids_of(*ask(ListSessions{extension})), ids);
}

TEST_F(HubTest, BTW_12_AnswersNotFoundForWhatIsNotThere) {
  auto const id = open(extension, outlet).session.id;
  auto const uuid = open(shared, other_outlet).session.id;
  for (auto const& command : std::vector<Command>{GetSession{extension, "ext_000000000000"}, GetSession{extension, ""},
                                                  GetSession{shared, id}, GetSession{extension, uuid},
                                                  CloseSession{shared, id}, PostMessage{extension, uuid, "x", {}},
                                                  PostMessage{shared, id, "x", {}}, CallSession{shared, id, "x", {}}}) {
    auto const answer = ask(command);
    EXPECT_EQ(answer->code(), Code::not_found) << command.index();
    EXPECT_EQ(answer->message(), "Session not found");
  }
}

TEST_F(HubTest, AnswersAForeignIdExactlyAsAnUnknownOne) {
  auto const id = open(extension, outlet, user("alice")).session.id;
  auto const with = [&](std::string const& which) {
    return std::vector<Command>{GetSession{extension, which}, CloseSession{extension, which},
                                PostMessage{extension, which, "x", {}}, CallSession{extension, which, "x", {}}};
  };
  auto const foreign = with(id), unknown = with("ext_000000000000");
  for (std::size_t i = 0; i < foreign.size(); ++i) {
    auto const one = ask(user("bob"), foreign[i]);
    auto const other = ask(user("bob"), unknown[i]);
    EXPECT_EQ(one->code(), Code::not_found) << i;
    EXPECT_EQ(one->code(), other->code());
    EXPECT_EQ(one->message(), other->message());
  }
  EXPECT_EQ(outlet.text, "");
  EXPECT_TRUE(ask(user("alice"), GetSession{extension, id})->as<SessionInfo>());
  EXPECT_TRUE(ask(GetSession{extension, id})->as<SessionInfo>()) << "the local principal is an admin";
}

TEST_F(HubTest, ListsForAUserOnlyWhatIsItsOwn) {
  auto const alices = open(extension, outlet, user("alice")).session.id;
  auto const bobs = open(extension, other_outlet, user("bob")).session.id;
  EXPECT_EQ(ids_of(*ask(user("alice"), ListSessions{extension})), Lines{alices});
  EXPECT_EQ(ids_of(*ask(user("bob"), ListSessions{extension})), Lines{bobs});
  EXPECT_EQ(ids_of(*ask(user("carol"), ListSessions{extension})), Lines{});
  EXPECT_EQ(ids_of(*ask(ListSessions{extension})), (Lines{alices, bobs}));
}

TEST_F(HubTest, BTW_21_ShowsAMessageToItsSessionAndToNobodyElse) {
  auto const opened = open(extension, outlet);
  open(extension, other_outlet);
  clock.advance_us(5000);
  auto const answer = ask(PostMessage{extension, opened.session.id, "navigate", R"({"url":"x"})"});
  EXPECT_EQ(outlet.take_lines(), Lines{R"(2 message 0 navigate {"url":"x"})"});
  EXPECT_EQ(other_outlet.text, "");
  ASSERT_TRUE(answer->as<Posted>());
  EXPECT_EQ(answer->as<Posted>()->seq, 2U);
  EXPECT_EQ(answer->as<Posted>()->at_us, clock.now().utc_us);
}

TEST_F(HubTest, ShowsWhatAConnectionSaysWithItsName) {
  auto const opened = open(extension, outlet);
  auto const answer = ask(Say{opened.connection, "chat", "1"});
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message " + std::to_string(opened.connection) + " chat 1"});
  EXPECT_TRUE(answer->as<Posted>());
}

TEST_F(HubTest, AnswersNotConnectedToAConnectionThatIsNotThere) {
  EXPECT_EQ(ask(Say{99, "x", {}})->code(), Code::not_connected);
  EXPECT_EQ(ask(AnswerCall{99, "00000000", true, {}, {}})->code(), Code::not_connected);
  for (auto const& harmless : std::vector<Command>{Touch{99}, SayGoodbye{99}, Leave{99}, Touch{0}, Leave{0}})
    EXPECT_TRUE(ask(harmless)->as<std::monostate>());
}

TEST_F(HubTest, BTW_16_LastSeenAdvancesByWhatComesInOnTheConnection) {
  auto const opened = open(extension, outlet);
  for (auto const& inbound : std::vector<Command>{Touch{opened.connection}, Say{opened.connection, "x", {}},
                                                  AnswerCall{opened.connection, "00000000", true, {}, {}}}) {
    clock.advance_us(1'000'000);
    ask(inbound);
    EXPECT_EQ(last_seen_us(opened.session.id), clock.now().utc_us) << inbound.index();
  }
}

TEST_F(HubTest, BTW_16_LastSeenStandsStillWhateverOthersDo) {
  auto const opened = open(extension, outlet);
  auto const other = open(extension, other_outlet);
  clock.advance_us(1'000'000);
  for (auto const& command :
       std::vector<Command>{GetSession{extension, opened.session.id}, ListSessions{extension}, Touch{other.connection},
                            PostMessage{extension, opened.session.id, "x", {}}, Say{other.connection, "x", {}}})
    ask(command);
  submit(CallSession{extension, opened.session.id, "x", {}});
  turns(2);
  EXPECT_EQ(last_seen_us(opened.session.id), opened.session.opened_us);
}

TEST_F(HubTest, BTW_22_KeepsAnsweringForAPeerThatSaidGoodbyeButSendsItNothing) {
  auto const opened = open(extension, outlet);
  ask(SayGoodbye{opened.connection});
  for (auto const& command : std::vector<Command>{PostMessage{extension, opened.session.id, "x", {}},
                                                  CallSession{extension, opened.session.id, "x", {}}}) {
    auto const answer = ask(command);
    EXPECT_EQ(answer->code(), Code::not_connected);
    EXPECT_EQ(answer->message(), "Session is not connected");
  }
  EXPECT_TRUE(ask(GetSession{extension, opened.session.id})->as<SessionInfo>());
  EXPECT_EQ(ids_of(*ask(ListSessions{extension})), Lines{opened.session.id});
  EXPECT_EQ(outlet.text, "");
  EXPECT_EQ(outlet.closes, 0);
}

TEST_F(HubTest, BTW_03_AnExtensionSessionEndsWithItsConnection) {
  auto const opened = open(extension, outlet);
  auto const other = open(extension, other_outlet);
  submit(PostMessage{extension, opened.session.id, "x", {}});
  submit(Leave{opened.connection});
  EXPECT_EQ(hub.session_count(), 1U);
  EXPECT_EQ(ask(GetSession{extension, opened.session.id})->code(), Code::not_found);
  EXPECT_EQ(ids_of(*ask(ListSessions{extension})), Lines{other.session.id});
  EXPECT_TRUE(outlet.pushed.empty()) << "its outlet is not used any more";
  EXPECT_EQ(outlet.closes, 0);
  EXPECT_TRUE(ask(Leave{opened.connection})->as<std::monostate>()) << "to leave twice is harmless";
  EXPECT_EQ(hub.connection_count(), 1U);
}

TEST_F(HubTest, ASharedSessionOutlivesItsConnection) {
  auto const opened = open(shared, outlet);
  ask(Leave{opened.connection});
  EXPECT_EQ(hub.connection_count(), 0U);
  EXPECT_TRUE(ask(GetSession{shared, opened.session.id})->as<SessionInfo>());
  EXPECT_TRUE(ask(PostMessage{shared, opened.session.id, "x", {}})->as<Posted>());
  EXPECT_EQ(ask(CallSession{shared, opened.session.id, "x", {}})->code(), Code::not_connected);
  EXPECT_TRUE(outlet.pushed.empty());
}

TEST_F(HubTest, BTW_24_ClosingASessionMakesItUnknownAtOnce) {
  auto const id = open(extension, outlet).session.id;
  auto const closed = submit(CloseSession{extension, id});
  auto const again = submit(CloseSession{extension, id});
  auto const read = submit(GetSession{extension, id});
  turn();
  ASSERT_TRUE(closed->as<SessionInfo>());
  EXPECT_EQ(closed->as<SessionInfo>()->id, id);
  EXPECT_EQ(again->code(), Code::not_found);
  EXPECT_EQ(read->code(), Code::not_found);
  EXPECT_EQ(hub.session_count(), 0U);
  EXPECT_EQ(hub.connection_count(), 0U);
}

TEST_F(HubTest, BTW_25_ClosingASessionClosesItsOutletAfterWhatWasQueued) {
  auto const opened = open(extension, outlet);
  submit(PostMessage{extension, opened.session.id, "last", {}});
  submit(CloseSession{extension, opened.session.id});
  turn();
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message 0 last"});
  EXPECT_EQ(outlet.closes, 1);
  EXPECT_EQ(outlet.close_code, 1000);
  EXPECT_EQ(outlet.close_reason, "Session closed");
  ask(Leave{opened.connection});
  EXPECT_EQ(outlet.closes, 1);
  EXPECT_EQ(outlet.pushes_after_close, 0);
}

TEST_F(HubTest, ACallIsAnsweredWithWhatTheOtherEndGives) {
  auto const opened = open(extension, outlet);
  auto const [answer, request_id] = call(opened.session.id, outlet);
  EXPECT_FALSE(answer->is_there());
  EXPECT_EQ(hub.next_deadline_us(), clock.now().steady_us + 1'000'000);
  clock.advance_us(7000);
  auto const taken = ask(AnswerCall{opened.connection, request_id, true, R"({"done":1})", {}});
  EXPECT_EQ(*taken->as<bool>(), true);
  ASSERT_TRUE(answer->as<Answered>());
  EXPECT_EQ(answer->as<Answered>()->request_id, request_id);
  EXPECT_EQ(answer->as<Answered>()->data, R"({"done":1})");
  EXPECT_EQ(answer->as<Answered>()->at_us, clock.now().utc_us);
  EXPECT_EQ(hub.next_deadline_us(), std::numeric_limits<std::int64_t>::max());
}

TEST_F(HubTest, ACallFailsWithWhatTheOtherEndSays) {
  auto const opened = open(extension, outlet);
  auto const [answer, request_id] = call(opened.session.id, outlet);
  ask(AnswerCall{opened.connection, request_id, false, "null", "no such tab"});
  EXPECT_EQ(answer->code(), Code::failed);
  EXPECT_EQ(answer->message(), "no such tab");
}

TEST_F(HubTest, ACallIsAnsweredBySomebodyInItsOwnSessionOnlyAndOnce) {
  auto const opened = open(extension, outlet);
  auto const stranger = open(extension, other_outlet);
  auto const [answer, request_id] = call(opened.session.id, outlet);
  EXPECT_EQ(*ask(AnswerCall{stranger.connection, request_id, true, "1", {}})->as<bool>(), false);
  EXPECT_EQ(*ask(AnswerCall{opened.connection, "zzzzzzzz", true, "2", {}})->as<bool>(), false);
  EXPECT_FALSE(answer->is_there());
  EXPECT_EQ(*ask(AnswerCall{opened.connection, request_id, true, "3", {}})->as<bool>(), true);
  EXPECT_EQ(*ask(AnswerCall{opened.connection, request_id, true, "4", {}})->as<bool>(), false) << "too late";
  EXPECT_EQ(answer->runs, 1);
  EXPECT_EQ(answer->as<Answered>()->data, "3");
}

TEST_F(HubTest, CallsOfOneSessionAreAnsweredInAnyOrder) {
  auto const opened = open(extension, outlet);
  auto const [first, first_id] = call(opened.session.id, outlet);
  auto const [second, second_id] = call(opened.session.id, outlet);
  ask(AnswerCall{opened.connection, second_id, true, "2", {}});
  EXPECT_FALSE(first->is_there());
  EXPECT_EQ(second->as<Answered>()->data, "2");
  ask(AnswerCall{opened.connection, first_id, true, "1", {}});
  EXPECT_EQ(first->as<Answered>()->data, "1");
}

TEST_F(HubTest, PendingCallsFailAtOnceWhenTheOtherEndGoesAway) {
  for (int how = 0; how < 3; ++how) {
    auto const opened = open(extension, outlet);
    auto const bystander = open(extension, other_outlet);
    auto const [answer, request_id] = call(opened.session.id, outlet);
    auto const [unharmed, other_id] = call(bystander.session.id, other_outlet);
    Command const away[] = {Leave{opened.connection}, SayGoodbye{opened.connection},
                            CloseSession{extension, opened.session.id}};
    submit(away[how]);
    turn();
    EXPECT_EQ(answer->code(), Code::not_connected) << how;
    EXPECT_FALSE(unharmed->is_there()) << how;
    EXPECT_EQ(*ask(AnswerCall{bystander.connection, request_id, true, "1", {}})->as<bool>(), false);
    EXPECT_EQ(answer->runs, 1);
  }
}

TEST_F(HubTest, PendingCallsOfASharedSessionFailWhenItsLastConnectionLeaves) {
  auto const opened = open(shared, outlet);
  auto const answer = submit(CallSession{shared, opened.session.id, "do", {}});
  turns(2);
  EXPECT_FALSE(answer->is_there());
  submit(Leave{opened.connection});
  turn();
  EXPECT_EQ(answer->code(), Code::not_connected);
}

TEST(HubLimits, RefusesACallOverTheLimitUntilOneIsDone) {
  HubStage::Options options;
  options.limits.calls = 2;
  HubStage stage(options);
  RecordingOutlet outlet, other_outlet;
  auto const opened = stage.open(extension, outlet);
  auto const other = stage.open(extension, other_outlet);
  auto const call = [&](Opened const& to) {
    auto answer = stage.submit(CallSession{extension, to.session.id, "do", {}});
    stage.turn();
    return answer;
  };
  EXPECT_FALSE(call(opened)->is_there());
  EXPECT_FALSE(call(opened)->is_there());
  auto const refused = call(opened);
  EXPECT_EQ(refused->code(), Code::too_many);
  EXPECT_EQ(outlet.take_lines().size(), 2U) << "a refused call is not shown";
  EXPECT_FALSE(call(other)->is_there()) << "the limit is of one session";
  auto const line = outlet.text.substr(0, outlet.text.find('\n'));
  stage.submit(AnswerCall{opened.connection, line.substr(line.rfind(' ') + 1), true, "1", {}});
  stage.turn();
  EXPECT_FALSE(call(opened)->is_there()) << "one place is free again";
}

TEST_F(HubTest, EverybodyMayOpenASession) {
  for (auto const& principal : {local_principal(), user("alice"), Principal{Role::admin, "root"}})
    EXPECT_TRUE(ask(principal, OpenSession{extension, attachment(outlet)})->as<Opened>());
}

TEST_F(HubTest, ASessionMayBeOpenedBySomebodyWhoDoesNotJoinIt) {
  auto const answer = ask(OpenSession{shared, {}});
  ASSERT_TRUE(answer->as<Opened>());
  EXPECT_EQ(answer->as<Opened>()->connection, 0U);
  EXPECT_EQ(hub.connection_count(), 0U);
  EXPECT_TRUE(ask(PostMessage{shared, answer->as<Opened>()->session.id, "x", {}})->as<Posted>());
}

}  // namespace
}  // namespace sojourn

#include "core/hub.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "core/core_stage.h"
#include "support/inside.h"

namespace sojourn {

struct WorldOfHub {
  using Type = Hub::World Hub::*;
  friend Type reach(WorldOfHub);
};
template struct Inside<WorldOfHub, &Hub::world_>;

namespace {

class HubTest : public CoreTest {};

TEST_F(HubTest, BTW_13_OpensASessionAndGreetsItsConnection) {
  auto const opened = get<Opened>(OpenSession{extension, attachment(outlet), {}});
  EXPECT_NE(opened.connection, 0U);
  EXPECT_EQ(opened.dialect, &dialect);
  EXPECT_EQ(opened.greeting,
            "welcome " + std::to_string(opened.connection) + " to " + opened.session.id + " at 0 with {}");
  EXPECT_FALSE(opened.resumed);
  EXPECT_EQ(opened.session.kind, extension);
  EXPECT_EQ(opened.session.user_agent, "Tester/1.0");
  EXPECT_EQ(opened.session.address, "127.0.0.1");
  EXPECT_EQ(opened.session.device, "device-1");
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
  auto const id = open(extension, outlet).session.id;
  std::set<std::string> request_ids;
  for (int i = 0; i < 20; ++i) {
    (hub.*reach(WorldOfHub{})).random = Random(42);
    auto const answer = submit(CallSession{extension, id, "do"});
    turn();
    auto const request_id = last_word(outlet.take_lines().back());
    EXPECT_EQ(request_id.size(), 8U);
    EXPECT_TRUE(request_ids.insert(request_id).second) << request_id << " twice";
    EXPECT_FALSE(answer->is_there());
  }
}

TEST_F(HubTest, BTW_08_ListsTheSessionsOfAKindInTheOrderOfOpening) {
  Lines ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(open(extension, outlet).session.id);
    open(shared, other_outlet);
  }
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{extension})), ids);
  EXPECT_EQ(get<SessionPage>(ListSessions{shared}).sessions.size(), 10U);
  EXPECT_EQ(get<SessionPage>(ListSessions{}).total, 20U);
  ask(CloseSession{extension, ids[4]});
  ids.erase(ids.begin() + 4);
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{extension})), ids);
}

TEST_F(HubTest, BTW_12_AnswersNotFoundForWhatIsNotThere) {
  auto const id = open(extension, outlet).session.id;
  auto const uuid = open(shared, other_outlet).session.id;
  for (auto const& command : std::vector<Command>{
           GetSession{extension, "ext_000000000000"}, GetSession{extension, ""}, GetSession{{}, ""},
           GetSession{shared, id}, GetSession{extension, uuid}, CloseSession{shared, id},
           PostMessage{extension, uuid, "x"}, PostMessage{shared, id, "x"}, CallSession{shared, id, "x"},
           GetState{shared, id}, ReadEvents{shared, id}, ListConnections{shared, id}, ListTokens{extension, uuid},
           MintToken{extension, uuid}, JoinSession{extension, uuid, attachment(outlet)}}) {
    auto const answer = ask(command);
    EXPECT_EQ(answer->code(), Code::not_found) << command.index();
    EXPECT_EQ(answer->message(), "Session not found");
  }
}

TEST_F(HubTest, ASessionIsFoundByItsIdAloneWhereNoKindIsSaid) {
  auto const id = open(extension, outlet).session.id;
  auto const uuid = open(shared, other_outlet).session.id;
  EXPECT_EQ(get<SessionInfo>(GetSession{{}, id}).kind, extension);
  EXPECT_EQ(get<SessionInfo>(GetSession{{}, uuid}).kind, shared);
}

TEST_F(HubTest, AnswersAForeignIdExactlyAsAnUnknownOne) {
  auto const id = open(extension, outlet, user("alice")).session.id;
  auto const uuid = open(shared, other_outlet, user("alice")).session.id;
  auto const with = [&](std::string const& which) {
    return std::vector<Command>{GetSession{{}, which},
                                CloseSession{{}, which},
                                PostMessage{{}, which, "x"},
                                CallSession{{}, which, "x"},
                                GetState{{}, which},
                                ChangeState{{}, which, {StateEdit::Verb::remove, {}, {}, {}}},
                                ReadEvents{{}, which},
                                ListConnections{{}, which},
                                KickConnection{{}, which, 1},
                                MintToken{{}, which},
                                RevokeToken{{}, which, "tok_1"},
                                ListTokens{{}, which},
                                JoinSession{{}, which, attachment(third_outlet)}};
  };
  for (auto const& known : {id, uuid}) {
    auto const foreign = with(known), unknown = with("ext_000000000000");
    for (std::size_t i = 0; i < foreign.size(); ++i) {
      auto const one = ask(user("bob"), foreign[i]);
      auto const other = ask(user("bob"), unknown[i]);
      EXPECT_EQ(one->code(), Code::not_found) << i;
      EXPECT_EQ(one->code(), other->code());
      EXPECT_EQ(one->message(), other->message());
    }
    EXPECT_TRUE(ask(user("alice"), GetSession{{}, known})->as<SessionInfo>());
    EXPECT_TRUE(ask(GetSession{{}, known})->as<SessionInfo>()) << "the local principal is an admin";
    EXPECT_TRUE(ask(admin(), GetSession{{}, known})->as<SessionInfo>());
  }
  EXPECT_EQ(outlet.text + other_outlet.text, "");
  EXPECT_EQ(hub.connection_count(), 2U);
}

TEST_F(HubTest, AReaderReadsItsOwnSessionAndChangesNothing) {
  auto const id = open_empty("alice").id;
  auto const reader = user("alice", Scope::read);
  for (auto const& command : std::vector<Command>{GetSession{{}, id}, GetState{{}, id}, ReadEvents{{}, id},
                                                  ListConnections{{}, id}, ListSessions{}})
    EXPECT_FALSE(ask(reader, command)->code()) << command.index();
  for (auto const& command :
       std::vector<Command>{CloseSession{{}, id}, PostMessage{{}, id, "x"}, CallSession{{}, id, "x"}, MintToken{{}, id},
                            ListTokens{{}, id}, RevokeToken{{}, id, "tok_1"}, KickConnection{{}, id, 1},
                            ChangeState{{}, id, {StateEdit::Verb::remove, {}, {}, {}}}}) {
    auto const answer = ask(reader, command);
    EXPECT_EQ(answer->code(), Code::forbidden) << command.index();
    EXPECT_EQ(answer->message(), "this token may only read");
  }
  EXPECT_EQ(ask(reader, OpenSession{shared})->code(), Code::forbidden);
  EXPECT_EQ(ask(reader, PostToAll{"x"})->code(), Code::forbidden);
  EXPECT_EQ(log_of(id).last_seq, 1U);
}

TEST_F(HubTest, BTW_03_AnExtensionSessionEndsWithItsConnection) {
  auto const opened = open(extension, outlet);
  auto const other = open(extension, other_outlet);
  submit(PostMessage{extension, opened.session.id, "x"});
  submit(Leave{opened.connection});
  EXPECT_EQ(hub.session_count(), 1U);
  EXPECT_EQ(ask(GetSession{extension, opened.session.id})->code(), Code::not_found);
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{extension})), Lines{other.session.id});
  EXPECT_TRUE(outlet.pushed.empty()) << "its outlet is not used any more";
  EXPECT_EQ(outlet.closes, 0);
  EXPECT_TRUE(ask(Leave{opened.connection})->as<std::monostate>()) << "to leave twice is harmless";
  EXPECT_EQ(hub.connection_count(), 1U);
}

TEST_F(HubTest, SHP_02_ASharedSessionOutlivesItsConnection) {
  auto const opened = open(shared, outlet);
  ask(Leave{opened.connection});
  EXPECT_EQ(hub.connection_count(), 0U);
  EXPECT_EQ(get<SessionInfo>(GetSession{shared, opened.session.id}).connections, 0U);
  EXPECT_TRUE(ask(PostMessage{shared, opened.session.id, "x"})->as<Posted>());
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

TEST_F(HubTest, BTW_25_ClosingASessionTellsItsMembersAndClosesTheirOutlets) {
  for (auto const kind : {extension, shared}) {
    RecordingOutlet end, other_end;
    auto const opened = open(kind, end);
    auto const joined =
        opened.session.id.empty() ? Opened{} : get<Opened>(JoinSession{kind, opened.session.id, attachment(other_end)});
    end.take_lines();
    submit(PostMessage{kind, opened.session.id, "last"});
    submit(CloseSession{kind, opened.session.id});
    turns(2);
    for (auto* each : {&end, &other_end}) {
      Lines told;
      for (auto const& line : each->take_lines()) told.push_back(without_seq(line));
      EXPECT_EQ(told, (Lines{"message 0 last", R"(session.closed 0 {"reason":"deleted"})"}));
      EXPECT_EQ(each->closes, 1);
      EXPECT_EQ(each->close_code, 1000);
      EXPECT_EQ(each->close_reason, "Session closed");
    }
    ask(Leave{opened.connection});
    ask(Leave{joined.connection});
    EXPECT_EQ(end.closes, 1);
    EXPECT_EQ(end.pushes_after_close + other_end.pushes_after_close, 0);
    EXPECT_EQ(hub.connection_count(), 0U);
  }
}

TEST_F(HubTest, EverybodyButAReaderAndAGuestMayOpenASession) {
  for (auto const& principal : {local_principal(), user("alice"), user("alice", Scope::control), admin()})
    EXPECT_TRUE(ask(principal, OpenSession{extension, attachment(outlet), {}})->as<Opened>());
  EXPECT_EQ(ask(user("alice", Scope::read), OpenSession{extension, attachment(outlet), {}})->code(), Code::forbidden);
  EXPECT_EQ(ask(guest(mint(open_empty().id)), OpenSession{shared})->code(), Code::forbidden);
}

TEST_F(HubTest, ASessionMayBeOpenedBySomebodyWhoDoesNotJoinIt) {
  auto const opened = get<Opened>(OpenSession{shared});
  EXPECT_EQ(opened.connection, 0U);
  EXPECT_EQ(opened.greeting, "");
  EXPECT_EQ(hub.connection_count(), 0U);
  EXPECT_TRUE(ask(PostMessage{shared, opened.session.id, "x"})->as<Posted>());
}

TEST_F(HubTest, SHP_05_ANewSessionIsWhatItsOwnerWished) {
  SessionWish wish{.client_id = "laptop", .type = "delivery", .metadata = R"({"team":"blue","n":7})"};
  wish.state = R"({"a":1,"b":[2]})";
  wish.idle_us = 90 * second_us;
  auto const id = open_empty("alice", wish).id;
  auto const info = get<SessionInfo>(GetSession{{}, id});
  EXPECT_EQ(info.owner, "alice");
  EXPECT_EQ(info.client_id, "laptop");
  EXPECT_EQ(info.type, "delivery");
  EXPECT_EQ(info.metadata, R"({"team":"blue","n":7})");
  EXPECT_EQ(info.idle_us, 90 * second_us);
  EXPECT_EQ(info.expires_us, clock.now().utc_us + 90 * second_us);
  EXPECT_EQ(info.revision, 2U);
  EXPECT_EQ(info.cursor.seq, 2U);
  EXPECT_EQ(state_of(id), R"({"a":1,"b":[2]})");
  EXPECT_EQ(words_of(id), (Lines{"session.opened", "session.state"}));
}

TEST_F(HubTest, ANewSessionOfWhichNothingIsSaidHasTheDefaults) {
  auto const info = open_empty("alice");
  EXPECT_EQ(info.client_id, "");
  EXPECT_EQ(info.type, default_session_type);
  EXPECT_EQ(info.metadata, "{}");
  EXPECT_EQ(info.idle_us, hour_us);
  EXPECT_EQ(info.revision, 0U);
  EXPECT_EQ(words_of(info.id), Lines{"session.opened"});
}

TEST_F(HubTest, TheLogSaysHowASessionBegan) {
  auto const id = open_empty("al\"ice", {.client_id = "c", .type = "t", .metadata = R"({"m":1})"}).id;
  auto const data = json::parse(log_of(id).events.at(0)->data);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->at("user_id"), "al\"ice");
  EXPECT_EQ(data->at("client_id"), "c");
  EXPECT_EQ(data->at("session_type"), "t");
  EXPECT_EQ(data->at("timeout_s"), 3600);
  EXPECT_EQ(data->at("metadata").at("m"), 1);
}

TEST_F(HubTest, AWishThatIsOverTheLimitsOpensNothing) {
  SessionWish wish;
  wish.state = "{\"k\":\"" + std::string(70'000, 'x') + "\"}";
  EXPECT_EQ(ask(OpenSession{shared, {}, wish})->code(), Code::too_large);
  wish.state = "[]";
  EXPECT_EQ(ask(OpenSession{shared, {}, wish})->code(), Code::invalid);
  EXPECT_EQ(hub.session_count(), 0U);
  EXPECT_TRUE(store.batches().empty());
}

TEST_F(HubTest, OnlyAnAdminOpensASessionForAnotherUser) {
  EXPECT_EQ(get<Opened>(admin(), OpenSession{shared, {}, {.owner = "bob"}}).session.owner, "bob");
  EXPECT_EQ(get<Opened>(OpenSession{shared, {}, {.owner = "carol"}}).session.owner, "carol");
  EXPECT_EQ(get<Opened>(user("bob"), OpenSession{shared, {}, {.owner = "bob"}}).session.owner, "bob");
  auto const refused = ask(user("alice"), OpenSession{shared, {}, {.owner = "bob"}});
  EXPECT_EQ(refused->code(), Code::forbidden);
  EXPECT_EQ(refused->message(), "only an admin opens a session for another user");
  EXPECT_EQ(hub.session_count(), 3U);
}

}  // namespace
}  // namespace sojourn

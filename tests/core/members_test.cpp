// members.cpp: who comes, who may not, who is sent away, and who hears of it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {
namespace {

class JoinTest : public CoreTest {
 protected:
  // As the door of session tracking does: whoever can't join gets a session of their own.
  std::shared_ptr<Answer const> enter(Principal const& principal, std::string id, RecordingOutlet& end) {
    JoinSession command{shared, std::move(id), attachment(end)};
    command.opens = true;
    return ask(principal, std::move(command));
  }
};

std::string presence(std::string const& word, Opened const& opened, std::string const& name) {
  auto const id = std::to_string(opened.connection);
  return "0 session." + word + " " + id + R"( {"connection_id":"c)" + id + R"(","user":")" + name + "\"}";
}

TEST_F(JoinTest, SHP_07_AJoinerIsGreetedWithTheSessionAsItIs) {
  auto const id = open_empty("alice").id;
  set(id, "k", "1");
  auto const opened = join(id, outlet, user("alice"));
  EXPECT_EQ(opened.session.id, id);
  EXPECT_TRUE(opened.resumed) << "it was there before";
  EXPECT_EQ(opened.session.connections, 1U);
  EXPECT_EQ(opened.greeting, "welcome " + std::to_string(opened.connection) + " to " + id + R"( at 2 with {"k":1})");
  EXPECT_EQ(outlet.text, "") << "what is in the greeting is not shown again";
  post(id, "x");
  EXPECT_EQ(outlet.take_lines(), Lines{"3 message 0 x"});
}

TEST_F(JoinTest, SHP_01_03_04_ManyShareOneSessionAndNobodyElseHearsOfIt) {
  auto const id = open_empty("alice").id;
  auto const one = join(id, outlet, user("alice"));
  auto const two = join(id, other_outlet, user("alice"));
  open(shared, third_outlet, user("alice"));
  outlet.take_lines();
  ask(Say{one.connection, "hello", "1"});
  auto const line = "2 message " + std::to_string(one.connection) + " hello 1";
  EXPECT_EQ(outlet.take_lines(), Lines{line}) << "the sender too";
  EXPECT_EQ(other_outlet.take_lines(), Lines{line});
  EXPECT_NE(one.connection, two.connection);
  EXPECT_EQ(third_outlet.text, "");
}

TEST_F(JoinTest, SHP_06_WithoutAnIdWhoEntersGetsANewSession) {
  auto const answer = enter(user("alice"), {}, outlet);
  ASSERT_TRUE(answer->as<Opened>());
  auto const& opened = *answer->as<Opened>();
  EXPECT_FALSE(opened.resumed);
  EXPECT_EQ(opened.session.owner, "alice");
  EXPECT_EQ(opened.session.kind, shared);
  EXPECT_EQ(opened.greeting,
            "welcome " + std::to_string(opened.connection) + " to " + opened.session.id + " at 1 with {}");
}

TEST_F(JoinTest, WithoutAnIdWhoOnlyJoinsGetsNothing) {
  EXPECT_EQ(ask(JoinSession{{}, "", attachment(outlet)})->code(), Code::not_found);
  EXPECT_EQ(hub.session_count(), 0U);
}

TEST_F(JoinTest, SHP_08_09_10_12_22_WhoCanNotJoinIsToldWhyAndGetsANewSession) {
  auto const alices = open_empty("alice").id;
  auto const deleted = open_empty("bob").id;
  ask(CloseSession{{}, deleted});
  auto const old = open_empty("bob", {.idle_us = second_us}).id,
             alices_old = open_empty("alice", {.idle_us = second_us}).id;
  auto const browser = open(extension, third_outlet, user("bob")).session.id;
  clock.advance_us(second_us);
  turns(2);
  struct Row {
    std::string id, reason;
  };
  for (auto const& row : std::vector<Row>{{"no-uuid", "invalid"},
                                          {"00000000-0000-4000-8000-000000000000", "invalid"},
                                          {alices, "not_owner"},
                                          {deleted, "invalid"},
                                          {old, "expired"},
                                          {alices_old, "invalid"},
                                          {browser, "invalid"}}) {
    auto const answer = enter(user("bob"), row.id, outlet);
    ASSERT_TRUE(answer->as<Opened>()) << row.id;
    auto const& opened = *answer->as<Opened>();
    EXPECT_FALSE(opened.resumed);
    EXPECT_NE(opened.session.id, row.id);
    EXPECT_EQ(opened.session.owner, "bob");
    EXPECT_NE(opened.greeting.find(" instead of " + row.id + " (" + row.reason + ") "), std::string::npos)
        << opened.greeting << ", not " << row.reason;
  }
  EXPECT_NE(enter(admin(), alices_old, outlet)->as<Opened>()->greeting.find("(expired)"), std::string::npos);
}

TEST_F(JoinTest, WhoOnlyJoinsIsRefusedWhatCanNotBeJoined) {
  auto const alices = open_empty("alice").id;
  EXPECT_EQ(ask(user("bob"), JoinSession{{}, alices, attachment(outlet)})->code(), Code::not_found);
  EXPECT_EQ(ask(JoinSession{{}, "nobody", attachment(outlet)})->code(), Code::not_found);
  EXPECT_EQ(hub.session_count(), 1U);
  EXPECT_EQ(hub.connection_count(), 0U);
}

TEST_F(JoinTest, AReaderJoinsButOpensNothing) {
  auto const id = open_empty("alice").id;
  auto const reader = user("alice", Scope::read);
  EXPECT_TRUE(enter(reader, id, outlet)->as<Opened>());
  EXPECT_EQ(enter(reader, {}, outlet)->code(), Code::forbidden);
  EXPECT_EQ(enter(reader, "nobody", outlet)->code(), Code::forbidden);
  EXPECT_EQ(hub.session_count(), 1U);
}

TEST_F(JoinTest, AnExtensionSessionIsJoinedByOthersButStandsForItsBrowser) {
  auto const browser = open(extension, outlet);
  auto const watcher = get<Opened>(JoinSession{{}, browser.session.id, attachment(other_outlet)});
  EXPECT_EQ(watcher.session.kind, extension);
  EXPECT_EQ(watcher.session.connections, 2U);
  ask(Leave{watcher.connection});
  EXPECT_TRUE(ask(GetSession{extension, browser.session.id})->as<SessionInfo>());
  auto const again = get<Opened>(JoinSession{{}, browser.session.id, attachment(third_outlet)});
  ask(Leave{browser.connection});
  EXPECT_EQ(ask(GetSession{extension, browser.session.id})->code(), Code::not_found);
  EXPECT_EQ(third_outlet.closes, 1);
  EXPECT_TRUE(third_outlet.text.ends_with("session.closed 0 {\"reason\":\"left\"}\n")) << third_outlet.text;
  EXPECT_EQ(hub.connection_count(), 0U);
}

TEST_F(JoinTest, LastSeenAndBrowserAreThoseOfTheHostWhoeverElseIsThere) {
  auto const browser = open(extension, outlet);
  auto via = attachment(other_outlet);
  via.user_agent = "Watcher/1.0";
  via.device = "device-2";
  auto const watcher = get<Opened>(JoinSession{{}, browser.session.id, via});
  clock.advance_us(second_us);
  ask(Touch{watcher.connection});
  ask(Say{watcher.connection, "x"});
  auto const info = get<SessionInfo>(GetSession{{}, browser.session.id});
  EXPECT_EQ(info.last_seen_us, browser.session.opened_us);
  EXPECT_EQ(info.user_agent, "Tester/1.0");
  EXPECT_EQ(info.device, "device-1");
}

TEST_F(JoinTest, ComingsAndGoingsAreToldToTheOthers) {
  auto const id = open_empty("alice").id;
  auto const one = join(id, outlet, user("alice"));
  EXPECT_EQ(outlet.text, "") << "nobody is there to be told";
  auto const two = join(id, other_outlet, guest(mint(id), "bob"));
  auto lines = outlet.take_lines();
  EXPECT_EQ(lines.back(), presence("joined", two, "bob"));
  EXPECT_EQ(other_outlet.text.find("joined"), std::string::npos) << "its own coming is no news to it";
  ask(Leave{two.connection});
  EXPECT_EQ(outlet.take_lines(), Lines{presence("left", two, "bob")});
  ask(Leave{one.connection});
  EXPECT_EQ(words_of(id), (Lines{"session.opened", "session.token_minted"})) << "none of it is kept";
}

TEST_F(JoinTest, ConnectionsAreListedInTheOrderTheyCame) {
  auto const id = open_empty("alice").id;
  auto const one = join(id, outlet, user("alice"));
  clock.advance_us(second_us);
  auto via = attachment(other_outlet);
  via.user_agent = "Other/2";
  via.address = "10.0.0.7";
  via.transport = "event_stream";
  auto const two = get<Opened>(JoinSession{{}, id, via});
  clock.advance_us(second_us);
  ask(Touch{one.connection});
  auto const list = get<std::vector<ConnectionInfo>>(user("alice"), ListConnections{{}, id});
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].id, one.connection);
  EXPECT_EQ(list[0].user, "alice");
  EXPECT_EQ(list[0].transport, "websocket");
  EXPECT_EQ(list[0].user_agent, "Tester/1.0");
  EXPECT_EQ(list[0].connected_us, clock.now().utc_us - 2 * second_us);
  EXPECT_EQ(list[0].last_seen_us, clock.now().utc_us);
  EXPECT_EQ(list[1].id, two.connection);
  EXPECT_EQ(list[1].user, "local");
  EXPECT_EQ(list[1].transport, "event_stream");
  EXPECT_EQ(list[1].user_agent, "Other/2");
  EXPECT_EQ(list[1].address, "10.0.0.7");
  EXPECT_EQ(list[1].last_seen_us, clock.now().utc_us - second_us);
}

TEST_F(JoinTest, AGuestIsNotToldWhereTheOthersAre) {
  auto const id = open_empty("alice").id;
  auto const one = join(id, outlet, user("alice"));
  auto const list = get<std::vector<ConnectionInfo>>(guest(mint(id, Scope::read)), ListConnections{{}, id});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].id, one.connection);
  EXPECT_EQ(list[0].user, "alice");
  EXPECT_EQ(list[0].user_agent, "");
  EXPECT_EQ(list[0].address, "");
  EXPECT_EQ(get<std::vector<ConnectionInfo>>(user("alice"), ListConnections{{}, id}).at(0).address, "127.0.0.1");
}

TEST_F(JoinTest, ATakeoverClosesTheOlderConnectionOfTheSamePrincipal) {
  auto const id = open_empty("alice").id;
  auto const old = join(id, outlet, user("alice"));
  JoinSession command{{}, id, attachment(other_outlet)};
  command.takes_over = old.connection;
  auto const now = get<Opened>(user("alice"), command);
  EXPECT_EQ(outlet.closes, 1);
  EXPECT_EQ(outlet.close_code, 4001);
  EXPECT_EQ(now.session.connections, 1U);
  EXPECT_EQ(ask(Say{old.connection, "x"})->code(), Code::not_connected);
  EXPECT_TRUE(ask(Say{now.connection, "x"})->as<Posted>());
  EXPECT_EQ(outlet.pushes_after_close, 0);
}

TEST_F(JoinTest, NobodyTakesOverWhatIsNotTheirs) {
  auto const id = open_empty("alice").id;
  auto const elsewhere = open(shared, third_outlet, user("alice"));
  auto const alices = join(id, outlet, user("alice"));
  auto const one = mint(id, Scope::read), two = mint(id, Scope::read);
  RecordingOutlet guests_outlet, newer;
  auto const guests = join(id, guests_outlet, guest(one));
  auto const browser = open(extension, other_outlet, user("alice"));
  auto const try_as = [&](Principal const& principal, std::string const& where, ConnectionId whose) {
    JoinSession command{{}, where, attachment(newer)};
    command.takes_over = whose;
    return ask(principal, command)->as<Opened>() != nullptr;
  };
  EXPECT_TRUE(try_as(admin(), id, alices.connection));
  EXPECT_TRUE(try_as(guest(one, "alice"), id, alices.connection)) << "a guest of the same name";
  EXPECT_TRUE(try_as(guest(two), id, guests.connection)) << "a guest with another token";
  EXPECT_TRUE(try_as(user("alice"), id, elsewhere.connection)) << "of another session";
  EXPECT_TRUE(try_as(user("alice"), browser.session.id, browser.connection)) << "the browser itself";
  EXPECT_TRUE(try_as(user("alice"), id, 12345));
  EXPECT_EQ(outlet.closes + third_outlet.closes + other_outlet.closes + guests_outlet.closes, 0);
  EXPECT_TRUE(try_as(guest(one), id, guests.connection));
  EXPECT_EQ(guests_outlet.closes, 1);
}

TEST_F(JoinTest, AKickedConnectionIsClosedAndMayComeBack) {
  auto const id = open_empty("alice").id;
  auto const one = join(id, outlet, user("alice"));
  auto const two = join(id, other_outlet, guest(mint(id)));
  auto const stranger = open(shared, third_outlet, user("alice"));
  EXPECT_EQ(ask(user("alice"), KickConnection{{}, id, stranger.connection})->code(), Code::not_found);
  EXPECT_EQ(ask(user("alice"), KickConnection{{}, id, 99})->code(), Code::not_found);
  EXPECT_EQ(ask(user("bob"), KickConnection{{}, id, two.connection})->code(), Code::not_found);
  EXPECT_EQ(ask(guest(mint(id)), KickConnection{{}, id, one.connection})->code(), Code::forbidden);
  EXPECT_EQ(other_outlet.closes, 0);
  outlet.take_lines();
  EXPECT_TRUE(ask(user("alice"), KickConnection{{}, id, two.connection})->as<std::monostate>());
  EXPECT_EQ(other_outlet.closes, 1);
  EXPECT_EQ(other_outlet.close_code, 1008);
  EXPECT_EQ(other_outlet.close_reason, "kicked");
  EXPECT_EQ(outlet.take_lines(), Lines{presence("left", two, "visitor")});
  EXPECT_EQ(third_outlet.closes, 0);
}

TEST_F(JoinTest, KickingTheBrowserEndsItsSession) {
  auto const browser = open(extension, outlet);
  get<Opened>(JoinSession{{}, browser.session.id, attachment(other_outlet)});
  EXPECT_TRUE(ask(KickConnection{{}, browser.session.id, browser.connection})->as<std::monostate>());
  EXPECT_EQ(outlet.closes, 1);
  EXPECT_EQ(outlet.close_reason, "kicked");
  EXPECT_EQ(other_outlet.closes, 1);
  EXPECT_EQ(hub.session_count(), 0U);
  EXPECT_EQ(hub.connection_count(), 0U);
}

TEST_F(JoinTest, BTW_16_LastSeenAdvancesByWhatComesInOnTheConnection) {
  auto const opened = open(extension, outlet);
  for (auto const& inbound : std::vector<Command>{
           Touch{opened.connection}, Say{opened.connection, "x"}, AnswerCall{opened.connection, "00000000", true},
           MakeOffer{opened.connection, {{"t"}, false}}, GetState{{}, {}, {}, opened.connection}}) {
    clock.advance_us(second_us);
    ask(inbound);
    EXPECT_EQ(get<SessionInfo>(GetSession{extension, opened.session.id}).last_seen_us, clock.now().utc_us)
        << inbound.index();
  }
}

TEST_F(JoinTest, BTW_16_LastSeenStandsStillWhateverOthersDo) {
  auto const opened = open(extension, outlet);
  auto const other = open(extension, other_outlet);
  clock.advance_us(second_us);
  for (auto const& command :
       std::vector<Command>{GetSession{extension, opened.session.id}, ListSessions{extension}, Touch{other.connection},
                            PostMessage{extension, opened.session.id, "x"}, Say{other.connection, "x"}})
    ask(command);
  submit(CallSession{extension, opened.session.id, "x"});
  turns(2);
  EXPECT_EQ(get<SessionInfo>(GetSession{extension, opened.session.id}).last_seen_us, opened.session.opened_us);
}

TEST_F(JoinTest, ASharedSessionWasSeenWhenItWasUsedLast) {
  auto const id = open_empty("alice").id;
  auto const seen = [&] { return get<SessionPage>(ListSessions{shared}).sessions.at(0).last_seen_us; };
  clock.advance_us(second_us);
  EXPECT_EQ(seen(), clock.now().utc_us - second_us) << "to list it is no use";
  ask(user("bob"), GetSession{{}, id});
  EXPECT_EQ(seen(), clock.now().utc_us - second_us) << "nor is to ask for what is not one's own";
  ask(user("alice"), GetState{{}, id});
  EXPECT_EQ(seen(), clock.now().utc_us);
  auto const opened = join(id, outlet);
  clock.advance_us(second_us);
  ask(Touch{opened.connection});
  EXPECT_EQ(seen(), clock.now().utc_us);
  clock.advance_us(second_us);
  ask(Leave{opened.connection});
  EXPECT_EQ(seen(), clock.now().utc_us);
}

TEST_F(JoinTest, BTW_22_KeepsAnsweringForAPeerThatSaidGoodbyeButSendsItNothing) {
  auto const opened = open(extension, outlet);
  ask(SayGoodbye{opened.connection});
  for (auto const& command : std::vector<Command>{PostMessage{extension, opened.session.id, "x"},
                                                  CallSession{extension, opened.session.id, "x"}}) {
    auto const answer = ask(command);
    EXPECT_EQ(answer->code(), Code::not_connected);
    EXPECT_EQ(answer->message(), "Session is not connected");
  }
  EXPECT_TRUE(ask(GetSession{extension, opened.session.id})->as<SessionInfo>());
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{extension})), Lines{opened.session.id});
  EXPECT_EQ(outlet.text, "");
  EXPECT_EQ(outlet.closes, 0);
}

TEST_F(JoinTest, AConnectionThatIsNotThereCanDoNothing) {
  for (auto const& command :
       std::vector<Command>{Say{99, "x"}, AnswerCall{99, "00000000", true}, CallTool{99, "t", "{}"}, MakeOffer{99, {}},
                            GetState{{}, {}, {}, 99}, ChangeState{{}, {}, {StateEdit::Verb::remove, {}, {}, {}}, 99}})
    EXPECT_EQ(ask(command)->code(), Code::not_connected) << command.index();
  for (auto const& harmless : std::vector<Command>{Touch{99}, SayGoodbye{99}, Leave{99}, Touch{0}, Leave{0}})
    EXPECT_TRUE(ask(harmless)->as<std::monostate>());
}

TEST(Presence, IsNotToldInASessionThatHasTooManyMembers) {
  HubStage::Options options;
  options.limits.presence_members = 3;
  CoreStage stage(options);
  auto const id = stage.open_empty("alice").id;
  std::vector<std::unique_ptr<RecordingOutlet>> outlets;
  std::vector<ConnectionId> ids;
  for (int i = 0; i < 5; ++i) {
    outlets.push_back(std::make_unique<RecordingOutlet>());
    ids.push_back(stage.join(id, *outlets.back()).connection);
    stage.turn();
  }
  EXPECT_EQ(outlets[0]->take_lines().size(), 2U) << "the second and the third are told of, the others not";
  stage.ask(Leave{ids[4]});
  EXPECT_EQ(outlets[0]->take_lines().size(), 0U) << "four are left";
  stage.ask(Leave{ids[3]});
  EXPECT_EQ(outlets[0]->take_lines().size(), 1U) << "three are left";
}

TEST_F(JoinTest, AnOfferIsBounded) {
  auto const opened = open(shared, outlet);
  EXPECT_TRUE(ask(MakeOffer{opened.connection, {Lines(100, std::string(128, 't')), true}})->as<std::monostate>());
  EXPECT_EQ(ask(MakeOffer{opened.connection, {Lines(101, "t"), true}})->code(), Code::too_large);
  EXPECT_EQ(ask(MakeOffer{opened.connection, {{std::string(129, 't')}, true}})->code(), Code::too_large);
}

}  // namespace
}  // namespace sojourn

// Who comes in, for which thread, and how it is let go. What clients ask once they are in is in
// monitor_commands_test.cpp, how they come back in monitor_return_test.cpp.
#include "api/monitor.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "api/monitor_stage.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::MonitorStage;
using test::MonitorTest;
using test::register_kitchen;
using test::second_us;
using test::Visitor;
using test::Words;

TEST_F(MonitorTest, AMI_02_TheFirstThingSaidIsWhoOneIs) {
  auto& ann = stage.enter("ann");
  EXPECT_EQ(stage.hear(ann),
            (Words{"40 as ann", R"(42["connected",{"status":"connected","session_id":"ann","transport":"polling",)"
                                R"("server_time":"2026-02-24T19:22:16.015000"}])"}));
  EXPECT_EQ(ann.sid.size(), 20u);
  EXPECT_TRUE(ann.pid.starts_with(ann.sid + "."));
  auto& lost = stage.enter("lost", "-");
  lost.say("0/admin,");
  EXPECT_EQ(stage.hear(lost), Words{R"(44/admin,{"message":"Invalid namespace"})"});
}

TEST_F(MonitorTest, AClientOfPythonHearsExactlyTheArguments) {
  auto& py = stage.enter("py", {}, {{"User-Agent", "Python/3.11 aiohttp/3.8.4"}});
  EXPECT_EQ(py.pid, "");
  stage.hear(py);
  stage.emit(py, std::string(register_kitchen));
  auto const registered = stage.hear(py);
  ASSERT_EQ(registered.size(), 1u);
  EXPECT_TRUE(registered.front().ends_with("}]")) << registered.front();
  stage.emit(py, R"(["chat","a"])");
  EXPECT_EQ(stage.hear(py), Words{R"(42["chat","a"])"});
}

TEST_F(MonitorTest, AMI_23_WhoIsGoneBeforeItIsInMissesNothingForTheNext) {
  auto& ann = stage.follow("ann", "kitchen");
  ann.go();
  post("note");
  auto& ben = stage.enter("ben");
  ben.say("2" + std::string(register_kitchen));
  ben.say("2" + std::string(register_kitchen));  // at once, as before a connection is there
  ben.go();
  stage.turn();
  auto& cat = stage.enter("cat");
  stage.hear(cat);
  stage.emit(cat, std::string(register_kitchen));
  EXPECT_EQ(stage.hear(cat).size(), 3u) << "session_registered, the note, and that this was all";
}

TEST_F(MonitorTest, ATokenIsSaidInTheFirstWordOrTheFirstRequest) {
  auto const alice = stage.desk.mint("alice");
  auto user = [&](Visitor& visitor) {
    for (auto const* socket : stage.monitor.sockets()) {
      if (socket->sid() == visitor.sid) return socket->principal().name;
    }
    return std::string("nobody");
  };
  auto entered = [&](std::string const& auth, test::Fields fields = {}) {
    auto& visitor = stage.enter("x", auth, std::move(fields));
    auto const heard = stage.hear(visitor);
    return heard.front().starts_with("44") ? heard.front() : user(visitor);
  };
  EXPECT_EQ(entered(""), "local");
  EXPECT_EQ(entered("{\"token\":\"" + alice + "\"}"), "alice");
  EXPECT_EQ(entered("", {Desk::bearer(alice)}), "alice");
  EXPECT_EQ(entered("{\"token\":\"" + stage.desk.mint("bob") + "\"}", {Desk::bearer(alice)}), "bob")
      << "the nearer word counts";
  auto const refusal = R"(44{"message":"Invalid or expired token","data":{"code":"unauthenticated"}})";
  EXPECT_EQ(entered(R"({"token":"nonsense"})"), refusal) << "a wrong one is never ignored";
  EXPECT_EQ(entered("", {Desk::bearer("nonsense")}), refusal);
  EXPECT_EQ(entered("{\"token\":\"nonsense\"}", {Desk::bearer(alice)}), refusal);
}

TEST_F(MonitorTest, AServerWithAKeyLetsNobodyInWithoutAToken) {
  MonitorStage keyed(DeskSetup{.is_open = false});
  auto& nobody = keyed.enter("nobody");
  auto const heard = keyed.hear(nobody);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard.front().starts_with("44{\"message\":")) << heard.front();
  EXPECT_TRUE(heard.front().ends_with("\"data\":{\"code\":\"unauthenticated\"}}")) << heard.front();
  auto& alice = keyed.enter("alice", "{\"token\":\"" + keyed.desk.mint("alice") + "\"}");
  EXPECT_EQ(keyed.hear(alice).front(), "40 as alice");
}

TEST_F(MonitorTest, AMI_03_RegisteringJoinsTheThreadOfThatName) {
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  EXPECT_EQ(stage.ask(ann, std::string(register_kitchen)), R"([{"status":"ready"}])");
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S1", "S1@1")});
  auto& ben = stage.enter("ben");
  stage.hear(ben);
  stage.emit(ben, std::string(register_kitchen));
  auto const told = stage.hear(ben);
  EXPECT_EQ(told, Words{registered("ben", "S1", "S1@1")}) << "the same session";
  EXPECT_TRUE(stage.hear(ann).at(0).starts_with(R"(42["session.joined",)"));
  stage.emit(ben, R"(["chat",{"text":"hello"}])");
  EXPECT_EQ(stage.hear(ben), Words{R"(42["chat",{"text":"hello"},"S1@2"])"});
  EXPECT_EQ(stage.hear(ann), Words{R"(42["chat",{"text":"hello"},"S1@2"])"});
}

TEST_F(MonitorTest, WithoutANameAThreadIsMadeUp) {
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  EXPECT_EQ(stage.ask(ann, R"(["register_session"])"), R"([{"status":"ready"}])");
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S1", "S1@1", "thread_new")});
}

TEST_F(MonitorTest, ASessionThatIsThereIsJoinedByItsId) {
  stage.desk.ask("POST", "/api/v1/sessions");
  auto const made = stage.desk.ask("GET", "/api/v1/sessions").body();
  auto const place = made.find("\"session_id\":\"");
  ASSERT_NE(place, made.npos) << made;
  auto const id = made.substr(place + 14, 36);
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  stage.emit(ann, R"(["register_session",{"thread_id":")" + id + "\"}]");
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S1", "S1@1", "S1")});
  EXPECT_EQ(stage.id_of("S1"), id);
  auto& bob = stage.enter("bob", "{\"token\":\"" + stage.desk.mint("bob") + "\"}");
  stage.hear(bob);
  stage.emit(bob, R"(["register_session",{"thread_id":")" + id + "\"}]");
  EXPECT_EQ(stage.hear(bob), Words{registered("bob", "S2", "S2@1", "S1")}) << "another's is but a name";
}

TEST_F(MonitorTest, AThreadBelongsToItsUser) {
  auto& alice = stage.follow("alice", "kitchen", "{\"token\":\"" + stage.desk.mint("alice") + "\"}");
  auto& bob = stage.enter("bob", "{\"token\":\"" + stage.desk.mint("bob") + "\"}");
  stage.hear(bob);
  stage.emit(bob, std::string(register_kitchen));
  EXPECT_EQ(stage.hear(bob), Words{registered("bob", "S2", "S2@1")});
  stage.emit(bob, R"(["chat",1])");
  EXPECT_EQ(stage.hear(bob).size(), 1u);
  EXPECT_EQ(stage.hear(alice), Words());
}

TEST_F(MonitorTest, WhoMayOnlyReadFollowsNothingNewAndSaysNothing) {
  stage.follow("alice", "kitchen", "{\"token\":\"" + stage.desk.mint("alice") + "\"}");
  auto& reader = stage.enter("reader", "{\"token\":\"" + stage.desk.mint("alice", Scope::read) + "\"}");
  stage.hear(reader);
  EXPECT_EQ(stage.ask(reader, R"(["register_session",{"thread_id":"garden"}])"),
            R"([{"status":"error","code":"forbidden","message":"not allowed to open a session"}])");
  EXPECT_EQ(stage.ask(reader, std::string(register_kitchen)), R"([{"status":"ready"}])");
  EXPECT_EQ(stage.ask(reader, R"(["register_session",{"thread_id":")" + stage.id_of("S1") + "\"}]"),
            R"([{"status":"ready"}])");
  EXPECT_EQ(stage.ask(reader, R"(["chat",1])"),
            R"([{"status":"error","code":"forbidden","message":"this token may only read"}])");
}

TEST_F(MonitorTest, MovingToAnotherThreadLeavesTheFirst) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.hear(ann);
  stage.emit(ann, R"(["register_session",{"thread_id":"garden"}])");
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S2", "S2@1", "garden")});
  EXPECT_TRUE(stage.hear(ben).at(0).starts_with(R"(42["session.left",)"));
  stage.emit(ben, R"(["chat",1])");
  EXPECT_EQ(stage.hear(ann), Words());
  stage.emit(ann, R"(["chat",2])");
  EXPECT_EQ(stage.hear(ann), Words{R"(42["chat",2,"S2@2"])"});
  stage.emit(ann, std::string(register_kitchen));
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S1", "S1@2")});
}

TEST_F(MonitorTest, RegisteringAgainChangesNothingAndTellsThePresentPlace) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.hear(ann);
  stage.emit(ben, R"(["chat",1])");
  stage.hear(ann);
  EXPECT_EQ(stage.ask(ann, std::string(register_kitchen)), R"([{"status":"ready"}])");
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S1", "S1@2")});
  EXPECT_EQ(stage.hear(ben), Words{R"(42["chat",1,"S1@2"])"}) << "nobody came or went";
}

TEST_F(MonitorTest, WhatWasMissedComesWithTheGreetingOnce) {
  open_with(3);
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  stage.emit(ann, std::string(register_kitchen));
  EXPECT_EQ(stage.hear(ann),
            (Words{registered("ann", "S1", "S1@1", "kitchen", R"(,"missed_messages":{"available":true,"count":3})"),
                   R"(42["note",1,"S1@2"])", R"(42["note",2,"S1@3"])", R"(42["note",3,"S1@4"])",
                   R"(42["missed_messages_delivered",{"count":3,"thread_id":"kitchen"},"S1@4"])"}));
  auto& ben = stage.enter("ben");
  stage.hear(ben);
  stage.emit(ben, std::string(register_kitchen));
  EXPECT_EQ(stage.hear(ben), Words{registered("ben", "S1", "S1@4")});
}

TEST_F(MonitorTest, WhoIsKickedIsOutAndDoesNotComeBackByItself) {
  auto& ann = stage.follow("ann", "kitchen");
  auto const path = "/api/v1/sessions/" + stage.id_of("S1");
  auto const list = stage.desk.ask("GET", path + "/connections").body();
  auto const place = list.find("\"connection_id\":\"") + 17;
  EXPECT_EQ(
      stage.desk.ask("DELETE", path + "/connections/" + list.substr(place, list.find('"', place) - place)).status(),
      204);
  EXPECT_EQ(stage.hear(ann), Words{"41"});
  EXPECT_FALSE(ann.is_closed()) << "the engine is its own";
  EXPECT_EQ(stage.monitor.sockets().size(), 0u);
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 0u);
  ann.say("0");
  stage.turn();
  EXPECT_EQ(stage.hear(ann).size(), 2u) << "it may come in again";
}

TEST_F(MonitorTest, AThreadWhoseSessionIsDeletedIsLeftAndMayBeginAnew) {
  auto& ann = stage.follow("ann", "kitchen");
  EXPECT_EQ(stage.desk.ask("DELETE", "/api/v1/sessions/" + stage.id_of("S1")).status(), 204);
  stage.turn();
  auto const heard = stage.hear(ann);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard.front().starts_with(R"(42["session.closed",)")) << heard.front();
  EXPECT_FALSE(ann.is_closed());
  EXPECT_EQ(stage.ask(ann, R"(["chat",1])"),
            R"([{"status":"error","code":"not_connected","message":"register_session comes first"}])");
  stage.emit(ann, std::string(register_kitchen));
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S2", "S2@1")});
}

TEST_F(MonitorTest, WhoseTokenIsRevokedIsOut) {
  stage.follow("ann", "kitchen");
  auto const path = "/api/v1/sessions/" + stage.id_of("S1") + "/tokens";
  auto const minted = json::parse(stage.desk.ask("POST", path, R"({"scope":"write","user":"guest"})").body());
  ASSERT_TRUE(minted);
  auto const token = std::string(json::find_string(minted->get_object(), "token"));
  auto& guest = stage.enter("guest", "{\"token\":\"" + token + "\"}");
  stage.hear(guest);
  EXPECT_TRUE(stage.ask(guest, std::string(register_kitchen)).starts_with(R"([{"status":"error",)"))
      << "a key to one session opens no other";
  EXPECT_EQ(stage.ask(guest, R"(["register_session",{"thread_id":")" + stage.id_of("S1") + "\"}]"),
            R"([{"status":"ready"}])");
  stage.hear(guest);
  auto const tokens = json::parse(stage.desk.ask("GET", path).body());
  auto const id = std::string(tokens->at("tokens").at(0).at("id").as_string());
  EXPECT_EQ(stage.desk.ask("DELETE", path + "/" + id).status(), 204);
  EXPECT_EQ(stage.hear(guest), Words{"41"});
  EXPECT_EQ(stage.monitor.sockets().size(), 1u);
}

TEST_F(MonitorTest, WhenStorageFailsNobodyIsRegistered) {
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  stage.desk.stage.store.fail(error(Code::storage_full, "no space left"));
  stage.emit(ann, std::string(register_kitchen), "1");
  stage.turn();
  EXPECT_TRUE(stage.take_ack(ann, "1").starts_with(R"([{"status":"error","code":"storage_full")"));
  ann.go();
  stage.turn();
}

class SweepTest : public MonitorTest {
 protected:
  static constexpr std::int64_t warn_us = 900 * second_us;
  static constexpr std::int64_t drop_us = 1800 * second_us;
};

TEST_F(SweepTest, WhoIsSilentIsAskedAndThenLetGo) {
  auto& ann = stage.follow("ann", "kitchen");
  stage.pass(warn_us - 61 * second_us);
  EXPECT_EQ(stage.hear(ann), Words());
  stage.pass(62 * second_us);
  EXPECT_EQ(
      stage.hear(ann),
      Words{R"(42["system_ping",{"timestamp":"2026-02-24T19:37:16.015000","message":"Session activity check"}])"});
  stage.pass(60 * second_us);
  EXPECT_EQ(stage.hear(ann).size(), 1u) << "at every sweep";
  stage.pass(drop_us - warn_us - 120 * second_us);
  stage.hear(ann);
  EXPECT_EQ(stage.monitor.sockets().size(), 1u);
  stage.pass(61 * second_us);
  EXPECT_EQ(stage.hear(ann), Words{"41"});
  EXPECT_FALSE(ann.is_closed());
  EXPECT_EQ(stage.monitor.sockets().size(), 0u);
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 0u);
  EXPECT_EQ(stage.desk.stage.hub.session_count(), 1u) << "its thread's session does not end with it";
}

TEST_F(SweepTest, WhatIsDoneOrHeardKeepsIt) {
  for (std::string const word : {R"(["ping"])", R"(["system_ping_response",{}])", R"(["chat",1])"}) {
    MonitorStage other;
    auto& ann = other.follow("ann", "kitchen");
    for (int i = 0; i < 5; ++i) {
      other.pass(warn_us - 62 * second_us);
      other.emit(ann, word);
    }
    for (auto const& heard : other.hear(ann)) EXPECT_EQ(heard.find("system_ping"), std::string::npos) << word;
    EXPECT_EQ(other.monitor.sockets().size(), 1u) << word;
  }
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "garden");
  for (int i = 0; i < 5; ++i) {
    stage.pass(warn_us - 62 * second_us);
    post("note");
  }
  EXPECT_EQ(stage.monitor.sockets().size(), 1u) << "an event of its thread";
  EXPECT_EQ(stage.hear(ann).size(), 5u);
  EXPECT_EQ(stage.hear(ben).back(), "41") << "and not of another's";
}

TEST_F(SweepTest, AThreadThatIsInUseKeepsItsUsersSockets) {
  auto& ann = stage.follow("ann", "kitchen");
  stage.follow("ben", "garden");
  stage.follow("bob", "kitchen", "{\"token\":\"" + stage.desk.mint("bob") + "\"}");
  for (int i = 0; i < 40; ++i) {
    stage.pass(60 * second_us);
    stage.monitor.touch(local_principal(), "kitchen");
  }
  EXPECT_EQ(stage.hear(ann), Words());
  ASSERT_EQ(stage.monitor.sockets().size(), 1u);
  EXPECT_EQ(stage.monitor.sockets().front()->sid(), ann.sid);
}

TEST_F(SweepTest, SeveralAreLetGoAtOnce) {
  for (int i = 0; i < 20; ++i) stage.follow("v" + std::to_string(i), i % 2 == 0 ? "kitchen" : "garden");
  stage.pass(drop_us + 61 * second_us);
  EXPECT_EQ(stage.monitor.sockets().size(), 0u);
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 0u);
}

TEST_F(MonitorTest, AClientOfRevision3HasItsEnginesId) {
  auto& old = stage.enter("old", "", {}, engine_io::Revision::v3);
  EXPECT_EQ(stage.hear(old).at(0), "40");
  ASSERT_EQ(stage.monitor.sockets().size(), 1u);
  EXPECT_EQ(stage.monitor.sockets().front()->sid(), "engine_old");
  EXPECT_EQ(stage.ask(old, std::string(register_kitchen)), R"([{"status":"ready"}])");
}

}  // namespace
}  // namespace sojourn

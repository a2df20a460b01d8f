// Who comes back to the session monitor: with its pid and the place in the log that it had.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "api/monitor_stage.h"

namespace sojourn {
namespace {

using test::DeskSetup;
using test::MonitorStage;
using test::MonitorTest;
using test::register_kitchen;
using test::second_us;
using test::Visitor;
using test::Words;

TEST_F(MonitorTest, WhoIsLostAmongMissedMessagesGetsTheRest) {
  open_with(3);
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  stage.emit(ann, std::string(register_kitchen));
  stage.hear(ann);
  auto const first = ann.offset.substr(0, ann.offset.rfind('.'));
  ann.go();
  for (auto const& [seq, rest] :
       {std::pair<std::string, Words>{".1",
                                      {R"(42["note",1,"S1@2"])", R"(42["note",2,"S1@3"])", R"(42["note",3,"S1@4"])"}},
        {".3", {R"(42["note",3,"S1@4"])"}},
        {".4", {}}}) {
    ann.offset = first + seq;
    auto& back = stage.come_back(ann);
    auto heard = stage.hear(back);
    ASSERT_GE(heard.size(), 2u);
    EXPECT_EQ(heard.front(), "40 as ann");
    EXPECT_TRUE(heard.at(1).starts_with(R"(42["connected",)"));
    EXPECT_EQ(Words(heard.begin() + 2, heard.end()), rest) << seq;
    back.go();
    stage.turn();
  }
}

TEST_F(MonitorTest, WhoComesBackIsWhoItWasAndMissesNothing) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.emit(ben, R"(["chat",1])");
  stage.hear(ann);
  ann.go("ping timeout");
  stage.emit(ben, R"(["chat",2])");
  stage.emit(ben, R"(["chat",3])");
  auto& back = stage.come_back(ann);
  auto const heard = stage.hear(back);
  ASSERT_EQ(heard.size(), 4u);
  EXPECT_EQ(heard.at(0), "40 as ann");
  EXPECT_EQ(heard.at(2), R"(42["chat",2,"S1@3"])");
  EXPECT_EQ(heard.at(3), R"(42["chat",3,"S1@4"])");
  EXPECT_EQ(back.pid, ann.pid);
  stage.emit(back, R"(["chat",4])");
  EXPECT_EQ(stage.hear(back), Words{R"(42["chat",4,"S1@5"])"}) << "it is registered";
  EXPECT_EQ(stage.ask(back, std::string(register_kitchen)), R"([{"status":"ready"}])");
  EXPECT_EQ(stage.hear(back), Words{registered("ann", "S1", "S1@5")}) << "to register again does no harm";
}

TEST_F(MonitorTest, APredecessorIsTakenOver) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.emit(ben, R"(["chat",1])");
  stage.hear(ann);
  auto& back = stage.come_back(ann);
  EXPECT_EQ(ann.outlet.close_code, 4001);
  EXPECT_EQ(ann.outlet.closes, 1);
  EXPECT_EQ(stage.hear(back).front(), "40 as ann");
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 2u);
  EXPECT_EQ(stage.monitor.sockets().size(), 2u);
  ann.go();
  EXPECT_EQ(stage.monitor.sockets().size(), 2u) << "the end of the old one is not that of the new one";
  stage.emit(ben, R"(["chat",2])");
  EXPECT_EQ(stage.hear(back), Words{R"(42["chat",2,"S1@3"])"});
}

TEST_F(MonitorTest, APredecessorThatWasNotRegisteredIsTakenOverToo) {
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  auto& back = stage.enter("ann", "{\"pid\":\"" + ann.pid + "\"}");
  EXPECT_NE(back.sid, ann.sid) << "or it would take itself for being in a thread";
  EXPECT_EQ(ann.outlet.close_code, 4001);
  EXPECT_EQ(stage.monitor.sockets().size(), 1u);
  // One that moved to another thread behind its offset.
  auto& ben = stage.follow("ben", "kitchen");
  auto const kitchen = ben.offset;
  stage.emit(ben, R"(["register_session",{"thread_id":"garden"}])");
  stage.hear(ben);
  ben.offset = kitchen;
  auto& again = stage.come_back(ben);
  EXPECT_EQ(stage.hear(again).front(), "40 as ben");
  EXPECT_EQ(ben.outlet.close_code, 4001);
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 1u);
}

TEST_F(MonitorTest, AForgedPidOrAnothersIsNone) {
  auto& ann = stage.follow("ann", "kitchen", "{\"token\":\"" + stage.desk.mint("alice") + "\"}");
  stage.hear(ann);
  auto const alice = stage.desk.mint("alice");
  auto const good = ann.pid;
  auto const sid = ann.sid;
  auto const sid_of = [&](std::string pid, std::string const& token) {
    ann.pid = std::move(pid);
    auto& visitor = stage.come_back(ann, token);
    stage.hear(visitor);
    EXPECT_EQ(visitor.sid.size(), 20u);
    auto own = visitor.sid;
    visitor.go();
    stage.turn();
    return own;
  };
  auto other = good;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  for (auto const& pid : {other, ann.sid, ann.sid + ".", "." + good, good + "x", std::string("x"), std::string()})
    EXPECT_NE(sid_of(pid, alice), sid) << pid;
  EXPECT_NE(sid_of(good, stage.desk.mint("bob")), sid);
  EXPECT_NE(sid_of(good, ""), sid);
  EXPECT_FALSE(ann.is_closed()) << "nobody else takes it over";
  EXPECT_EQ(sid_of(good, alice), sid);
}

TEST_F(MonitorTest, AnOffsetOfAnotherSessionOrOfNoneBeginsAnew) {
  auto& bob = stage.follow("bob", "kitchen", "{\"token\":\"" + stage.desk.mint("bob") + "\"}");
  auto& ann = stage.follow("ann", "kitchen");
  ann.go();
  for (std::string const& offset :
       {std::string("11111111-2222-4333-8444-555555555555/1.1"), std::string("x/y"), std::string("x/1.1")}) {
    ann.offset = offset;
    auto& back = stage.come_back(ann);
    auto const heard = stage.hear(back);
    ASSERT_EQ(heard.size(), 2u) << offset;
    EXPECT_NE(back.sid, ann.sid) << "it is told that it is somebody new";
    EXPECT_EQ(stage.ask(back, R"(["chat",1])"),
              R"([{"status":"error","code":"not_connected","message":"register_session comes first"}])");
  }
  auto eve_token = stage.desk.mint("eve");
  auto& eve = stage.follow("eve", "garden", "{\"token\":\"" + eve_token + "\"}");
  eve.go();
  eve.offset = bob.offset;
  auto& back = stage.come_back(eve, eve_token);
  stage.hear(back);
  EXPECT_NE(back.sid, eve.sid) << "where bob is eve does not come";
  stage.emit(bob, R"(["chat",1])");
  EXPECT_EQ(stage.hear(back), Words());
}

// Neither does harm: what is no offset is as if there were none.
TEST_F(MonitorTest, AnOffsetThatIsNoneIsIgnored) {
  auto& ann = stage.follow("ann", "kitchen");
  auto const session = stage.id_of("S1");
  ann.go();
  for (std::string const& offset :
       {session, session + "/", std::string("/"), std::string("/1.1"), std::string(), std::string(200, '/')}) {
    ann.offset = offset;
    auto& back = stage.come_back(ann);
    EXPECT_EQ(stage.hear(back).size(), 2u) << offset;
    EXPECT_NE(back.sid, ann.sid) << offset;
    EXPECT_EQ(stage.desk.stage.hub.connection_count(), 0u) << offset;
    back.go();
    stage.turn();
  }
}

TEST_F(MonitorTest, APlaceThatTheLogNoLongerHasIsAGap) {
  auto& ann = stage.follow("ann", "kitchen");
  stage.ask(ann, R"(["set_session_state",{"key":"k","value":1}])");
  stage.hear(ann);
  auto const epoch = ann.offset.substr(0, ann.offset.rfind('.'));
  ann.go();
  for (std::string const& offset : {epoch + ".99", stage.id_of("S1") + "/1.1", stage.id_of("S1") + "/garbage"}) {
    ann.offset = offset;
    auto& back = stage.come_back(ann);
    auto const heard = stage.hear(back);
    ASSERT_EQ(heard.size(), 3u) << offset;
    EXPECT_EQ(heard.at(0), "40 as ann");
    EXPECT_EQ(heard.at(2), R"(42["session.gap",{"type":"session.gap","session_id":"S1","cursor":@2,)"
                           R"("revision":2,"state":{"k":1}},"S1@2"])");
    EXPECT_EQ(back.sid, ann.sid);
    back.go();
    stage.turn();
  }
}

TEST(MonitorGap, ComesWhenTheLogHasForgotten) {
  DeskSetup setup;
  setup.stage.limits.log_events = 3;
  MonitorStage stage(std::move(setup));
  auto& ann = stage.follow("ann", "kitchen");
  ann.go();
  auto& ben = stage.follow("ben", "kitchen");
  for (int i = 0; i < 8; ++i) stage.emit(ben, R"(["chat",1])");
  auto& back = stage.come_back(ann);
  auto const heard = stage.hear(back);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_TRUE(heard.at(2).starts_with(R"(42["session.gap",)")) << heard.at(2);
  EXPECT_TRUE(heard.at(2).ends_with(R"("S1@9"])")) << heard.at(2);
  stage.emit(ben, R"(["chat",2])");
  EXPECT_EQ(stage.hear(back), Words{R"(42["chat",2,"S1@10"])"});
}

}  // namespace
}  // namespace sojourn

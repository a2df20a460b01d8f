#include "api/monitor_socket.h"

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

TEST_F(MonitorTest, NothingOfASessionIsHeardBeforeItsGreeting) {
  auto& ben = stage.follow("ben", "kitchen");
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  stage.desk.stage.store.hold();
  stage.emit(ben, R"(["chat","before"])");
  stage.emit(ann, std::string(register_kitchen), "1");
  stage.emit(ben, R"(["chat","after"])");
  stage.desk.ask("POST", "/api/v1/sessions/" + stage.id_of("S1") + "/events", R"({"type":"typing","volatile":true})");
  EXPECT_EQ(stage.hear(ann), Words()) << "its greeting tells of what is not committed";
  stage.desk.stage.store.release();
  stage.turn();
  EXPECT_EQ(stage.hear(ann), (Words{registered("ann", "S1", "S1@2"), R"(42["typing",null])",
                                    R"(431[{"status":"ready"}])", R"(42["chat","after","S1@3"])"}));
}

TEST_F(MonitorTest, WhoGoesWhileItRegistersLeavesNothingBehind) {
  auto& ben = stage.follow("ben", "kitchen");
  stage.desk.stage.store.hold();
  stage.emit(ben, R"(["chat",1])");
  auto& ann = stage.enter("ann");
  stage.emit(ann, std::string(register_kitchen));
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 2u);
  ann.go();
  ann.outlet = RecordingOutlet();
  stage.emit(ben, R"(["chat",2])");
  stage.desk.stage.store.release();
  stage.turn();
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 1u);
  EXPECT_EQ(ann.outlet.pushed.size(), 0u);
}

TEST_F(MonitorTest, OfTwoRegistrationsUnderWayTheLastCounts) {
  auto& ben = stage.follow("ben", "kitchen");
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  stage.desk.stage.store.hold();
  stage.emit(ben, R"(["chat",1])");
  stage.emit(ann, std::string(register_kitchen), "1");
  stage.emit(ann, R"(["register_session",{"thread_id":"garden"}])", "2");
  stage.emit(ann, std::string(register_kitchen), "3");
  stage.desk.stage.store.release();
  stage.turn();
  stage.turn();
  auto const heard = stage.hear(ann);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard.at(0), registered("ann", "S1", "S1@2"));
  EXPECT_EQ(heard.at(1), R"(433[{"status":"ready"}])");
  EXPECT_TRUE(heard.at(2).starts_with(R"(42["session.left",)")) << "of the first, once the hub has answered";
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 2u);
}

TEST_F(MonitorTest, AnUpgradeWhileItRegistersFramesWhatWasHeldAnotherWay) {
  auto& ben = stage.follow("ben", "kitchen");
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  stage.desk.stage.store.hold();
  stage.emit(ben, R"(["chat",1])");
  stage.emit(ann, std::string(register_kitchen));
  stage.desk.ask("POST", "/api/v1/sessions/" + stage.id_of("S1") + "/events", R"({"type":"typing","volatile":true})");
  stage.desk.ask("POST", "/api/v1/sessions/" + stage.id_of("S1") + "/events", R"({"type":"typed","volatile":true})");
  ann.client->move(test::frame_packets, "websocket");
  auto const before = ann.outlet.pushed.size();
  stage.desk.stage.store.release();
  stage.turn();
  ASSERT_GT(ann.outlet.pushed.size(), before + 1);
  for (auto at = before; at < ann.outlet.pushed.size(); ++at) {
    EXPECT_TRUE(ann.outlet.pushed[at]->ends_with("\n")) << *ann.outlet.pushed[at];
    EXPECT_EQ(ann.outlet.pushed[at]->find('\x1e'), std::string::npos) << *ann.outlet.pushed[at];
  }
  stage.hear(ann);
  stage.emit(ben, R"(["chat",2])");
  EXPECT_TRUE(ann.outlet.pushed.back()->ends_with("\n"));
  EXPECT_EQ(stage.hear(ann), Words{R"(42["chat",2,"S1@3"])"});
  auto const shown = stage.desk.ask("GET", "/api/v1/sessions/" + stage.id_of("S1") + "/connections").body();
  EXPECT_NE(shown.find("\"websocket\""), std::string::npos) << shown;
}

TEST_F(MonitorTest, WhoGoesWhileItComesBackLeavesNothingBehind) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.hear(ann);
  ann.go();
  stage.desk.stage.store.hold();
  stage.emit(ben, R"(["chat",1])");
  auto& back = stage.come_back(ann);
  EXPECT_EQ(stage.hear(back), Words()) << "it is not in before it has its place";
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 2u);
  back.go();
  stage.emit(ben, R"(["chat",2])");
  stage.desk.stage.store.release();
  stage.turn();
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 1u);
  EXPECT_EQ(stage.monitor.sockets().size(), 1u);
}

TEST_F(MonitorTest, AnUpgradeWhileItComesBackCounts) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.hear(ann);
  ann.go();
  stage.desk.stage.store.hold();
  stage.emit(ben, R"(["chat",1])");
  auto& back = stage.come_back(ann);
  back.client->move(test::frame_packets, "websocket");
  stage.desk.stage.store.release();
  stage.turn();
  stage.turn();
  for (auto const& bytes : back.outlet.pushed) EXPECT_TRUE(bytes->ends_with("\n")) << *bytes;
  EXPECT_EQ(stage.hear(back).back(), R"(42["chat",1,"S1@2"])");
}

TEST_F(MonitorTest, ASessionThatEndsBeforeOneIsInIsNotEntered) {
  auto& ann = stage.follow("ann", "kitchen");
  ann.go();
  auto& ben = stage.enter("ben");
  stage.hear(ben);
  stage.desk.stage.store.hold();
  post("note");
  post("note");
  auto& back = stage.come_back(ann);
  stage.emit(ben, std::string(register_kitchen), "1");
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 2u);
  stage.desk.begin("DELETE", "/api/v1/sessions/" + stage.id_of("S1"));
  stage.desk.stage.store.release();
  stage.turn();
  stage.turn();
  EXPECT_EQ(stage.hear(back).size(), 2u);
  EXPECT_EQ(back.sid.size(), 20u);
  EXPECT_NE(back.sid, ann.sid) << "it begins anew";
  EXPECT_EQ(stage.hear(ben), Words{R"(431[{"status":"error","code":"ended","message":"Session ended"}])"});
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 0u);
  EXPECT_EQ(stage.ask(ben, std::string(register_kitchen)), R"([{"status":"ready"}])") << "and the next one is another";
}

// The line itself.

class ThreadLineTest : public MonitorTest {
 public:
  void SetUp() override {
    visitor = &stage.enter("ann");
    for (auto const* each : stage.monitor.sockets()) socket = const_cast<MonitorSocket*>(each);
    socket->membership().transport = "polling";
    visitor->hear();
  }
  static Bytes bytes(std::string text) { return std::make_shared<std::string const>(std::move(text)); }

  Visitor* visitor = nullptr;
  MonitorSocket* socket = nullptr;
};

TEST_F(ThreadLineTest, HoldsWhatComesUntilItIsOpen) {
  ThreadLine line(*socket);
  line.push(bytes("42[1]"));
  line.push(bytes("42[2,3]"));
  EXPECT_EQ(visitor->hear(), Words());
  EXPECT_EQ(line.queued_bytes(), 12u);
  line.open();
  EXPECT_EQ(visitor->hear(), (Words{"42[1]", "42[2,3]"}));
  EXPECT_EQ(line.queued_bytes(), 0u);
  visitor->outlet.queued = 77;
  EXPECT_EQ(line.queued_bytes(), 77u) << "what waits in the socket";
  line.push(bytes("42[4]"));
  EXPECT_EQ(visitor->hear(), Words{"42[4]"});
}

TEST_F(ThreadLineTest, FramesWhatItHeldForAnotherTransportAnew) {
  ThreadLine line(*socket);
  line.push(
      bytes("42[1]\x1e"
            "42[2]"));
  visitor->client->move(test::frame_packets, "websocket");
  line.open();
  ASSERT_FALSE(visitor->outlet.pushed.empty());
  EXPECT_EQ(*visitor->outlet.pushed.back(), "42[1]\n42[2]\n");
}

TEST_F(ThreadLineTest, GoesNowhereOnceItIsCut) {
  ThreadLine line(*socket);
  line.push(bytes("42[1]"));
  line.cut();
  line.push(bytes("42[2]"));
  EXPECT_EQ(line.socket(), nullptr);
  EXPECT_EQ(line.queued_bytes(), 5u);
  EXPECT_FALSE(line.was_closed());
  line.close(1008, "kicked");
  EXPECT_TRUE(line.was_closed());
  EXPECT_EQ(visitor->hear(), Words());
  EXPECT_FALSE(visitor->is_closed());
}

}  // namespace
}  // namespace sojourn

#include "net/peers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;

// The id in the greeting of an extension session.
std::string session_of(std::string const& greeting) {
  auto const at = greeting.find("ext_");
  return at == greeting.npos ? "" : greeting.substr(at, 16);
}

// A message of `bytes` to a session, as a request with 200.
void post(NetStage& stage, std::string const& session, std::size_t bytes) {
  stage.hub.submit(local_principal(),
                   PostMessage{SessionKind::extension, session, "m", "\"" + std::string(bytes, 'x') + "\""});
}

TEST(Peers, AtTheLimitTheOldestIdleConnectionGivesWay) {
  Limits limits;
  limits.connections = 4;
  NetStage stage(limits);
  NetClient socket(stage);
  ASSERT_EQ(socket.upgrade(), 101);
  NetClient asking(stage);
  asking.get("/later/a");
  stage.steps(3);
  NetClient older(stage);
  NetClient younger(stage);
  stage.steps(3);
  NetClient newcomer(stage);
  newcomer.get("/now?1");
  EXPECT_EQ(newcomer.answer().body, "now 1");
  EXPECT_TRUE(older.ends());
  for (auto* client : {&socket, &asking, &younger}) {
    client->poll();
    EXPECT_FALSE(client->has_ended());
  }
  EXPECT_EQ(stage.peers.size(), 4u);
}

TEST(Peers, WhoAsksAgainIsNotIdleAnyMore) {
  Limits limits;
  limits.connections = 3;
  NetStage stage(limits);
  NetClient first(stage);
  NetClient second(stage);
  NetClient third(stage);
  stage.steps(2);
  NetClient newcomer(stage);
  EXPECT_TRUE(first.ends());
  second.get("/later/a");
  stage.steps(2);
  NetClient another(stage);
  EXPECT_TRUE(third.ends()) << "the oldest who is still idle";
  ASSERT_TRUE(stage.door.answer("a", "A"));
  EXPECT_EQ(second.answer().body, "A");
}

TEST(Peers, WithoutAnIdleConnectionTheNewcomerIsTurnedAway) {
  Limits limits;
  limits.connections = 3;
  NetStage stage(limits);
  std::vector<std::unique_ptr<NetClient>> sockets;
  for (int i = 0; i < 3; ++i) {
    sockets.push_back(std::make_unique<NetClient>(stage));
    ASSERT_EQ(sockets.back()->upgrade(), 101);
  }
  NetClient newcomer(stage);
  EXPECT_TRUE(newcomer.ends());
  EXPECT_EQ(newcomer.received, "");
  sockets.pop_back();
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 2; }));
  NetClient next(stage);
  next.get("/now");
  EXPECT_EQ(next.answer().status, 200);
}

TEST(Peers, ManyNewcomersInOneTurnStayWithinTheLimit) {
  Limits limits;
  limits.connections = 5;
  NetStage stage(limits);
  std::vector<std::unique_ptr<NetClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<NetClient>(stage));
  stage.steps(3);
  EXPECT_EQ(stage.peers.size(), 5u);
  NetClient next(stage);
  next.get("/now");
  EXPECT_EQ(next.answer().status, 200) << "in the next iteration there is room again";
  EXPECT_EQ(stage.peers.size(), 5u);
}

TEST(Peers, AnAnswerThatIsOnItsWayIsNotIdle) {
  Limits limits;
  limits.connections = 1;
  NetStage stage(limits);
  NetClient reading(stage, 4096);
  reading.get("/big/100000");
  stage.steps(3);
  NetClient newcomer(stage);
  stage.steps(3);
  EXPECT_EQ(reading.answer().body.size(), 100'000u);
}

TEST(Peers, WhenAllQueuesAreTooLongTheLongestIsCut) {
  Limits limits;
  limits.queues_bytes = 180'000;
  limits.queue_bytes = 1'000'000;
  limits.messages_per_s = 0;
  NetStage stage(limits);
  std::vector<std::unique_ptr<NetClient>> clients;
  std::vector<std::string> sessions;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<NetClient>(stage, 4096));
    ASSERT_EQ(clients.back()->upgrade(), 101);
    sessions.push_back(session_of(clients.back()->frame().payload));
  }
  auto const sizes = {40'000, 70'000, 20'000, 30'000};
  std::size_t at = 0;
  for (int const size : sizes) post(stage, sessions[at++], static_cast<std::size_t>(size));
  stage.steps(3);
  EXPECT_EQ(stage.hub.session_count(), 4u) << "160,000 fit in";
  post(stage, sessions[1], 60'000);
  stage.steps(3);
  EXPECT_EQ(stage.hub.session_count(), 3u);
  auto const begun = clients[1]->frame();
  EXPECT_EQ(begun.opcode, 1);
  EXPECT_NE(begun.payload.find(std::string(70'000, 'x')), begun.payload.npos) << "a frame that has begun is finished";
  EXPECT_EQ(clients[1]->frame().close_code, 1008);
  EXPECT_TRUE(clients[1]->ends());
  for (std::size_t const other : {0U, 2U, 3U}) {
    EXPECT_EQ(clients[other]->frame().opcode, 1);
    clients[other]->say("{\"type\":\"ping\"}");
    EXPECT_NE(clients[other]->frame().payload.find("pong"), std::string::npos);
  }
}

// The count of all queues has to come back to nothing, or it would cut innocent peers later.
TEST(Peers, TheCountOfQueuedBytesForgetsThoseWhoLeft) {
  Limits limits;
  limits.queues_bytes = 150'000;
  limits.messages_per_s = 0;
  NetStage stage(limits);
  for (int round = 0; round < 20; ++round) {
    NetClient leaving(stage, 4096);
    ASSERT_EQ(leaving.upgrade(), 101);
    post(stage, session_of(leaving.frame().payload), 100'000);
    stage.steps(2);
    leaving.drop();
    ASSERT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
  }
  NetClient last(stage, 4096);
  ASSERT_EQ(last.upgrade(), 101);
  post(stage, session_of(last.frame().payload), 140'000);
  stage.steps(3);
  EXPECT_GT(last.frame().payload.size(), 140'000u);
  last.say("{\"type\":\"ping\"}");
  EXPECT_NE(last.frame().payload.find("pong"), std::string::npos);
}

TEST(Peers, EverythingIsGivenBack) {
  auto const before = test::count_descriptors();
  {
    NetStage stage;
    auto const standing = test::count_descriptors();
    for (int round = 0; round < 5; ++round) {
      std::vector<std::unique_ptr<NetClient>> clients;
      for (int i = 0; i < 30; ++i) {
        clients.push_back(std::make_unique<NetClient>(stage));
        auto& client = *clients.back();
        switch (i % 6) {
          case 0:
            client.send("GET /now HT");
            break;
          case 1:
            client.get("/later/a");
            break;
          case 2:
            client.send(NetClient::handshake("/ws"));
            break;
          case 3:
            client.send(NetClient::handshake("/kept"));
            break;
          case 4:
            client.send("BAD\r\n\r\n");
            break;
          default:
            break;
        }
        if (i % 4 == 0) stage.step();
      }
      stage.steps(round);
      clients.clear();
      while (stage.door.answer("a", "A")) {
      }
      ASSERT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
      EXPECT_EQ(test::count_descriptors(), standing);
    }
    EXPECT_EQ(stage.hub.connection_count(), 0u);
  }
  EXPECT_EQ(test::count_descriptors(), before);
}

TEST(Peers, DrainingSaysGoodbyeToEverybody) {
  NetStage stage;
  NetClient socket(stage);
  ASSERT_EQ(socket.upgrade(), 101);
  socket.frame();
  NetClient idle(stage);
  stage.steps(2);
  stage.peers.drain("the server is shutting down");
  auto const goodbye = socket.frame();
  EXPECT_EQ(goodbye.close_code, 1012);
  EXPECT_EQ(goodbye.payload, "the server is shutting down");
  EXPECT_TRUE(socket.ends());
  EXPECT_TRUE(idle.ends());
  socket.drop();
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
  EXPECT_EQ(stage.hub.session_count(), 0u);
}

// Those who are still joining when the server drains hear goodbye once they are in.
TEST(Peers, DrainingReachesThoseWhoAreJoining) {
  NetStage stage;
  stage.store.hold();
  NetClient joining(stage);
  joining.send(NetClient::handshake("/kept"));
  stage.steps(3);
  stage.peers.drain("bye");
  stage.store.release();
  EXPECT_TRUE(joining.ends()) << joining.received;
}

// Peers may be freed while answers for them are still on their way.
TEST(Peers, AnswersToTheGoneAreDropped) {
  NetStage stage;
  auto client = std::make_unique<NetClient>(stage);
  client->get("/later/a");
  stage.steps(3);
  client.reset();
  ASSERT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
  EXPECT_TRUE(stage.door.answer("a", "nobody is there"));
  stage.steps(3);
  Peers::welcome(&stage.peers, 77, error(Code::internal, "nobody"));
  EXPECT_EQ(stage.peers.find(77), nullptr);
}

}  // namespace
}  // namespace sojourn

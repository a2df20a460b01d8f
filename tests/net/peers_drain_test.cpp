// What peers hear when the server ends.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "net/peers.h"
#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;

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

TEST(Peers, LiveConnectionsGoOneAfterAnotherAndAreToldWhenToComeBack) {
  NetStage stage;
  std::vector<std::unique_ptr<NetClient>> sockets;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(sockets.emplace_back(std::make_unique<NetClient>(stage))->upgrade(), 101);
    sockets.back()->frame();
  }
  stage.peers.drain("bye", 10'000'000);
  EXPECT_EQ(stage.hub.connection_count(), 20U) << "nobody at once";
  EXPECT_LE(stage.peers.next_us(), stage.loop.now().steady_us + 100'000);
  for (auto const& socket : sockets) {
    auto const goodbye = socket->frame();
    EXPECT_EQ(goodbye.close_code, 1012);
    EXPECT_TRUE(goodbye.payload.starts_with("bye; retry in ")) << goodbye.payload;
    socket->drop();
  }
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
}

TEST(Peers, WhatHasComeByThenIsAnsweredBeforeAKeptConnectionIsClosed) {
  NetStage stage;
  NetClient kept(stage);
  kept.get("/now?first");
  ASSERT_EQ(kept.answer().body, "now first");
  kept.get("/now?again");
  stage.peers.drain("bye");  // before anybody has read it
  auto const answer = kept.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "now again");
  EXPECT_TRUE(kept.ends());
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

}  // namespace
}  // namespace sojourn

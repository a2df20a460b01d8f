#include "net/peer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;

std::string session_of(std::string const& greeting) {
  auto const at = greeting.find("ext_");
  return at == greeting.npos ? "" : greeting.substr(at, 16);
}

Limits with_queue(std::int64_t bytes) {
  Limits limits;
  limits.queue_bytes = bytes;
  limits.messages_per_s = 0;
  limits.log_bytes = 4 * 1024 * 1024;
  return limits;
}

// Messages for a session as the hub sends them, numbered.
class SlowReader : public testing::Test {
 protected:
  std::string message(int number) const { return "\"" + std::to_string(number) + ":" + std::string(5000, 'x') + "\""; }
  void post(std::string const& session, int number) {
    stage.hub.submit(local_principal(), PostMessage{SessionKind::extension, session, "m", message(number)});
    stage.step();
  }

  NetStage stage{with_queue(64 * 1024)};
};

TEST_F(SlowReader, IsCutOffWithItsBegunFrameWholeAndA1008) {
  NetClient slow(stage, 4096);
  NetClient other(stage);
  ASSERT_EQ(slow.upgrade(), 101);
  ASSERT_EQ(other.upgrade(), 101);
  auto const session = session_of(slow.frame().payload);
  other.frame();
  int posted = 0;
  while (stage.hub.session_count() == 2 && posted < 100) post(session, posted++);
  EXPECT_GT(posted, 13) << "not before the limit";
  EXPECT_LT(posted, 25) << "the kernel has room for little";
  int seen = 0;
  auto frame = slow.frame();
  for (; frame.opcode == 1; frame = slow.frame()) {
    ASSERT_NE(frame.payload.find(message(seen)), frame.payload.npos) << "no frame is cut, none is missing between";
    ++seen;
  }
  EXPECT_LT(seen, posted);
  EXPECT_GT(seen, 0);
  EXPECT_EQ(frame.opcode, 8);
  EXPECT_EQ(frame.close_code, 1008);
  EXPECT_NE(frame.payload.find("too slow"), frame.payload.npos);
  EXPECT_TRUE(slow.ends());
  EXPECT_EQ(slow.received, "");
  other.say("{\"type\":\"ping\"}");
  EXPECT_NE(other.frame().payload.find("pong"), std::string::npos) << "nobody else notices";
}

TEST_F(SlowReader, IsKeptWhileItKeepsReading) {
  NetClient slow(stage, 4096);
  ASSERT_EQ(slow.upgrade(), 101);
  auto const session = session_of(slow.frame().payload);
  int seen = 0;
  for (int number = 0; number < 200; ++number) {
    post(session, number);
    stage.steps(2);
    if (number >= 8) {
      auto const frame = slow.frame();
      ASSERT_NE(frame.payload.find(message(seen)), frame.payload.npos) << frame.close_code;
      ++seen;
    }
  }
}

TEST_F(SlowReader, OfItsOwnRepliesIsCutOffToo) {
  NetClient slow(stage, 4096);
  ASSERT_EQ(slow.upgrade(), 101);
  for (int i = 0; i < 2000 && stage.hub.session_count() == 1; ++i) {
    slow.send(NetClient::frame_of(9, std::string(120, 'p')));
    stage.step();
  }
  EXPECT_EQ(stage.hub.session_count(), 0u);
}

// Short questions that come at once may have long answers.
TEST_F(SlowReader, OfItsRepliesInOneIterationNoMoreWaitsThanMay) {
  NetClient slow(stage, 4096);
  ASSERT_EQ(slow.upgrade(), 101);
  auto const session = session_of(slow.frame().payload);
  std::string const answer(20'000, 'x');
  std::int64_t most = 0;
  auto const listed = stage.hub.connection_count();
  ASSERT_EQ(listed, 1U);
  ConnectionId connection = 0;
  stage.hub.submit(
      local_principal(), ListConnections{SessionKind::extension, session},
      [&](Result<Outcome> const& outcome) { connection = std::get<std::vector<ConnectionInfo>>(*outcome).at(0).id; });
  stage.steps(2);
  for (int i = 0; i < 500; ++i) {
    stage.hub.whisper(connection, [&](Session const&, Connection const&, Moment) { return answer; });
    most = std::max(most, stage.peers.queued_bytes());
  }
  EXPECT_LT(most, 64 * 1024 + 2 * 20'000);
  stage.steps(4);
  EXPECT_EQ(stage.hub.session_count(), 0U) << "what it did not get it may not miss unknowingly";
}

// What is said faster than the disk takes it waits in the senders' sockets, not here; and is heard, all of it.
TEST(PeerTest, WhoeverSpeaksWaitsWhileTheHubIsBehind) {
  auto limits = with_queue(64 * 1024);
  limits.ping_ms = 30;
  limits.pong_ms = 30;
  NetStage stage(limits);
  NetClient client(stage);
  client.send(NetClient::handshake("/kept"));
  ASSERT_TRUE(stage.until([&] { return stage.hub.connection_count() == 1; }));
  stage.steps(3);
  stage.store.hold();
  std::string session;
  stage.hub.submit(local_principal(), OpenSession{SessionKind::shared, {}, {}},
                   [&](Result<Outcome> const& opened) { session = std::get<Opened>(*opened).session.id; });
  stage.step();
  stage.store.release();
  ASSERT_TRUE(stage.until([&] { return !session.empty(); }));
  stage.store.hold();
  while (!stage.hub.is_behind()) {
    stage.hub.submit(local_principal(),
                     PostMessage{SessionKind::shared, session, "m", "\"" + std::string(5000, 'x') + "\""});
    stage.step();
  }
  client.send(NetClient::frame_of(1, "one"));
  client.send(NetClient::frame_of(1, "two"));
  NetClient other(stage);
  other.get("/now");
  EXPECT_EQ(other.answer().status, 200) << "a request waits by itself";
  stage.pass(200);
  EXPECT_EQ(stage.door.heard, std::vector<std::string>()) << "not while that is uncommitted";
  EXPECT_EQ(stage.hub.connection_count(), 1U) << "and who is not read is not given up";
  stage.store.release();
  ASSERT_TRUE(stage.until([&] { return stage.door.heard.size() == 2; }));
  EXPECT_EQ(stage.door.heard, (std::vector<std::string>{"one", "two"}));
  EXPECT_FALSE(stage.hub.is_behind());
}

TEST(PeerTest, WhoDiesWhileItJoinsIsForgotten) {
  for (unsigned turns = 1; turns < 6; ++turns) {
    NetStage stage({}, 4);
    for (int i = 0; i < 10; ++i) {
      auto client = std::make_unique<NetClient>(stage);
      client->send(NetClient::handshake("/kept"));
      stage.steps(static_cast<int>(turns));
      client.reset();
      stage.steps(i % 4);
    }
    ASSERT_TRUE(stage.until([&] { return stage.peers.size() == 0; })) << turns;
    EXPECT_EQ(stage.hub.connection_count(), 0u);
  }
}

TEST(PeerTest, WhoDiesWhileItsSessionCanNotBeKeptIsForgotten) {
  NetStage stage;
  stage.store.hold();
  auto client = std::make_unique<NetClient>(stage);
  client->send(NetClient::handshake("/kept"));
  NetClient staying(stage);
  staying.send(NetClient::handshake("/kept"));
  stage.steps(3);
  client.reset();
  stage.steps(3);
  EXPECT_EQ(stage.peers.size(), 2u) << "it waits for its answer";
  stage.store.fail(error(Code::storage_full, "no space left"));
  stage.store.release();
  EXPECT_EQ(staying.answer().status, 507);
  EXPECT_TRUE(staying.ends());
  staying.drop();
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
}

TEST(PeerTest, WhoSendsNoMoreWhileItJoinsHearsTheGreetingAndLeaves) {
  NetStage stage;
  stage.store.hold();
  NetClient client(stage);
  client.send(NetClient::handshake("/kept"));
  client.half_close();
  stage.steps(3);
  stage.store.release();
  EXPECT_TRUE(client.ends());
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
  EXPECT_EQ(stage.hub.connection_count(), 0u);
}

TEST(PeerTest, MessagesBehindTheHandshakeAreTakenOnceItIsIn) {
  NetStage stage;
  stage.store.hold();
  NetClient client(stage);
  client.send(NetClient::handshake("/kept") + NetClient::frame_of(1, "first"));
  stage.steps(3);
  client.send(NetClient::frame_of(1, "second"));
  stage.steps(3);
  EXPECT_TRUE(stage.door.heard.empty()) << "nobody is in yet";
  client.poll();
  EXPECT_EQ(client.received, "");
  stage.store.release();
  EXPECT_EQ(client.answer().status, 101);
  EXPECT_TRUE(client.frame().payload.starts_with("welcome "));
  EXPECT_EQ(stage.door.heard, (std::vector<std::string>{"first", "second"}));
}

TEST(PeerTest, AFloodBehindTheHandshakeStaysInTheKernel) {
  NetStage stage;
  stage.store.hold();
  NetClient client(stage);
  client.send(NetClient::handshake("/kept"));
  stage.steps(3);
  EXPECT_FALSE(client.send(std::string(4 * 1024 * 1024, '\0')));
}

TEST(PeerTest, AClientThatVanishesEndsItsSessionAtOnce) {
  NetStage stage;
  auto client = std::make_unique<NetClient>(stage);
  ASSERT_EQ(client->upgrade(), 101);
  EXPECT_EQ(stage.hub.session_count(), 1u);
  client.reset();
  stage.steps(3);
  EXPECT_EQ(stage.hub.session_count(), 0u);
  EXPECT_EQ(stage.peers.size(), 0u);
}

TEST(PeerTest, BytesOfOneIterationGoOutTogether) {
  NetStage stage;
  NetClient client(stage);
  ASSERT_EQ(client.upgrade(), 101);
  auto const session = session_of(client.frame().payload);
  for (int i = 0; i < 3; ++i)
    stage.hub.submit(local_principal(), PostMessage{SessionKind::extension, session, "m", std::to_string(i)});
  client.poll();
  EXPECT_EQ(client.received, "") << "nothing goes out before the iteration ends";
  stage.step();
  client.poll();
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(client.frame(0).payload.find("\"data\":" + std::to_string(i)), std::string::npos);
  }
}

}  // namespace
}  // namespace sojourn

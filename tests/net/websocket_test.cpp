#include "net/websocket.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
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

constexpr std::string_view ping = "{\"type\":\"ping\"}";

// The only peer of `world`, past the request for an upgrade and before its answer.
WebSocket& become_websocket(NetStage& world) {
  auto& peer = *world.peers.find(1);
  return static_cast<WebSocket&>(peer.become(std::make_unique<WebSocket>(peer)));
}

class WebSocketTest : public testing::Test {
 protected:
  void open(Limits const& limits = {}) {
    stage = std::make_unique<NetStage>(limits);
    client = std::make_unique<NetClient>(*stage);
    ASSERT_EQ(client->upgrade(), 101);
    session = session_of(client->frame().payload);
    ASSERT_EQ(session.size(), 16u);
  }
  // The status of GET or POST for the session, asked on a connection of its own.
  int status_of_get() {
    NetClient asking(*stage);
    asking.get("/api/websocket/sessions/" + session);
    return asking.answer().status;
  }
  int status_of_post() {
    NetClient asking(*stage);
    asking.send("POST /api/websocket/sessions/" + session +
                "/message HTTP/1.1\r\nHost: localhost:5409\r\nContent-Type: application/json\r\n"
                "Content-Length: 2\r\n\r\n{}");
    return asking.answer().status;
  }
  int status_of_delete() {
    NetClient asking(*stage);
    asking.send("DELETE /api/websocket/sessions/" + session + " HTTP/1.1\r\nHost: localhost:5409\r\n\r\n");
    return asking.answer().status;
  }
  bool is_answered() {
    client->say(ping);
    return client->frame().payload.find("\"pong\"") != std::string::npos;
  }

  std::unique_ptr<NetStage> stage;
  std::unique_ptr<NetClient> client;
  std::string session;
};

std::int64_t ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
}

TEST_F(WebSocketTest, TheHandshakeIsAnsweredAndTheGreetingComesFirst) {
  NetStage world;
  NetClient raw(world);
  raw.send(NetClient::handshake("/ws?v=1"));
  auto const answer = raw.answer();
  EXPECT_EQ(answer.status, 101);
  EXPECT_TRUE(answer.has("\r\nUpgrade: websocket\r\n"));
  EXPECT_TRUE(answer.has("\r\nConnection: Upgrade\r\n"));
  EXPECT_TRUE(answer.has("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_TRUE(answer.has("\r\nX-Request-ID: "));
  EXPECT_TRUE(raw.frame().payload.starts_with("{\"type\":\"connected\",\"sessionId\":\"ext_"));
}

TEST_F(WebSocketTest, AHandshakeThatIsRefusedIsAnAnswerAndOpensNothing) {
  struct Row {
    std::string_view path;
    std::string_view field;
    int status;
  };
  NetStage world;
  for (auto const& row : {Row{"/ws/", "X: y", 400}, Row{"/", "X: y", 400}, Row{"/api/health", "X: y", 400},
                          Row{"/ws", "Origin: http://evil.test", 403}, Row{"/ws", "Origin: null", 403},
                          Row{"/ws", "Sec-Fetch-Site: cross-site", 403}, Row{"/ws", "Content-Length: 1", 400}}) {
    NetClient raw(world);
    auto bytes = NetClient::handshake(row.path);
    bytes.insert(bytes.size() - 2, std::string(row.field) + "\r\n");
    raw.send(bytes + "x");
    auto const answer = raw.answer();
    EXPECT_EQ(answer.status, row.status) << row.path << " " << row.field;
    EXPECT_TRUE(answer.body.starts_with("{\"error\":")) << answer.body;
    EXPECT_TRUE(raw.ends());
  }
  EXPECT_EQ(world.hub.session_count(), 0u);
}

TEST_F(WebSocketTest, MessagesArriveHoweverTheyAreCut) {
  open();
  auto const bytes = NetClient::frame_of(1, ping) + NetClient::frame_of(2, ping);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    client->send(std::string_view(bytes).substr(0, cut));
    stage->steps(2);
    client->send(std::string_view(bytes).substr(cut));
    for (int i = 0; i < 2; ++i) ASSERT_NE(client->frame().payload.find("\"pong\""), std::string::npos) << cut;
  }
}

TEST_F(WebSocketTest, PingsAreAnsweredWithTheirPayload) {
  open();
  client->send(NetClient::frame_of(9, "abc"));
  auto const pong = client->frame();
  EXPECT_EQ(pong.opcode, 10);
  EXPECT_EQ(pong.payload, "abc");
  client->send(NetClient::frame_of(10, "unasked"));
  EXPECT_TRUE(is_answered()) << "a pong that nobody asked for is no answer and no error";
}

// Between the peer's Close frame and the end of its socket the session is there, but not connected.
TEST_F(WebSocketTest, AfterAGoodbyeTheSessionStaysUntilTheSocketCloses) {
  open();
  EXPECT_EQ(status_of_post(), 200);
  client->frame();
  client->send(NetClient::close_of(1000));
  auto const close = client->frame();
  EXPECT_EQ(close.opcode, 8);
  EXPECT_EQ(close.close_code, 1000);
  EXPECT_EQ(status_of_get(), 200);
  EXPECT_EQ(status_of_post(), 503);
  client->say(ping);
  client->send(NetClient::frame_of(9, "x"));
  stage->steps(3);
  client->poll();
  EXPECT_EQ(client->received, "") << "nothing is said after a close";
  EXPECT_EQ(status_of_post(), 503);
  client->drop();
  stage->steps(3);
  EXPECT_EQ(status_of_get(), 404);
  EXPECT_TRUE(stage->until([&] { return stage->peers.size() == 0; }));
}

TEST_F(WebSocketTest, AfterAGoodbyeASocketThatStaysOpenIsClosedAtTheDeadline) {
  Limits limits;
  limits.close_ms = 200;
  open(limits);
  client->send(NetClient::close_of(1001));
  EXPECT_EQ(client->frame().close_code, 1001);
  auto const start = std::chrono::steady_clock::now();
  EXPECT_EQ(status_of_post(), 503);
  EXPECT_TRUE(stage->until([&] { return stage->hub.session_count() == 0; }));
  EXPECT_GE(ms_since(start), 150);
  EXPECT_LE(ms_since(start), 1500);
  EXPECT_EQ(status_of_get(), 404);
}

TEST_F(WebSocketTest, AGoodbyeWithoutACodeIsAnsweredWithoutOne) {
  open();
  client->send(NetClient::frame_of(8, ""));
  auto const close = client->frame();
  EXPECT_EQ(close.opcode, 8);
  EXPECT_EQ(close.close_code, 0);
}

TEST_F(WebSocketTest, WhatWasSaidBeforeTheEndIsStillAnswered) {
  struct Row {
    std::string end;
    int code;
  };
  for (auto const& row : {Row{NetClient::close_of(1000), 1000}, Row{NetClient::frame_of(3, ""), 1002}}) {
    for (bool const hangs_up : {false, true}) {
      open();
      client->send(NetClient::frame_of(1, ping) + NetClient::frame_of(1, "[1]") + row.end +
                   NetClient::frame_of(1, "2"));
      if (hangs_up) client->half_close();
      EXPECT_NE(client->frame().payload.find("\"pong\""), std::string::npos) << row.code;
      EXPECT_NE(client->frame().payload.find("\"data\":[1]"), std::string::npos) << row.code;
      EXPECT_EQ(client->frame().close_code, row.code);
      EXPECT_TRUE(client->ends());
      EXPECT_EQ(client->received, "") << "what stands behind the end is not understood";
      client->drop();
      EXPECT_TRUE(stage->until([&] { return stage->peers.size() == 0; }));
      EXPECT_EQ(stage->hub.session_count(), 0u);
    }
  }
}

// Whoever deletes the session begins the handshake; the peer ends it.
TEST_F(WebSocketTest, ADeletedSessionHearsACloseAndIsGoneAtOnce) {
  open();
  EXPECT_EQ(status_of_delete(), 200);
  EXPECT_EQ(status_of_get(), 404);
  auto const close = client->frame();
  EXPECT_EQ(close.close_code, 1000);
  EXPECT_EQ(close.payload, "Session closed");
  client->say(ping);
  client->send(NetClient::frame_of(9, "x"));
  stage->steps(3);
  client->poll();
  EXPECT_EQ(client->received, "") << "nothing is said after a close";
  EXPECT_FALSE(client->has_ended()) << "the peer may still answer";
  client->send(NetClient::close_of(1000));
  EXPECT_TRUE(client->ends());
  client->drop();
  EXPECT_TRUE(stage->until([&] { return stage->peers.size() == 0; }));
}

TEST_F(WebSocketTest, APeerThatDoesNotAnswerAClosedSessionIsClosedAtTheDeadline) {
  Limits limits;
  limits.close_ms = 150;
  open(limits);
  auto const start = std::chrono::steady_clock::now();
  EXPECT_EQ(status_of_delete(), 200);
  EXPECT_TRUE(client->ends());
  EXPECT_GE(ms_since(start), 150);
  EXPECT_TRUE(stage->until([&] { return stage->peers.size() == 0; }));
}

TEST_F(WebSocketTest, ASilentPeerIsPingedAndThenClosed) {
  Limits limits;
  limits.ping_ms = 100;
  limits.pong_ms = 150;
  open(limits);
  auto const start = std::chrono::steady_clock::now();
  auto const frame = client->frame();
  EXPECT_EQ(frame.opcode, 9);
  EXPECT_GE(ms_since(start), 90);
  EXPECT_EQ(stage->hub.session_count(), 1u);
  EXPECT_TRUE(client->ends());
  EXPECT_GE(ms_since(start), 240);
  EXPECT_LE(ms_since(start), 1500) << "no ghost lives longer";
  EXPECT_EQ(stage->hub.session_count(), 0u);
  EXPECT_EQ(client->received, "") << "one ping is enough";
}

TEST_F(WebSocketTest, APeerThatAnswersPingsStays) {
  Limits limits;
  limits.ping_ms = 60;
  limits.pong_ms = 100;
  open(limits);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(client->frame().opcode, 9) << i;
    client->send(NetClient::frame_of(10, ""));
  }
  EXPECT_TRUE(is_answered());
}

TEST_F(WebSocketTest, APeerThatTalksIsNotPinged) {
  Limits limits;
  limits.ping_ms = 150;
  limits.pong_ms = 50;
  open(limits);
  for (int i = 0; i < 10; ++i) {
    client->say(ping);
    EXPECT_EQ(client->frame().opcode, 1);
    stage->pass(40);
  }
  client->poll();
  EXPECT_EQ(client->received, "");
}

TEST_F(WebSocketTest, MoreMessagesThanAllowedEndTheConnection) {
  Limits limits;
  limits.messages_per_s = 10;
  limits.message_burst = 5;
  open(limits);
  std::string burst;
  for (int i = 0; i < 5; ++i) burst += NetClient::frame_of(1, ping);
  client->send(burst);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(client->frame().opcode, 1) << "a burst is allowed";
  client->say(ping);
  auto const close = client->frame();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_TRUE(close.payload.starts_with("rate limit"));
  EXPECT_EQ(status_of_get(), 404);
  EXPECT_TRUE(client->ends());
}

TEST_F(WebSocketTest, TheAllowanceComesBackWithTime) {
  Limits limits;
  limits.messages_per_s = 20;
  limits.message_burst = 3;
  open(limits);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(is_answered());
  for (int i = 0; i < 4; ++i) {
    stage->pass(60);
    client->send(NetClient::frame_of(9, "free"));
    EXPECT_EQ(client->frame().opcode, 10) << "control frames cost nothing";
    ASSERT_TRUE(is_answered()) << i;
  }
  stage->pass(400);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(is_answered()) << "but no more than the burst";
  client->say(ping);
  EXPECT_EQ(client->frame().close_code, 1008);
}

TEST_F(WebSocketTest, TheAllowanceCanBeSwitchedOff) {
  Limits limits;
  limits.messages_per_s = 0;
  limits.message_burst = 1;
  open(limits);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += NetClient::frame_of(1, ping);
  client->send(many);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client->frame().opcode, 1) << i;
}

TEST_F(WebSocketTest, WhoBreaksTheRulesHearsWhyAndLeavesAtOnce) {
  struct Row {
    std::string bytes;
    int code;
  };
  Limits limits;
  limits.message_bytes = 1000;
  std::string const unmasked("\x81\x01x", 3);
  for (auto const& row :
       {Row{unmasked, 1002}, Row{NetClient::frame_of(3, ""), 1002}, Row{NetClient::frame_of(0, "x"), 1002},
        Row{NetClient::frame_of(1, "\xff"), 1007}, Row{NetClient::frame_of(1, std::string(1001, 'x')), 1009},
        Row{NetClient::close_of(1005), 1002}}) {
    open(limits);
    client->send(row.bytes + NetClient::frame_of(1, ping));
    EXPECT_EQ(client->frame().close_code, row.code);
    EXPECT_EQ(stage->hub.session_count(), 0u) << row.code;
    EXPECT_TRUE(client->ends());
    EXPECT_EQ(client->received, "") << "what comes behind is not looked at";
  }
}

TEST_F(WebSocketTest, AMessageOfTheLargestSizeIsTaken) {
  Limits limits;
  limits.message_bytes = 1000;
  open(limits);
  auto const text = "\"" + std::string(998, 'x') + "\"";
  client->say(text);
  EXPECT_NE(client->frame().payload.find("\"data\":" + text), std::string::npos);
}

TEST_F(WebSocketTest, WhatIsPushedBeforeTheGreetingComesAfterIt) {
  NetStage world;
  NetClient raw(world);
  auto& socket = become_websocket(world);
  std::string held;
  WebSocket::frame(held, "held back");
  socket.push(std::make_shared<std::string const>(held));
  world.steps(3);
  raw.poll();
  EXPECT_EQ(raw.received, "");
  Opened opened;
  opened.dialect = &world.door.dialect;
  opened.greeting = "hello";
  socket.open(opened, "handshake");
  world.steps(2);
  raw.poll();
  ASSERT_TRUE(raw.received.starts_with("handshake"));
  raw.received.erase(0, 9);
  EXPECT_EQ(raw.frame().payload, "hello");
  EXPECT_EQ(raw.frame().payload, "held back");
}

// Whoever is refused hears why in the only way a page's script can see: after the handshake.
TEST_F(WebSocketTest, WhatIsClosedBeforeItsHandshakeHearsWhyAfterIt) {
  NetStage world;
  NetClient raw(world);
  auto& socket = become_websocket(world);
  socket.close(1008, "Missing authentication token");
  EXPECT_TRUE(socket.is_joining());
  world.steps(3);
  raw.poll();
  EXPECT_EQ(raw.received, "") << "not before";
  socket.open(Opened{}, "handshake");
  EXPECT_FALSE(socket.is_joining());
  world.peers.find(1)->end_exchange(NetClient::frame_of(1, ping));
  raw.send(NetClient::frame_of(1, ping) + NetClient::frame_of(9, "x"));
  raw.until([&] { return raw.received.starts_with("handshake"); });
  raw.received.erase(0, 9);
  auto const close = raw.frame();
  EXPECT_EQ(close.opcode, 8) << "and no greeting";
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.payload, "Missing authentication token");
  EXPECT_TRUE(raw.ends()) << "also who does not answer";
  EXPECT_EQ(raw.received, "") << "nothing that it says is understood";
  EXPECT_TRUE(world.until([&] { return world.peers.size() == 0; }, 6000)) << "nor waited for";
}

TEST_F(WebSocketTest, ASessionThatEndsBeforeItsGreetingIsClosedAfterIt) {
  NetStage world;
  NetClient raw(world);
  auto& socket = become_websocket(world);
  std::string held;
  WebSocket::frame(held, "held back");
  socket.push(std::make_shared<std::string const>(held));
  socket.close(1000, "Session closed");
  Opened opened;
  opened.connection = 7;
  opened.dialect = &world.door.dialect;
  opened.greeting = "hello";
  socket.open(opened, "");
  world.peers.find(1)->end_exchange({});
  EXPECT_EQ(raw.frame().payload, "hello");
  EXPECT_EQ(raw.frame().payload, "held back");
  auto const close = raw.frame();
  EXPECT_EQ(close.close_code, 1000);
  EXPECT_EQ(close.payload, "Session closed");
  raw.send(NetClient::close_of(1000));
  EXPECT_TRUE(raw.ends());
  EXPECT_EQ(raw.received, "");
}

TEST_F(WebSocketTest, WhatWaitsForItsGreetingCounts) {
  NetStage world;
  NetClient raw(world);
  auto& socket = become_websocket(world);
  EXPECT_EQ(socket.queued_bytes(), 0u);
  socket.push(std::make_shared<std::string const>(std::string(1000, 'x')));
  EXPECT_EQ(socket.queued_bytes(), 1000u);
  Opened opened;
  opened.dialect = &world.door.dialect;
  socket.open(opened, "handshake");
  EXPECT_GE(socket.queued_bytes(), 1009u);
  EXPECT_TRUE(raw.until([&] { return raw.received.size() == 1009; }));
  EXPECT_EQ(socket.queued_bytes(), 0u);
}

TEST_F(WebSocketTest, AClientThatLeftBeforeItsGreetingLeavesTheSession) {
  open();
  NetStage& world = *stage;
  auto const before = world.hub.connection_count();
  {
    NetClient raw(world);
    raw.send(NetClient::handshake("/kept"));
    world.step();
    raw.drop();
    EXPECT_TRUE(world.until([&] { return world.peers.size() == 1; }));
  }
  world.steps(5);
  EXPECT_EQ(world.hub.connection_count(), before);
}

}  // namespace
}  // namespace sojourn

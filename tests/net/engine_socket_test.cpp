#include "net/engine_socket.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "codec/websocket.h"
#include "net/engine_stage.h"

namespace sojourn {
namespace {

using namespace std::string_literals;
using test::bad_request;
using test::EngineStage;
using test::Heard;
using test::NetClient;
using test::next_frame;
using test::PollingClient;
using test::unknown_sid;
using test::websocket_target;

class EngineSocketTest : public testing::Test {
 protected:
  void stand(Limits const& limits = {}, EngineSettings const& settings = {}) { stage.emplace(limits, settings); }
  // A session that begins as a WebSocket.
  std::unique_ptr<NetClient> open_socket(std::string_view query = "EIO=4", int send_buffer = 0) {
    if (!stage) stand();
    auto socket = std::make_unique<NetClient>(stage->net, send_buffer);
    EXPECT_EQ(socket->upgrade(websocket_target({}, query)), 101);
    handshake = next_frame(*socket);
    EXPECT_EQ(handshake.substr(0, 3), "1 0");
    EXPECT_EQ(take_heard(), Heard{"open"});
    return socket;
  }
  // A session that polls.
  std::unique_ptr<PollingClient> open_polling(std::string const& query = "EIO=4") {
    if (!stage) stand();
    auto client = std::make_unique<PollingClient>(*stage, query);
    client->open();
    EXPECT_EQ(take_heard(), Heard{"open"});
    return client;
  }
  // A WebSocket for a session that there is.
  std::unique_ptr<NetClient> join(std::string_view sid) {
    auto socket = std::make_unique<NetClient>(stage->net);
    EXPECT_EQ(socket->upgrade(websocket_target(sid)), 101);
    stage->settle();
    return socket;
  }
  static void change_over(NetClient& socket) {
    socket.say("2probe");
    EXPECT_EQ(next_frame(socket), "1 3probe");
    socket.say("5");
  }
  test::EchoDoor::Client& above() { return *stage->door.clients.at(0); }
  Heard take_heard() { return std::exchange(stage->door.heard, {}); }

  std::optional<EngineStage> stage;
  std::string handshake;
};

TEST_F(EngineSocketTest, ASessionMayBeginAsAWebSocket) {
  auto const socket = open_socket();
  EXPECT_EQ(handshake, "1 0{\"sid\":\"" + std::string(above().line().id) +
                           "\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}");
  EXPECT_EQ(above().line().transport, "websocket");
  socket->say("4hello");
  socket->send(NetClient::frame_of(2, "\x01\x02"));
  socket->say("4");
  EXPECT_EQ(next_frame(*socket), "1 4hello");
  EXPECT_EQ(next_frame(*socket), "2 \x01\x02");
  EXPECT_EQ(next_frame(*socket), "1 4");
  EXPECT_EQ(take_heard(), (Heard{"text hello", "bytes \x01\x02", "text "}));
}

TEST_F(EngineSocketTest, WhatComesBehindTheHandshakeIsHeard) {
  stand();
  NetClient socket(stage->net);
  ASSERT_EQ(socket.upgrade(websocket_target(), NetClient::frame_of(1, "4early")), 101);
  EXPECT_EQ(next_frame(socket).substr(0, 3), "1 0");
  EXPECT_EQ(next_frame(socket), "1 4early");
}

TEST_F(EngineSocketTest, ASessionCannotBePolledWhileAWebSocketCarriesIt) {
  auto const socket = open_socket();
  PollingClient polling(*stage, "EIO=4&sid=" + std::string(above().line().id));
  EXPECT_EQ(polling.poll(), bad_request);
  EXPECT_EQ(polling.post("4a"), bad_request);
  socket->say("4b");
  EXPECT_EQ(next_frame(*socket), "1 4b");
}

TEST_F(EngineSocketTest, ItTakesOverAndWhatWaitedFollowsInOrder) {
  auto const polling = open_polling();
  auto const socket = join(polling->sid);
  socket->say("2probe");
  EXPECT_EQ(next_frame(*socket), "1 3probe");
  EXPECT_EQ(polling->post("4posted\x1e"
                          "bAQI="),
            "ok");
  above().say("one");
  above().say("two");
  stage->settle();
  socket->say("5");
  EXPECT_EQ(next_frame(*socket), "1 4posted");
  EXPECT_EQ(next_frame(*socket), "2 \x01\x02");
  EXPECT_EQ(next_frame(*socket), "1 4one");
  EXPECT_EQ(next_frame(*socket), "1 4two");
  above().say("three");
  EXPECT_EQ(next_frame(*socket), "1 4three");
  EXPECT_EQ(take_heard(), (Heard{"text posted", "bytes \x01\x02", "move websocket"}));
  EXPECT_EQ(polling->poll(), bad_request) << "that way is closed";
  EXPECT_EQ(above().line().outlet.queued_bytes(), 0U);
}

TEST_F(EngineSocketTest, APollThatWaitsIsReleased) {
  auto const polling = open_polling();
  polling->park();
  auto const socket = join(polling->sid);
  socket->say("2probe");
  EXPECT_EQ(polling->answer(), "6");
  EXPECT_EQ(polling->poll(), "6") << "and so is one that comes meanwhile";
  EXPECT_EQ(next_frame(*socket), "1 3probe");
  socket->say("5");
  socket->say("4a");
  EXPECT_EQ(next_frame(*socket), "1 4a");
}

TEST_F(EngineSocketTest, ACandidateThatIsLostLeavesTheSessionAlone) {
  auto const polling = open_polling();
  for (bool const probed : {false, true}) {
    auto const socket = join(polling->sid);
    if (probed) socket->say("2probe");
    stage->settle();
    socket->drop();
    stage->settle();
    EXPECT_EQ(polling->post("4a"), "ok");
    EXPECT_EQ(polling->poll(), "4a");
  }
  change_over(*join(polling->sid));
  stage->settle();
  EXPECT_EQ(take_heard().back(), "leave transport close") << "once it is the transport it is missed";
}

TEST_F(EngineSocketTest, ACandidateThatSaysAnythingElseIsClosed) {
  auto const polling = open_polling();
  for (std::string_view const instead : {"4hello", "5", "2", "x"}) {
    auto const socket = join(polling->sid);
    socket->say(instead);
    EXPECT_EQ(next_frame(*socket), "8 1000 ") << instead;
  }
  auto const bytes = join(polling->sid);
  bytes->send(NetClient::frame_of(2, "2probe"));
  EXPECT_EQ(next_frame(*bytes), "8 1000 ");
  EXPECT_EQ(polling->post("4a"), "ok");
  EXPECT_EQ(take_heard(), Heard{"text a"});
}

TEST_F(EngineSocketTest, ASecondCandidateIsClosedAndTheFirstTakesOver) {
  auto const polling = open_polling();
  auto const first = join(polling->sid);
  auto const second = join(polling->sid);
  EXPECT_EQ(next_frame(*second), "8 1000 ");
  second->say("2probe");
  change_over(*first);
  first->say("4a");
  EXPECT_EQ(next_frame(*first), "1 4a");
}

TEST_F(EngineSocketTest, ASecondWebSocketIsClosedAndTheFirstKeepsWorking) {
  auto const first = open_socket();
  auto const second = join(std::string(above().line().id));
  EXPECT_EQ(next_frame(*second), "8 1000 ");
  second->say("4not heard");
  second->drop();
  stage->settle();
  first->say("4a");
  EXPECT_EQ(next_frame(*first), "1 4a");
  EXPECT_EQ(take_heard(), Heard{"text a"});
}

// A client that asks for an upgrade and is gone before it is answered: its peer has closed when the loop comes to it.
void vanish_while_upgrading(EngineStage& stage, std::string_view sid) {
  NetClient socket(stage.net);
  socket.get("/now");
  stage.settle();  // with an answer unread its end is an error
  socket.send(NetClient::handshake(websocket_target(sid)));
  stage.net.step();
  socket.drop();
  stage.settle();
}

TEST_F(EngineSocketTest, ASessionWhoseSocketVanishesBeforeItOpensIsOver) {
  stand();
  vanish_while_upgrading(*stage, {});
  EXPECT_EQ(stage->size(), 0U);
  EXPECT_EQ(take_heard(), Heard{"leave transport close"}) << "made, and never open";
}

TEST_F(EngineSocketTest, ASocketThatVanishesBeforeItOpensTakesNoSessionOfOthersAlong) {
  auto const first = open_socket();
  vanish_while_upgrading(*stage, std::string(above().line().id));
  auto const polling = std::make_unique<PollingClient>(*stage);
  polling->open();
  vanish_while_upgrading(*stage, polling->sid);
  EXPECT_EQ(take_heard(), Heard{"open"});
  first->say("4a");
  EXPECT_EQ(next_frame(*first), "1 4a");
  change_over(*join(polling->sid));
}

TEST_F(EngineSocketTest, TheEndOfTheSocketIsTheEndOfTheSession) {
  auto const expect_end = [this](std::string_view reason) {
    EXPECT_TRUE(stage->is_empty());
    EXPECT_EQ(take_heard(), Heard{"leave " + std::string(reason)});
  };
  auto socket = open_socket();
  socket->drop();
  expect_end("transport close");
  socket = open_socket();
  socket->send(NetClient::close_of(1000));
  EXPECT_EQ(next_frame(*socket), "8 1000 ");
  expect_end("transport close");
  socket = open_socket();
  socket->say("1");
  EXPECT_EQ(next_frame(*socket), "8 1000 ");
  expect_end("transport close");
  socket = open_socket();
  socket->send(
      "\x81\x01"
      "4");  // not masked
  EXPECT_EQ(next_frame(*socket).substr(0, 6), "8 1002");
  expect_end("transport close");
}

TEST_F(EngineSocketTest, NonsenseEndsTheSession) {
  for (auto const& [said, reason] : {std::pair{"x", "parse error"}, {"", "parse error"}, {"2", "transport error"}}) {
    auto const socket = open_socket();
    socket->say(said);
    socket->say("4late");
    EXPECT_EQ(next_frame(*socket), "8 1000 ") << said;
    EXPECT_EQ(take_heard(), Heard{"leave " + std::string(reason)});
    EXPECT_TRUE(stage->is_empty());
  }
}

TEST_F(EngineSocketTest, TheServerEndsASessionAndItsSocketHearsEverythingBefore) {
  auto const socket = open_socket();
  above().say("bye");
  above().line().outlet.close(1008, "");
  EXPECT_EQ(next_frame(*socket), "1 4bye");
  EXPECT_EQ(next_frame(*socket), "8 1000 ");
  EXPECT_EQ(take_heard(), Heard{"leave forced close"});
  socket->send(NetClient::close_of(1000));
  EXPECT_TRUE(socket->ends());
  EXPECT_TRUE(stage->is_empty());
}

TEST_F(EngineSocketTest, TheHeartbeatIsThatOfTheSession) {
  Limits limits;
  limits.ping_ms = limits.pong_ms = 30;
  EngineSettings settings;
  settings.ping_ms = 100;
  settings.pong_ms = 200;
  stand(limits, settings);
  auto const socket = open_socket();
  EXPECT_EQ(next_frame(*socket), "1 2") << "no ping of WebSockets";
  socket->say("3");
  EXPECT_EQ(next_frame(*socket), "1 2");
  EXPECT_EQ(next_frame(*socket), "8 1000 ");
  EXPECT_EQ(take_heard(), Heard{"leave ping timeout"});
}

TEST_F(EngineSocketTest, WhoSaysTooMuchIsSentAway) {
  Limits limits;
  limits.messages_per_s = 1;
  limits.message_burst = 3;
  stand(limits);
  auto socket = open_socket();
  for (int i = 0; i < 4; ++i) socket->say("4a");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(next_frame(*socket), "1 4a");
  EXPECT_EQ(next_frame(*socket), "8 1008 rate limit");
  EXPECT_EQ(take_heard(), (Heard{"text a", "text a", "text a", "leave transport close"}));
}

TEST_F(EngineSocketTest, AMessageHasTheSizeOfTheSettings) {
  EngineSettings settings;
  settings.message_bytes = 1000;
  stand({}, settings);
  auto const socket = open_socket();
  EXPECT_NE(handshake.find("\"maxPayload\":1000}"), std::string::npos);
  socket->say("4" + std::string(999, 'x'));
  EXPECT_EQ(next_frame(*socket).size(), 1002U);
  socket->say("4" + std::string(1000, 'x'));
  EXPECT_EQ(next_frame(*socket).substr(0, 6), "8 1009");
  EXPECT_TRUE(stage->is_empty());
}

TEST_F(EngineSocketTest, WhoReadsTooSlowlyIsCutOff) {
  Limits limits;
  limits.queue_bytes = 100'000;
  stand(limits);
  auto const socket = open_socket("EIO=4", 4096);
  for (int i = 0; i < 20 && !stage->door.clients.empty(); ++i) {
    above().say(std::string(10'000, 'x'));
    stage->settle();
  }
  EXPECT_EQ(take_heard(), Heard{"leave transport close"});
  EXPECT_TRUE(stage->is_empty());
}

TEST_F(EngineSocketTest, WhatWaitedForAPollCountsNoMoreWhenASocketTakesOver) {
  Limits limits;
  limits.queues_bytes = 100'000;
  stand(limits);
  auto const polling = open_polling();
  for (int round = 0; round < 2; ++round) {
    auto const other = std::make_unique<PollingClient>(*stage);
    other->open();
    stage->door.clients.back()->say(std::string(80'000, 'x'));
    auto const socket = join(other->sid);
    change_over(*socket);
    EXPECT_EQ(next_frame(*socket).size(), 80'003U);
    above().say(std::string(80'000, 'y'));
    stage->settle();
    EXPECT_EQ(polling->poll().size(), 80'001U);
  }
}

TEST_F(EngineSocketTest, RevisionThreeHasTypesBeforeBytesAndPingsOfTheClient) {
  EngineSettings settings;
  settings.eio3 = true;
  stand({}, settings);
  auto const socket = open_socket("EIO=3");
  EXPECT_EQ(handshake.find("maxPayload"), std::string::npos);
  socket->send(NetClient::frame_of(2, "\x04\x01\x02"));
  EXPECT_EQ(next_frame(*socket), "2 \x04\x01\x02");
  socket->say("b4AQI=");
  EXPECT_EQ(next_frame(*socket), "2 \x04\x01\x02");
  socket->say("2hello");
  EXPECT_EQ(next_frame(*socket), "1 3hello");
  EXPECT_EQ(take_heard(), (Heard{"bytes \x01\x02", "bytes \x01\x02"}));
  socket->send(NetClient::frame_of(2, "\x02"));
  EXPECT_EQ(next_frame(*socket), "8 1000 ");
  EXPECT_EQ(take_heard(), Heard{"leave parse error"});
  auto const as_text = open_socket("EIO=3&b64=1");
  as_text->send(NetClient::frame_of(2, "\x04\x01\x02"));
  EXPECT_EQ(next_frame(*as_text), "1 b4AQI=");
}

TEST_F(EngineSocketTest, FramingsAreThoseOfTheRevision) {
  auto const framed = [](engine_io::Revision revision, bool as_text) {
    std::string out;
    EngineSocket::framing(revision, as_text)(out, "bAQI=");
    return out;
  };
  EXPECT_EQ(framed(engine_io::Revision::v4, false), "\x82\x02\x01\x02");
  EXPECT_EQ(framed(engine_io::Revision::v3, false), "\x82\x03\x04\x01\x02");
  EXPECT_EQ(framed(engine_io::Revision::v3, true),
            "\x81\x06"
            "b4AQI=");
}

}  // namespace
}  // namespace sojourn

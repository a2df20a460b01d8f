#include "net/exchange.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;

Limits short_limits() {
  Limits limits;
  limits.header_ms = 120;
  limits.body_ms = 240;
  limits.keep_alive_ms = 300;
  return limits;
}

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost:5409\r\n\r\n";
}

TEST(Exchange, AnswersOneRequestAfterTheOtherOnOneConnection) {
  NetStage stage;
  NetClient client(stage);
  for (int i = 0; i < 3; ++i) {
    client.get("/now?" + std::to_string(i));
    auto const answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "now " + std::to_string(i));
    EXPECT_FALSE(answer.has("Connection: close"));
  }
  client.get("/nothing");
  EXPECT_EQ(client.answer().status, 404);
  EXPECT_FALSE(client.has_ended());
}

TEST(Exchange, PipelinedRequestsAreAnsweredInTheirOrder) {
  NetStage stage;
  NetClient client(stage);
  client.send(get("/later/a") + get("/now?1") + get("/later/b") +
              "POST /echo HTTP/1.1\r\nHost: localhost:5409\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" +
              get("/later/c") + get("/now?2"));
  stage.steps(5);
  client.poll();
  EXPECT_EQ(client.received, "") << "nothing overtakes";
  EXPECT_EQ(stage.door.waiting.size(), 1u) << "one at a time";
  ASSERT_TRUE(stage.door.answer("a", "A"));
  EXPECT_EQ(client.answer().body, "A");
  EXPECT_EQ(client.answer().body, "now 1");
  stage.steps(3);
  ASSERT_TRUE(stage.door.answer("b", "B"));
  EXPECT_EQ(client.answer().body, "B");
  EXPECT_EQ(client.answer().body, "hi");
  ASSERT_TRUE(stage.door.answer("c", "C"));
  EXPECT_EQ(client.answer().body, "C");
  EXPECT_EQ(client.answer().body, "now 2");
}

TEST(Exchange, PipelinedRequestsSurviveEveryCut) {
  NetStage stage;
  auto const bytes =
      "POST /echo HTTP/1.1\r\nHost: localhost:5409\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" +
      get("/later/a") + get("/now?1");
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    NetClient client(stage);
    client.send(std::string_view(bytes).substr(0, cut));
    stage.steps(2);
    client.send(std::string_view(bytes).substr(cut));
    stage.steps(2);
    ASSERT_TRUE(stage.door.answer("a", "A")) << "cut at " << cut;
    ASSERT_EQ(client.answer().body, "hi");
    ASSERT_EQ(client.answer().body, "A");
    ASSERT_EQ(client.answer().body, "now 1");
  }
}

TEST(Exchange, WhatWaitsBehindAnAnswerStaysInTheKernel) {
  NetStage stage;
  NetClient client(stage);
  client.send(get("/later/a"));
  stage.steps(3);
  EXPECT_FALSE(client.send(std::string(4 * 1024 * 1024, 'x'))) << "nobody reads without end";
}

TEST(Exchange, ReadingGoesOnOnceTheAnswerIsThere) {
  NetStage stage;
  NetClient client(stage);
  client.send(get("/later/a"));
  std::string many;
  constexpr int count = 3000;
  for (int i = 0; i < count; ++i) many += get("/now?" + std::to_string(i));
  std::string_view rest(many);
  client.send(rest.substr(0, 100'000));
  stage.steps(5);
  ASSERT_TRUE(stage.door.answer("a", "A"));
  client.send(rest.substr(100'000));
  EXPECT_EQ(client.answer().body, "A");
  for (int i = 0; i < count; ++i) ASSERT_EQ(client.answer().body, "now " + std::to_string(i));
}

TEST(Exchange, HeadHasTheLengthAndNoBody) {
  NetStage stage;
  NetClient client(stage);
  client.send("HEAD /now?1 HTTP/1.1\r\nHost: localhost:5409\r\n\r\n" + get("/now?2"));
  auto const answer = client.answer(true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Content-Length: 5\r\n"));
  EXPECT_EQ(client.answer().body, "now 2");
}

TEST(Exchange, TheConnectionEndsWhenTheClientWantsIt) {
  NetStage stage;
  NetClient client(stage);
  client.send("GET /now?1 HTTP/1.1\r\nHost: localhost:5409\r\nConnection: close\r\n\r\n" + get("/now?2"));
  auto const answer = client.answer();
  EXPECT_EQ(answer.body, "now 1");
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(client.received, "") << "nothing behind the last request is served";
  NetClient old(stage);
  old.send("GET /now HTTP/1.0\r\nHost: localhost:5409\r\n\r\n");
  EXPECT_EQ(old.answer().status, 200);
  EXPECT_TRUE(old.ends());
}

TEST(Exchange, EveryAnswerCarriesRequestIdsEvenToWhatIsMalformed) {
  NetStage stage;
  for (std::string_view const bytes :
       {"GET /now HTTP/1.1\r\nHost: localhost:5409\r\n\r\n", "GET /nothing HTTP/1.1\r\nHost: localhost:5409\r\n\r\n",
        "GET /now HTTP/1.1\r\nHost: evil\r\n\r\n", "GET /now HTTP/1.1\r\n\r\n", "nonsense\r\n",
        "GET /ws HTTP/1.1\r\nHost: localhost:5409\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"}) {
    NetClient client(stage);
    client.send(bytes);
    auto const answer = client.answer();
    EXPECT_TRUE(answer.has("\r\nX-Request-ID: ")) << bytes << answer.head;
    EXPECT_TRUE(answer.has("\r\nX-Correlation-ID: ")) << bytes << answer.head;
    EXPECT_TRUE(answer.has("\r\nX-Content-Type-Options: nosniff\r\n")) << bytes << answer.head;
    EXPECT_TRUE(answer.has("\r\nCross-Origin-Resource-Policy: same-origin\r\n")) << bytes << answer.head;
  }
}

TEST(Exchange, AMalformedRequestIsTheLastAndComesAfterEarlierAnswers) {
  NetStage stage;
  NetClient client(stage);
  client.send(get("/later/a") + "BAD\r\n\r\n" + get("/now"));
  stage.steps(3);
  ASSERT_TRUE(stage.door.answer("a", "A"));
  EXPECT_EQ(client.answer().body, "A");
  auto const refusal = client.answer();
  EXPECT_EQ(refusal.status, 400);
  EXPECT_EQ(refusal.body, "{\"error\":\"malformed request header\"}");
  EXPECT_TRUE(refusal.has("Connection: close\r\n"));
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(client.received, "");
}

TEST(Exchange, ARefusedHostIsTheLastAnswerToo) {
  NetStage stage;
  NetClient client(stage);
  client.send("GET /now HTTP/1.1\r\nHost: evil.test\r\n\r\n" + get("/now"));
  auto const refusal = client.answer();
  EXPECT_EQ(refusal.status, 403);
  EXPECT_TRUE(refusal.has("Connection: close\r\n"));
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(client.received, "");
}

TEST(Exchange, AsksForTheBodyOfWhoWaitsForThat) {
  NetStage stage;
  NetClient client(stage);
  client.send("POST /echo HTTP/1.1\r\nHost: localhost:5409\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 100);
  client.send("h");
  stage.steps(3);
  client.send("i");
  auto const answer = client.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hi");
  client.send("POST /echo HTTP/1.1\r\nHost: localhost:5409\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nho");
  EXPECT_EQ(client.answer().body, "ho") << "who sends at once is not asked";
  client.send("POST /echo HTTP/1.1\r\nHost: localhost:5409\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 413) << "a body that is refused is not asked for";
  EXPECT_TRUE(client.ends());
}

TEST(Exchange, AHeaderThatComesSlowlyIsTimedOut) {
  NetStage stage(short_limits());
  NetClient client(stage);
  auto const bytes = get("/now");
  auto const start = std::chrono::steady_clock::now();
  for (std::size_t at = 0; at < bytes.size() && !client.has_ended() && client.received.empty(); ++at) {
    client.send(bytes.substr(at, 1));
    stage.pass(10);
    client.poll();
  }
  EXPECT_EQ(client.answer().status, 408);
  EXPECT_TRUE(client.ends());
  auto const ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  EXPECT_GE(ms, 120);
}

TEST(Exchange, EmptyLinesDoNotKeepAConnection) {
  NetStage stage(short_limits());
  NetClient client(stage);
  bool ended = false;
  for (int i = 0; i < 60 && !ended; ++i) {
    client.send("\r\n");
    stage.pass(10);
    client.poll();
    ended = client.has_ended();
  }
  EXPECT_TRUE(ended);
}

TEST(Exchange, ABodyThatComesSlowlyIsTimedOut) {
  NetStage stage(short_limits());
  NetClient client(stage);
  client.send("POST /echo HTTP/1.1\r\nHost: localhost:5409\r\nContent-Length: 1000\r\n\r\n");
  stage.pass(150);
  client.send("x");
  client.poll();
  EXPECT_EQ(client.received, "") << "a body has more time than a header";
  EXPECT_EQ(client.answer().status, 408);
  EXPECT_TRUE(client.ends());
}

TEST(Exchange, ASilentConnectionIsClosedWithoutAWord) {
  NetStage stage(short_limits());
  NetClient silent(stage);
  NetClient idle(stage);
  idle.get("/now");
  EXPECT_EQ(idle.answer().status, 200);
  EXPECT_TRUE(silent.ends(1000));
  EXPECT_EQ(silent.received, "");
  EXPECT_FALSE(idle.has_ended()) << "who has asked before may rest longer";
  EXPECT_TRUE(idle.ends(1000));
  EXPECT_EQ(idle.received, "");
}

TEST(Exchange, AnAnswerMayTakeLongerThanAnyOtherLimit) {
  NetStage stage(short_limits());
  NetClient client(stage);
  client.get("/later/a");
  stage.pass(500);
  client.poll();
  EXPECT_FALSE(client.has_ended());
  ASSERT_TRUE(stage.door.answer("a", "A"));
  EXPECT_EQ(client.answer().body, "A");
}

TEST(Exchange, WhoSendsNoMoreStillGetsEveryAnswer) {
  NetStage stage;
  NetClient client(stage);
  client.send(get("/later/a") + get("/now?1") + get("/later/b"));
  client.half_close();
  stage.steps(5);
  ASSERT_TRUE(stage.door.answer("a", "A"));
  EXPECT_EQ(client.answer().body, "A");
  EXPECT_EQ(client.answer().body, "now 1");
  stage.steps(3);
  ASSERT_TRUE(stage.door.answer("b", "B"));
  EXPECT_EQ(client.answer().body, "B");
  EXPECT_TRUE(client.ends());
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
}

TEST(Exchange, WhoSendsNoMoreAndReadsSlowlyGetsTheWholeAnswer) {
  NetStage stage;
  NetClient client(stage, 4096);
  constexpr std::size_t size = 300'000;
  client.get("/big/" + std::to_string(size));
  client.half_close();
  stage.steps(20);
  EXPECT_EQ(client.answer().body.size(), size);
  EXPECT_TRUE(client.ends());
}

TEST(Exchange, AFloodOfRequestsWaitsUntilItsAnswersAreRead) {
  Limits limits;
  limits.queue_bytes = 64 * 1024;
  NetStage stage(limits);
  NetClient client(stage, 4096);
  std::string flood;
  for (int i = 0; i < 40'000; ++i) flood += get("/now?" + std::to_string(i));
  EXPECT_FALSE(client.send(flood)) << "requests are not read while nobody reads their answers";
  EXPECT_EQ(client.answer().body, "now 0");
  EXPECT_EQ(client.answer().body, "now 1");
  EXPECT_FALSE(client.has_ended());
}

TEST(Exchange, DrainingAnswersWhatIsAskedAndClosesTheRest) {
  NetStage stage;
  NetClient idle(stage);
  NetClient asking(stage);
  asking.send(get("/later/a") + get("/now"));
  stage.steps(3);
  stage.peers.drain("bye");
  EXPECT_TRUE(idle.ends());
  ASSERT_TRUE(stage.door.answer("a", "A"));
  auto const answer = asking.answer();
  EXPECT_EQ(answer.body, "A");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(asking.ends());
  EXPECT_EQ(asking.received, "");
}

TEST(Exchange, DrainingLosesNoAnswerThatIsOnItsWay) {
  NetStage stage;
  NetClient client(stage, 4096);
  client.get("/big/100000");
  stage.steps(3);
  stage.peers.drain("bye");
  EXPECT_EQ(client.answer().body.size(), 100'000u);
}

TEST(Exchange, AClientThatLeavesBeforeItsAnswerHarmsNobody) {
  NetStage stage;
  {
    NetClient client(stage);
    client.send(get("/later/a") + get("/later/b"));
    stage.steps(3);
  }
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }, 500) || stage.peers.size() == 1);
  ASSERT_TRUE(stage.door.answer("a", std::string(100'000, 'x')));
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
}

// A door that says at once what becomes of a live connection.
struct HastyDoor {
  static std::span<Entrance const> entrances() {
    static constexpr std::array table{Entrance{"/closed", Carrier::websocket, nullptr, join<&HastyDoor::close>},
                                      Entrance{"/refused", Carrier::websocket, nullptr, join<&HastyDoor::refuse>},
                                      Entrance{"/refused", Carrier::event_stream, nullptr, join<&HastyDoor::refuse>}};
    return table;
  }
  void close(Request const&, Parameters const&, Attachment via, Welcome welcome) {
    ++asked;
    via.outlet->close(1008, "not you");
    welcome(Opened{});
  }
  void refuse(Request const&, Parameters const&, Attachment, Welcome welcome) {
    ++asked;
    welcome(error(Code::not_found, "not here"));
  }
  int asked = 0;
};

class LiveExchange : public testing::Test {
 protected:
  void SetUp() override { stage.router.add(&door, {}, HastyDoor::entrances()); }

  HastyDoor door;
  NetStage stage;
  NetClient client{stage};
};

TEST_F(LiveExchange, ADoorMayCloseAtOnceWhateverStandsBehindTheHandshake) {
  for (std::string const& behind :
       {std::string(), NetClient::frame_of(1, "x"), NetClient::close_of(1000), get("/now")}) {
    NetClient raw(stage);
    raw.send(get("/now?1") + NetClient::handshake("/closed") + behind);
    EXPECT_EQ(raw.answer().body, "now 1");
    EXPECT_EQ(raw.answer().status, 101);
    auto const close = raw.frame();
    EXPECT_EQ(close.close_code, 1008);
    EXPECT_EQ(close.payload, "not you");
    EXPECT_TRUE(raw.ends());
    EXPECT_EQ(raw.received, "");
  }
  EXPECT_EQ(door.asked, 4);
  EXPECT_EQ(stage.hub.connection_count(), 0u);
}

TEST_F(LiveExchange, ADoorMayRefuseAtOnce) {
  client.send(NetClient::handshake("/refused") + NetClient::frame_of(1, "x"));
  auto const answer = client.answer();
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "{\"error\":\"not here\"}");
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_TRUE(client.ends());
  NetClient reader(stage);
  reader.get("/refused", "Accept: text/event-stream\r\n");
  EXPECT_EQ(reader.answer().status, 404);
  EXPECT_TRUE(reader.ends());
}

TEST_F(LiveExchange, AClientThatLeavesBeforeADoorAnsweredAtOnceHarmsNobody) {
  client.send(NetClient::handshake("/closed"));
  client.drop();
  NetClient other(stage);
  other.send(NetClient::handshake("/refused"));
  other.drop();
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
}

TEST_F(LiveExchange, TheProtocolOfATokenIsAnsweredOnlyWithoutAnother) {
  auto const token = stage.identity.keys().mint({"alice", 0, Scope::write, {}, {}}, 0);
  for (auto const& [offered, chosen] :
       {std::pair<std::string, std::string>{"bearer." + token, "bearer." + token}, {"chat, bearer." + token, "chat"}}) {
    NetClient raw(stage);
    auto bytes = NetClient::handshake("/kept");
    bytes.insert(bytes.size() - 2, "Sec-WebSocket-Protocol: " + offered + "\r\n");
    raw.send(bytes);
    auto const answer = raw.answer();
    EXPECT_EQ(answer.status, 101);
    EXPECT_TRUE(answer.has("\r\nSec-WebSocket-Protocol: " + chosen + "\r\n")) << answer.head;
  }
  client.send(NetClient::handshake("/kept"));
  EXPECT_FALSE(client.answer().has("Sec-WebSocket-Protocol"));
}

TEST_F(LiveExchange, AWrongTokenIsRefusedBeforeTheHandshake) {
  auto bytes = NetClient::handshake("/kept?token=wrong");
  client.send(bytes);
  auto const answer = client.answer();
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, "{\"error\":\"Invalid or expired token\"}");
  EXPECT_TRUE(answer.has("WWW-Authenticate: Bearer\r\n"));
  EXPECT_TRUE(client.ends());
}

TEST_F(LiveExchange, WhatIsPipelinedBehindAHandshakeReachesTheConnection) {
  client.send(get("/later/a") + NetClient::handshake("/kept") + NetClient::frame_of(1, "hello"));
  stage.steps(5);
  EXPECT_EQ(stage.door.heard.size(), 0u) << "nothing overtakes";
  ASSERT_TRUE(stage.door.answer("a", "A"));
  EXPECT_EQ(client.answer().body, "A");
  EXPECT_EQ(client.answer().status, 101);
  EXPECT_TRUE(client.frame().payload.starts_with("welcome "));
  EXPECT_TRUE(stage.until([&] { return stage.door.heard.size() == 1; }));
  EXPECT_EQ(stage.door.heard.front(), "hello");
}

}  // namespace
}  // namespace sojourn

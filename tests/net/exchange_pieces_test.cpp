// Answers that come in pieces.
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "net/chunked.h"
#include "net/exchange.h"
#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;

std::string get(std::string_view target, std::string_view method = "GET", std::string_view version = "1.1") {
  return std::string(method) + " " + std::string(target) + " HTTP/" + std::string(version) +
         "\r\nHost: localhost:5409\r\n\r\n";
}

class ExchangePieces : public testing::Test {
 protected:
  void start(Limits const& limits = {}, int send_buffer = 0) {
    client.reset();
    stage = std::make_unique<NetStage>(limits);
    client = std::make_unique<NetClient>(*stage, send_buffer);
  }
  // Asks, and waits for the head of the answer; what came of the body stays in `received`.
  test::HttpAnswer begin(std::string_view request) {
    auto const count = stage->door.open.size();
    client->send(request);
    EXPECT_TRUE(stage->until([&] { return stage->door.open.size() > count; }));
    return client->answer(true);
  }
  bool add(std::string bytes) { return stage->door.open.back()({std::move(bytes)}); }
  bool finish(std::string bytes = {}) { return stage->door.open.back()({std::move(bytes), true}); }
  // Whether the client has all of that and nothing else; takes it.
  bool hears(std::string_view bytes) {
    client->until([&] { return client->received.size() >= bytes.size(); });
    EXPECT_EQ(client->received, bytes);
    return std::exchange(client->received, {}) == bytes;
  }

  std::unique_ptr<NetStage> stage;
  std::unique_ptr<NetClient> client;
};

TEST_F(ExchangePieces, EachIsAChunkAndTheConnectionGoesOn) {
  start();
  auto const head = begin(get("/pieces"));
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.has("\r\nTransfer-Encoding: chunked\r\n")) << head.head;
  EXPECT_FALSE(head.has("Content-Length") || head.has("Connection: close")) << head.head;
  EXPECT_TRUE(hears("1\r\n<\r\n"));
  EXPECT_TRUE(add("hello"));
  EXPECT_TRUE(hears("5\r\nhello\r\n"));
  EXPECT_TRUE(add("sixteen bytes..."));
  EXPECT_TRUE(hears("10\r\nsixteen bytes...\r\n"));
  EXPECT_TRUE(finish("!"));
  EXPECT_TRUE(hears("1\r\n!\r\n0\r\n\r\n"));
  EXPECT_FALSE(add("more")) << "it is over";
  EXPECT_FALSE(finish());
  client->get("/now?1");
  EXPECT_EQ(client->answer().body, "now 1");
}

TEST_F(ExchangePieces, AnEmptyPieceAsksAndSaysNothing) {
  start();
  begin(get("/pieces"));
  EXPECT_TRUE(hears("1\r\n<\r\n"));
  EXPECT_TRUE(add({}));
  stage->steps(3);
  client->poll();
  EXPECT_EQ(client->received, "") << "an empty chunk would end the answer";
  EXPECT_TRUE(finish());
  EXPECT_TRUE(hears("0\r\n\r\n"));
}

TEST_F(ExchangePieces, ADoorMayEndItAtOnce) {
  start();
  client->send(get("/pieces?end") + get("/pieces?end") + get("/now?1"));
  std::string body;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client->answer(true).status, 200);
    ASSERT_TRUE(client->until([&] { return client->received.size() >= 17; }));
    EXPECT_EQ(client->received.substr(0, 17), "1\r\n<\r\n1\r\n>\r\n0\r\n\r\n");
    client->received.erase(0, 17);
  }
  EXPECT_EQ(client->answer().body, "now 1");
}

TEST_F(ExchangePieces, Http10GetsThemAsTheyAreAndThenTheEnd) {
  start();
  auto const head = begin("GET /pieces HTTP/1.0\r\nHost: localhost:5409\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(head.has("Transfer-Encoding") || head.has("Content-Length")) << head.head;
  EXPECT_TRUE(head.has("\r\nConnection: close\r\n"));
  add("a");
  finish("b");
  EXPECT_TRUE(hears("<ab"));
  EXPECT_TRUE(client->ends());
}

TEST_F(ExchangePieces, WhoWantsTheConnectionToEndGetsChunksBeforeThat) {
  start();
  auto const head = begin("GET /pieces HTTP/1.1\r\nHost: localhost:5409\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(head.has("\r\nConnection: close\r\n"));
  EXPECT_TRUE(hears("1\r\n<\r\n"));
  finish("b");
  EXPECT_TRUE(hears("1\r\nb\r\n0\r\n\r\n"));
  EXPECT_TRUE(client->ends());
}

TEST_F(ExchangePieces, HeadIsTheHeadAndNothingOfThemEverGoesElsewhere) {
  start();
  client->send(get("/pieces", "HEAD") + get("/pieces") + get("/now?1"));
  ASSERT_TRUE(stage->until([&] { return stage->door.open.size() == 2; })) << "it holds nothing up";
  auto const head = client->answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.has("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(stage->door.open[0]({"x"})) << "nobody reads";
  EXPECT_FALSE(stage->door.open[0]({"x", true}));
  EXPECT_EQ(client->answer(true).status, 200);
  EXPECT_TRUE(finish("y"));
  ASSERT_TRUE(client->until([&] { return client->received.ends_with("now 1"); }));
  EXPECT_TRUE(client->received.starts_with("1\r\n<\r\n1\r\ny\r\n0\r\n\r\nHTTP/1.1 200")) << client->received;
}

TEST_F(ExchangePieces, WhatIsPipelinedWaitsForTheLast) {
  start();
  client->send(get("/pieces") + get("/now?1") + get("/pieces") + get("/now?2"));
  ASSERT_TRUE(stage->until([&] { return stage->door.open.size() == 1; }));
  EXPECT_EQ(client->answer(true).status, 200);
  EXPECT_TRUE(hears("1\r\n<\r\n"));
  add("a");
  EXPECT_TRUE(hears("1\r\na\r\n"));
  EXPECT_EQ(stage->door.open.size(), 1u) << "one at a time";
  auto const first = stage->door.open[0];
  EXPECT_TRUE(first({{}, true}));
  ASSERT_TRUE(stage->until([&] { return stage->door.open.size() == 2; }));
  EXPECT_FALSE(first({"late"})) << "the next answer is not its own";
  finish();
  ASSERT_TRUE(client->until([&] { return client->received.ends_with("now 2"); }));
  EXPECT_EQ(client->received.find("late"), std::string::npos);
}

TEST_F(ExchangePieces, ADoorLearnsThatItsReaderHasHungUp) {
  start();
  begin(get("/pieces"));
  EXPECT_TRUE(add({}));
  client->drop();
  EXPECT_TRUE(stage->until([&] { return !add({}); }));
  EXPECT_FALSE(add("more"));
  EXPECT_FALSE(finish());
  EXPECT_EQ(stage->peers.size(), 0u);
}

TEST_F(ExchangePieces, WhoSendsNoMoreStillReadsThemAll) {
  start();
  client->send(get("/pieces"));
  client->half_close();
  stage->steps(5);
  ASSERT_EQ(stage->door.open.size(), 1u);
  EXPECT_TRUE(add("a"));
  EXPECT_TRUE(finish("b"));
  EXPECT_TRUE(client->ends());
  EXPECT_TRUE(client->received.ends_with("1\r\n<\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")) << client->received;
}

TEST_F(ExchangePieces, ASlowReaderIsCutOff) {
  Limits limits;
  limits.queue_bytes = 100'000;
  start(limits, 4096);
  begin(get("/pieces"));
  int added = 0;
  for (; added < 100 && add(std::string(10'000, 'x')); ++added) stage->steps(2);
  EXPECT_LT(added, 20) << "and no further";
  EXPECT_GT(added, 8);
  stage->step();
  EXPECT_EQ(stage->peers.size(), 0u);
  client->until([&] { return client->has_ended(); });
  EXPECT_FALSE(client->received.ends_with(last_chunk)) << "the answer is seen to be cut";
}

TEST_F(ExchangePieces, WhatIsWholeIsCutOffNoMore) {
  Limits limits;
  limits.queue_bytes = 10'000;
  start(limits, 4096);
  begin(get("/pieces"));
  EXPECT_TRUE(finish(std::string(500'000, 'x'))) << "as any other answer";
  ASSERT_TRUE(client->until([&] { return client->received.ends_with(last_chunk); }));
  EXPECT_GT(client->received.size(), 500'000u);
}

TEST_F(ExchangePieces, AReaderThatKeepsReadingIsKept) {
  Limits limits;
  limits.queue_bytes = 100'000;
  start(limits, 4096);
  begin(get("/pieces"));
  std::size_t bytes = client->received.size();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(add(std::string(9'994, 'x'))) << i;
    ASSERT_TRUE(client->until([&] { return client->received.size() >= bytes + 10'000; }));
    bytes += 10'000 + 2;
  }
  EXPECT_TRUE(finish());
}

TEST_F(ExchangePieces, DrainingLetsItEnd) {
  start();
  begin(get("/pieces"));
  stage->peers.drain("the end");
  stage->steps(3);
  EXPECT_TRUE(add("a"));
  EXPECT_TRUE(finish("b"));
  EXPECT_TRUE(client->ends());
  EXPECT_TRUE(client->received.ends_with("1\r\na\r\n1\r\nb\r\n0\r\n\r\n")) << client->received;
}

TEST_F(ExchangePieces, ItMayTakeLongerThanAnyOtherLimit) {
  Limits limits;
  limits.header_ms = limits.body_ms = limits.keep_alive_ms = 20;
  start(limits);
  begin(get("/pieces"));
  stage->pass(100);
  EXPECT_TRUE(finish("a"));
  EXPECT_TRUE(hears("1\r\n<\r\n1\r\na\r\n0\r\n\r\n"));
}

TEST_F(ExchangePieces, WithoutACarrierNobodyReads) { EXPECT_FALSE(Pieces()({"x"})); }

}  // namespace
}  // namespace sojourn

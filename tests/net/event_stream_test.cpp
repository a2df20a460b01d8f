#include "net/event_stream.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;

// A door with one shared session, which is followed as an event stream; a block is a line of words between two marks.
class Feed {
 public:
  explicit Feed(Hub& hub) : hub_(hub) {}

  static std::span<Entrance const> entrances() {
    static constexpr std::array table{Entrance{"/feed", Carrier::event_stream, nullptr, join<&Feed::follow>},
                                      Entrance{"/other", Carrier::event_stream, nullptr, join<&Feed::refuse>}};
    return table;
  }
  static std::span<Route const> routes() {
    static constexpr std::array table{Route{"GET", "/feed", handle<&Feed::show>},
                                      Route{"POST", "/feed", handle<&Feed::show>}};
    return table;
  }

  void follow(Request const& request, Parameters const&, Attachment via, Welcome welcome) {
    via.dialect = &dialect;
    hub_.submit(request.principal, OpenSession{SessionKind::shared, std::move(via), {.client_id = "feed"}},
                [this, welcome](Result<Outcome> outcome) {
                  if (!outcome) return welcome(outcome.error());
                  auto& opened = std::get<Opened>(*outcome);
                  session = opened.session.id;
                  welcome(std::move(opened));
                });
  }
  void refuse(Request const&, Parameters const&, Attachment, Welcome welcome) {
    welcome(error(Code::not_found, "Session not found"));
  }
  void show(Request const& request, Parameters const&, Respond respond) {
    Response response;
    response.body = std::string(request.method) + " as JSON";
    respond(std::move(response));
  }

  PlainDialect dialect;
  std::string session;

 private:
  Hub& hub_;
};

class EventStreamTest : public testing::Test {
 protected:
  void start(Limits const& limits = {}, unsigned commit_turns_max = 1) {
    client.reset();
    feed.reset();
    stage = std::make_unique<NetStage>(limits, commit_turns_max);
    feed = std::make_unique<Feed>(stage->hub);
    stage->router.add(feed.get(), Feed::routes(), Feed::entrances());
    client = std::make_unique<NetClient>(*stage);
  }
  // Follows, and waits until the greeting is there.
  void open(Limits const& limits = {}) {
    start(limits);
    ask();
    ASSERT_EQ(client->answer().status, 200);
    ASSERT_TRUE(hears("{}"));
    client->received.clear();
  }
  void ask(std::string_view fields = {}) {
    client->get("/feed", "Accept: text/event-stream\r\n" + std::string(fields));
  }
  // Whether the client hears something that ends so.
  bool hears(std::string_view end) {
    return client->until([&] { return client->received.ends_with(end); });
  }
  void say(std::string name, std::string data = {}) {
    stage->hub.submit(local_principal(), PostMessage{{}, feed->session, std::move(name), std::move(data)});
  }
  Live& live() { return *stage->peers.find(1)->live(); }

  std::unique_ptr<NetStage> stage;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<NetClient> client;
};

std::int64_t ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
}

TEST_F(EventStreamTest, TheAnswerHasAHeadThenTheGreetingAndDoesNotEnd) {
  start();
  ask("Origin: http://allowed.test\r\nX-Request-ID: r1\r\n");
  auto const answer = client->answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_TRUE(answer.has("\r\nCache-Control: no-store\r\n"));
  EXPECT_TRUE(answer.has("\r\nX-Accel-Buffering: no\r\n"));
  EXPECT_TRUE(answer.has("\r\nConnection: close\r\n"));
  EXPECT_TRUE(answer.has("\r\nX-Request-ID: r1\r\n"));
  EXPECT_TRUE(answer.has("\r\nAccess-Control-Allow-Origin: http://allowed.test\r\n"));
  EXPECT_FALSE(answer.has("Content-Length"));
  EXPECT_FALSE(answer.has("Transfer-Encoding"));
  EXPECT_TRUE(hears("welcome 1 to " + feed->session + " at 1 with {}")) << client->received;
  stage->pass(50);
  client->poll();
  EXPECT_FALSE(client->has_ended());
}

TEST_F(EventStreamTest, WhatIsPushedGoesOutAsItIsAndInItsOrder) {
  open();
  for (std::string const name : {"one", "two", "three"}) say(name, "{\"n\":1}");
  EXPECT_TRUE(hears("4 message 0 three {\"n\":1}")) << client->received;
  EXPECT_EQ(client->received, "2 message 0 one {\"n\":1}3 message 0 two {\"n\":1}4 message 0 three {\"n\":1}")
      << "the dialect makes whole blocks";
}

TEST_F(EventStreamTest, WithoutAskingForAStreamOneGetsAnAnswer) {
  start();
  client->get("/feed");
  EXPECT_EQ(client->answer().body, "GET as JSON");
  client->send("POST /feed HTTP/1.1\r\nHost: localhost:5409\r\nAccept: text/event-stream\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client->answer().body, "POST as JSON");
  client->get("/now", "Accept: text/event-stream\r\n");
  EXPECT_EQ(client->answer().body, "now ") << "where there is no stream";
  EXPECT_EQ(stage->hub.connection_count(), 0u);
}

TEST_F(EventStreamTest, AStreamThatIsRefusedIsAnAnswer) {
  start();
  client->get("/other", "Accept: text/event-stream\r\n");
  auto const answer = client->answer();
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "{\"error\":\"Session not found\"}");
  EXPECT_TRUE(client->ends());
  NetClient evil(*stage);
  evil.get("/feed", "Accept: text/event-stream\r\nOrigin: http://evil.test\r\n");
  EXPECT_EQ(evil.answer().status, 403);
  EXPECT_EQ(stage->hub.connection_count(), 0u);
}

TEST_F(EventStreamTest, NothingGoesOutBeforeTheSessionIsThere) {
  start();
  stage->store.hold();
  ask();
  stage->steps(10);
  client->poll();
  EXPECT_EQ(client->received, "");
  ASSERT_NE(stage->peers.find(1)->live(), nullptr);
  EXPECT_TRUE(live().is_joining());
  live().push(std::make_shared<std::string const>("held back"));
  EXPECT_EQ(live().queued_bytes(), 9u);
  stage->store.release();
  EXPECT_EQ(client->answer().status, 200);
  EXPECT_TRUE(hears("{}held back")) << client->received;
  EXPECT_EQ(live().queued_bytes(), 0u);
}

TEST_F(EventStreamTest, WhatTheReaderSendsIsNotUnderstood) {
  open();
  client->send("GET /now HTTP/1.1\r\nHost: localhost:5409\r\n\r\n" + std::string(200'000, 'x'));
  stage->steps(20);
  say("one");
  EXPECT_TRUE(hears("one"));
  EXPECT_EQ(client->received, "2 message 0 one");
}

TEST_F(EventStreamTest, ACommentKeepsItOpen) {
  Limits limits;
  limits.ping_ms = 100;
  limits.keep_alive_ms = 100;
  limits.header_ms = 100;
  open(limits);
  auto const start = std::chrono::steady_clock::now();
  EXPECT_TRUE(client->until([&] { return client->received == ": ping\n\n: ping\n\n: ping\n\n"; })) << client->received;
  EXPECT_GE(ms_since(start), 250);
  EXPECT_FALSE(client->has_ended());
  EXPECT_EQ(stage->hub.connection_count(), 1u);
}

TEST_F(EventStreamTest, AReaderThatGoesLeavesTheSession) {
  open();
  EXPECT_EQ(stage->hub.connection_count(), 1u);
  client->drop();
  EXPECT_TRUE(stage->until([&] { return stage->hub.connection_count() == 0 && stage->peers.size() == 0; }));
  EXPECT_EQ(stage->hub.session_count(), 1u);
  say("one");
  stage->steps(5);
}

TEST_F(EventStreamTest, AReaderThatGoesBeforeItIsInLeavesTheSessionToo) {
  start();
  stage->store.hold();
  ask();
  stage->steps(5);
  client->drop();
  stage->steps(5);
  stage->store.release();
  EXPECT_TRUE(stage->until([&] { return stage->peers.size() == 0; }));
  EXPECT_EQ(stage->hub.connection_count(), 0u);
}

TEST_F(EventStreamTest, AReaderThatSendsNoMoreIsGone) {
  open();
  client->half_close();
  EXPECT_TRUE(client->ends());
  EXPECT_TRUE(stage->until([&] { return stage->hub.connection_count() == 0; }));
}

TEST_F(EventStreamTest, ACloseIsALastEvent) {
  open();
  say("one");
  stage->hub.submit(local_principal(), CloseSession{{}, feed->session});
  EXPECT_TRUE(client->ends());
  EXPECT_EQ(client->received,
            "2 message 0 one3 session.closed 0 {\"reason\":\"deleted\"}"
            "event: session.close\ndata: {\"code\":1000,\"reason\":\"Session closed\"}\n\n");
  client->drop();
  EXPECT_TRUE(stage->until([&] { return stage->peers.size() == 0; }));
}

TEST_F(EventStreamTest, AfterACloseNothingGoesOut) {
  open();
  live().close(1008, "a \"reason\"\n");
  live().push(std::make_shared<std::string const>("too late"));
  live().close(1000, "again");
  EXPECT_TRUE(client->ends());
  EXPECT_EQ(client->received, "event: session.close\ndata: {\"code\":1008,\"reason\":\"a \\\"reason\\\"\\n\"}\n\n");
}

TEST_F(EventStreamTest, WhatIsClosedBeforeItIsOpenHearsItAfterTheHead) {
  start();
  stage->store.hold();
  ask();
  stage->steps(10);
  live().push(std::make_shared<std::string const>("held back"));
  live().close(1008, "kicked");
  stage->store.release();
  EXPECT_EQ(client->answer().status, 200);
  EXPECT_TRUE(client->ends());
  EXPECT_TRUE(
      client->received.ends_with("{}held backevent: session.close\ndata: {\"code\":1008,\"reason\":\"kicked\"}\n\n"))
      << client->received;
}

TEST_F(EventStreamTest, AServerThatEndsSaysGoodbye) {
  open();
  stage->peers.drain("the server is shutting down");
  EXPECT_TRUE(client->ends());
  EXPECT_EQ(client->received,
            "event: session.close\ndata: {\"code\":1012,\"reason\":\"the server is shutting down\"}\n\n");
  EXPECT_EQ(stage->hub.connection_count(), 0u);
}

TEST_F(EventStreamTest, AServerThatTakesItsTimeSaysWhenToComeBack) {
  open();
  stage->peers.drain("bye", 1'000'000);
  EXPECT_TRUE(client->ends());
  auto const end = client->received.find('\n');
  auto const retry = client->received.substr(0, end);
  ASSERT_TRUE(retry.starts_with("retry: ")) << client->received;
  EXPECT_EQ(client->received.substr(end + 1),
            "event: session.close\ndata: {\"code\":1012,\"reason\":\"bye; retry in " + retry.substr(7) + " ms\"}\n\n");
}

TEST_F(EventStreamTest, AServerThatEndsMeanwhileSaysGoodbyeToo) {
  start();
  stage->store.hold();
  ask();
  stage->steps(5);
  stage->peers.drain("bye");
  stage->store.release();
  EXPECT_EQ(client->answer().status, 200);
  EXPECT_TRUE(client->ends());
  EXPECT_TRUE(client->received.ends_with("{}event: session.close\ndata: {\"code\":1012,\"reason\":\"bye\"}\n\n"))
      << client->received;
}

TEST_F(EventStreamTest, AReaderThatDoesNotReadIsCutOffWithoutAWord) {
  Limits limits;
  limits.queue_bytes = 64 * 1024;
  start(limits);
  client = std::make_unique<NetClient>(*stage, 4096);
  ask();
  EXPECT_EQ(client->answer().status, 200);
  EXPECT_TRUE(hears("{}"));
  client->received.clear();
  auto const data = "\"" + std::string(20'000, 'x') + "\"";
  for (int i = 0; i < 20; ++i) {
    say("big", data);
    stage->steps(3);
  }
  EXPECT_EQ(stage->hub.connection_count(), 0u);
  EXPECT_TRUE(client->ends());
  EXPECT_EQ(client->received.find("session.close"), std::string::npos) << "half a block may be on its way";
}

TEST(EventStreamFrame, AddsNothing) {
  std::string out = "a";
  EventStream::frame(out, "id: 1\ndata: x\n\n");
  EXPECT_EQ(out, "aid: 1\ndata: x\n\n");
}

}  // namespace
}  // namespace sojourn

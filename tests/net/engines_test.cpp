#include "net/engines.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/engine_stage.h"

namespace sojourn {
namespace {

using test::bad_request;
using test::EngineStage;
using test::Heard;
using test::NetClient;
using test::next_frame;
using test::PollingClient;
using test::unknown_sid;
using test::websocket_target;

constexpr std::string_view path = "/engine.io/";

// What a request without a body is answered with.
std::string ask(EngineStage& stage, std::string_view method, std::string_view target, std::string_view field = {}) {
  NetClient client(stage.net);
  client.send(std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: localhost:5409\r\n" +
              std::string(field) + "\r\n");
  auto const answer = client.answer();
  return std::to_string(answer.status) + " " + answer.body;
}

std::string refusal(int code, std::string_view message) {
  return "400 {\"code\":" + std::to_string(code) + ",\"message\":\"" + std::string(message) + "\"}";
}

TEST(Engines, WhatCannotOpenASessionIsToldWhy) {
  struct Row {
    std::string_view method;
    std::string_view query;
    std::string expected;
  };
  EngineStage stage;
  for (auto const& row : {
           Row{"GET", "", refusal(0, "Transport unknown")},
           Row{"GET", "?EIO=4", refusal(0, "Transport unknown")},
           Row{"GET", "?EIO=4&transport=smoke", refusal(0, "Transport unknown")},
           Row{"GET", "?EIO=4&transport=polling&sid=nobody", refusal(1, "Session ID unknown")},
           Row{"POST", "?EIO=4&transport=polling&sid=nobody", refusal(1, "Session ID unknown")},
           Row{"POST", "?EIO=4&transport=polling", refusal(2, "Bad handshake method")},
           Row{"PUT", "?EIO=4&transport=polling", refusal(2, "Bad handshake method")},
           Row{"GET", "?EIO=4&transport=websocket", refusal(3, "Bad request")},
           Row{"GET", "?EIO=4&transport=polling&j=0", refusal(3, "Bad request")},
           Row{"GET", "?transport=polling", refusal(5, "Unsupported protocol version")},
           Row{"GET", "?EIO=3&transport=polling", refusal(5, "Unsupported protocol version")},
           Row{"GET", "?EIO=5&transport=polling", refusal(5, "Unsupported protocol version")},
           Row{"GET", "?EIO=abc&transport=polling", refusal(5, "Unsupported protocol version")},
       })
    EXPECT_EQ(ask(stage, row.method, std::string(path) + std::string(row.query)), row.expected)
        << row.method << row.query;
  EXPECT_EQ(stage.size(), 0U);
  EXPECT_TRUE(stage.door.heard.empty());
}

TEST(Engines, UpgradesThatOpenNothingAreAnswers) {
  EngineStage stage;
  for (std::string_view const query :
       {"?EIO=4&transport=polling", "?EIO=4", "?EIO=3&transport=websocket", "?EIO=4&transport=websocket&sid=nobody"}) {
    NetClient client(stage.net);
    EXPECT_EQ(client.upgrade(std::string(path) + std::string(query)), 400) << query;
    EXPECT_TRUE(client.ends());
  }
  EXPECT_EQ(stage.size(), 0U);
}

TEST(Engines, ThePathMayEndInASlashOrNot) {
  EngineStage stage;
  EXPECT_FALSE(PollingClient(stage, "EIO=4", "/engine.io").open().empty());
  EXPECT_FALSE(PollingClient(stage, "EIO=4", "/engine.io/").open().empty());
  EXPECT_EQ(ask(stage, "GET", "/engine.io/more?EIO=4&transport=polling").substr(0, 3), "404");
  EXPECT_EQ(stage.size(), 2U);
}

TEST(Engines, OldRevisionsAreServedWhereTheyAreSwitchedOn) {
  EngineSettings settings;
  settings.eio3 = true;
  EngineStage stage({}, settings);
  for (std::string_view const query : {"?EIO=3&transport=polling", "?transport=polling", "?EIO=4&transport=polling"})
    EXPECT_EQ(ask(stage, "GET", std::string(path) + std::string(query)).substr(0, 3), "200") << query;
  EXPECT_EQ(ask(stage, "GET", "/engine.io/?EIO=2&transport=polling"), refusal(5, "Unsupported protocol version"));
}

TEST(Engines, WhatIsOfNoUseToASessionIsRefused) {
  EngineStage stage;
  PollingClient client(stage);
  client.open();
  auto const target = "/engine.io/?EIO=4&transport=polling&sid=" + client.sid;
  for (std::string_view const method : {"PUT", "DELETE", "PATCH"})
    EXPECT_EQ(ask(stage, method, target), bad_request) << method;
  EXPECT_EQ(ask(stage, "GET", websocket_target(client.sid)), bad_request) << "without an upgrade";
  EXPECT_EQ(client.post("4a"), "ok") << "and it goes on";
}

TEST(Engines, ASessionIsOneOfItsOwnDoorOnly) {
  EngineStage stage;
  PollingClient mine(stage), theirs(stage, "EIO=4", "/other.io/");
  mine.open();
  theirs.open();
  EXPECT_EQ(stage.door.clients.size(), 1U);
  EXPECT_EQ(stage.other.clients.size(), 1U);
  EXPECT_EQ(ask(stage, "GET", "/other.io/?EIO=4&transport=polling&sid=" + mine.sid), unknown_sid);
  EXPECT_EQ(ask(stage, "POST", "/other.io/?EIO=4&transport=polling&sid=" + mine.sid), unknown_sid);
  NetClient socket(stage.net);
  EXPECT_EQ(socket.upgrade("/other.io/?EIO=4&transport=websocket&sid=" + mine.sid), 400);
  EXPECT_EQ(mine.post("4a"), "ok");
  EXPECT_EQ(stage.door.heard, (Heard{"open", "text a"}));
  EXPECT_EQ(stage.other.heard, Heard{"open"});
}

TEST(Engines, AnAbortedRequestEndsASessionOfItsOwnDoorOnly) {
  Limits limits;
  limits.body_bytes = 2000;
  EngineStage stage(limits);
  PollingClient client(stage);
  client.open();
  auto const post_to = [&](std::string_view where) {
    NetClient posting(stage.net);
    posting.send("POST " + std::string(where) + "?EIO=4&transport=polling&sid=" + client.sid +
                 " HTTP/1.1\r\nHost: localhost:5409\r\nContent-Length: 2001\r\n\r\n");
    return posting.answer().status;
  };
  EXPECT_EQ(post_to("/now"), 413);
  EXPECT_EQ(post_to("/other.io/"), 413);
  EXPECT_EQ(client.post("4a"), "ok");
  EXPECT_EQ(post_to("/engine.io/"), 413);
  EXPECT_EQ(client.post("4b"), unknown_sid);
}

TEST(Engines, PagesFromElsewhereOpenNothing) {
  EngineStage stage;
  auto const target = std::string(path) + "?EIO=4&transport=polling";
  EXPECT_EQ(ask(stage, "GET", target, "Origin: http://evil.test\r\n").substr(0, 3), "403");
  EXPECT_EQ(ask(stage, "GET", target, "Host: evil.test\r\n").substr(0, 3), "400") << "two hosts";
  PollingClient client(stage);
  client.open();
  EXPECT_EQ(ask(stage, "GET", target + "&sid=" + client.sid, "Origin: http://evil.test\r\n").substr(0, 3), "403");
  EXPECT_EQ(ask(stage, "GET", target, "Origin: http://allowed.test\r\n").substr(0, 3), "200");
  EXPECT_EQ(stage.size(), 2U);
  EXPECT_EQ(client.post("4a"), "ok");
}

TEST(Engines, SessionsAreLimitedInNumber) {
  Limits limits;
  limits.connections = 3;
  EngineStage stage(limits);
  NetClient client(stage.net);  // one connection for all
  auto const open = [&] {
    client.get("/engine.io/?EIO=4&transport=polling");
    return client.answer();
  };
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(open().status, 200);
    stage.door.clients.back()->receive("it has come in");
  }
  auto const refused = open();
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.has("Retry-After: 5"));
  stage.door.clients.at(0)->line().outlet.close(1000, "");
  client.get("/engine.io/?EIO=4&transport=polling&sid=" + std::string(stage.door.clients.at(0)->line().id));
  EXPECT_EQ(client.answer().body,
            "4it has come in\x1e"
            "1");
  EXPECT_EQ(open().status, 200) << "there is room again";
}

TEST(Engines, WhoHasNotComeInGivesWayToTheNextTheOldestFirst) {
  Limits limits;
  limits.connections = 3;
  EngineStage stage(limits);
  NetClient client(stage.net);  // one connection for all
  auto const open = [&] {
    client.get("/engine.io/?EIO=4&transport=polling");
    EXPECT_EQ(client.answer().status, 200);
    return std::string(stage.door.clients.back()->line().id);
  };
  auto const is_there = [&](std::string const& sid) { return stage.net.peers.engines().find(sid) != nullptr; };
  auto const first = open();
  auto const second = open();
  auto const third = open();
  stage.door.clients.front()->receive("it has come in");
  auto const fourth = open();
  EXPECT_FALSE(is_there(second));
  auto const fifth = open();
  EXPECT_FALSE(is_there(third));
  EXPECT_TRUE(is_there(first) && is_there(fourth) && is_there(fifth));
  client.get("/engine.io/?EIO=4&transport=polling&sid=nobody");
  EXPECT_EQ(client.answer().status, 400);
  EXPECT_TRUE(is_there(fourth)) << "only a newcomer needs room";
}

TEST(Engines, EverySessionHasAnIdOfItsOwn) {
  EngineStage stage;
  PollingClient first(stage), second(stage);
  first.open();
  second.open();
  EXPECT_NE(first.sid, second.sid);
  EXPECT_NE(stage.net.peers.engines().find(first.sid), nullptr);
  EXPECT_EQ(stage.net.peers.engines().find("nobody"), nullptr);
  EXPECT_EQ(first.post("4a"), "ok");
  EXPECT_EQ(second.post("4b"), "ok");
  EXPECT_EQ(second.poll(), "4b");
  EXPECT_EQ(first.poll(), "4a");
}

TEST(Engines, TheLongestQueueIsKnown) {
  EngineStage stage;
  auto& engines = stage.net.peers.engines();
  EXPECT_EQ(engines.longest(), nullptr);
  PollingClient first(stage), second(stage);
  first.open();
  second.open();
  EXPECT_EQ(engines.longest(), nullptr) << "nothing waits";
  stage.door.clients.at(0)->say("short");
  stage.door.clients.at(1)->say("a longer one");
  EXPECT_EQ(engines.longest(), engines.find(second.sid));
  EXPECT_EQ(second.poll(), "4a longer one");
  EXPECT_EQ(engines.longest(), engines.find(first.sid));
}

TEST(Engines, WhoeverWaitsHearsThatTheServerEnds) {
  EngineStage stage;
  PollingClient parked(stage), away(stage);
  parked.open();
  away.open();
  NetClient socket(stage.net);
  ASSERT_EQ(socket.upgrade(websocket_target()), 101);
  EXPECT_EQ(next_frame(socket).substr(0, 3), "1 0");
  parked.park();
  stage.door.heard.clear();
  stage.net.peers.drain("the server is shutting down");
  EXPECT_EQ(parked.answer(), "1");
  EXPECT_TRUE(parked.polls.ends());
  EXPECT_EQ(next_frame(socket), "8 1012 the server is shutting down");
  EXPECT_EQ(stage.door.heard,
            (Heard{"leave server shutting down", "leave server shutting down", "leave transport close"}));
  PollingClient late(stage, "EIO=4&sid=" + away.sid);
  EXPECT_EQ(late.poll(), "1") << "whoever was away still gets to know";
  socket.drop();
  EXPECT_TRUE(stage.is_empty());
}

// Whatever they are at when they go.
TEST(Engines, EverythingIsGivenBack) {
  EngineSettings settings;
  settings.ping_ms = settings.pong_ms = 150;
  EngineStage stage({}, settings);
  auto const before = test::count_descriptors();
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<PollingClient>> clients;
    std::vector<std::unique_ptr<NetClient>> sockets;
    for (int i = 0; i < 24; ++i) {
      clients.push_back(std::make_unique<PollingClient>(stage));
      auto& client = *clients.back();
      client.open();
      sockets.push_back(std::make_unique<NetClient>(stage.net));
      if (i % 2 == 0) client.ask();
      if (i % 3 == 0) client.post("4a");
      if (i % 4 != 0) sockets.back()->send(NetClient::handshake(websocket_target(i % 4 == 1 ? "" : client.sid)));
      if (i % 5 == 0) stage.settle();
      if (i % 4 == 2) sockets.back()->say("2probe");
      if (i % 8 == 6) sockets.back()->say("5");
    }
    EXPECT_GE(stage.size(), 24U);
    stage.net.steps(round);
    clients.clear();
    sockets.clear();
    EXPECT_TRUE(stage.is_empty());
    EXPECT_TRUE(stage.door.clients.empty());
    ASSERT_TRUE(stage.net.until([&] { return stage.net.peers.size() == 0; }));
    EXPECT_LE(test::count_descriptors(), before + 1) << "what sending needs";
  }
}

}  // namespace
}  // namespace sojourn

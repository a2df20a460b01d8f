#include "net/engine.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/engine_stage.h"

namespace sojourn {
namespace {

using namespace std::string_literals;
using test::bad_request;
using test::EngineStage;
using test::Heard;
using test::PollingClient;
using test::unknown_sid;

EngineSettings with_beat(std::int64_t ping_ms, std::int64_t pong_ms) {
  EngineSettings settings;
  settings.ping_ms = ping_ms;
  settings.pong_ms = pong_ms;
  return settings;
}

EngineSettings with_old() {
  EngineSettings settings;
  settings.eio3 = true;
  return settings;
}

// A stage and a client whose session is open.
class EngineTest : public testing::Test {
 protected:
  void open(Limits const& limits = {}, EngineSettings const& settings = {}, std::string const& query = "EIO=4") {
    stage.emplace(limits, settings);
    client = std::make_unique<PollingClient>(*stage, query);
    handshake = client->open();
    ASSERT_FALSE(client->sid.empty()) << handshake;
    ASSERT_EQ(take_heard(), Heard{"open"});
  }
  test::EchoDoor::Client& above() { return *stage->door.clients.at(0); }
  Heard take_heard() { return std::exchange(stage->door.heard, {}); }
  // The session has ended so, and nothing of it is left.
  void expect_end(std::string_view reason) {
    EXPECT_TRUE(stage->is_empty());
    EXPECT_TRUE(stage->door.clients.empty());
    ASSERT_FALSE(stage->door.heard.empty());
    EXPECT_EQ(stage->door.heard.back(), "leave " + std::string(reason));
    EXPECT_EQ(client->poll(), unknown_sid);
  }

  std::optional<EngineStage> stage;
  std::unique_ptr<PollingClient> client;
  std::string handshake;
};

TEST_F(EngineTest, TheHandshakeSaysHowToGoOn) {
  open();
  EXPECT_EQ(handshake, "0{\"sid\":\"" + client->sid +
                           "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000,"
                           "\"maxPayload\":1000000}");
  EXPECT_EQ(client->sid.size(), 20U);
  EXPECT_TRUE(client->last.has("Content-Type: text/plain; charset=UTF-8"));
  EXPECT_EQ(above().line().id, client->sid);
  EXPECT_EQ(above().line().transport, "polling");
}

TEST_F(EngineTest, WhatIsPostedIsHeardInOrderAndAllOfItIsAnsweredAtOnce) {
  open();
  EXPECT_EQ(client->post("4a\x1e"
                         "4b\x1e"
                         "bAQI=\x1e"
                         "4\xe2\x82\xac"),
            "ok");
  EXPECT_EQ(take_heard(), (Heard{"text a", "text b", "bytes \x01\x02", "text \xe2\x82\xac"}));
  EXPECT_EQ(client->post("4c"), "ok");
  EXPECT_EQ(client->poll(),
            "4a\x1e"
            "4b\x1e"
            "bAQI=\x1e"
            "4\xe2\x82\xac\x1e"
            "4c");
}

TEST_F(EngineTest, APollWaitsUntilThereIsSomethingToSay) {
  open();
  client->park();
  client->polls.poll();
  EXPECT_EQ(client->polls.received, "");
  EXPECT_EQ(client->post("4a"), "ok");
  EXPECT_EQ(client->answer(), "4a");
  client->park();
  above().say("one");
  above().say("two");  // of the same turn
  EXPECT_EQ(client->answer(),
            "4one\x1e"
            "4two");
}

TEST_F(EngineTest, NothingIsLostOrSaidTwiceOverManyPolls) {
  open();
  std::string said, got;
  for (int i = 0; i < 200; ++i) {
    auto const text = std::to_string(i);
    above().say(text);
    said += "4" + text + "\x1e";
    if (i % 7 == 0) got += client->poll() + "\x1e";
    if (i % 13 == 0) client->park();
    if (i % 13 == 0) above().say("parked");
    if (i % 13 == 0) said += "4parked\x1e";
    if (i % 13 == 0) got += client->answer() + "\x1e";
  }
  above().say("last");
  EXPECT_EQ(got + client->poll(), said + "4last");
}

TEST_F(EngineTest, ASecondPollAtATimeEndsTheSessionAndBothAreAnswered) {
  open();
  client->park();
  auto second = std::make_unique<test::NetClient>(stage->net);
  second->get("/engine.io/?EIO=4&transport=polling&sid=" + client->sid);
  auto const refused = second->answer();
  EXPECT_EQ(std::to_string(refused.status) + " " + refused.body, bad_request);
  EXPECT_EQ(client->answer(), "1");
  expect_end("transport error");
}

TEST_F(EngineTest, APollThatIsAbortedEndsTheSessionAtOnce) {
  open();
  client->park();
  client->polls.drop();
  stage->settle();
  EXPECT_EQ(take_heard(), Heard{"leave transport close"});
  EXPECT_EQ(stage->size(), 0U);
}

TEST_F(EngineTest, AnIdleConnectionThatGoesEndsNothing) {
  open();
  client->posts.drop();
  client->polls.drop();
  stage->settle();
  PollingClient again(*stage, "EIO=4&sid=" + client->sid);
  EXPECT_EQ(again.post("4a"), "ok");
  EXPECT_EQ(again.poll(), "4a");
}

TEST_F(EngineTest, AHalfClosedPollerIsAnsweredAndItsSessionIsOver) {
  open();
  client->park();
  client->polls.half_close();
  EXPECT_EQ(client->answer(), bad_request);
  EXPECT_TRUE(client->polls.ends());
  EXPECT_EQ(take_heard(), Heard{"leave transport close"});
  EXPECT_TRUE(stage->is_empty());
}

TEST_F(EngineTest, ABodyThatIsTooLargeEndsTheSession) {
  Limits limits;
  limits.body_bytes = 2000;
  for (bool const chunked : {false, true}) {
    open(limits);
    client->park();
    if (chunked)
      client->posts.send(client->head("Transfer-Encoding: chunked\r\n\r\n") + "7d1\r\n4" + std::string(2000, 'x'));
    else
      client->posts.send(client->head("Content-Length: 2001\r\n\r\n4"));
    EXPECT_EQ(client->posts.answer().status, 413);
    EXPECT_EQ(client->answer(), "1");
    expect_end("transport error");
  }
}

TEST_F(EngineTest, ABodyOfTheLargestSizeIsTaken) {
  Limits limits;
  limits.body_bytes = 2000;
  open(limits);
  auto const largest = "4" + std::string(1999, 'x');
  EXPECT_EQ(client->post(largest), "ok");
  EXPECT_EQ(client->poll(), largest);
}

TEST_F(EngineTest, ABodyThatIsNoneEndsTheSession) {
  for (std::string_view const body : {"", "hello", "4a\x1e", "4\xff", "bAQ="}) {
    open();
    client->park();
    EXPECT_EQ(client->post(body), bad_request) << body;
    EXPECT_EQ(client->poll(), "");  // what waited, with nothing to say
    expect_end("parse error");
  }
  open();
  EXPECT_EQ(client->post("4a", "Content-Type: application/octet-stream\r\n"), bad_request);
  expect_end("transport error");
}

TEST_F(EngineTest, NothingIsHeardBehindTheClose) {
  open();
  client->park();
  EXPECT_EQ(client->post("4a\x1e"
                         "1\x1e"
                         "4b"),
            "ok");
  EXPECT_EQ(client->answer(), "6") << "nor is anything said to who has said goodbye";
  EXPECT_EQ(take_heard(), (Heard{"text a", "leave transport close"}));
  EXPECT_TRUE(stage->is_empty());
}

TEST_F(EngineTest, WhoPostsTooManyMessagesIsSentAway) {
  Limits limits;
  limits.messages_per_s = 1;
  limits.message_burst = 3;
  open(limits);
  EXPECT_EQ(client->post("4a\x1e"
                         "4b\x1e"
                         "3\x1e"
                         "6"),
            "ok");
  EXPECT_EQ(client->post("4c"), "ok");
  take_heard();
  EXPECT_EQ(client->post("4d"), bad_request);
  EXPECT_EQ(stage->door.heard, Heard{"leave forced close"});
  expect_end("forced close");
}

TEST_F(EngineTest, OfABodyWithTooManyMessagesThoseThatMayBeAreHeard) {
  Limits limits;
  limits.message_burst = 3;
  open(limits);
  EXPECT_EQ(client->post("4a\x1e"
                         "4b\x1e"
                         "4c\x1e"
                         "4d"),
            bad_request);
  EXPECT_EQ(take_heard(), (Heard{"text a", "text b", "text c", "leave forced close"}));
}

TEST_F(EngineTest, TheServerPingsAndWaitsForThePong) {
  open({}, with_beat(60, 200));
  EXPECT_EQ(client->poll(), "2");
  EXPECT_EQ(client->post("3"), "ok");
  EXPECT_EQ(client->poll(), "2");
  EXPECT_EQ(client->poll(), "1") << "there was no pong";
  expect_end("ping timeout");
}

TEST_F(EngineTest, WhoNeverPollsIsNotKept) {
  open({}, with_beat(40, 40));
  EXPECT_TRUE(stage->is_empty());
  EXPECT_EQ(take_heard(), Heard{"leave ping timeout"});
}

TEST_F(EngineTest, WhatTheServerEndsCanStillBeFetched) {
  open();
  above().say("bye");
  above().line().outlet.close(1000, "");
  stage->settle();
  EXPECT_EQ(take_heard(), Heard{"leave forced close"});
  EXPECT_EQ(client->post("4late"), bad_request);
  EXPECT_EQ(client->poll(),
            "4bye\x1e"
            "1");
  EXPECT_TRUE(stage->is_empty());
  EXPECT_EQ(client->poll(), unknown_sid);
}

TEST_F(EngineTest, APollThatWaitsHearsTheEndAtOnce) {
  open();
  client->park();
  above().say("bye");
  above().line().outlet.close(1008, "");
  EXPECT_EQ(client->answer(),
            "4bye\x1e"
            "1");
  expect_end("forced close");
}

TEST_F(EngineTest, WhoIsToComeBackIsToldOfALostTransport) {
  open();
  client->park();
  above().line().outlet.close(1012, "");
  EXPECT_EQ(client->answer(), "1");
  expect_end("transport close");
}

TEST_F(EngineTest, ToCloseTwiceIsToCloseOnce) {
  open();
  above().line().outlet.close(1000, "");
  above().line().outlet.close(1012, "");
  stage->settle();
  EXPECT_EQ(take_heard(), Heard{"leave forced close"});
  EXPECT_EQ(client->poll(), "1");
}

TEST_F(EngineTest, WhoPollsTooSlowlyIsCutOff) {
  Limits limits;
  limits.queue_bytes = 20'000;
  open(limits);
  above().say(std::string(19'000, 'x'));
  EXPECT_GT(above().line().outlet.queued_bytes(), 19'000U);
  stage->settle();
  EXPECT_EQ(client->poll().size(), 19'001U) << "that fits in";
  EXPECT_EQ(above().line().outlet.queued_bytes(), 0U);
  above().say(std::string(19'000, 'x'));
  stage->settle();
  EXPECT_TRUE(take_heard().empty());
  above().say(std::string(1'000, 'x'));
  stage->settle();
  expect_end("transport error");
}

TEST_F(EngineTest, ManySmallMessagesCountAsMoreThanTheirBytes) {
  Limits limits;
  limits.queue_bytes = 20'000;
  open(limits);
  for (int i = 0; i < 400; ++i) above().say("");
  stage->settle();
  expect_end("transport error");
}

TEST_F(EngineTest, WhatIsSaidInOneIterationIsBoundedWhetherAPollWaitsOrNot) {
  for (bool const polls : {false, true}) {
    Limits limits;
    limits.queue_bytes = 20'000;
    client.reset();
    open(limits);
    if (polls) client->park();
    std::size_t most = 0;
    for (int i = 0; i < 1000; ++i) {
      above().say(std::string(5'000, 'x'));
      most = std::max(most, above().line().outlet.queued_bytes());
    }
    EXPECT_LT(most, 27'000U);
    stage->settle();
    if (polls) client->answer();
    expect_end("transport error");
  }
}

TEST_F(EngineTest, WhatWaitsForAPollThatIsThereCutsNobodyOff) {
  Limits limits;
  limits.queue_bytes = 20'000;
  open(limits);
  client->park();
  above().say(std::string(50'000, 'x'));
  EXPECT_EQ(client->answer().size(), 50'001U);
  EXPECT_TRUE(take_heard().empty());
}

// Whoever waits with most makes room for all, and what is counted is given back to the byte.
TEST_F(EngineTest, WhenTooMuchWaitsInAllTheLongestQueueIsCut) {
  Limits limits;
  limits.queues_bytes = 100'000;
  open(limits);
  PollingClient second(*stage);
  second.open();
  auto const say = [this](std::size_t who, std::size_t bytes) {
    stage->door.clients.at(who)->say(std::string(bytes, 'x'));
    stage->settle();
  };
  take_heard();
  say(0, 30'000);
  say(1, 60'000);
  EXPECT_TRUE(take_heard().empty());
  say(0, 15'000);
  EXPECT_EQ(take_heard(), Heard{"leave transport error"});
  EXPECT_EQ(second.poll(), unknown_sid);
  EXPECT_EQ(client->poll().size(), 45'003U);
  for (int round = 0; round < 5; ++round) {
    say(0, 99'000);
    EXPECT_TRUE(take_heard().empty()) << "all of it is free again";
    EXPECT_EQ(client->poll().size(), 99'001U);
  }
  say(0, 100'000);
  expect_end("transport error");
}

TEST_F(EngineTest, WhoeverGoesTakesWhatWaitedOutOfTheCount) {
  Limits limits;
  limits.queues_bytes = 100'000;
  open(limits, with_beat(60, 60));
  above().say(std::string(90'000, 'x'));
  expect_end("ping timeout");
  open(limits);
  above().say(std::string(90'000, 'x'));
  client->park();  // the answer is on its way
  client->polls.drop();
  stage->settle();
  PollingClient next(*stage);
  next.open();
  stage->door.clients.back()->say(std::string(90'000, 'y'));
  stage->settle();
  EXPECT_EQ(next.poll().size(), 90'001U);
}

TEST_F(EngineTest, TheEndOfTheServerIsTheEndOfItsSessions) {
  test::EchoDoor door;
  {
    test::NetStage net;
    net.router.add(&door, {}, test::EchoDoor::entrances());
    test::NetClient parked(net), socket(net);
    parked.get("/engine.io/?EIO=4&transport=polling");
    ASSERT_EQ(parked.answer().status, 200);
    ASSERT_EQ(socket.upgrade(test::websocket_target()), 101);
    parked.get("/engine.io/?EIO=4&transport=polling&sid=" + std::string(door.clients.at(0)->line().id));
    net.steps(4);
    door.heard.clear();
  }
  std::ranges::sort(door.heard);
  EXPECT_EQ(door.heard, (Heard{"leave server shutting down", "leave transport close"}));
  EXPECT_TRUE(door.clients.empty());
}

class OldEngineTest : public EngineTest {
 protected:
  void open_old(std::string const& query = "EIO=3", Limits const& limits = {}) { open(limits, with_old(), query); }
};

TEST_F(OldEngineTest, RevisionThreeCountsItsPackets) {
  open_old();
  auto const open_packet =
      "0{\"sid\":\"" + client->sid + "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000}";
  EXPECT_EQ(handshake, std::to_string(open_packet.size()) + ":" + open_packet);
  EXPECT_EQ(client->post("2:4a2:4\xe2\x82\xac"), "ok");
  EXPECT_EQ(client->poll(), "2:4a2:4\xe2\x82\xac");
  EXPECT_EQ(client->post("6:2hello"), "ok") << "it is the client who pings";
  EXPECT_EQ(client->poll(), "6:3hello");
}

TEST_F(OldEngineTest, BytesOfRevisionThreeMakeTheWholeBodyOne) {
  open_old();
  EXPECT_EQ(client->post("\0\2\xff"
                         "4a\1\3\xff\4\1\2"s,
                         "Content-Type: application/octet-stream\r\n"),
            "ok");
  EXPECT_EQ(take_heard(), (Heard{"text a", "bytes \x01\x02"}));
  EXPECT_EQ(client->poll(),
            "\0\2\xff"
            "4a\1\3\xff\4\1\2"s);
  EXPECT_TRUE(client->last.has("Content-Type: application/octet-stream"));
}

TEST_F(OldEngineTest, ClientsThatWantNoBytesGetText) {
  open_old("EIO=3&b64=1");
  EXPECT_EQ(client->post("2:4a6:b4AQID"), "ok");
  EXPECT_EQ(take_heard(), (Heard{"text a", "bytes \x01\x02\x03"}));
  EXPECT_EQ(client->poll(), "2:4a6:b4AQID");
  EXPECT_TRUE(client->last.has("Content-Type: text/plain; charset=UTF-8"));
}

TEST_F(OldEngineTest, TextOfRevisionThreeIsUtf8) {
  open_old();
  EXPECT_EQ(client->post("3:4\x80(x"), bad_request);
  expect_end("parse error");
  open_old();
  EXPECT_EQ(client->post("\0\2\xff"
                         "4\xff"s,
                         "Content-Type: application/octet-stream\r\n"),
            bad_request);
  expect_end("parse error");
}

}  // namespace
}  // namespace sojourn

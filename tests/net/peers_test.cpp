#include "net/peers.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "net/websocket.h"
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

// Peers whose WebSockets are in no session: what they are sent is what a test pushes.
class Flush : public testing::Test {
 protected:
  struct Member {
    Peer* peer;
    int fd;  // the client's end
    std::string got;
  };

  explicit Flush(Limits const& limits = {}) : stage(limits) {}
  ~Flush() override {
    for (auto const& member : members) ::close(member.fd);
  }

  std::size_t join(int send_buffer = 0) {
    int const fd = stage.connect(send_buffer);
    auto* const peer = stage.peers.find(members.size() + 1);
    peer->become(std::make_unique<WebSocket>(*peer)).open({}, {});
    peer->end_exchange({});
    members.push_back({peer, fd, {}});
    stage.step();
    read(members.back());
    members.back().got.clear();
    return members.size() - 1;
  }
  void join_many(std::size_t count) {
    while (count-- > 0) join();
  }
  void push(std::size_t member, Bytes const& bytes) { members[member].peer->push(bytes); }
  void push_to_all(std::string text) {
    auto const bytes = std::make_shared<std::string const>(std::move(text));
    for (auto const& member : members) member.peer->push(bytes);
  }
  static Bytes make(std::string text) { return std::make_shared<std::string const>(std::move(text)); }

  // Everything that waits; fails when it takes too long.
  void flush_all() {
    int turns = 0;
    while (stage.peers.turn()) ASSERT_LT(++turns, 1000);
  }

  std::string const& read(Member& member) {
    std::array<char, 65536> buffer;
    for (;;) {
      auto const got = recv(member.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) return member.got;
      member.got.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  std::size_t count_of(std::string const& text) {
    return static_cast<std::size_t>(std::ranges::count_if(members, [&](auto& member) { return read(member) == text; }));
  }

  NetStage stage;
  std::vector<Member> members;
};

TEST_F(Flush, WhatManyShareGoesOutInSlices) {
  join_many(400);
  push_to_all("news");
  int turns = 1;
  for (bool more = true; (more = stage.peers.turn()); ++turns)
    EXPECT_LT(count_of("news"), 400u) << "done, yet not done";
  EXPECT_GT(turns, 2);
  EXPECT_EQ(count_of("news"), 400u);
}

TEST_F(Flush, WhatFewShareDoesNotWaitForWhatManyShare) {
  join_many(400);
  auto const [early, late, between] = std::array{join(), join(), join()};
  push(early, make("early"));
  auto const news = make("news");
  for (std::size_t i = 0; i < 400; ++i) push(i, news);
  push(late, make("late"));
  EXPECT_TRUE(stage.peers.turn());
  EXPECT_EQ(read(members[early]), "early");
  EXPECT_EQ(read(members[late]), "late") << "pushed behind all the others";
  push(between, make("between"));
  EXPECT_TRUE(stage.peers.turn());
  EXPECT_EQ(read(members[between]), "between");
  EXPECT_LT(count_of("news"), 400u);
  flush_all();
  EXPECT_EQ(count_of("news"), 400u);
}

// A slice is shorter when each send is longer, and a peer that takes nothing costs nothing of it.
TEST_F(Flush, LongMessagesMakeSlicesShorter) {
  for (int i = 0; i < 40; ++i) join(4096);
  for (int i = 0; i < 40; ++i) push(static_cast<std::size_t>(i), make(std::string(200'000, 'b')));
  flush_all();  // these are blocked from now on
  join_many(200);
  push_to_all(std::string(40'000, 'n'));
  int turns = 1;
  while (stage.peers.turn()) ++turns;
  EXPECT_GT(turns, 7) << "176 of 40,000 bytes each are more than 7 slices";
  EXPECT_LT(turns, 20);
  EXPECT_EQ(count_of(std::string(40'000, 'n')), 200u);
}

// However much goes to few, what many share moves on.
TEST_F(Flush, WhatManyShareIsNotStarved) {
  join_many(600);
  auto const news = make("news");
  for (std::size_t i = 0; i < 300; ++i) push(i, news);
  for (int turn = 0; turn < 2; ++turn) {
    for (std::size_t i = 300; i < 600; ++i) push(i, make("x"));
    stage.peers.turn();
  }
  EXPECT_EQ(count_of("news"), 300u);
  EXPECT_EQ(count_of("xx"), 300u);
}

TEST_F(Flush, WhoWaitsForItsSliceGetsWhatComesMeanwhileInOrder) {
  join_many(400);
  push_to_all("one ");
  stage.peers.turn();
  push_to_all("two ");
  stage.peers.turn();
  push(399, make("for one "));
  push_to_all("three");
  flush_all();
  EXPECT_EQ(count_of("one two three"), 399u);
  EXPECT_EQ(read(members[399]), "one two for one three");
}

TEST_F(Flush, WhoDiesWhileItWaitsForItsSliceIsFreedAndNobodyElseMinds) {
  join_many(400);
  push_to_all("news");
  stage.peers.turn();
  for (std::size_t i = 0; i < 400; i += 2) members[i].peer->close();
  EXPECT_TRUE(stage.peers.turn());
  EXPECT_GT(stage.peers.size(), 200u) << "who is listed is not freed yet";
  for (std::size_t i = 1; i < 400; i += 4) members[i].peer->close();
  flush_all();
  EXPECT_EQ(stage.peers.size(), 100u);
  for (std::size_t i = 3; i < 400; i += 4) EXPECT_EQ(read(members[i]), "news");
  EXPECT_FALSE(stage.peers.turn()) << "nothing is left to do";
}

TEST_F(Flush, ABrokenSocketEndsItsPeerOnly) {
  join_many(3);
  shutdown(members[1].fd, SHUT_RDWR);
  push_to_all("news");
  stage.peers.turn();
  EXPECT_EQ(stage.peers.size(), 2u);
  EXPECT_EQ(read(members[0]), "news");
  EXPECT_EQ(read(members[2]), "news");
}

TEST_F(Flush, ManyBuffersAndLargeOnesArriveWholeAndInOrder) {
  join_many(2);
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    auto const text = std::to_string(i) + " ";
    expected += text;
    push(0, make(text));
  }
  push(1, make(std::string(100'000, 'a')));
  push(1, make(std::string(30'000, 'b')));
  stage.peers.turn();
  EXPECT_EQ(read(members[0]), expected);
  EXPECT_TRUE(read(members[1]) == std::string(100'000, 'a') + std::string(30'000, 'b'));
}

TEST_F(Flush, SaysHowItSends) {
  EXPECT_TRUE(stage.peers.sending() == "io_uring" || stage.peers.sending() == "send");
  Peers const plain(stage.peers.world(), Sending::plain);
  EXPECT_EQ(plain.sending(), "send");
}

class FlushWithinLimits : public Flush {
 protected:
  FlushWithinLimits() : Flush(limits()) {}

  static Limits limits() {
    Limits limits;
    limits.queues_bytes = 300'000;
    limits.queue_bytes = 1'000'000;
    return limits;
  }
  bool is_open(std::size_t member) {
    auto const* const peer = stage.peers.find(member + 1);
    return peer != nullptr && !peer->is_closed();
  }
};

// Bytes that wait only for their slice are no reason to end anybody.
TEST_F(FlushWithinLimits, NobodyIsCutForWaitingForItsSlice) {
  join_many(400);
  push_to_all(std::string(10'000, 'x'));
  flush_all();
  EXPECT_EQ(stage.peers.size(), 400u);
  EXPECT_EQ(count_of(std::string(10'000, 'x')), 400u);
}

// Whoever is ended for the limit takes exactly its own bytes out of the count; else the limit would be another one
// from then on.
TEST_F(FlushWithinLimits, TheLimitOfAllQueuesStaysExactWhenItIsHitTwiceInARow) {
  for (int i = 0; i < 6; ++i) join(4096);
  auto const fill = [&](std::size_t member, std::size_t bytes) {
    push(member, make(std::string(bytes, 'x')));
    stage.peers.turn();
  };
  // Each has begun, so nothing of it can be taken back but by ending it.
  fill(0, 140'000);
  fill(1, 150'000);
  fill(2, 160'000);
  EXPECT_FALSE(is_open(2)) << "450,000 are too many";
  fill(3, 170'000);
  EXPECT_FALSE(is_open(3)) << "and again";
  EXPECT_TRUE(is_open(0) && is_open(1)) << "290,000 fit in";
  for (std::size_t const leaving : {0U, 1U}) members[leaving].peer->close();
  fill(4, 285'000);
  EXPECT_TRUE(is_open(4)) << "the others count no more";
  fill(5, 40'000);
  EXPECT_FALSE(is_open(4)) << "and nothing is missing in the count";
  EXPECT_TRUE(is_open(5));
}

TEST(Peers, EverythingIsGivenBack) {
  auto const before = test::count_descriptors();
  {
    NetStage stage;
    {
      NetClient first(stage);
      first.get("/now");
      first.answer();  // what sending needs is there from now on
    }
    ASSERT_TRUE(stage.until([&] { return stage.peers.size() == 0; }));
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

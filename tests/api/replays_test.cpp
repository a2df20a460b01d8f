#include "api/replays.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/hub_stage.h"

namespace sojourn {
namespace {

constexpr std::int64_t hour_us = std::int64_t{3600} * 1'000'000;

// Clients in front of the replays, and a door behind them that a test answers for.
class ReplaysTest : public testing::Test {
 protected:
  struct Sent {
    std::string key = "key-00001";
    std::string body = "{}";
    std::string path = "/api/v1/sessions";
    std::string query = {};
    std::string who = "user alice";
    std::string method = "POST";
    ListenerDialect listener = ListenerDialect::extension;
  };

  // Sends a request; the number that its answers come under.
  std::size_t send(Sent const& sent, std::vector<std::string> const& more_keys = {}) {
    auto const number = answers.size();
    answers.emplace_back();
    auto memory = std::make_unique<Sent>(sent);
    std::vector<Header> headers{{"Host", "localhost"}, {"IDEMPOTENCY-Key", memory->key}};
    for (auto const& key : more_keys) headers.push_back({"Idempotency-Key", key});
    if (memory->key == "none") headers.pop_back();
    Request request;
    request.method = memory->method;
    request.path = memory->path;
    request.query = memory->query;
    request.body = memory->body;
    request.listener = memory->listener;
    request.headers = headers;
    request.at = now();
    auto const through = replays->begin(request, memory->who, Respond(&ReplaysTest::hear, this, number));
    if (through) running.push_back(*through);
    return number;
  }
  // The door answers its oldest request.
  void answer(int status, std::string body = "{}", bool is_open = false) {
    ASSERT_FALSE(running.empty());
    auto const respond = running.front();
    running.pop_front();
    Response response;
    response.status = status;
    response.body = std::move(body);
    response.headers.emplace_back("Location", "/somewhere");
    response.is_last = true;
    response.is_open = is_open;
    respond(std::move(response));
  }
  // One that runs and is answered.
  void run(Sent const& sent, std::string body = "{}") {
    send(sent);
    answer(200, std::move(body));
  }
  // Whether a request with that key would run again.
  bool runs(Sent const& sent) {
    auto const before = running.size();
    send(sent);
    bool const is_running = running.size() > before;
    if (is_running) running.pop_back();
    return is_running;
  }

  // Two clocks that move together.
  Moment now() const { return {now_us, 1'771'960'936'015'000 + now_us}; }

  static void hear(void* test, std::uint64_t number, Response response) {
    auto& self = *static_cast<ReplaysTest*>(test);
    self.answers[number].push_back(std::move(response));
    if (self.on_answer) self.on_answer();
  }
  static std::string header(Response const& response, std::string_view name) {
    for (auto const& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
  }

  std::optional<Replays> replays{std::in_place};
  std::int64_t now_us = 1'000'000;
  std::deque<Respond> running;                 // what came through to the door
  std::vector<std::vector<Response>> answers;  // by number
  std::function<void()> on_answer;
};

TEST_F(ReplaysTest, TheSameRequestRunsOnceAndIsAnsweredTwice) {
  auto const first = send({});
  answer(201, R"({"session_id":"1"})");
  auto const second = send({});
  EXPECT_TRUE(running.empty());
  for (auto const number : {first, second}) {
    ASSERT_EQ(answers[number].size(), 1u);
    auto const& response = answers[number][0];
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.body, R"({"session_id":"1"})");
    EXPECT_EQ(response.content_type, Response().content_type);
    EXPECT_EQ(header(response, "Location"), "/somewhere");
    EXPECT_EQ(header(response, "Idempotent-Replayed"), number == first ? "" : "true");
    EXPECT_EQ(response.is_last, number == first) << "that concerns one connection";
  }
}

TEST_F(ReplaysTest, RequestsWithoutAKeyPassByAndSoDoOtherMethods) {
  for (auto const& sent : {Sent{.key = "none"}, Sent{.key = "none"}, Sent{.method = "PUT"}, Sent{.method = "PUT"},
                           Sent{.key = "bad", .method = "GET"}}) {
    auto const number = send(sent);
    answer(200);
    ASSERT_EQ(answers[number].size(), 1u);
    EXPECT_EQ(header(answers[number][0], "Idempotent-Replayed"), "");
  }
}

TEST_F(ReplaysTest, AMalformedKeyIsRefused) {
  for (std::string const& key : {std::string(), std::string("1234567"), std::string(256, 'x'), std::string("12345678 "),
                                 std::string("1234.5678"), std::string("schl\xc3\xbcssel"), std::string("a/b/c/d/e")}) {
    auto const number = send({.key = key});
    ASSERT_EQ(answers[number].size(), 1u) << key;
    EXPECT_EQ(answers[number][0].status, 400) << key;
    EXPECT_NE(answers[number][0].body.find("Idempotency-Key"), std::string::npos);
  }
  auto const twice = send({}, {"key-00001"});
  EXPECT_EQ(answers[twice].at(0).status, 400);
  EXPECT_TRUE(running.empty());
  for (std::string const& key : {std::string("Az09_-xx"), std::string(255, 'x')}) {
    EXPECT_TRUE(runs({.key = key})) << key;
  }
}

TEST_F(ReplaysTest, AnotherBodyWithTheSameKeyIsRefused) {
  send({});
  auto const early = send({.body = "{ }"});
  EXPECT_EQ(answers[early].at(0).status, 422);
  answer(200);
  auto const late = send({.body = ""});
  EXPECT_EQ(answers[late].at(0).status, 422);
  EXPECT_TRUE(running.empty());
  auto const same = send({});
  EXPECT_EQ(answers[same].at(0).status, 200) << "the first answer is still there";
}

TEST_F(ReplaysTest, NobodySeesTheAnswerOfAnotherWhoOrWhat) {
  run({});
  for (auto const& sent :
       {Sent{.who = "user bob"}, Sent{.who = "user alice 1"}, Sent{.path = "/api/v1/sessions/"},
        Sent{.query = "user_id=bob"}, Sent{.key = "key-00002"}, Sent{.listener = ListenerDialect::sessions}}) {
    EXPECT_TRUE(runs(sent)) << sent.who << sent.path << sent.query;
  }
  // Nor by a sly division of the same text.
  run({.path = "/a", .query = "b"});
  EXPECT_TRUE(runs({.path = "/ab", .query = ""}));
  EXPECT_TRUE(runs({.path = "/a", .query = "", .who = "buser alice"}));
}

TEST_F(ReplaysTest, WhoeverComesWhileItRunsWaitsForTheSameAnswer) {
  std::vector<std::size_t> numbers;
  for (int i = 0; i < 3; ++i) numbers.push_back(send({}));
  EXPECT_EQ(running.size(), 1u);
  for (auto const number : numbers) EXPECT_TRUE(answers[number].empty());
  answer(200, "[1]");
  for (auto const number : numbers) {
    ASSERT_EQ(answers[number].size(), 1u);
    EXPECT_EQ(answers[number][0].body, "[1]");
    EXPECT_EQ(header(answers[number][0], "Idempotent-Replayed"), number == numbers[0] ? "" : "true");
  }
}

TEST_F(ReplaysTest, AFailureIsTheAnswerOfWhoeverWaitedAndIsNotKept) {
  for (int const status : {400, 404, 500, 503, 302}) {
    auto const first = send({});
    auto const waiting = send({});
    answer(status, "no");
    for (auto const number : {first, waiting}) {
      ASSERT_EQ(answers[number].size(), 1u);
      EXPECT_EQ(answers[number][0].status, status);
      EXPECT_EQ(answers[number][0].body, "no");
    }
    EXPECT_TRUE(running.empty());
  }
  auto const again = send({.body = "another body"});
  ASSERT_EQ(running.size(), 1u) << "the key is free again";
  answer(204, "");
  EXPECT_EQ(answers[again].at(0).status, 204);
}

TEST_F(ReplaysTest, AnswersCrossEachOther) {
  auto const one = send({.key = "key-00001"});
  auto const two = send({.key = "key-00002"});
  std::swap(running[0], running[1]);
  answer(200, "two");
  EXPECT_TRUE(answers[one].empty());
  answer(200, "one");
  EXPECT_EQ(answers[one].at(0).body, "one");
  EXPECT_EQ(answers[two].at(0).body, "two");
}

TEST_F(ReplaysTest, ADoorIsHeardOnce) {
  auto const first = send({});
  auto const respond = running.front();
  answer(200, "once");
  respond(Response{});
  EXPECT_EQ(answers[first].size(), 1u);
  EXPECT_EQ(answers[send({})].at(0).body, "once");
}

TEST_F(ReplaysTest, WhoIsToldMaySendTheNextRequestAtOnce) {
  int sent = 0;
  on_answer = [&] {
    if (++sent < 4) send({.key = sent % 2 == 0 ? "key-00001" : "key-00002"});
  };
  send({});
  send({});
  answer(200, "x");
  EXPECT_EQ(running.size(), 1u) << "key-00002, and the others had an answer or wait";
  answer(500, "y");
  for (auto const& each : answers) EXPECT_EQ(each.size(), 1u);
}

TEST_F(ReplaysTest, AnAnswerIsKeptForAnHour) {
  run({});
  now_us += hour_us - 1;
  EXPECT_FALSE(runs({}));
  now_us += 1;
  EXPECT_TRUE(runs({}));
}

TEST_F(ReplaysTest, TheHourBeginsWithTheAnswerAndASlowOneIsNotForgottenBefore) {
  send({});
  now_us += 2 * hour_us;
  run({.key = "key-00002"});
  EXPECT_FALSE(runs({})) << "it still runs";
  answer(200);
  EXPECT_FALSE(runs({}));
  now_us += hour_us;
  EXPECT_TRUE(runs({}));
}

TEST_F(ReplaysTest, TheOldestAnswersGiveWay) {
  auto const key = [](int i) { return "key-" + std::to_string(100'000 + i); };
  for (int i = 0; i < 10'001; ++i) run({.key = key(i)});
  EXPECT_TRUE(runs({.key = key(0)}));
  EXPECT_FALSE(runs({.key = key(1)}));
  EXPECT_FALSE(runs({.key = key(10'000)}));
}

TEST_F(ReplaysTest, TheirBytesAreBounded) {
  std::string const large(1'000'000, 'x');
  auto const key = [](int i) { return "key-" + std::to_string(100'000 + i); };
  for (int i = 0; i < 68; ++i) run({.key = key(i)}, large);
  EXPECT_TRUE(runs({.key = key(0)}));
  EXPECT_FALSE(runs({.key = key(1)}));
  EXPECT_FALSE(runs({.key = key(67)}));
}

TEST_F(ReplaysTest, AnAnswerLargerThanAllIsToldButNotKept) {
  run({.key = "key-before"});
  auto const first = send({});
  auto const waiting = send({});
  answer(200, std::string(65 * 1024 * 1024, 'x'));
  EXPECT_EQ(answers[first].at(0).body.size(), std::size_t{65} * 1024 * 1024);
  EXPECT_EQ(answers[waiting].at(0).body.size(), std::size_t{65} * 1024 * 1024);
  EXPECT_TRUE(runs({}));
  EXPECT_FALSE(runs({.key = "key-before"})) << "the others stay";
}

TEST_F(ReplaysTest, AnOpenAnswerIsForItsOwnClientAndNotKept) {
  auto const first = send({});
  auto const second = send({});
  answer(200, "data", true);
  ASSERT_EQ(answers[first].size(), 1u);
  EXPECT_EQ(answers[first][0].status, 200);
  EXPECT_TRUE(answers[first][0].is_open);
  ASSERT_EQ(answers[second].size(), 1u);
  EXPECT_EQ(answers[second][0].status, 409);
  EXPECT_FALSE(answers[second][0].is_open);
  EXPECT_TRUE(runs({}));
}

// A server that is killed at any moment, and starts again.
class LastingReplaysTest : public ReplaysTest {
 protected:
  LastingReplaysTest() { replays->remember(stage.hub, now(), seal_key); }
  void kill() {
    running.clear();
    replays.emplace();
    ASSERT_TRUE(stage.restart());
    replays->remember(stage.hub, now(), seal_key);
  }
  // The door does something that is kept, before it answers.
  std::string open_session() {
    auto const opened = stage.submit(local_principal(), OpenSession{SessionKind::shared, {}, {}});
    stage.turns(4);
    return opened->as<Opened>()->session.id;
  }
  std::size_t sessions() const { return stage.hub.session_count(); }

  SealKey seal_key{1, 2, 3};
  HubStage stage;
};

TEST_F(LastingReplaysTest, AnAnswerThatWasGivenIsGivenAgainAfterARestart) {
  auto const first = send({});
  answer(201, R"({"session_id":"1"})");
  EXPECT_TRUE(answers[first].empty()) << "not before it is kept";
  stage.turns(3);
  ASSERT_EQ(answers[first].size(), 1U);
  kill();
  for (int i = 0; i < 2; ++i) {
    auto const again = send({});
    ASSERT_EQ(answers[again].size(), 1U);
    EXPECT_EQ(answers[again][0].status, 201);
    EXPECT_EQ(answers[again][0].body, R"({"session_id":"1"})");
    EXPECT_EQ(answers[again][0].content_type, Response().content_type);
    EXPECT_EQ(header(answers[again][0], "Location"), "/somewhere");
    EXPECT_EQ(header(answers[again][0], "Idempotent-Replayed"), "true");
    kill();
  }
  EXPECT_EQ(answers[send({.body = "another"})].at(0).status, 422);
  EXPECT_TRUE(runs({.key = "key-00002"}));
}

TEST_F(LastingReplaysTest, WhatWasCarriedOutAndNotAnsweredIsNotCarriedOutAgain) {
  send({});
  open_session();
  kill();
  ASSERT_EQ(sessions(), 1U);
  auto const again = send({});
  EXPECT_TRUE(running.empty());
  EXPECT_EQ(answers[again].at(0).status, 409);
  EXPECT_NE(answers[again].at(0).body.find("see whether it was carried out"), std::string::npos);
}

TEST_F(LastingReplaysTest, WhatLeftNothingBehindRunsAgain) {
  send({});
  stage.submit(local_principal(), OpenSession{SessionKind::shared, {}, {}});
  kill();  // before the commit of either
  ASSERT_EQ(sessions(), 0U);
  EXPECT_TRUE(runs({}));
}

TEST_F(LastingReplaysTest, ARefusalIsNotRemembered) {
  auto const first = send({});
  stage.turns(3);
  answer(404, "no");
  EXPECT_EQ(answers[first].at(0).status, 404) << "at once";
  stage.turns(3);
  kill();
  EXPECT_TRUE(runs({}));
}

TEST_F(LastingReplaysTest, TheHourGoesOnMeanwhileAndThenNothingIsLeft) {
  run({});
  stage.turns(3);
  now_us += hour_us - 1;
  kill();
  EXPECT_FALSE(runs({}));
  now_us += 1;
  kill();
  EXPECT_TRUE(runs({}));
  running.clear();
  stage.turns(3);
  now_us += hour_us;
  kill();
  stage.turns(3);
  kill();
  EXPECT_TRUE(stage.hub.take_notes().empty());
}

TEST_F(LastingReplaysTest, AnAnswerThatIsTooLongIsLost) {
  run({}, std::string(17'000, 'x'));
  stage.turns(3);
  EXPECT_EQ(answers[send({})].at(0).status, 200) << "while the server runs";
  kill();
  EXPECT_EQ(answers[send({})].at(0).status, 409);
}

TEST_F(LastingReplaysTest, NoAnswerIsKeptInTheClearAndWithAnotherKeyItIsLost) {
  run({}, R"({"token":"a-secret"})");
  stage.turns(3);
  kill();
  for (auto const& [name, value] : stage.hub.take_notes()) EXPECT_EQ(value.find("a-secret"), std::string::npos);
  EXPECT_EQ(answers[send({})].at(0).body, R"({"token":"a-secret"})");
  seal_key[0] = 9;
  kill();
  EXPECT_EQ(answers[send({})].at(0).status, 409) << "it ran, and is not run again";
}

TEST_F(LastingReplaysTest, WithoutRoomNothingThatCanNotBeRememberedRuns) {
  stage.store.set_room(false);
  EXPECT_EQ(answers[send({})].at(0).status, 507);
  EXPECT_TRUE(running.empty());
  EXPECT_TRUE(runs({.key = "none"})) << "the others go on";
  stage.store.set_room(true);
  EXPECT_TRUE(runs({}));
}

TEST_F(LastingReplaysTest, WhatCannotBeReadIsThrownAway) {
  stage.hub.note({"somebody's", "{\"until\":1}"});
  stage.turns(3);
  kill();
  stage.turns(3);
  kill();
  EXPECT_TRUE(runs({}));
}

}  // namespace
}  // namespace sojourn

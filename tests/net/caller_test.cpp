#include "net/caller.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "net/call_stage.h"
#include "net/scripted_server.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::CallStage;
using test::Caught;

// A variable of the environment for the time of a test.
class Environment {
 public:
  Environment(char const* name, std::string const& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Environment() { unsetenv(name_); }
  Environment(Environment const&) = delete;
  Environment& operator=(Environment const&) = delete;

 private:
  char const* name_;
};

TEST(Caller, TellsOfACallOnceAndNeverBeforeALaterIteration) {
  CallStage stage;
  auto const good = stage.begin(stage.to());
  auto const refused = stage.begin({"ftp://127.0.0.1/", "{}"});
  auto const malformed = stage.begin({stage.url(), "{}", {{"a b", ""}}});
  auto const nobody = stage.begin({"http://127.0.0.1:" + std::to_string(test::find_unused_port()), "{}"});
  std::set<CallId> const ids{0, good->id, refused->id, malformed->id, nobody->id};
  EXPECT_EQ(ids.size(), 5u) << "each has an id of its own";
  for (auto const& told : {good, refused, malformed, nobody}) EXPECT_TRUE(told->results.empty());
  ASSERT_TRUE(stage.until([&] { return !good->results.empty() && !nobody->results.empty(); }));
  stage.pass(20);
  for (auto const& told : {good, refused, malformed, nobody}) EXPECT_EQ(told->results.size(), 1u);
  EXPECT_TRUE(good->results[0]);
  EXPECT_EQ(refused->results[0].error().code, Code::configuration);
  EXPECT_EQ(malformed->results[0].error().code, Code::invalid);
  EXPECT_EQ(nobody->results[0].error().code, Code::unavailable);
}

TEST(Caller, NobodyThereIsUnavailableAndNamesThePlace) {
  CallStage stage;
  auto const place = "127.0.0.1:" + std::to_string(test::find_unused_port());
  auto const answered = stage.call({"http://" + place + "/x", "{}"});
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::unavailable);
  EXPECT_EQ(answered.error().message, "no connection to " + place +
                                          " (Connection refused); start the program there, or correct its url in the "
                                          "configuration");
}

TEST(Caller, ANameWithoutAddressIsUnavailable) {
  CallStage stage;
  std::string const name(64, 'x');  // longer than a label may be: no name server is asked
  auto const answered = stage.call({"http://" + name + ":9000/", "{}"});
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::unavailable);
  EXPECT_NE(answered.error().message.find(name + ":9000"), std::string::npos) << answered.error().message;
}

TEST(Caller, SilenceAndSlowDripsEndAtTheDeadline) {
  CallStage stage;
  Caught* dripping = nullptr;
  stage.on_request = [&](Caught& caught) {
    if (stage.requests.back().starts_with("POST /drip")) {
      dripping = &caught;
      caught.say("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    }
  };
  auto const start_us = Clock().now().steady_us;
  auto const silent = stage.begin(stage.to("/silent", 100'000));
  auto const slow = stage.begin(stage.to("/drip", 100'000));
  ASSERT_TRUE(stage.until([&] {
    if (dripping != nullptr) dripping->say("x");
    return !silent->results.empty() && !slow->results.empty();
  }));
  auto const took_us = Clock().now().steady_us - start_us;
  EXPECT_GE(took_us, 100'000);
  EXPECT_LT(took_us, 3'000'000);
  for (auto const& told : {silent, slow}) {
    ASSERT_FALSE(told->results[0]);
    EXPECT_EQ(told->results[0].error().code, Code::timeout);
    EXPECT_EQ(told->results[0].error().message,
              "no whole answer from 127.0.0.1:" + std::to_string(stage.port) + " within 100 ms");
  }
  EXPECT_TRUE(stage.until([&] { return !dripping->is_open(); })) << "the connection was not given up";
}

TEST(Caller, ALoopThatSleepsIsWokenForEachStep) {
  test::ScriptedServer const server({CallStage::answer(200, "[1]"), "silence"});
  CallStage stage;
  auto const start_us = Clock().now().steady_us;
  int left = 3;
  auto const on_end = [&](auto) {
    if (--left == 0) stage.loop.stop();
  };
  auto const then = [&](auto answered) {
    EXPECT_TRUE(answered && answered->body == "[1]");
    stage.caller->call({"http://localhost:" + std::to_string(server.port()) + "/", "{}", {}, 200'000}, {}, on_end);
    on_end(0);
  };
  stage.caller->call({server.url(), "{}"}, {}, then);
  stage.caller->call({"http://" + std::string(64, 'x') + "/", "{}"}, {}, on_end);
  stage.loop.run([&] {
    stage.wheel.advance(stage.loop.now().steady_us);
    return stage.wheel.next_us();
  });
  auto const took_us = Clock().now().steady_us - start_us;
  EXPECT_GE(took_us, 200'000);
  EXPECT_LT(took_us, 2'000'000);
}

TEST(Caller, AnAnswerThatIsThereWaitsForNoTimer) {
  CallStage stage;
  auto const told = stage.begin(stage.to());
  auto const end_us = Clock().now().steady_us + 3'000'000;
  while (told->results.empty() && Clock().now().steady_us < end_us) {
    stage.loop.run([&] {
      stage.loop.stop();
      return std::int64_t{0};
    });
  }
  EXPECT_EQ(told->results.size(), 1u);
}

TEST(Caller, ASlowAnswerInTimeIsWhole) {
  CallStage stage;
  Caught* caught = nullptr;
  stage.on_request = [&](Caught& it) { caught = &it; };
  std::string const said = CallStage::answer(200, "[1,2,3]");
  std::size_t at = 0;
  auto const told = stage.begin(stage.to());
  ASSERT_TRUE(stage.until([&] {
    if (caught != nullptr && at < said.size()) caught->say(said.substr(at++, 1));
    return !told->results.empty();
  }));
  ASSERT_TRUE(told->results[0]);
  EXPECT_EQ(told->results[0]->body, "[1,2,3]");
}

TEST(Caller, ConnectionsAreKeptAndTakenAgain) {
  CallStage stage;
  ASSERT_TRUE(stage.call(stage.to()));
  ASSERT_TRUE(stage.call(stage.to()));
  EXPECT_EQ(stage.connections.size(), 1u);
  stage.connections[0]->close();
  ASSERT_TRUE(stage.call(stage.to())) << "one that ended is not taken";
  EXPECT_EQ(stage.connections.size(), 2u);
}

TEST(Caller, WhatMayHaveArrivedIsNotSentAgain) {
  CallStage stage;
  ASSERT_TRUE(stage.call(stage.to()));
  stage.on_request = [](Caught& caught) { caught.close(); };
  auto const broken = stage.call(stage.to());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::failed) << broken.error().message;
  EXPECT_EQ(stage.requests.size(), 2u);
  stage.pass(50);
  EXPECT_EQ(stage.requests.size(), 2u);
}

TEST(Caller, OurOwnServerIsNotCalledByWhateverName) {
  CallStage stage;
  stage.caller->add_own_port(stage.port);
  for (std::string const host :
       {"127.0.0.1", "localhost", "LocalHost", "127.1", "2130706433", "0x7f.0.0.1", "127.9.8.7", "0.0.0.0", "0",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"}) {
    auto const answered = stage.call({"http://" + host + ":" + std::to_string(stage.port) + "/", "{}"});
    ASSERT_FALSE(answered) << host;
    EXPECT_EQ(answered.error().code, Code::forbidden) << host << ": " << answered.error().message;
    EXPECT_NE(answered.error().message.find("is this server itself"), std::string::npos);
  }
  EXPECT_TRUE(stage.connections.empty());
  EXPECT_TRUE(stage.requests.empty());
}

TEST(Caller, OtherPortsOfThisMachineAreCalled) {
  CallStage stage;
  stage.caller->add_own_port(test::find_unused_port());
  EXPECT_TRUE(stage.call(stage.to()));
  EXPECT_TRUE(stage.call({"http://localhost:" + std::to_string(stage.port) + "/", "{}"}));
}

TEST(Caller, TheEnvironmentDecidesNothing) {
  auto const nobody = "http://127.0.0.1:" + std::to_string(test::find_unused_port());
  Environment const lower("http_proxy", nobody);
  Environment const upper("ALL_PROXY", nobody);
  std::string folder = testing::TempDir() + "caller.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  auto const netrc = folder + "/.netrc";
  FILE* const file = fopen(netrc.c_str(), "w");
  ASSERT_NE(file, nullptr);
  fputs("default login u password secret\n", file);
  fclose(file);
  std::string const home = getenv("HOME") != nullptr ? getenv("HOME") : "/";
  setenv("HOME", folder.c_str(), 1);
  CallStage stage;
  stage.on_request = [](Caught& caught) { caught.say(CallStage::answer(200, "{}", "Set-Cookie: a=b; Path=/\r\n")); };
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(stage.call(stage.to()));
  setenv("HOME", home.c_str(), 1);
  unlink(netrc.c_str());
  rmdir(folder.c_str());
  for (auto const& request : stage.requests) {
    EXPECT_EQ(request.find("Authorization"), request.npos);
    EXPECT_EQ(request.find("Cookie"), request.npos);
  }
}

TEST(Caller, SoManyAtOnceThenSoManyWait) {
  CallStage stage(CallerOptions{{}, 2, 3});
  std::vector<Caught*> asked;
  stage.on_request = [&](Caught& caught) { asked.push_back(&caught); };
  std::vector<std::shared_ptr<CallStage::Told>> told;
  for (int i = 0; i < 6; ++i) told.push_back(stage.begin(stage.to("/" + std::to_string(i))));
  ASSERT_TRUE(stage.until([&] { return asked.size() == 2 && !told[5]->results.empty(); }));
  EXPECT_EQ(told[5]->results[0].error().code, Code::too_many);
  stage.pass(20);
  EXPECT_EQ(asked.size(), 2u);
  stage.caller->cancel(told[2]->id);  // of one that waits
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(stage.until([&] { return asked.size() > i; }));
    asked[i]->say(CallStage::answer(200, "{}"));
  }
  ASSERT_TRUE(stage.until([&] { return !told[4]->results.empty() && !told[3]->results.empty(); }));
  for (std::size_t const i : {0U, 1U, 3U, 4U}) EXPECT_TRUE(told[i]->results.at(0)) << i;
  EXPECT_TRUE(told[2]->results.empty());
  EXPECT_TRUE(std::ranges::none_of(stage.requests, [](auto const& r) { return r.starts_with("POST /2"); }));
}

TEST(Caller, TimeCountsWhileACallWaits) {
  CallStage stage(CallerOptions{{}, 1, 10});
  stage.on_request = [](Caught&) {};
  auto const first = stage.begin(stage.to("/first"));
  auto const second = stage.begin(stage.to("/second", 60'000));
  ASSERT_TRUE(stage.until([&] { return !second->results.empty(); }));
  EXPECT_EQ(second->results[0].error().code, Code::timeout);
  EXPECT_TRUE(first->results.empty());
  EXPECT_EQ(stage.requests.size(), 1u);
}

TEST(Caller, ACancelledCallGivesItsPlaceToOneThatWaits) {
  CallStage stage(CallerOptions{{}, 1, 10});
  stage.on_request = [](Caught&) {};
  auto const first = stage.begin(stage.to("/first"));
  auto const second = stage.begin(stage.to("/second"));
  ASSERT_TRUE(stage.until([&] { return stage.requests.size() == 1; }));
  stage.caller->cancel(first->id);
  ASSERT_TRUE(stage.until([&] { return stage.requests.size() == 2; }));
  EXPECT_TRUE(stage.requests[1].starts_with("POST /second "));
  stage.caller->cancel(second->id);
}

TEST(Caller, PiecesAreToldOfEventStreamsOnly) {
  CallStage stage;
  std::string type;
  int status = 200;
  stage.on_request = [&](Caught& caught) {
    caught.say("HTTP/1.1 " + std::to_string(status) + " Reason\r\nContent-Type: " + type +
               "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\n\n\r\n");
  };
  type = "Text/Event-Stream; charset=utf-8";
  auto const streamed = stage.begin(stage.to(), true);
  ASSERT_TRUE(stage.until([&] { return !streamed->pieces.empty(); })) << "before the end";
  EXPECT_EQ(streamed->pieces[0], "one\n\n");
  EXPECT_TRUE(streamed->results.empty());
  stage.connections[0]->say("5\r\ntwo\n\n\r\n0\r\n\r\n");
  ASSERT_TRUE(stage.until([&] { return !streamed->results.empty(); }));
  EXPECT_EQ(streamed->pieces, (std::vector<std::string>{"one\n\n", "two\n\n"}));
  EXPECT_EQ(streamed->results[0]->body, "one\n\ntwo\n\n");
  EXPECT_EQ(streamed->results[0]->content_type, type);
  EXPECT_NE(stage.requests[0].find("\r\nAccept: application/json, text/event-stream\r\n"), std::string::npos);
  for (auto const& [other_type, other_status] : {std::pair<std::string, int>{"application/json", 200},
                                                 {"text/event-stream", 500},
                                                 {"text/event-streams", 200}}) {
    type = other_type;
    status = other_status;
    auto const whole = stage.begin(stage.to(), true);
    auto const requests = stage.requests.size();
    ASSERT_TRUE(stage.until([&] { return stage.requests.size() > requests; }));
    stage.connections[0]->say("0\r\n\r\n");
    ASSERT_TRUE(stage.until([&] { return !whole->results.empty(); }));
    EXPECT_TRUE(whole->pieces.empty()) << type << status;
    EXPECT_EQ(whole->results[0]->body, "one\n\n");
  }
}

TEST(Caller, CallbacksMayCallAndCancel) {
  CallStage stage;
  stage.on_request = [](Caught& caught) {
    caught.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 3\r\n\r\nabc");
  };
  CallId first = 0;
  std::string heard;
  std::shared_ptr<CallStage::Told> second;
  auto const on_piece = [&](std::string_view piece) {
    stage.caller->cancel(first);
    second = stage.begin(stage.to("/second"));
    heard += piece;
  };
  first = stage.caller->call(stage.to("/first"), on_piece, [&](auto) { heard += " done"; });
  ASSERT_TRUE(stage.until([&] { return second && !second->results.empty(); }));
  EXPECT_TRUE(second->results[0]);
  EXPECT_EQ(heard, "abc") << "nothing after the cancel";

  std::shared_ptr<CallStage::Told> fourth;
  std::shared_ptr<CallStage::Told> const fifth = stage.begin(stage.to("/fifth", 100'000'000));
  stage.caller->call({"ftp://", "{}"}, {}, [&](auto) {
    stage.caller->cancel(fifth->id);
    fourth = stage.begin(stage.to("/fourth"));
  });
  ASSERT_TRUE(stage.until([&] { return fourth && !fourth->results.empty(); }));
  EXPECT_TRUE(fifth->results.empty());
}

// Answers little by little, so that calls go through all phases there are.
void say_in_parts(CallStage& stage) {
  stage.on_request = [](Caught& caught) { caught.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"); };
  for (auto const& connection : stage.connections) connection->say("\r\n");
}

TEST(Caller, ACancelledCallIsNeverToldWhateverItsPhase) {
  for (int steps = 0; steps < 24; ++steps) {
    CallStage stage(CallerOptions{{}, 4, 10});
    std::vector<std::shared_ptr<CallStage::Told>> told;
    auto const port = ":" + std::to_string(stage.port) + "/";
    for (auto const& server :
         {std::string("http://127.0.0.1"), std::string("http://localhost"), "http://" + std::string(64, 'x'),
          std::string("https://127.0.0.1"), std::string("ftp://a")})
      told.push_back(stage.begin({server + port, "{}"}, true));
    for (int i = 0; i < steps; ++i) {
      say_in_parts(stage);
      stage.step();
    }
    std::vector<std::size_t> results;
    for (auto const& each : told) {
      results.push_back(each->results.size() + each->pieces.size());
      stage.caller->cancel(each->id);
    }
    stage.caller->cancel(0);
    stage.caller->cancel(1000);
    stage.pass(2);
    for (std::size_t i = 0; i < told.size(); ++i)
      EXPECT_EQ(told[i]->results.size() + told[i]->pieces.size(), results[i]) << steps << " " << i;
    EXPECT_TRUE(stage.until([&] {
      return std::ranges::none_of(stage.connections, [](auto const& each) { return each->is_open(); });
    })) << "what was cancelled is not kept: "
        << steps;
  }
}

TEST(Caller, ItsEndCancelsEverythingAndLeavesNothingOpen) {
  auto const before = test::count_descriptors();
  for (int steps = 0; steps < 24; ++steps) {
    CallStage stage(CallerOptions{{}, 4, 10});
    std::vector<std::shared_ptr<CallStage::Told>> told;
    for (int i = 0; i < 3; ++i) {
      for (auto const& url : {stage.url(), "http://localhost:" + std::to_string(stage.port), std::string("none")})
        told.push_back(stage.begin({url, "{}"}));
    }
    for (int i = 0; i < steps; ++i) {
      stage.step();
    }
    std::size_t finished = 0;
    for (auto const& each : told) finished += each->results.size();
    stage.caller.reset();
    stage.pass(1);
    for (auto const& each : told) finished -= each->results.size();
    EXPECT_EQ(finished, 0u) << steps;
  }
  EXPECT_EQ(test::count_descriptors(), before);
}

}  // namespace
}  // namespace sojourn

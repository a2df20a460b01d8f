#include "browser/wire.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/browser_stage.h"

namespace sojourn {
namespace {

// The wire, and a hand that plays the browser at the far ends of its pipes.
class WireTest : public testing::Test, public test::BrowserStage {
 protected:
  WireTest() {
    std::array<int, 2> commands{};
    std::array<int, 2> answers{};
    EXPECT_EQ(pipe2(commands.data(), O_NONBLOCK | O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(answers.data(), O_NONBLOCK | O_CLOEXEC), 0);
    read_fd = commands[0];
    write_fd = answers[1];
    wire = std::make_unique<Wire>(loop, timers, commands[1], answers[0], [this] { ++ends; });
  }
  ~WireTest() override { hang_up(); }

  void pass() {
    until([turns = 0]() mutable { return ++turns > 5; });
  }
  // What the browser was told, in whole texts.
  std::vector<std::string> heard() {
    pass();
    std::array<char, 65536> bytes{};
    for (ssize_t got = 0; (got = read(read_fd, bytes.data(), bytes.size())) > 0 || errno == EINTR;) {
      if (got > 0) unread.append(bytes.data(), static_cast<std::size_t>(got));
      pass();
    }
    std::vector<std::string> texts;
    for (auto end = unread.find('\0'); end != std::string::npos; end = unread.find('\0')) {
      texts.push_back(unread.substr(0, end));
      unread.erase(0, end + 1);
    }
    return texts;
  }
  void say(std::string text) {
    text += '\0';
    while (!text.empty()) {
      auto const sent = write(write_fd, text.data(), text.size());
      if (sent > 0) text.erase(0, static_cast<std::size_t>(sent));
      pass();
    }
  }
  void hang_up() {
    for (auto* const fd : {&read_fd, &write_fd}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }
  static Code code_of(Later<Wire::Answer> const& later) {
    if (!later.is_given()) return Code::internal;
    auto const answer = later.await_resume();
    return answer ? Code::internal : answer.error().code;
  }

  int read_fd = -1;
  int write_fd = -1;
  int ends = 0;
  std::string unread;
  std::unique_ptr<Wire> wire;
};

TEST_F(WireTest, CommandsGoOutInTheirOrderAndAnswersFindTheirs) {
  json::object const params{{"url", "data:,\"x\""}};
  auto const first = wire->send("", "Browser.getVersion");
  auto const second = wire->send("S1", "Page.navigate", params);
  EXPECT_EQ(heard(), (std::vector<std::string>{
                         R"({"id":1,"method":"Browser.getVersion","params":{}})",
                         R"({"id":2,"method":"Page.navigate","sessionId":"S1","params":{"url":"data:,\"x\""}})"}));
  say(R"({"id":2,"result":{"frameId":"F"},"sessionId":"S1"})");
  EXPECT_FALSE(first.is_given());
  ASSERT_TRUE(second.is_given());
  EXPECT_EQ(json::to_text(second.await_resume().value()), R"({"frameId":"F"})");
  say(R"({"id":1,"result":{}})");
  ASSERT_TRUE(first.is_given());
  EXPECT_TRUE(first.await_resume());
}

TEST_F(WireTest, AnErrorHasTheBrowsersWords) {
  auto const later = wire->send("", "Target.createTarget");
  say(R"({"id":1,"error":{"code":-32000,"message":"Failed to open","data":"no window"}})");
  ASSERT_TRUE(later.is_given());
  auto const answer = later.await_resume();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::failed);
  EXPECT_EQ(answer.error().message, "Target.createTarget: Failed to open: no window");
}

TEST_F(WireTest, AResultMayStayText) {
  auto const later = wire->send_for_text("S", "DOMSnapshot.captureSnapshot");
  say(R"({"id":1,"result":{"documents":[1, 2]}})");
  ASSERT_TRUE(later.is_given());
  EXPECT_EQ(later.await_resume().value(), R"({"documents":[1, 2]})");
}

TEST_F(WireTest, AResultThatIsNoObjectIsAFailure) {
  auto const later = wire->send("", "A.b");
  say(R"({"id":1,"result":[1]})");
  EXPECT_EQ(code_of(later), Code::failed);
}

TEST_F(WireTest, WhatIsNotAnsweredInTimeFailsAndALateAnswerHarmsNobody) {
  auto const later = wire->send("", "Page.hang", {}, 20'000);
  auto const patient = wire->send("", "Page.other");
  EXPECT_TRUE(until([&] { return later.is_given(); }));
  EXPECT_EQ(code_of(later), Code::timeout);
  say(R"({"id":1,"result":{}})");
  say(R"({"id":77,"result":{}})");
  EXPECT_FALSE(patient.is_given());
  say(R"({"id":2,"result":{}})");
  EXPECT_TRUE(patient.is_given());
  EXPECT_EQ(timers.size(), 0U);
}

TEST_F(WireTest, EventsGoToWhoListensToTheirSession) {
  std::vector<std::string> told;
  auto const listen = [&](std::string const& session) {
    wire->listen(session, [&told, session](std::string_view method, std::string_view params) {
      told.push_back(session + ":" + std::string(method) + std::string(params));
    });
  };
  listen("");
  listen("S1");
  say(R"({"method":"Target.created","params":{"a":1}})");
  say(R"({"method":"Page.load","params":{},"sessionId":"S1"})");
  say(R"({"method":"Page.load","params":{},"sessionId":"S2"})");
  EXPECT_EQ(told, (std::vector<std::string>{R"(:Target.created{"a":1})", "S1:Page.load{}"}));
  wire->listen("S1", {});
  say(R"({"method":"Page.load","params":{},"sessionId":"S1"})");
  EXPECT_EQ(told.size(), 2U);
}

TEST_F(WireTest, AListenerMayStopToListenOrEndTheWire) {
  int told = 0;
  wire->listen("S", [&](std::string_view, std::string_view) {
    ++told;
    wire->listen("S", {});
  });
  std::string const event = R"({"method":"A.b","sessionId":"S"})";
  say(event + '\0' + event);
  EXPECT_EQ(told, 1);
  wire->listen("S", [&](std::string_view, std::string_view) {
    ++told;
    wire.reset();
  });
  say(event + '\0' + event);
  EXPECT_EQ(told, 2);
}

TEST_F(WireTest, AForgottenSessionFailsWhatWaitsForItAndNothingElse) {
  int told = 0;
  wire->listen("S", [&](std::string_view, std::string_view) { ++told; });
  auto const gone = wire->send("S", "A.b");
  auto const stays = wire->send("T", "A.b");
  wire->forget("S");
  EXPECT_EQ(code_of(gone), Code::crashed);
  EXPECT_FALSE(stays.is_given());
  say(R"({"method":"A.b","sessionId":"S"})");
  EXPECT_EQ(told, 0);
}

TEST_F(WireTest, WhenTheBrowserIsGoneEverythingFailsAndItIsToldOnce) {
  auto const waiting = wire->send("S", "A.b");
  pass();
  hang_up();
  EXPECT_TRUE(until([&] { return ends > 0; }));
  EXPECT_TRUE(wire->has_ended());
  EXPECT_EQ(code_of(waiting), Code::crashed);
  auto const later = wire->send("", "A.b");
  EXPECT_FALSE(later.is_given()) << "never inside the call";
  pass();
  EXPECT_EQ(code_of(later), Code::crashed);
  EXPECT_EQ(ends, 1);
}

TEST_F(WireTest, WhoWaitsMaySendAgainWhenAllEnds) {
  Later<Wire::Answer> const again;
  auto const retry = [](Wire* to, Later<Wire::Answer> first, Later<Wire::Answer> result) -> Task<bool> {
    auto const failed = co_await first;
    auto const second = co_await to->send("", "A.b");
    result.give(second ? Wire::Answer(json::object{}) : Wire::Answer(second.error()));
    co_return failed.has_value();
  };
  auto first = wire->send("", "A.b");
  start(retry(wire.get(), first, again));
  hang_up();
  EXPECT_TRUE(until([&] { return again.is_given(); }));
  EXPECT_EQ(code_of(again), Code::crashed);
}

TEST_F(WireTest, ItsOwnEndFailsWhatWaits) {
  auto const waiting = wire->send("", "A.b");
  wire.reset();
  EXPECT_EQ(code_of(waiting), Code::crashed);
  pass();
  EXPECT_EQ(ends, 0);
  EXPECT_EQ(timers.size(), 0U);
}

TEST_F(WireTest, LargeTextsGoThroughInPieces) {
  std::string const large(3'000'000, 'x');
  json::object const params{{"text", large}};
  auto const later = wire->send("", "A.b", params);
  auto const texts = heard();
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0].size(), large.size() + std::string_view(R"({"id":1,"method":"A.b","params":{"text":""}})").size());
  say(R"({"id":1,"result":{"text":")" + large + "\"}}");
  ASSERT_TRUE(later.is_given());
  EXPECT_EQ(json::find_string(later.await_resume().value(), "text").size(), large.size());
}

TEST_F(WireTest, WhatCannotBeUnderstoodIsPassedOver) {
  auto const later = wire->send("", "A.b");
  for (auto const* const text : {"", "nonsense", "{}", "[1]", R"({"id":0})", R"({"id":"x"})"}) say(text);
  say(R"({"id":1,"result":{}})");
  EXPECT_TRUE(later.is_given());
  EXPECT_FALSE(wire->has_ended());
}

}  // namespace
}  // namespace sojourn

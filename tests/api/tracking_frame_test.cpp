#include "api/tracking_frame.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::int64_t at_us = 1'771'960'936'015'999;
constexpr std::string_view id = "0b3f6a9e-8a57-4a52-9f0e-3c6a1d2b4e5f";
// What every frame of that time ends with.
constexpr std::string_view tail =
    R"(,"timestamp":1771960936015,"requestId":"r1","session_id":"0b3f6a9e-8a57-4a52-9f0e-3c6a1d2b4e5f","user":"alice"})";

class TrackingFrameTest : public testing::Test {
 protected:
  static Event event(std::string name, std::string data, EventType type = EventType::message) {
    return {.seq = 7,
            .at_us = at_us,
            .type = type,
            .name = std::move(name),
            .data = std::move(data),
            .request_id = "r1",
            .user = "alice"};
  }
  std::string frame(std::string name, std::string data) const {
    return to_tracking_frame(session, event(std::move(name), std::move(data)));
  }
  static std::string ending(std::string_view start) { return std::string(start) + std::string(tail); }

  Session session{std::string(id), SessionKind::shared, 0xabc};
};

TEST_F(TrackingFrameTest, AMessageHasItsDataAsPayload) {
  EXPECT_EQ(frame("note", R"({"a":[1]})"), ending(R"({"type":"note","payload":{"a":[1]})"));
  EXPECT_EQ(frame("note", "null"), ending(R"({"type":"note","payload":null)"));
  EXPECT_EQ(frame("note", ""), ending(R"({"type":"note")")) << "without data no payload";
  EXPECT_EQ(frame("a\"\n", "1"), ending(R"({"type":"a\"\n","payload":1)"));
}

TEST_F(TrackingFrameTest, AContextualUpdateHasTextAndDataBesideItsType) {
  for (auto const& [data, members] :
       {std::pair<std::string_view, std::string_view>{R"({"text":"quote_ready","data":{"cost":12.99}})",
                                                      R"("text":"quote_ready","data":{"cost":12.99})"},
        {R"({"text":"x"})", R"("text":"x")"},
        {R"({"text":"x","data":null})", R"("text":"x","data":null)"},
        {R"({"data":1,"text":"x","more":2})", R"("text":"x","data":1)"},
        {R"({"text":7})", R"("text":7)"},
        {R"({"cost":1})", R"("text":"","data":{"cost":1})"},
        {"[1]", R"("text":"","data":[1])"},
        {"\"x\"", R"("text":"","data":"x")"},
        {"", R"("text":"","data":null)"}}) {
    EXPECT_EQ(frame("contextual_update", std::string(data)),
              ending(R"({"type":"contextual_update",)" + std::string(members)))
        << data;
  }
}

TEST_F(TrackingFrameTest, AChangeOfStateHasItsRevision) {
  EXPECT_EQ(to_tracking_frame(session, event("", R"({"set":{"k":1},"removed":[]})", EventType::state)),
            ending(R"({"type":"session_state_update","payload":{"set":{"k":1},"removed":[]},"revision":7)"));
}

TEST_F(TrackingFrameTest, NumbersComeAsTheyWereSaid) {
  EXPECT_EQ(frame("contextual_update", R"({"text":"x","data":{"cost":12.99,"n":1e21,"i":9007199254740993}})"),
            ending(R"({"type":"contextual_update","text":"x","data":{"cost":12.99,"n":1e+21,"i":9007199254740993})"));
}

TEST_F(TrackingFrameTest, WhatNobodyNamedIsCalledTheSameHoweverOftenItIsShown) {
  auto unnamed = event("note", "1");
  unnamed.request_id.clear();
  auto const expected = R"("requestId":"00000abc-0000-4000-8000-000000000007")";
  for (int i = 0; i < 2; ++i)
    EXPECT_NE(to_tracking_frame(session, unnamed).find(expected), std::string::npos)
        << to_tracking_frame(session, unnamed);
}

TEST(ToRequestId, IsAUuidOfThePlaceInTheLog) {
  EXPECT_EQ(to_request_id({0xabc, 7}, 5), "00000abc-0000-4000-8000-000000000007");
  EXPECT_EQ(to_request_id({0xffffffff, 0xffffffffffffffff}, 5), "ffffffff-0000-4000-8000-ffffffffffff");
  EXPECT_EQ(to_request_id({0xabc, 0}, 0x123456789abc), "00000abc-0000-4000-8000-123456789abc") << "or of its time";
  EXPECT_NE(to_request_id({1, 1}, 0), to_request_id({1, 2}, 0));
  EXPECT_NE(to_request_id({1, 1}, 0), to_request_id({2, 1}, 0));
}

class WelcomeFrameTest : public testing::Test {
 protected:
  WelcomeFrameTest() {
    connection.connected_us = at_us;
    connection.principal.name = "alice \"a\"";
  }
  std::string frame(Arrival const& arrival) const { return to_welcome_frame(session, connection, arrival); }
  static std::string whole(std::string_view middle) {
    return R"({"type":"connected","session_id":")" + std::string(id) + "\"," + std::string(middle) +
           R"(,"timestamp":1771960936015,"user":"alice \"a\""})";
  }

  Session session{std::string(id), SessionKind::shared, 1};
  Connection connection;
};

TEST_F(WelcomeFrameTest, SaysWhetherTheSessionIsNew) {
  EXPECT_EQ(frame({.is_new = true}), whole(R"("session_resumed":false,"message":"Session created")"));
  EXPECT_EQ(frame({.is_new = false}), whole(R"("session_resumed":true,"message":"Session resumed")"));
}

TEST_F(WelcomeFrameTest, SaysWhyTheOneThatWasAskedForIsNotIt) {
  for (std::string_view const reason : {"invalid", "expired", "not_owner"}) {
    EXPECT_EQ(
        frame({.is_new = true, .requested_id = "old\"\n", .reason = reason}),
        whole(R"("session_resumed":false,"message":"Session created","requested_session_id":"old\"\n","reason":")" +
              std::string(reason) + "\""));
  }
  EXPECT_EQ(frame({.is_new = true, .requested_id = "\xff", .reason = "invalid"}),
            whole("\"session_resumed\":false,\"message\":\"Session created\",\"requested_session_id\":\"\xc3\xbf\","
                  "\"reason\":\"invalid\""))
      << "always UTF-8";
}

TEST(ToolCallFrame, HasTheCallInBothItsSpellings) {
  Session const session(std::string(id), SessionKind::shared, 0xabc);
  Event const call{.at_us = at_us,
                   .type = EventType::call,
                   .from = 3,
                   .name = "get_\"quotes\"",
                   .data = R"({"weight":2.5})",
                   .request_id = "1a2b3c4d",
                   .user = "alice"};
  std::string const parts = R"("tool_name":"get_\"quotes\"","tool_call_id":"1a2b3c4d","parameters":{"weight":2.5})";
  auto const frame = to_tool_call_frame(session, call);
  EXPECT_EQ(frame, R"({"type":"client_tool_call",)" + parts + R"(,"client_tool_call":{)" + parts +
                       R"(},"timestamp":1771960936015,"requestId":"00000abc-0000-4000-8000-)" +
                       to_request_id({0, 0}, at_us).substr(24) + R"(","session_id":")" + std::string(id) +
                       R"(","user":"alice"})");
  EXPECT_TRUE(json::parse(frame));
}

TEST(QueryFrame, AsksAndTakesBack) {
  Session const session(std::string(id), SessionKind::shared, 0xabc);
  Event query{.seq = 7,
              .at_us = at_us,
              .type = EventType::query,
              .data = R"({"query":"why?","priority":"low"})",
              .request_id = "query_1",
              .user = "alice"};
  std::string const end = R"(","session_id":")" + std::string(id) + R"(","user":"alice"})";
  EXPECT_EQ(to_query_frame(session, query),
            R"({"type":"query","query_id":"query_1","query":"why?","priority":"low","history":[],)"
            R"("timestamp":1771960936015,"requestId":"00000abc-0000-4000-8000-000000000007)" +
                end);
  EXPECT_EQ(to_query_end_frame(session, query),
            R"({"type":"query_cancelled","query_id":"query_1","timestamp":1771960936015,)"
            R"("requestId":")" +
                to_request_id({0xabc, 0}, at_us) + end);
}

TEST(FrameStart, EscapesTheType) { EXPECT_EQ(frame_start("a\"b"), R"({"type":"a\"b")"); }

}  // namespace
}  // namespace sojourn

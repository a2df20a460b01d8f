#include "api/extension.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;
using test::Line;

// The clock of the desk stands at 2026-02-24T19:22:16.015Z.
constexpr std::string_view now_ms = "1771960936015";

class ExtensionTest : public testing::Test {
 protected:
  std::string path(Line const& line, std::string_view rest = "") const {
    return "/api/websocket/sessions/" + line.session() + std::string(rest);
  }
  std::string only(Line& line) {
    auto const lines = line.outlet.take_lines();
    EXPECT_EQ(lines.size(), 1u);
    return lines.empty() ? "" : lines.front();
  }
  std::string reply(Line& line, std::string message) {
    desk.say(line, std::move(message));
    return only(line);
  }
  // {"type":TYPE,"sessionId":ID
  std::string frame(Line const& line, std::string_view type, std::string_view tail = "") const {
    return "{\"type\":\"" + std::string(type) + "\",\"sessionId\":\"" + line.session() + "\"" + std::string(tail) +
           ",\"timestamp\":" + std::string(now_ms) + "}";
  }

  Desk desk;
};

TEST_F(ExtensionTest, BTW_02_13_14_TheGreetingNamesTheSession) {
  auto& line = desk.connect();
  EXPECT_TRUE(is_extension_id(line.session())) << line.greeting;
  EXPECT_EQ(line.greeting, frame(line, "connected", ",\"message\":\"WebSocket connection established successfully\""));
}

TEST_F(ExtensionTest, BTW_01_04_EveryConnectionIsASessionOfItsOwn) {
  auto& a = desk.connect();
  auto& b = desk.connect();
  EXPECT_NE(a.session(), b.session());
  desk.leave(a);
  auto& again = desk.connect();
  EXPECT_NE(again.session(), a.session());
}

TEST_F(ExtensionTest, BTW_05_to_10_TheListHasExactlyTheDocumentedShape) {
  EXPECT_EQ(desk.ask("GET", "/api/websocket/sessions").body(), "{\"count\":0,\"sessions\":[]}");
  auto& a = desk.connect("/ws", {{"User-Agent", "Mozilla/5.0 (\"x\")"}});
  desk.stage.clock.advance_us(1'500'000);
  auto& b = desk.connect("/ws");
  auto const& asked = desk.ask("GET", "/api/websocket/sessions");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(),
            "{\"count\":2,\"sessions\":[{\"sessionId\":\"" + a.session() +
                "\",\"connectedAt\":\"2026-02-24T19:22:16.015Z\",\"lastSeen\":\"2026-02-24T19:22:16.015Z\","
                "\"userAgent\":\"Mozilla/5.0 (\\\"x\\\")\",\"ip\":\"127.0.0.1\"},{\"sessionId\":\"" +
                b.session() +
                "\",\"connectedAt\":\"2026-02-24T19:22:17.515Z\",\"lastSeen\":\"2026-02-24T19:22:17.515Z\","
                "\"userAgent\":\"Unknown\",\"ip\":\"127.0.0.1\"}]}");
}

TEST_F(ExtensionTest, BTW_11_12_OneSessionIsShownWithoutItsAddress) {
  auto& line = desk.connect();
  auto const& asked = desk.ask("GET", path(line));
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), "{\"sessionId\":\"" + line.session() +
                              "\",\"connectedAt\":\"2026-02-24T19:22:16.015Z\",\"lastSeen\":"
                              "\"2026-02-24T19:22:16.015Z\",\"userAgent\":\"Unknown\"}");
  for (std::string_view const id : {"ext_000000000000", "x", "%2e%2e", "ext_"}) {
    auto const& unknown = desk.ask("GET", "/api/websocket/sessions/" + std::string(id));
    EXPECT_EQ(unknown.status(), 404) << id;
    EXPECT_EQ(unknown.body(), "{\"error\":\"Session not found\"}");
  }
}

TEST_F(ExtensionTest, WhatABrowserSaysOfItselfIsCut) {
  desk.connect("/ws", {{"User-Agent", std::string(5000, 'u')}});
  auto const body = desk.ask("GET", "/api/websocket/sessions").body();
  EXPECT_NE(body.find("\"" + std::string(512, 'u') + "\""), body.npos);
}

TEST_F(ExtensionTest, BTW_16_AnyMessageIsASignOfLife) {
  auto& line = desk.connect();
  for (std::string_view const message : {"{\"type\":\"ping\"}", "{\"type\":\"pong\"}", "not json", "null", "[1]",
                                         "{\"requestId\":\"ffffffff\"}", "{\"type\":\"x.response\"}"}) {
    desk.stage.clock.advance_us(1'000'000);
    desk.say(line, std::string(message));
    auto const seen = to_iso_ms(desk.stage.clock.now().utc_us);
    EXPECT_NE(desk.ask("GET", path(line)).body().find("\"lastSeen\":\"" + seen), std::string::npos) << message;
  }
  desk.stage.clock.advance_us(1'000'000);
  desk.ask("POST", path(line, "/message"), "{}");
  auto const later = to_iso_ms(desk.stage.clock.now().utc_us);
  EXPECT_EQ(desk.ask("GET", path(line)).body().find(later), std::string::npos) << "what it hears is none";
}

TEST_F(ExtensionTest, BTW_17_RepliesToWhatAnExtensionSays) {
  auto& line = desk.connect();
  EXPECT_EQ(reply(line, "{\"type\":\"ping\"}"), frame(line, "pong"));
  EXPECT_EQ(reply(line, "{\"type\":\"ping\",\"requestId\":\"ffffffff\"}"), frame(line, "pong"));
  for (std::string_view const value :
       {"{\"type\":\"hello\",\"n\":[1,2.5,null]}", "{}", "[]", "[1,\"two\"]", "\"text\"", "1", "true", "{\"type\":5}",
        "{\"requestId\":\"ffffffff\"}", "{\"type\":\"responses\"}", "{\"type\":\"\",\"requestId\":7}"}) {
    EXPECT_EQ(reply(line, std::string(value)), frame(line, "echo", ",\"data\":" + std::string(value)));
  }
  for (std::string_view const wrong : {"not json", "null", "", "{\"a\":1", "{}{}", "\xff", "{\"a\":\x01}", "nul"}) {
    EXPECT_EQ(reply(line, std::string(wrong)), frame(line, "error", ",\"message\":\"Invalid JSON\"")) << wrong;
  }
  EXPECT_EQ(reply(line, std::string(65, '[') + std::string(65, ']')),
            frame(line, "error", ",\"message\":\"Invalid JSON\""))
      << "too deep";
  EXPECT_TRUE(line.is_open()) << "none of it ends the connection";
}

TEST_F(ExtensionTest, BTW_17_AnswersAreNeverAnswered) {
  auto& line = desk.connect();
  for (std::string_view const answer : {"{\"type\":\"pong\"}", "{\"type\":\"navigate.response\",\"success\":true}",
                                        "{\"type\":\"tabs.click.response\",\"requestId\":\"ffffffff\"}",
                                        "{\"type\":\"pong\",\"requestId\":\"ffffffff\"}"}) {
    desk.say(line, std::string(answer));
    EXPECT_TRUE(line.outlet.take_lines().empty()) << answer;
  }
}

TEST_F(ExtensionTest, BTW_18_19_20_23_MessagesArriveAsTheyWereSent) {
  auto& line = desk.connect();
  struct Row {
    std::string_view body;
    std::string_view frame;  // without its end
  };
  for (auto const& row : {
           Row{"{\"type\":\"navigate\",\"data\":{\"url\":\"https://example.com\"}}",
               "{\"type\":\"navigate\",\"data\":{\"url\":\"https://example.com\"}"},
           Row{"{\"type\":\"ping\",\"data\":{}}", "{\"type\":\"ping\",\"data\":{}"},
           Row{"{}", "{\"type\":\"message\""},
           Row{"{\"type\":null}", "{\"type\":\"message\""},
           Row{"{\"type\":\"\",\"data\":null}", "{\"type\":\"message\",\"data\":null"},
           Row{"{\"data\":[1,{\"z\":1,\"a\":2}],\"from\":\"me\",\"timestamp\":1}",
               "{\"type\":\"message\",\"data\":[1,{\"z\":1,\"a\":2}]"},
           Row{"{\"type\":\"quo\\\"te\",\"data\":false}", "{\"type\":\"quo\\\"te\",\"data\":false"},
       }) {
    auto const& asked = desk.ask("POST", path(line, "/message"), std::string(row.body));
    EXPECT_EQ(asked.status(), 200) << row.body;
    EXPECT_EQ(asked.body(), "{\"success\":true,\"sessionId\":\"" + line.session() +
                                "\",\"message\":\"Message sent successfully\",\"timestamp\":" + std::string(now_ms) +
                                "}");
    EXPECT_EQ(only(line), std::string(row.frame) + ",\"from\":\"server\",\"timestamp\":" + std::string(now_ms) + "}");
  }
}

TEST_F(ExtensionTest, BTW_21_OnlyTheAddressedSessionHearsAMessage) {
  auto& a = desk.connect();
  auto& b = desk.connect();
  EXPECT_EQ(desk.ask("POST", path(a, "/message"), "{\"type\":\"x\"}").status(), 200);
  EXPECT_EQ(a.outlet.take_lines().size(), 1u);
  EXPECT_TRUE(b.outlet.take_lines().empty());
  desk.say(a, "{\"type\":\"hello\"}");
  EXPECT_TRUE(b.outlet.take_lines().empty());
}

TEST_F(ExtensionTest, BTW_22_WhatIsNoMessageIsRefused) {
  auto& line = desk.connect();
  struct Row {
    std::string body;
    std::string_view content_type;
    int status;          // for a session that is there
    int status_unknown;  // and one that is not
  };
  for (auto const& row : {
           Row{"{\"type\":", "application/json", 400, 400},
           Row{"", "application/json", 400, 400},
           Row{"{}", "", 400, 400},
           Row{"{}", "text/plain", 400, 400},
           Row{"{} {}", "application/json", 400, 400},
           Row{"{\"a\":\"\xff\"}", "application/json", 400, 400},
           Row{std::string(70, '[') + std::string(70, ']'), "application/json", 400, 400},
           Row{"[1]", "application/json", 400, 404},
           Row{"null", "application/json", 400, 404},
           Row{"\"ping\"", "application/json", 400, 404},
           Row{"{\"type\":5}", "application/json", 400, 404},
           Row{"{\"type\":\"x\"}", "Application/JSON ; charset=utf-8", 200, 404},
       }) {
    test::Fields fields;
    if (!row.content_type.empty()) fields.emplace_back("Content-Type", row.content_type);
    for (bool const is_known : {true, false}) {
      auto const target =
          is_known ? path(line, "/message") : std::string("/api/websocket/sessions/ext_000000000000/message");
      auto& asked = desk.begin("POST", target, row.body, fields);
      desk.turn();
      EXPECT_EQ(asked.status(), is_known ? row.status : row.status_unknown) << row.body << row.content_type;
      EXPECT_EQ(asked.status() == 400, asked.body() == "{\"error\":\"Invalid message format\"}") << asked.body();
      EXPECT_EQ(asked.answers(), 1);
    }
  }
  EXPECT_EQ(line.outlet.take_lines().size(), 1u) << "only the good one arrived";
}

TEST_F(ExtensionTest, BTW_22_AfterAGoodbyeASessionIsKnownButNotConnected) {
  auto& line = desk.connect();
  desk.say_goodbye(line);
  EXPECT_EQ(desk.ask("GET", path(line)).status(), 200);
  EXPECT_NE(desk.ask("GET", "/api/websocket/sessions").body().find("\"count\":1"), std::string::npos);
  auto const& asked = desk.ask("POST", path(line, "/message"), "{}");
  EXPECT_EQ(asked.status(), 503);
  EXPECT_EQ(asked.body(), "{\"error\":\"Session is not connected\"}");
  desk.leave(line);
  EXPECT_EQ(desk.ask("POST", path(line, "/message"), "{}").status(), 404);
}

TEST_F(ExtensionTest, BTW_03_24_25_AClosedSessionIsGoneAtOnce) {
  auto& line = desk.connect();
  auto const& closed = desk.ask("DELETE", path(line));
  EXPECT_EQ(closed.status(), 200);
  EXPECT_EQ(closed.body(),
            "{\"success\":true,\"sessionId\":\"" + line.session() + "\",\"message\":\"Session closed successfully\"}");
  EXPECT_EQ(line.outlet.close_code, 1000);
  EXPECT_EQ(line.outlet.close_reason, "Session closed");
  for (std::string const method : {"DELETE", "GET"}) {
    EXPECT_EQ(desk.ask(method, path(line)).body(), "{\"error\":\"Session not found\"}");
  }
  EXPECT_EQ(desk.stage.hub.connection_count(), 0u);
  auto& left = desk.connect();
  desk.leave(left);
  EXPECT_EQ(desk.ask("GET", path(left)).status(), 404);
}

TEST_F(ExtensionTest, ARequestThatIsOverIsNotLookedAt) {
  auto& line = desk.connect();
  auto& early =
      desk.begin("POST", path(line, "/message"), "{\"type\":\"first\"}", {{"Content-Type", "application/json"}});
  auto& second = desk.begin("DELETE", path(line));
  auto& third = desk.begin("POST", path(line, "/message"), "{}", {{"Content-Type", "application/json"}});
  EXPECT_FALSE(early.is_answered()) << "an answer comes with the end of the turn";
  desk.turn();
  EXPECT_EQ(early.status(), 200);
  EXPECT_EQ(second.status(), 200);
  EXPECT_EQ(third.status(), 404);
  EXPECT_NE(only(line).find("first"), std::string::npos) << "what was accepted is delivered before the close";
}

TEST_F(ExtensionTest, SessionsOfBrowsersNeverReachTheStore) {
  desk.stage.store.fail(error(Code::storage_full, "no space left"));
  auto& line = desk.connect();
  EXPECT_EQ(desk.ask("POST", path(line, "/message"), "{}").status(), 200);
  desk.say(line, "{\"type\":\"hello\"}");
  EXPECT_EQ(desk.ask("DELETE", path(line)).status(), 200);
  EXPECT_TRUE(desk.stage.store.batches().empty());
}

TEST_F(ExtensionTest, SessionsOfOtherKindsAreNotShown) {
  RecordingOutlet outlet;
  auto const opened = desk.stage.open(SessionKind::shared, outlet);
  ASSERT_FALSE(opened.session.id.empty());
  EXPECT_EQ(desk.ask("GET", "/api/websocket/sessions").body(), "{\"count\":0,\"sessions\":[]}");
  EXPECT_EQ(desk.ask("GET", "/api/websocket/sessions/" + opened.session.id).status(), 404);
  EXPECT_EQ(desk.ask("DELETE", "/api/websocket/sessions/" + opened.session.id).status(), 404);
  EXPECT_EQ(desk.ask("POST", "/api/websocket/sessions/" + opened.session.id + "/message", "{}").status(), 404);
}

}  // namespace
}  // namespace sojourn

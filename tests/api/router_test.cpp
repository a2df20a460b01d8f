#include "api/router.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;

TEST(Router, PatternsMatchWholePathsAndNameTheirParts) {
  struct Row {
    std::string_view pattern;
    std::string_view path;
    std::string_view parts;  // joined by commas; "no" = does not match
  };
  for (auto const& row : {Row{"/a", "/a", ""},
                          Row{"/a", "/b", "no"},
                          Row{"/a", "/a/b", "no"},
                          Row{"/a/b", "/a", "no"},
                          Row{"/a", "/A", "no"},
                          Row{"/a", "/a/", "no"},
                          Row{"/a", "a", "no"},
                          Row{"/", "/", ""},
                          Row{"/a", "", "no"},
                          Row{"/a/:id", "/a/x", "x"},
                          Row{"/a/:id", "/a/", "no"},
                          Row{"/a/:id", "/a", "no"},
                          Row{"/a/:id", "/a/x/y", "no"},
                          Row{"/a/:id", "/a//", "no"},
                          Row{"/a/:id", "/a/:id", ":id"},
                          Row{"/a/:id/b", "/a/x/b", "x"},
                          Row{"/a/:id/b", "/a/x/c", "no"},
                          Row{"/a/:id/b", "/a//b", "no"},
                          Row{"/:a/:b/:c", "/1/2/3", "1,2,3"},
                          Row{"/:a/:b/:c", "/1/2", "no"},
                          Row{"/a/:id", "/a/%2e%2e", "%2e%2e"},
                          Row{"/a/b", "/a//b", "no"},
                          Row{"/a/b", "//a/b", "no"}}) {
    Parameters parameters;
    std::string parts;
    if (matches(row.pattern, row.path, parameters)) {
      for (std::size_t i = 0; i < parameters.count; ++i) parts.append(i == 0 ? "" : ",").append(parameters.at[i]);
    } else {
      parts = "no";
    }
    EXPECT_EQ(parts, row.parts) << row.pattern << " " << row.path;
  }
}

TEST(Router, OneTrailingSlashIsIgnored) {
  Desk desk;
  EXPECT_EQ(desk.ask("GET", "/api/websocket/sessions").status(), 200);
  EXPECT_EQ(desk.ask("GET", "/api/websocket/sessions/").status(), 200);
  EXPECT_EQ(desk.ask("GET", "/api/websocket/sessions//").status(), 404);
  EXPECT_EQ(desk.ask("GET", "/healthz/").status(), 200);
  EXPECT_EQ(desk.ask("GET", "/healthz//").status(), 404);
}

TEST(Router, WhatIsNotThereIsSaidTheSameWay) {
  Desk desk;
  for (auto const& [method, path] : {std::pair<std::string, std::string_view>{"GET", "/"},
                                     {"GET", "/nothing"},
                                     {"POST", "/healthz"},
                                     {"get", "/healthz"},
                                     {"INVENTED", "/healthz"},
                                     {"GET", "/healthz/x"},
                                     {"PUT", "/api/websocket/sessions"}}) {
    auto const& asked = desk.ask(method, path);
    EXPECT_EQ(asked.status(), 404) << method << " " << path;
    EXPECT_EQ(asked.body(), "{\"error\":\"Endpoint not found\"}");
    EXPECT_FALSE(asked.response().is_last) << "the connection goes on";
  }
}

TEST(Router, HeadIsAnsweredAsGet) {
  Desk desk;
  EXPECT_EQ(desk.ask("HEAD", "/healthz").body(), desk.ask("GET", "/healthz").body());
  EXPECT_EQ(desk.ask("HEAD", "/nothing").status(), 404);
}

TEST(Router, OptionsTellsWhatPagesMayDo) {
  Desk desk;
  auto& asked = desk.begin("OPTIONS", "/api/websocket/sessions", {},
                           {{"Origin", "http://allowed.test"}, {"Access-Control-Request-Method", "DELETE"}});
  EXPECT_EQ(asked.status(), 204);
  EXPECT_EQ(asked.body(), "");
  EXPECT_EQ(asked.response().content_type, "");
  EXPECT_EQ(asked.envelope().allow_origin, "http://allowed.test");
  std::string all;
  for (auto const& [name, value] : asked.response().headers) all += std::string(name) + ": " + value + "\n";
  EXPECT_NE(all.find("Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"), all.npos);
  EXPECT_NE(all.find("Content-Type"), all.npos);
  EXPECT_EQ(all.find('*'), all.npos) << "never everybody";
  auto const& refused = desk.begin("OPTIONS", "/api/websocket/sessions", {}, {{"Origin", "http://evil.test"}});
  EXPECT_EQ(refused.status(), 403);
  EXPECT_EQ(refused.envelope().allow_origin, "");
}

TEST(Router, NobodyComesPastAdmission) {
  Desk desk;
  for (std::string_view const path : {"/", "/healthz", "/nothing", "/api/websocket/sessions", "/api/health"}) {
    for (std::string const method : {"GET", "HEAD", "POST", "OPTIONS", "DELETE"}) {
      auto const& evil_host = desk.begin(method, path, {}, {{"Host", "evil.test"}});
      EXPECT_EQ(evil_host.status(), 403) << method << " " << path;
      EXPECT_TRUE(evil_host.response().is_last);
      auto const& evil_page = desk.begin(method, path, {}, {{"Origin", "http://evil.test"}});
      EXPECT_EQ(evil_page.status(), 403) << method << " " << path;
      EXPECT_EQ(evil_page.body(),
                "{\"error\":\"Origin http://evil.test is not allowed; add allow_origins = [\\\"http://evil.test\\\"] "
                "to the configuration\"}");
    }
  }
}

TEST(Router, WellFormedRequestIdsAreEchoedAndOthersReplaced) {
  Desk desk;
  auto const& given = desk.begin("GET", "/healthz", {}, {{"X-Request-ID", "a.B_9-"}, {"x-correlation-id", "c1"}});
  EXPECT_EQ(given.envelope().request_id, "a.B_9-");
  EXPECT_EQ(given.envelope().correlation_id, "c1");
  auto const& half = desk.begin("GET", "/healthz", {}, {{"X-Request-ID", "r1"}});
  EXPECT_EQ(half.envelope().correlation_id, "r1") << "without one of its own";
  for (std::string const& wrong : {std::string("a b"), std::string("a\"b"), std::string("a\r\nX: y"),
                                   std::string(65, 'a'), std::string("\xc3\xbc"), std::string()}) {
    auto const& replaced = desk.begin("GET", "/healthz", {}, {{"X-Request-ID", wrong}, {"X-Correlation-ID", wrong}});
    EXPECT_EQ(replaced.envelope().request_id.size(), 36u) << wrong;
    EXPECT_EQ(replaced.envelope().correlation_id, replaced.envelope().request_id);
  }
  EXPECT_EQ(desk.begin("GET", "/x", {}, {{"X-Request-ID", std::string(64, 'a')}}).envelope().request_id,
            std::string(64, 'a'));
  auto const& refused = desk.begin("GET", "/healthz", {}, {{"Host", "evil"}, {"X-Request-ID", "r2"}});
  EXPECT_EQ(refused.envelope().request_id, "r2") << "a refusal is found again too";
}

TEST(Router, EveryRequestHasAnIdOfItsOwn) {
  Desk desk;
  auto const first = desk.begin("GET", "/healthz").envelope().request_id;
  auto const second = desk.begin("GET", "/healthz").envelope().request_id;
  EXPECT_EQ(first.size(), 36u);
  EXPECT_NE(first, second);
}

TEST(Router, WebSocketsAreServedWhereADoorLetsThemIn) {
  Desk desk;
  EXPECT_TRUE(desk.connect("/ws").is_open());
  EXPECT_TRUE(desk.connect("/ws?token=1").is_open());
  EXPECT_TRUE(desk.connect("/ws/extension").is_open());
  for (std::string_view const path : {"/ws/", "/", "/ws/extension/", "/healthz", "/WS", "/ws/session"}) {
    auto const& line = desk.connect(path);
    ASSERT_TRUE(line.refusal) << path;
    EXPECT_EQ(line.refusal->code, Code::invalid) << path;
  }
  EXPECT_EQ(desk.stage.hub.session_count(), 3u);
}

TEST(Router, AnAmbiguousPathBelongsToTheListenersDialect) {
  Desk desk;
  EXPECT_TRUE(desk.connect("/ws", {}, ListenerDialect::sessions).refusal);
  EXPECT_TRUE(desk.connect("/ws", {}, ListenerDialect::monitor).refusal);
  EXPECT_TRUE(desk.connect("/ws/extension", {}, ListenerDialect::sessions).is_open());
}

TEST(Router, WebSocketsOfOtherPagesAreRefused) {
  Desk desk;
  auto const& page = desk.connect("/ws", {{"Origin", "http://evil.test"}});
  ASSERT_TRUE(page.refusal);
  EXPECT_EQ(page.refusal->code, Code::forbidden);
  EXPECT_TRUE(desk.connect("/ws", {{"Host", "evil.test:5409"}}).refusal);
  EXPECT_TRUE(desk.connect("/nothing", {{"Origin", "http://evil.test"}}).refusal->code == Code::forbidden)
      << "who may not ask is not told what is there";
  EXPECT_TRUE(desk.connect("/ws", {{"Origin", std::string(extension_origin)}}).is_open());
  EXPECT_EQ(desk.stage.hub.session_count(), 1u);
}

}  // namespace
}  // namespace sojourn

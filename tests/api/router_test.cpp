#include "api/router.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
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

std::string header_of(test::Ask const& asked, std::string_view name) {
  for (auto const& [given, value] : asked.response().headers) {
    if (given == name) return value;
  }
  return {};
}

TEST(Router, ThePathsOfSharedSessionsSayItInTheirOwnWords) {
  Desk desk;
  struct Row {
    std::string method;
    std::string_view path;
    std::string_view allow;  // empty = the path is nobody's
  };
  for (auto const& row :
       {Row{"GET", "/api/v1", ""}, Row{"GET", "/api/v1/nothing", ""}, Row{"POST", "/sessions/x/nothing", ""},
        Row{"PUT", "/api/v1/sessions", "POST, GET"}, Row{"PATCH", "/api/v1/sessions/x", "GET, DELETE"},
        Row{"POST", "/api/v1/sessions/x/state", "GET, PUT, PATCH, DELETE"}, Row{"POST", "/sessions", "GET"},
        Row{"GET", "/sessions/x", "DELETE"}, Row{"GET", "/token", "POST"}, Row{"GET", "/token/", "POST"},
        Row{"POST", "/test-token", "GET"}, Row{"DELETE", "/send-message", "POST"},
        Row{"PATCH", "/sessions/x/state/k", "GET, PUT, DELETE"}}) {
    auto const& asked = desk.ask(row.method, row.path);
    EXPECT_EQ(asked.status(), row.allow.empty() ? 404 : 405) << row.method << row.path;
    EXPECT_EQ(asked.body(), row.allow.empty() ? "{\"detail\":\"Not Found\"}" : "{\"detail\":\"Method Not Allowed\"}")
        << row.method << row.path;
    EXPECT_EQ(header_of(asked, "Allow"), row.allow) << row.method << row.path;
  }
  for (std::string_view const path : {"/api/v10", "/sessionsx", "/tokens", "/ws/sessions"})
    EXPECT_EQ(desk.ask("GET", path).body(), "{\"error\":\"Endpoint not found\"}") << path;
}

TEST(Router, ThePathOfAWebSocketAsksForOne) {
  Desk desk;
  for (std::string_view const path : {"/ws/session", "/api/v1/sessions/x/stream", "/api/v1/sessions/x/stream/"}) {
    auto const& asked = desk.ask("GET", path);
    EXPECT_EQ(asked.status(), 426) << path;
    EXPECT_EQ(header_of(asked, "Upgrade"), "websocket") << path;
    EXPECT_EQ(asked.body(), R"({"detail":"this is the path of a WebSocket; connect to it with ws:// or wss://"})");
  }
  EXPECT_EQ(desk.ask("GET", "/ws").status(), 404) << "as documented";
}

TEST(Router, OnAListenerOfSharedSessionsThatIsSoForEveryPath) {
  Desk desk;
  for (auto const& [method, path, body] : {std::tuple<std::string_view, std::string_view, std::string_view>{
                                               "GET", "/nothing", "{\"detail\":\"Not Found\"}"},
                                           {"POST", "/healthz", "{\"detail\":\"Method Not Allowed\"}"},
                                           {"POST", "/", "{\"detail\":\"Method Not Allowed\"}"},
                                           {"GET", "/api/nothing", "{\"error\":\"Endpoint not found\"}"},
                                           {"PUT", "/api/websocket/sessions", "{\"error\":\"Endpoint not found\"}"},
                                           {"PUT", "/api/v1/sessions", "{\"detail\":\"Method Not Allowed\"}"}}) {
    std::vector<Header> const headers{{"Host", "localhost:5409"}};
    Request request;
    request.method = method;
    request.path = path;
    request.headers = headers;
    request.listener = ListenerDialect::sessions;
    std::string answer;
    desk.router.handle(request, Respond([](void* place, std::uint64_t,
                                           Response response) { *static_cast<std::string*>(place) = response.body; },
                                        &answer, 0));
    EXPECT_EQ(answer, body) << method << path;
  }
}

TEST(Router, ThePathsOfTheMonitorTellAWrongMethodFromAWrongPath) {
  struct Row {
    std::string_view method;
    std::string_view path;
    int status;
    std::string_view allow;
  };
  Desk desk;
  auto const check = [&](Row const& row) {
    auto const& asked = desk.ask(std::string(row.method), row.path);
    EXPECT_EQ(asked.status(), row.status) << row.method << row.path;
    EXPECT_EQ(asked.body(), row.status == 404 ? "{\"error\":\"Not Found\"}" : "{\"error\":\"Method Not Allowed\"}")
        << row.method << row.path;
    EXPECT_EQ(header_of(asked, "Allow"), row.allow) << row.method << row.path;
  };
  for (auto const& row : {Row{"GET", "/havefun", 405, "POST, OPTIONS"}, Row{"GET", "/ping", 405, "POST"},
                          Row{"GET", "/havefun/x", 404, ""}, Row{"GET", "/debug/nothing", 404, ""},
                          Row{"GET", "/socket.io/nothing/at/all", 404, ""}})
    check(row);
  EXPECT_EQ(desk.ask("GET", "/havefunx").body(), "{\"error\":\"Endpoint not found\"}");
  desk.way_in = ListenerDialect::monitor;
  for (auto const& row : {Row{"GET", "/nothing", 404, ""}, Row{"POST", "/", 405, "GET"}}) check(row);
  EXPECT_EQ(desk.ask("GET", "/api/nothing").body(), "{\"error\":\"Endpoint not found\"}");
  EXPECT_EQ(desk.ask("GET", "/api/v1/nothing").body(), "{\"detail\":\"Not Found\"}");
}

TEST(Router, ARefusalIsInTheWordsOfItsDoor) {
  Desk desk;
  auto const evil = test::Fields{{"Origin", "http://evil.test"}};
  EXPECT_TRUE(desk.begin("GET", "/sessions", {}, evil).body().starts_with("{\"detail\":\"Origin "));
  EXPECT_TRUE(desk.begin("GET", "/api/v1/sessions", {}, evil).body().starts_with("{\"detail\":\"Origin "));
  EXPECT_TRUE(desk.begin("GET", "/api/websocket/sessions", {}, evil).body().starts_with("{\"error\":\"Origin "));
}

TEST(Router, WithAKeyNobodyComesInWithoutAToken) {
  Desk desk(test::DeskSetup{.is_open = false});
  for (auto const& [method, path] : {std::pair<std::string, std::string_view>{"GET", "/sessions"},
                                     {"GET", "/api/v1/sessions"},
                                     {"POST", "/api/v1/sessions"},
                                     {"GET", "/api/websocket/sessions"},
                                     {"POST", "/send-message"},
                                     {"GET", "/api/browser/x/tabs"}}) {
    auto const& asked = desk.ask(method, path);
    EXPECT_EQ(asked.status(), 401) << path;
    EXPECT_EQ(header_of(asked, "WWW-Authenticate"), "Bearer") << path;
    EXPECT_NE(asked.body().find("\"Not authenticated\""), std::string::npos) << asked.body();
    EXPECT_FALSE(asked.response().is_last) << "the connection goes on";
  }
  for (std::string_view const path : {"/healthz", "/readyz", "/api/health", "/openapi.json"})
    EXPECT_EQ(desk.ask("GET", path).status(), 200) << path;
  EXPECT_EQ(desk.ask("GET", "/api/v1/nothing").status(), 404);
  auto const& refused = desk.connect("/ws");
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->code, Code::unauthenticated);
  EXPECT_EQ(desk.stage.hub.session_count(), 0u);
  EXPECT_TRUE(desk.connect("/ws/extension", {desk.bearer(desk.mint("alice"))}).is_open());
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
  auto const token = desk.mint("alice");
  EXPECT_EQ(desk.connect("/ws").session().substr(0, 4), "ext_");
  EXPECT_EQ(desk.connect("/ws?v=1").session().substr(0, 4), "ext_");
  EXPECT_EQ(desk.connect("/ws/extension").session().substr(0, 4), "ext_");
  EXPECT_EQ(desk.connect("/ws?token=" + token).session().size(), 36u) << "a shared session";
  EXPECT_EQ(desk.connect("/ws/session?token=" + token).session().size(), 36u);
  for (std::string_view const path :
       {"/ws/", "/", "/ws/extension/", "/ws/session/", "/healthz", "/WS", "/api/v1/sessions/x/events"}) {
    auto const& line = desk.connect(path);
    ASSERT_TRUE(line.refusal) << path;
    EXPECT_EQ(line.refusal->code, Code::invalid) << path;
  }
  EXPECT_EQ(desk.stage.hub.session_count(), 5u);
}

TEST(Router, ALiveConnectionOfTheNativeApiMayHaveATrailingSlash) {
  Desk desk;
  auto const session = desk.connect("/ws/session?token=" + desk.mint("alice")).session();
  EXPECT_TRUE(desk.connect("/api/v1/sessions/" + session + "/stream/").is_open());
  EXPECT_TRUE(desk.follow("/api/v1/sessions/" + session + "/events/").is_open());
}

TEST(Router, AnAmbiguousPathBelongsToTheListenersDialect) {
  Desk desk;
  auto const& tracked = desk.connect("/ws", {desk.bearer(desk.mint("alice"))}, ListenerDialect::sessions);
  EXPECT_EQ(tracked.session().size(), 36u);
  auto const& anonymous = desk.connect("/ws", {}, ListenerDialect::sessions);
  EXPECT_EQ(anonymous.outlet.close_code, 1008) << "not the extension's door";
  EXPECT_TRUE(desk.connect("/ws", {}, ListenerDialect::monitor).refusal);
  EXPECT_EQ(desk.connect("/ws/extension", {}, ListenerDialect::sessions).session().size(), 16u);
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

// Two doors at one path, and what each of them was asked.
class TwoDoors : public testing::Test {
 protected:
  struct Door {
    std::string heard;
    std::optional<Error> refusal;
    std::string part;

    void join(Request const& request, Parameters const& parameters, Attachment, Welcome welcome) {
      heard += request.principal.name.empty() ? "?" : request.principal.name;
      refusal = request.refusal;
      part = parameters.count == 0 ? "" : parameters.at[0];
      welcome(Opened{});
    }
    void show(Request const& request, Parameters const&, Respond respond) {
      heard += request.principal.name.empty() ? "?" : request.principal.name;
      respond(Response{});
    }
    static bool is_first(Request const& request) { return request.query == "first"; }
  };

  void SetUp() override {
    static constexpr std::array first_entrances{
        Entrance{"/both", Carrier::websocket, &Door::is_first, join<&Door::join>},
        Entrance{"/both", Carrier::event_stream, &Door::is_first, join<&Door::join>},
        Entrance{"/judge", Carrier::websocket, nullptr, join<&Door::join>, "", true}};
    static constexpr std::array second_entrances{
        Entrance{"/both", Carrier::websocket, nullptr, join<&Door::join>},
        Entrance{"/only/:part", Carrier::event_stream, nullptr, join<&Door::join>}};
    static constexpr std::array routes{Route{"GET", "/closed", handle<&Door::show>},
                                       Route{"GET", "/open", handle<&Door::show>, "", true}};
    access.add_port(5409);
    router.add(&first, routes, first_entrances);
    router.add(&second, {}, second_entrances);
  }
  Request make(std::string_view path, std::string_view query = {}) {
    Request request;
    request.method = "GET";
    request.path = path;
    request.query = query;
    request.headers = headers;
    request.at.utc_us = 1'771'960'936'015'000;
    return request;
  }
  // "in", or the words of the refusal.
  std::string enter(std::string_view path, std::string_view query = {}) {
    auto request = make(path, query);
    std::string told = "nothing";
    router.join(request, {},
                Welcome(
                    [](void* place, std::uint64_t, Result<Opened> opened) {
                      *static_cast<std::string*>(place) = opened ? "in" : opened.error().message;
                    },
                    &told, 0));
    return told;
  }
  int status_of(std::string_view path) {
    auto request = make(path);
    int status = 0;
    router.handle(request, Respond([](void* place, std::uint64_t,
                                      Response response) { *static_cast<int*>(place) = response.status; },
                                   &status, 0));
    return status;
  }

  std::vector<Header> headers{{"Host", "localhost:5409"}, {"Upgrade", "websocket"}};
  Access access{{}, false};
  Identity identity{Keys(std::string(64, 'x'), std::string(64, 'y')), false};
  Log log;
  Router router{access, identity, log, Random(1)};
  Door first;
  Door second;
  std::string const token = "Bearer " + identity.keys().mint({"alice", 0, Scope::write, {}, {}}, 0);
};

TEST_F(TwoDoors, AreAskedInTheirOrderWhetherTheyAreMeant) {
  headers.push_back({"Authorization", token});
  EXPECT_EQ(enter("/both", "first"), "in");
  EXPECT_EQ(first.heard, "alice");
  EXPECT_EQ(second.heard, "");
  EXPECT_EQ(enter("/both", "second"), "in");
  EXPECT_EQ(first.heard, "alice");
  EXPECT_EQ(second.heard, "alice");
}

TEST_F(TwoDoors, AnEntranceIsOfOneCarrier) {
  headers.push_back({"Authorization", token});
  EXPECT_EQ(enter("/only/x"), "no WebSocket is served at this path");
  headers[1] = {"Accept", "text/event-stream"};
  EXPECT_EQ(enter("/only/x"), "in");
  EXPECT_EQ(second.part, "x");
  EXPECT_TRUE(router.is_event_stream(make("/only/x")));
  EXPECT_TRUE(router.is_event_stream(make("/both", "first")));
  EXPECT_FALSE(router.is_event_stream(make("/both", "second"))) << "the second door has none";
  EXPECT_FALSE(router.is_event_stream(make("/judge")));
  headers.push_back({"Upgrade", "websocket"});
  EXPECT_FALSE(router.is_event_stream(make("/only/x"))) << "who wants to upgrade does not want that";
  headers = {{"Host", "localhost:5409"}};
  EXPECT_FALSE(router.is_event_stream(make("/only/x")));
}

TEST_F(TwoDoors, OnlyAnEntranceThatJudgesTokensHearsOfWrongOnes) {
  EXPECT_EQ(enter("/both"), "Not authenticated");
  headers.push_back({"Authorization", "Bearer wrong"});
  EXPECT_EQ(enter("/both"), "Invalid or expired token");
  EXPECT_EQ(first.heard + second.heard, "");
  EXPECT_EQ(enter("/judge"), "in");
  EXPECT_EQ(first.heard, "?") << "nobody";
  ASSERT_TRUE(first.refusal);
  EXPECT_EQ(first.refusal->message, "Invalid or expired token");
  headers.back() = {"Authorization", token};
  EXPECT_EQ(enter("/judge"), "in");
  EXPECT_EQ(first.heard, "?alice");
  EXPECT_FALSE(first.refusal);
}

TEST_F(TwoDoors, AdmissionComesBeforeThePathAndThatBeforeTheToken) {
  EXPECT_EQ(enter("/nothing"), "no WebSocket is served at this path") << "without a token too";
  headers[0] = {"Host", "evil.test"};
  EXPECT_TRUE(enter("/nothing").starts_with("Host evil.test is not allowed"));
  EXPECT_TRUE(enter("/judge").starts_with("Host evil.test is not allowed"));
  EXPECT_EQ(first.heard, "");
}

TEST_F(TwoDoors, APublicRouteAsksNobodyWhoTheyAre) {
  EXPECT_EQ(status_of("/closed"), 401);
  EXPECT_EQ(first.heard, "");
  EXPECT_EQ(status_of("/open"), 200);
  headers.push_back({"Authorization", "Bearer wrong"});
  EXPECT_EQ(status_of("/closed"), 401);
  EXPECT_EQ(status_of("/open"), 200);
  EXPECT_EQ(first.heard, "??");
  headers.back() = {"Authorization", token};
  EXPECT_EQ(status_of("/closed"), 200);
  EXPECT_EQ(first.heard, "??alice");
}

}  // namespace
}  // namespace sojourn

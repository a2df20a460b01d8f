// Browser sessions at the native door: opened, listed, shown, kept, ended.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Fields;

constexpr std::string_view sessions = "/api/v1/sessions";

class SessionsBrowserTest : public testing::Test {
 protected:
  Ask& open(std::string const& more = "", Fields fields = {}) {
    return desk.ask("POST", sessions, R"({"kind":"browser")" + more + "}", std::move(fields));
  }
  std::string open_id(std::string const& more = "", Fields fields = {}) { return id_of(open(more, std::move(fields))); }
  static std::string id_of(Ask const& asked) {
    auto const body = json::parse(asked.body());
    return body && body->is_object() ? std::string(json::find_string(body->get_object(), "session_id")) : "";
  }
  Ask& get(std::string_view rest, Fields fields = {}) {
    return desk.ask("GET", std::string(sessions) + std::string(rest), {}, std::move(fields));
  }
  Fields as(std::string user) const { return {Desk::bearer(desk.mint(std::move(user)))}; }
  static std::string header_of(Ask const& asked, std::string_view name) {
    for (auto const& [given, value] : asked.response().headers) {
      if (given == name) return value;
    }
    return {};
  }
  static json::object browser_of(Ask const& asked) { return json::parse(asked.body())->at("browser").as_object(); }
  static bool has(Ask const& asked, std::string_view text) { return asked.body().find(text) != std::string::npos; }

  Desk desk;
  FakeBrowser& browser = desk.stage.fake_browser;
};

TEST_F(SessionsBrowserTest, OneIsOpenedAndSaysWhatItIs) {
  auto const& asked = open(R"(,"timeout_s":90,"max_life_s":7200,"browser":{"width":800,"height":600})", as("alice"));
  EXPECT_EQ(asked.status(), 201);
  auto const id = id_of(asked);
  EXPECT_TRUE(is_browser_id(id)) << id;
  EXPECT_EQ(asked.body(),
            R"({"session_id":")" + id +
                R"(","user_id":"alice","client_id":null,"kind":"browser","created_at":"2026-02-24T19:22:16.015000Z",)"
                R"("expires_at":"2026-02-24T19:23:46.015000Z","status":"active","session_type":"troubleshooting",)"
                R"("timeout_s":90,"max_life_s":7200,"browser":{"url":"","title":"","width":800,"height":600,"calls":0,)"
                R"("last_call_at":null,"checkpoint_at":null},"session_resumed":false,"timeout_minutes":1,)"
                R"("message":"Session created successfully"})");
  EXPECT_EQ(header_of(asked, "Location"), std::string(sessions) + "/" + id);
  ASSERT_EQ(browser.opened.size(), 1U);
  EXPECT_EQ(browser.opened[0].first, id);
  EXPECT_EQ(browser.opened[0].second.width, 800);
}

TEST_F(SessionsBrowserTest, ItIsFoundAgainByItsClientId) {
  auto const id = open_id(R"(,"client_id":"desk")", as("alice"));
  auto const& again = open(R"(,"client_id":"desk")", as("alice"));
  EXPECT_EQ(id_of(again), id);
  EXPECT_TRUE(has(again, R"("session_resumed":true)")) << again.body();
  EXPECT_NE(open_id(R"(,"client_id":"desk")", as("bob")), id);
}

TEST_F(SessionsBrowserTest, ListsAndAnswersTellOfItsPage) {
  auto const id = open_id();
  desk.ask("POST", sessions);
  desk.stage.hub.submit(local_principal(), CallFunction{{}, id, Function::open});
  browser.tell(id, "navigated", R"({"url":"http://site.test/a","title":"A \"b\""})");
  desk.turn();
  desk.turn();
  for (auto const* place : {"?kind=browser", "?kind=all", "/"}) {
    auto const& asked = get(place == std::string_view("/") ? "/" + id : place);
    EXPECT_EQ(asked.status(), 200);
    EXPECT_TRUE(has(asked, R"("browser":{"url":"http://site.test/a","title":"A \"b\"","width":1280,"height":720,)"
                           R"("calls":1,"last_call_at":"2026-02-24T19:22:16.015000Z","checkpoint_at":null})"))
        << asked.body();
  }
  EXPECT_TRUE(has(get("?kind=browser"), R"("total_count":1)"));
  EXPECT_TRUE(has(get("?kind=all"), R"("total_count":2)"));
  for (auto const* place : {"", "?kind=shared", "?kind=extension"}) EXPECT_FALSE(has(get(place), id)) << place;
}

TEST_F(SessionsBrowserTest, OtherDoorsDoNotListItNorKnowIt) {
  auto const id = open_id();
  EXPECT_FALSE(has(desk.ask("GET", "/sessions"), id));
  EXPECT_FALSE(has(desk.ask("GET", "/api/websocket/sessions"), id));
  EXPECT_EQ(desk.ask("DELETE", "/sessions/" + id).status(), 404);
  EXPECT_EQ(desk.ask("GET", "/api/websocket/sessions/" + id).status(), 404);
  EXPECT_EQ(get("/" + id).status(), 200);
}

TEST_F(SessionsBrowserTest, AHeartbeatKeepsItAndALookDoesNot) {
  auto const id = open_id(R"(,"timeout_s":60)");
  desk.stage.clock.advance_us(50'000'000);
  EXPECT_EQ(get("/" + id).status(), 200);
  EXPECT_TRUE(has(desk.ask("POST", std::string(sessions) + "/" + id + "/heartbeat"),
                  R"("expires_at":"2026-02-24T19:24:06.015000Z")"));
  desk.stage.clock.advance_us(50'000'000);
  EXPECT_EQ(get("/" + id).status(), 200);
  desk.stage.clock.advance_us(10'000'000);
  desk.turn();
  auto const& gone = get("/" + id);
  EXPECT_EQ(gone.status(), 404);
  EXPECT_EQ(gone.body(),
            R"({"detail":"Session expired: )" + id + R"(","code":"expired","error_code":"SESSION_EXPIRED"})");
  EXPECT_TRUE(has(desk.ask("POST", std::string(sessions) + "/" + id + "/heartbeat"), "Session not found or expired: "));
}

TEST_F(SessionsBrowserTest, ItIsEndedForEverybodyAndItsOwnerHearsThat) {
  auto const id = open_id("", as("alice"));
  auto& line = desk.connect(std::string(sessions) + "/" + id + "/stream", as("alice"));
  ASSERT_TRUE(line.is_open());
  EXPECT_EQ(desk.ask("DELETE", std::string(sessions) + "/" + id, {}, as("alice")).status(), 204);
  EXPECT_EQ(browser.closed, std::vector<std::string>{id});
  desk.turn();
  EXPECT_FALSE(line.is_open());
  auto const& gone = get("/" + id, as("alice"));
  EXPECT_EQ(gone.status(), 404);
  EXPECT_TRUE(has(gone, "Session ended: " + id)) << gone.body();
  EXPECT_TRUE(has(gone, R"("code":"ended")")) << gone.body();
  EXPECT_TRUE(has(get("/" + id, as("bob")), "Session not found: " + id));
  EXPECT_TRUE(has(desk.ask("POST", std::string(sessions) + "/" + id + "/heartbeat", {}, as("alice")),
                  "Session not found or expired: "));
}

TEST_F(SessionsBrowserTest, ItsEventsCarryTheNamesOfFunctionsAndNews) {
  auto const id = open_id();
  auto& line = desk.connect(std::string(sessions) + "/" + id + "/stream");
  CallFunction command{{}, id, Function::interact};
  command.note = R"({"action":"click","ref":"@e1"})";
  command.request_id = "r7";
  desk.stage.hub.submit(local_principal(), std::move(command));
  browser.tell(id, "dialog", R"({"type":"alert"})");
  desk.turn();
  desk.turn();
  auto const lines = line.outlet.take_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(R"("type":"session.function","seq":2)"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(R"("user":"local","request_id":"r7","name":"interact",)"
                          R"("data":{"input":{"action":"click","ref":"@e1"},"success":true,"ms":0})"),
            std::string::npos)
      << lines[0];
  EXPECT_NE(lines[1].find(R"("type":"session.browser")"), std::string::npos) << lines[1];
  EXPECT_NE(lines[1].find(R"("name":"dialog","data":{"type":"alert"})"), std::string::npos) << lines[1];
}

TEST_F(SessionsBrowserTest, INF_11_WhoFindsNoPlaceHearsWhenToTryAgain) {
  browser.places = 1;
  open();
  auto& waiting = desk.begin("POST", sessions, R"({"kind":"browser"})", {{"Content-Type", "application/json"}});
  desk.turn();
  EXPECT_FALSE(waiting.is_answered());
  desk.stage.clock.advance_us(30'000'000);
  desk.turn();
  ASSERT_TRUE(waiting.is_answered());
  EXPECT_EQ(waiting.status(), 429);
  EXPECT_EQ(header_of(waiting, "Retry-After"), "60");
  EXPECT_TRUE(has(waiting, "as many browser sessions run as may (1)")) << waiting.body();
  EXPECT_TRUE(has(waiting, "number 1 of 1")) << waiting.body();
  EXPECT_TRUE(has(waiting, R"("code":"too_many")")) << waiting.body();
}

TEST_F(SessionsBrowserTest, NothingTellsAProxysSecret) {
  auto const proxy =
      std::string(R"(,"browser":{"proxy_url":"http://carl:Tr0ub4dor@proxy.test:1","proxy_password":"Tr0ub4dor"})");
  auto const& asked = open(proxy);
  auto const id = id_of(asked);
  EXPECT_EQ(browser.opened.at(0).second.proxy_password, "Tr0ub4dor");
  for (auto const* place : {"", "/events", "/stats", "/recovery-info"})
    EXPECT_FALSE(has(get("/" + id + place), "Tr0ub4dor")) << place;
  std::vector<Ask const*> const others{&asked, &get("?kind=browser"), &open(proxy + R"(,"x":1)")};
  for (auto const* answer : others) EXPECT_FALSE(has(*answer, "Tr0ub4dor")) << answer->body();
}

TEST_F(SessionsBrowserTest, WhatCanNotBeMeantIsRefusedBeforeAnythingIsOpened) {
  auto const& asked = open(R"(,"browser":{"width":0})");
  EXPECT_EQ(asked.status(), 422);
  EXPECT_TRUE(has(asked, R"("loc":["body","browser.width"])")) << asked.body();
  EXPECT_TRUE(browser.opened.empty());
}

TEST(SessionsWithoutBrowserTest, SayThatThereIsNone) {
  DeskSetup setup;
  setup.stage.has_browser = false;
  Desk desk(std::move(setup));
  auto const& asked = desk.ask("POST", sessions, R"({"kind":"browser"})");
  EXPECT_EQ(asked.status(), 503);
  EXPECT_EQ(asked.body(),
            R"({"detail":"there are no browser sessions here: this server has no browser","code":"unavailable"})");
  EXPECT_EQ(desk.ask("GET", "/api/v1/sessions?kind=browser").status(), 200);
}

}  // namespace
}  // namespace sojourn

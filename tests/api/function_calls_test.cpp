#include "api/function_calls.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Fields;

std::string header_of(Ask const& asked, std::string_view name) {
  for (auto const& [given, value] : asked.response().headers)
    if (given == name) return value;
  return {};
}

class FunctionCallsTest : public testing::Test {
 protected:
  static std::string path(std::string_view id, std::string_view function) {
    return "/api/v1/sessions/" + std::string(id) + "/functions/" + std::string(function);
  }
  Ask& call(std::string_view id, std::string_view function, std::string body = "{}", Fields fields = {}) {
    return desk.ask("POST", path(id, function), std::move(body), std::move(fields));
  }
  static std::string session_of(Ask const& asked) {
    auto const body = json::parse(asked.body());
    return body && body->is_object() ? std::string(json::find_string(body->get_object(), "session_id")) : "";
  }
  std::string open(Fields fields = {}) {
    return session_of(call("new", "open", R"({"url":"http://site.test/"})", std::move(fields)));
  }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk.mint(user, scope))}; }
  std::string status_of(std::string const& id) {
    return std::to_string(desk.ask("GET", "/api/v1/sessions/" + id).status());
  }

  Desk desk;
  FakeBrowser& browser = desk.stage.fake_browser;
};

TEST_F(FunctionCallsTest, INF_03_OpenInANewSessionAnswersWithThePageAndTheSession) {
  auto const& asked = call("new", "open", R"({"url":"http://site.test/"})");
  EXPECT_EQ(asked.status(), 200);
  auto const id = session_of(asked);
  EXPECT_TRUE(id.starts_with("sess_")) << asked.body();
  EXPECT_EQ(asked.body(), R"({"url":"http://site.test/","title":"Site","elements":[],"session_id":")" + id + "\"}");
  ASSERT_EQ(browser.called.size(), 1u);
  EXPECT_EQ(browser.called[0].session_id, id);
  EXPECT_EQ(browser.called[0].input.at("url"), "http://site.test/");
  EXPECT_EQ(browser.called[0].input.at("snapshot"), "full") << "defaults are filled in";
  EXPECT_EQ(browser.called[0].timeout_us, 60'000'000);
}

TEST_F(FunctionCallsTest, INF_06_TheInputSaysWhatTheNewSessionIsToBe) {
  call("new", "open", R"({"url":"a.test","width":800,"height":600,"record_video":true,"proxy_url":"http://u:p@h:1"})");
  ASSERT_EQ(browser.opened.size(), 1u);
  BrowserWish expected;
  expected.width = 800;
  expected.height = 600;
  expected.records_video = true;
  expected.proxy_url = "http://h:1";
  expected.proxy_username = "u";
  expected.proxy_password = "p";
  EXPECT_EQ(browser.opened[0].second, expected);
}

TEST_F(FunctionCallsTest, INF_04_EachFunctionIsCalledInItsSession) {
  auto const id = open();
  struct Row {
    std::string_view function;
    std::string_view body;
    std::string_view output;
  };
  for (auto const& each :
       {Row{"open", R"({"url":"b.test"})", R"({"url":"http://site.test/","title":"Site","elements":[])"},
        Row{"run", R"({"url":"b.test"})", R"({"url":"http://site.test/","title":"Site","elements":[])"},
        Row{"snapshot", "{}", R"({"url":"http://site.test/","title":"Site","elements":[])"},
        Row{"interact", R"({"action":"click","ref":"@e1"})", R"({"success":true,"action":"click","message":null)"},
        Row{"screenshot", "", R"({"screenshot":null,"width":1280,"height":720)"},
        Row{"execute", R"({"code":"1+1"})", R"({"result":"2","error":null)"},
        Row{"close", "", R"({"success":true,"video":null)"}}) {
    auto const& asked = call(id, each.function, std::string(each.body));
    EXPECT_EQ(asked.status(), 200) << each.function;
    EXPECT_EQ(asked.body(), std::string(each.output) + ",\"session_id\":\"" + id + "\"}") << each.function;
  }
}

TEST_F(FunctionCallsTest, INF_08_ACloseMayBeRepeated) {
  auto const id = open();
  call(id, "close");
  auto const& again = call(id, "close");
  EXPECT_EQ(again.status(), 200);
  EXPECT_EQ(again.body(), R"({"success":true,"video":null,"output_meta":null,"session_id":")" + id + "\"}");
}

TEST_F(FunctionCallsTest, INF_09_ADeadSessionSaysWhatItIs) {
  auto const& unknown = call("sess_00000000000000000000000000", "snapshot");
  EXPECT_EQ(unknown.status(), 404);
  EXPECT_EQ(unknown.body(), R"({"detail":"Session not found: sess_00000000000000000000000000","code":"not_found",)"
                            R"("error_code":"SESSION_NOT_FOUND"})");
  auto const id = open();
  call(id, "close");
  auto const& ended = call(id, "snapshot");
  EXPECT_EQ(ended.status(), 404);
  EXPECT_EQ(ended.body(), R"({"detail":"Session ended: )" + id + R"(","code":"ended","error_code":"SESSION_ENDED"})");
  auto const other = open();
  desk.stage.clock.advance_us(std::int64_t{601} * 1'000'000);
  desk.turn();
  EXPECT_EQ(call(other, "snapshot").body(),
            R"({"detail":"Session expired: )" + other + R"(","code":"expired","error_code":"SESSION_EXPIRED"})");
}

TEST_F(FunctionCallsTest, INF_13_NewTwiceIsTwoSessions) { EXPECT_NE(open(), open()); }

TEST_F(FunctionCallsTest, OnlyOpenBeginsASession) {
  for (auto const* const function : {"snapshot", "screenshot", "close"}) {
    auto const& asked = call("new", function);
    EXPECT_EQ(asked.status(), 409);
    EXPECT_EQ(asked.body(), R"({"detail":"Browser not started. Call 'open' first.","code":"conflict"})");
  }
  EXPECT_TRUE(browser.opened.empty());
}

TEST_F(FunctionCallsTest, ANewSessionWhoseFirstPageFailsDoesNotStay) {
  browser.outputs[Function::open] = error(Code::failed, "Failed to open URL: net::ERR_NAME_NOT_RESOLVED");
  auto const& asked = call("new", "open", R"({"url":"nowhere.test"})");
  EXPECT_EQ(asked.status(), 502);
  EXPECT_EQ(asked.body(), R"({"detail":"Failed to open URL: net::ERR_NAME_NOT_RESOLVED","code":"failed"})");
  for (int i = 0; i < 4; ++i) desk.turn();
  EXPECT_EQ(browser.closed.size(), 1u);
  EXPECT_TRUE(browser.live.empty());
}

TEST_F(FunctionCallsTest, AnOldSessionOutlivesAPageThatFails) {
  auto const id = open();
  browser.outputs[Function::open] = error(Code::failed, "Failed to open URL: net::ERR_NAME_NOT_RESOLVED");
  EXPECT_EQ(call(id, "open", R"({"url":"nowhere.test"})").status(), 502);
  EXPECT_EQ(status_of(id), "200");
}

TEST_F(FunctionCallsTest, AnActionThatFailsIsAnAnswer) {
  auto const id = open();
  browser.outputs[Function::interact] =
      std::string(R"({"success":false,"action":"type","message":"'text' required for type action"})");
  auto const& asked = call(id, "interact", R"({"action":"type"})");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_TRUE(asked.body().starts_with(R"({"success":false,)"));
}

TEST_F(FunctionCallsTest, WhatIsWrongInTheInputIsNamed) {
  auto const id = open();
  auto const& asked = call(id, "interact", R"({"action":"clik"})");
  EXPECT_EQ(asked.status(), 422);
  EXPECT_TRUE(asked.body().starts_with(
      R"({"detail":[{"type":"value_error","loc":["body","action"],"msg":"action has to be click, dblclick,)"))
      << asked.body();
  EXPECT_EQ(call(id, "interact", "[]").status(), 400);
  EXPECT_EQ(call(id, "interact", "{").status(), 400);
  EXPECT_EQ(browser.called.size(), 1u) << "nothing of it reached the browser";
}

TEST_F(FunctionCallsTest, AnUnknownFunctionIsNamedWithTheKnownOnes) {
  auto const& asked = call("sess_x", "navigate");
  EXPECT_EQ(asked.status(), 404);
  EXPECT_EQ(asked.body(), R"({"detail":"Function not found: navigate; there are open, snapshot, interact, screenshot, )"
                          R"(execute, close","code":"not_found"})");
}

TEST_F(FunctionCallsTest, ASessionTimeoutIsForANewSession) {
  auto const id = session_of(call("new", "open", R"({"url":"a.test","session_timeout":120})"));
  EXPECT_NE(desk.ask("GET", "/api/v1/sessions/" + id).body().find("\"timeout_s\":120,"), std::string::npos);
  auto const& by_query = desk.ask("POST", path("new", "open") + "?session_timeout=90", R"({"url":"a.test"})");
  EXPECT_NE(desk.ask("GET", "/api/v1/sessions/" + session_of(by_query)).body().find("\"timeout_s\":90,"),
            std::string::npos);
  auto const& old = call(id, "snapshot", R"({"session_timeout":120})");
  EXPECT_EQ(old.status(), 422);
  EXPECT_NE(old.body().find("session_timeout is for a new session; this one has its own already"), std::string::npos);
  for (auto const* const wrong : {"0", "3601", "\"60\"", "1.5"})
    EXPECT_EQ(call("new", "open", R"({"url":"a.test","session_timeout":)" + std::string(wrong) + "}").status(), 422)
        << wrong;
  EXPECT_EQ(desk.ask("POST", path("new", "open") + "?session_timeout=x", R"({"url":"a"})").status(), 422);
}

TEST_F(FunctionCallsTest, OthersDoNotFindIt) {
  auto const id = open(as("alice"));
  EXPECT_EQ(call(id, "snapshot", "{}", as("bob")).status(), 404);
  EXPECT_EQ(call(id, "snapshot", "{}", as("alice", Scope::read)).status(), 403);
  EXPECT_EQ(call(id, "snapshot", "{}", as("alice")).status(), 200);
  EXPECT_EQ(call("new", "open", R"({"url":"a"})", as("alice", Scope::read)).status(), 403);
}

TEST_F(FunctionCallsTest, ARequestThatIsRepeatedRunsOnce) {
  Fields const key{{"Idempotency-Key", "a-key-of-mine"}};
  auto const first = session_of(call("new", "open", R"({"url":"a.test"})", key));
  auto const& again = call("new", "open", R"({"url":"a.test"})", key);
  EXPECT_EQ(session_of(again), first);
  EXPECT_EQ(header_of(again, "Idempotent-Replayed"), "true");
  EXPECT_EQ(browser.opened.size(), 1u);
}

TEST_F(FunctionCallsTest, TheLogTellsOfCallsWithoutTheirSecrets) {
  auto const id = open();
  call(id, "interact", R"({"action":"fill","ref":"@e3","text":"my secret"})", {{"X-Request-ID", "request-7"}});
  auto const& log = desk.ask("GET", "/api/v1/sessions/" + id + "/events");
  EXPECT_NE(log.body().find(R"("data":{"input":{"action":"fill","ref":"@e3"},"success":true,)"), std::string::npos)
      << log.body();
  EXPECT_EQ(log.body().find("my secret"), std::string::npos);
  EXPECT_NE(log.body().find(R"("request_id":"request-7")"), std::string::npos);
}

TEST_F(FunctionCallsTest, TheFunctionsAreListedWithTheirSchemas) {
  auto const& asked = desk.ask("GET", "/api/v1/functions");
  EXPECT_EQ(asked.status(), 200);
  auto const body = json::parse(asked.body());
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("functions").as_array().size(), functions);
  EXPECT_EQ(body->at("functions").at(2).at("name"), "interact");
}

TEST(FunctionCallsWhenFull, INF_11_SayWhenToTryAgain) {
  DeskSetup setup;
  setup.stage.browsers.queue_max = 0;
  Desk desk(std::move(setup));
  desk.stage.fake_browser.places = 1;
  std::string const target = "/api/v1/sessions/new/functions/open";
  EXPECT_EQ(desk.ask("POST", target, R"({"url":"a.test"})").status(), 200);
  auto const& refused = desk.ask("POST", target, R"({"url":"a.test"})");
  EXPECT_EQ(refused.status(), 429) << refused.body();
  EXPECT_FALSE(header_of(refused, "Retry-After").empty());
}

TEST(FunctionCallsWithoutABrowser, AreRefused) {
  DeskSetup setup;
  setup.stage.has_browser = false;
  Desk desk(std::move(setup));
  EXPECT_EQ(desk.ask("POST", "/api/v1/sessions/new/functions/open", R"({"url":"a.test"})").status(), 503);
}

TEST(WithSessionId, IsOneMoreMember) {
  EXPECT_EQ(with_session_id("{}", "x"), R"({"session_id":"x"})");
  EXPECT_EQ(with_session_id(R"({"a":{}})", "x"), R"({"a":{},"session_id":"x"})");
}

}  // namespace
}  // namespace sojourn

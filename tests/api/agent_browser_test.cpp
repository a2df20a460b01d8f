#include "api/agent_browser.h"

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

constexpr std::string_view not_started = "Browser not started. Call 'open' first.";

class AgentBrowserTest : public testing::Test {
 protected:
  static json::object object_of(Ask const& asked) {
    auto body = json::parse(asked.body());
    return body && body->is_object() ? std::move(body->get_object()) : json::object();
  }
  // {"app":"agent-browser", and the rest.
  Ask& run(std::string_view rest, Fields fields = {}) {
    return desk.ask("POST", "/apps/run", R"({"app":"agent-browser",)" + std::string(rest) + "}", std::move(fields));
  }
  Ask& call(std::string_view function, std::string_view session, std::string_view input = "{}", Fields fields = {}) {
    return run("\"function\":\"" + std::string(function) + "\",\"session\":\"" + std::string(session) +
                   "\",\"input\":" + std::string(input),
               std::move(fields));
  }
  std::string open(Fields fields = {}) {
    auto const task = object_of(call("open", "new", R"({"url":"http://site.test/"})", std::move(fields)));
    return std::string(json::find_string(task, "session_id"));
  }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk.mint(user, scope))}; }
  // "STATUS CODE: MESSAGE" of a refusal.
  static std::string refusal_of(Ask const& asked) {
    auto const body = object_of(asked);
    auto const* const error = body.if_contains("error");
    if (error == nullptr || !error->is_object()) return std::to_string(asked.status()) + " " + asked.body();
    return std::to_string(asked.status()) + " " + std::string(json::find_string(error->get_object(), "code")) + ": " +
           std::string(json::find_string(error->get_object(), "message"));
  }
  // "STATE ERROR" of a task.
  static std::string state_of(json::object const& task) {
    return std::string(json::find_string(task, "status")) + " " + std::string(json::find_string(task, "error", "-"));
  }

  Desk desk;
  FakeBrowser& browser = desk.stage.fake_browser;
};

TEST_F(AgentBrowserTest, INF_03_OpenWithANewSessionGivesATaskWithItsId) {
  auto const& asked = call("open", "new", R"({"url":"http://site.test/"})");
  EXPECT_EQ(asked.status(), 200);
  auto const task = object_of(asked);
  EXPECT_EQ(state_of(task), "completed -");
  EXPECT_TRUE(json::find_string(task, "session_id").starts_with("sess_"));
  EXPECT_TRUE(json::find_string(task, "id").starts_with("task_"));
  EXPECT_EQ(json::to_text(task.at("output")), R"({"url":"http://site.test/","title":"Site","elements":[]})")
      << "the session is the task's, no member of the output";
  EXPECT_EQ(json::to_text(task.at("logs")), "[]");
}

TEST_F(AgentBrowserTest, INF_04_LaterCallsGoToTheSession) {
  auto const id = open();
  for (auto const& [function, input] :
       {std::pair{"run", R"({"url":"b.test"})"}, std::pair{"snapshot", "{}"},
        std::pair{"interact", R"({"action":"click","ref":"@e1"})"}, std::pair{"screenshot", "{}"},
        std::pair{"execute", R"({"code":"1"})"}, std::pair{"close", "{}"}}) {
    auto const task = object_of(call(function, id, input));
    EXPECT_EQ(state_of(task), "completed -") << function;
    EXPECT_EQ(json::find_string(task, "function"), function);
    EXPECT_EQ(json::find_string(task, "session_id"), id);
  }
  EXPECT_TRUE(browser.live.empty());
}

TEST_F(AgentBrowserTest, INF_13_WithoutASessionItIsGoneAfterwards) {
  browser.outputs[Function::close] = std::string(R"({"success":true,"video":{"uri":"v"},"output_meta":null})");
  for (auto const* const session : {"", R"("session":null,)", R"("session":"",)"}) {
    auto const& asked = run(std::string(session) + R"("function":"open","input":{"url":"a.test","record_video":true})");
    auto const task = object_of(asked);
    EXPECT_EQ(state_of(task), "completed -") << asked.body();
    EXPECT_TRUE(task.at("session_id").is_null());
    EXPECT_EQ(json::to_text(task.at("video")), R"({"uri":"v"})") << "which nobody could ask for later";
    EXPECT_TRUE(browser.live.empty());
  }
  EXPECT_EQ(object_of(run(R"("input":{"url":"a.test"})")).at("function"), "run") << "is what an app does by itself";
}

TEST_F(AgentBrowserTest, NothingButOpenBeginsASession) {
  for (auto const* const session : {"", R"(,"session":"new")"}) {
    auto const task = object_of(run(std::string(R"("function":"snapshot")") + session));
    EXPECT_EQ(state_of(task), "failed " + std::string(not_started));
    EXPECT_TRUE(task.at("output").is_null());
    EXPECT_TRUE(task.at("session_id").is_null());
  }
  EXPECT_TRUE(browser.opened.empty());
}

TEST_F(AgentBrowserTest, AFirstPageThatFailsFailsTheTaskAndClosesTheSession) {
  browser.outputs[Function::open] = error(Code::failed, "Failed to open URL: net::ERR_CONNECTION_REFUSED");
  for (auto const* const session : {"", R"(,"session":"new")"}) {
    auto const& asked = run(std::string(R"("function":"open","input":{"url":"a.test"})") + session);
    EXPECT_EQ(asked.status(), 200);
    auto const task = object_of(asked);
    EXPECT_EQ(state_of(task), "failed Failed to open URL: net::ERR_CONNECTION_REFUSED");
    EXPECT_EQ(task.at("error_code"), "FAILED");
    EXPECT_TRUE(task.at("session_id").is_null());
    for (int i = 0; i < 4; ++i) desk.turn();
    EXPECT_TRUE(browser.live.empty());
  }
}

TEST_F(AgentBrowserTest, AnAddressThatNoSessionMayGoToFailsTheTask) {
  auto const id = open();
  browser.outputs[Function::open] = error(Code::forbidden, "Failed to open URL: file: addresses are not allowed");
  auto const task = object_of(call("open", id, R"({"url":"file:///etc/passwd"})"));
  EXPECT_EQ(state_of(task), "failed Failed to open URL: file: addresses are not allowed");
  EXPECT_EQ(json::find_string(task, "session_id"), id);
}

TEST_F(AgentBrowserTest, INF_09_ADeadSessionIsRefusedWithItsDocumentedCode) {
  EXPECT_EQ(refusal_of(call("snapshot", "sess_x")), "404 SESSION_NOT_FOUND: Session not found: sess_x");
  auto const ended = open();
  call("close", ended);
  EXPECT_EQ(refusal_of(call("snapshot", ended)), "410 SESSION_ENDED: Session ended: " + ended);
  EXPECT_EQ(object_of(call("close", ended)).at("status"), "completed") << "INF-08 but closing again does no harm";
  auto const expired = open();
  desk.stage.clock.advance_us(std::int64_t{601} * 1'000'000);
  desk.turn();
  EXPECT_EQ(refusal_of(call("snapshot", expired)), "410 SESSION_EXPIRED: Session expired: " + expired);
}

TEST_F(AgentBrowserTest, ASessionOfAnotherKindIsNone) {
  auto const& made = desk.ask("POST", "/api/v1/sessions");
  auto const id = std::string(json::find_string(object_of(made), "session_id"));
  EXPECT_EQ(refusal_of(call("snapshot", id)), "404 SESSION_NOT_FOUND: Session not found: " + id);
}

TEST_F(AgentBrowserTest, TheAppMayBeNamedWithWhoseItIs) {
  for (auto const* const name : {"agent-browser", "infsh/agent-browser", "my-team/agent-browser", "agent-browser@1.2",
                                 "infsh/agent-browser@latest"}) {
    auto const& asked = desk.ask("POST", "/apps/run", R"({"app":")" + std::string(name) + R"(","input":{"url":"a"}})");
    EXPECT_EQ(asked.status(), 200) << name;
  }
  for (auto const* const body : {R"({"app":"infsh/image-maker"})", R"({"app":"x-agent-browser"})"})
    EXPECT_TRUE(refusal_of(desk.ask("POST", "/apps/run", body)).starts_with("404 APP_NOT_FOUND: App not found: "))
        << body;
  EXPECT_NE(refusal_of(desk.ask("POST", "/apps/run", "{}")).find("app is missing"), std::string::npos)
      << refusal_of(desk.ask("POST", "/apps/run", "{}"));
  EXPECT_EQ(refusal_of(run(R"("function":"fly")")),
            "404 FUNCTION_NOT_FOUND: Function not found: fly; there are open, snapshot, interact, screenshot, execute, "
            "close");
}

TEST_F(AgentBrowserTest, WhatMakesNoSenseIsRefusedWithItsField) {
  struct Row {
    std::string_view rest;
    std::string_view field;
  };
  auto const id = open();
  auto const in_session = R"("function":"snapshot","session_timeout":60,"session":")" + id + "\"";
  for (auto const& each :
       {Row{R"("function":"open","input":{})", "input.url"}, Row{R"("function":"open","input":[])", "input"},
        Row{R"("function":"interact","session":"x","input":{"action":"clik"})", "input.action"},
        Row{R"("function":7)", "function"}, Row{R"("session":7)", "session"}, Row{R"("wait":"no")", "wait"},
        Row{R"("session":"new","session_timeout":0,"input":{"url":"a"})", "session_timeout"},
        Row{R"("session":"new","session_timeout":3601,"input":{"url":"a"})", "session_timeout"},
        Row{R"("session_timeout":60,"input":{"url":"a"})", "session_timeout"}, Row{in_session, "session_timeout"}}) {
    auto const& asked = run(each.rest);
    EXPECT_EQ(asked.status(), 422) << each.rest;
    auto const body = object_of(asked);
    ASSERT_TRUE(body.contains("error")) << asked.body();
    EXPECT_EQ(json::find_string(body.at("error").as_object(), "field"), each.field) << each.rest;
  }
  EXPECT_EQ(desk.ask("POST", "/apps/run", "[]").status(), 400);
  EXPECT_EQ(browser.opened.size(), 1u);
}

TEST_F(AgentBrowserTest, WhatElseThePlatformTakesDoesNoHarm) {
  auto const& asked = run(R"("stream":true,"infra":"cloud","webhook":"http://x.test","wait":true,"input":{"url":"a"})");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(object_of(asked).at("status"), "completed");
}

TEST_F(AgentBrowserTest, ANewSessionHasTheTimeoutThatIsSaid) {
  auto const task = object_of(run(R"("function":"open","session":"new","session_timeout":100,"input":{"url":"a"})"));
  auto const id = std::string(json::find_string(task, "session_id"));
  EXPECT_EQ(object_of(desk.ask("GET", "/apps/sessions/" + id)).at("idle_timeout"), json::value(100));
}

TEST_F(AgentBrowserTest, ATaskThatNobodyWaitsForIsAskedForLater) {
  browser.answers_by_itself = false;
  auto const& begun = run(R"("function":"open","session":"new","wait":false,"input":{"url":"a.test"})");
  EXPECT_EQ(begun.status(), 202);
  auto const id = std::string(json::find_string(object_of(begun), "id"));
  auto const path = "/apps/tasks/" + id;
  for (int i = 0; i < 4; ++i) desk.turn();
  EXPECT_EQ(object_of(desk.ask("GET", path)).at("status"), "running");
  ASSERT_EQ(browser.waiting.size(), 1u);
  browser.answer(std::string(R"({"url":"http://a.test/"})"));
  for (int i = 0; i < 4; ++i) desk.turn();
  auto const over = object_of(desk.ask("GET", path));
  EXPECT_EQ(state_of(over), "completed -");
  EXPECT_EQ(json::to_text(over.at("output")), R"({"url":"http://a.test/"})");
  EXPECT_TRUE(json::find_string(over, "session_id").starts_with("sess_"));
  desk.stage.clock.advance_us(std::int64_t{600} * 1'000'000);
  EXPECT_EQ(refusal_of(desk.ask("GET", path)), "404 TASK_NOT_FOUND: Task not found: " + id);
}

TEST_F(AgentBrowserTest, ATaskThatNobodyWaitsForTellsOfItsRefusalToo) {
  auto const& begun = run(R"("function":"snapshot","session":"sess_x","wait":false)");
  EXPECT_EQ(begun.status(), 202);
  for (int i = 0; i < 4; ++i) desk.turn();
  auto const over = object_of(desk.ask("GET", "/apps/tasks/" + std::string(json::find_string(object_of(begun), "id"))));
  EXPECT_EQ(state_of(over), "failed Session not found: sess_x");
  EXPECT_EQ(over.at("error_code"), "SESSION_NOT_FOUND");
}

TEST_F(AgentBrowserTest, ATaskIsItsOwners) {
  auto const& begun = run(R"("function":"open","wait":false,"input":{"url":"a.test"})", as("alice"));
  auto const path = "/apps/tasks/" + std::string(json::find_string(object_of(begun), "id"));
  EXPECT_EQ(desk.ask("GET", path, {}, as("bob")).status(), 404);
  EXPECT_EQ(desk.ask("GET", path, {}, as("alice")).status(), 200);
}

TEST_F(AgentBrowserTest, SessionsAreListedAsRecords) {
  auto const id = open(as("alice"));
  auto const& asked = desk.ask("GET", "/apps/sessions", {}, as("alice"));
  EXPECT_EQ(asked.body(),
            R"({"sessions":[{"id":")" + id +
                R"(","worker_id":"local","app_id":"agent-browser","status":"active",)"
                R"("created_at":"2026-02-24T19:22:16.015000Z","expires_at":"2026-02-24T19:32:16.015000Z",)"
                R"("ended_at":null,"call_count":1,"last_call_at":"2026-02-24T19:22:16.015000Z",)"
                R"("idle_timeout":600,"task_id":null,"url":null,"title":null}],"total_count":1})");
  EXPECT_EQ(desk.ask("GET", "/apps/sessions", {}, as("bob")).body(), R"({"sessions":[],"total_count":0})");
  EXPECT_EQ(refusal_of(desk.ask("GET", "/apps/sessions/" + id, {}, as("bob"))),
            "404 SESSION_NOT_FOUND: Session not found: " + id);
  desk.ask("POST", "/api/v1/sessions");
  EXPECT_EQ(object_of(desk.ask("GET", "/apps/sessions")).at("total_count"), json::value(1)) << "of no other kind";
}

TEST_F(AgentBrowserTest, AKeepaliveBeginsTheIdleTimeAnew) {
  auto const id = open();
  desk.stage.clock.advance_us(std::int64_t{400} * 1'000'000);
  auto const& kept = desk.ask("POST", "/apps/sessions/" + id + "/keepalive");
  EXPECT_EQ(kept.status(), 200);
  EXPECT_EQ(object_of(kept).at("expires_at"), "2026-02-24T19:38:56.015000Z");
  desk.stage.clock.advance_us(std::int64_t{400} * 1'000'000);
  desk.turn();
  EXPECT_EQ(desk.ask("GET", "/apps/sessions/" + id).status(), 200);
  EXPECT_EQ(refusal_of(desk.ask("POST", "/apps/sessions/sess_x/keepalive")),
            "404 SESSION_NOT_FOUND: Session not found: sess_x");
}

TEST_F(AgentBrowserTest, ADeletedSessionIsToldAsEnded) {
  auto const id = open();
  auto const& ended = desk.ask("DELETE", "/apps/sessions/" + id);
  EXPECT_EQ(ended.status(), 200);
  EXPECT_EQ(object_of(ended).at("status"), "ended");
  EXPECT_EQ(object_of(ended).at("ended_at"), "2026-02-24T19:22:16.015000Z");
  for (auto const* const method : {"GET", "DELETE"})
    EXPECT_EQ(refusal_of(desk.ask(method, "/apps/sessions/" + id)), "410 SESSION_ENDED: Session ended: " + id);
}

TEST_F(AgentBrowserTest, WhoMayOnlyReadRunsNothing) {
  auto const id = open(as("alice"));
  auto const reader = as("alice", Scope::read);
  EXPECT_TRUE(refusal_of(call("snapshot", id, "{}", reader)).starts_with("403 FORBIDDEN: "));
  EXPECT_TRUE(refusal_of(call("open", "new", R"({"url":"a"})", reader)).starts_with("403 FORBIDDEN: "));
  EXPECT_TRUE(refusal_of(desk.ask("DELETE", "/apps/sessions/" + id, {}, reader)).starts_with("403 FORBIDDEN: "));
  EXPECT_EQ(desk.ask("GET", "/apps/sessions/" + id, {}, reader).status(), 200);
}

TEST(AgentBrowserDoor, ItsRefusalsHaveItsShapeBeforeAnyRouteToo) {
  DeskSetup setup;
  setup.is_open = false;
  Desk desk(std::move(setup));
  auto const& asked = desk.ask("GET", "/apps/sessions");
  EXPECT_EQ(asked.status(), 401);
  EXPECT_TRUE(asked.body().starts_with(R"({"error":{"code":"UNAUTHENTICATED","message":)")) << asked.body();
}

}  // namespace
}  // namespace sojourn

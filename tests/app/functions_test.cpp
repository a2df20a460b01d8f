#include "app/functions.h"

#include <gtest/gtest.h>

#include "app/command_fixture.h"

namespace sojourn {
namespace {

using test::body_of;
using test::first_line;
using test::ScriptedServer;

constexpr std::string_view page = R"({"url":"https://example.com/","title":"Example","elements":[],"screenshot":null,)"
                                  R"("elements_text":"@e1 [a] \"More\"","output_meta":null,"session_id":"sess_1"})";

class Functions : public test::CommandFixture {};

TEST_F(Functions, INF03_OpenInANewSessionPrintsItsOutputWithTheId) {
  ScriptedServer const server({ScriptedServer::answer(200, std::string(page))});
  AppCommand const command{"agent-browser", "open", "new", "{\n  \"url\": \"https://example.com\"\n}"};
  ASSERT_EQ(failure(run_app(target(server), command, terminal_)), "done");
  EXPECT_EQ(take_out(), std::string(page) + "\n") << "one line, as it came";
  EXPECT_EQ(first_line(server.requests().at(0)), "POST /api/v1/sessions/new/functions/open HTTP/1.1");
  EXPECT_EQ(body_of(server.requests().at(0)), R"({"url":"https://example.com"})");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(Functions, INF04_LaterCallsNameTheSession) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})")});
  for (auto const* const function : {"open", "snapshot", "interact", "screenshot", "execute", "close", "run"}) {
    ASSERT_EQ(failure(run_app(target(server), {"agent-browser", function, "sess_1", "{}"}, terminal_)), "done");
  }
  auto const requests = server.requests();
  EXPECT_EQ(first_line(requests.at(2)), "POST /api/v1/sessions/sess_1/functions/interact HTTP/1.1");
  EXPECT_EQ(first_line(requests.at(6)), "POST /api/v1/sessions/sess_1/functions/open HTTP/1.1") << "run is open";
}

TEST_F(Functions, INF13_WithoutASessionTheServerClosesItAfterwards) {
  ScriptedServer const server({ScriptedServer::answer(
      200, R"({"id":"task_1","status":"completed","output":{"title":"Example"},"error":null,"session_id":null})")});
  ASSERT_EQ(failure(run_app(target(server), {"agent-browser", "open", "", R"({"url":"a"})"}, terminal_)), "done");
  EXPECT_EQ(take_out(), "{\"title\":\"Example\",\"session_id\":null}\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "POST /apps/run HTTP/1.1");
  auto const body = json::parse(body_of(server.requests().at(0)));
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("app"), "agent-browser");
  EXPECT_EQ(body->at("input").at("url"), "a");
  EXPECT_FALSE(body->as_object().contains("session"));
}

TEST_F(Functions, ATaskThatFailedIsAFailureOfItsClass) {
  ScriptedServer const server({ScriptedServer::answer(
      200, R"({"status":"failed","output":null,"error":"Failed to open URL: x","error_code":"timeout"})")});
  EXPECT_EQ(failure(run_app(target(server), {"agent-browser", "open", "", "{}"}, terminal_)),
            "75: the server says: Failed to open URL: x");
}

TEST_F(Functions, INF09_ADeadSessionIsNotFoundInLowerCase) {
  ScriptedServer const server(
      {ScriptedServer::answer(404, R"({"detail":"Session not found: sess_1","code":"not_found"})"),
       ScriptedServer::answer(404, R"({"detail":"Session expired: sess_1","code":"expired"})"),
       ScriptedServer::answer(404, R"({"detail":"Session ended: sess_1","code":"ended"})"),
       ScriptedServer::answer(410, R"({"error":{"code":"SESSION_ENDED","message":"Session has ended"}})")});
  AppCommand const command{"agent-browser", "snapshot", "sess_1", "{}"};
  auto const next = "; open a new one with: sojourn open URL";
  EXPECT_EQ(failure(run_app(target(server), command, terminal_)), std::string("66: session not found: sess_1") + next);
  EXPECT_EQ(failure(run_app(target(server), command, terminal_)),
            std::string("66: session not found: sess_1 (expired)") + next);
  EXPECT_EQ(failure(run_app(target(server), command, terminal_)),
            std::string("66: session not found: sess_1 (ended)") + next);
  terminal_.program = "infsh";
  auto const said = failure(run_app(target(server), command, terminal_));
  EXPECT_TRUE(said.starts_with("66: session not found: sess_1 (ended); open a new one with: infsh app run ")) << said;
}

TEST_F(Functions, INF09_WithoutAServerThereIsNoSession) {
  EXPECT_EQ(failure(run_app({}, {"agent-browser", "snapshot", "sess_1", "{}"}, terminal_)).substr(0, 54),
            "66: session not found: sess_1 (no server is running); ");
  ScriptedServer const gone({""});
  EXPECT_EQ(failure(run_app(target(gone), {"agent-browser", "snapshot", "sess_1", "{}"}, terminal_)).substr(0, 3),
            "69:")
      << "of a server that was named nobody knows";
}

TEST_F(Functions, InputComesFromAFileOrFromStandardInput) {
  ScriptedServer const server({ScriptedServer::answer(200, "{}")});
  auto const file = folder_.write("in.json", R"({"ref":"@e1"})");
  in_.str(R"({"ref":"@e2"})");
  for (auto const& input : {"@" + file, std::string("-"), std::string()}) {
    ASSERT_EQ(failure(run_app(target(server), {"agent-browser", "interact", "s", input}, terminal_)), "done");
  }
  EXPECT_EQ(body_of(server.requests().at(0)), R"({"ref":"@e1"})");
  EXPECT_EQ(body_of(server.requests().at(1)), R"({"ref":"@e2"})");
  EXPECT_EQ(body_of(server.requests().at(2)), "{}");
}

TEST_F(Functions, WhatCanNotBeMeantIsRefusedBeforeAnybodyIsAsked) {
  auto const said = [this](AppCommand const& command) { return failure(run_app({}, command, terminal_)); };
  EXPECT_EQ(said({"agent-browsr", "open"}), "64: there is no app \"agent-browsr\"; the only one is agent-browser");
  EXPECT_EQ(said({"agent-browser", "opn"}), "64: --function: there is no function \"opn\"; did you mean \"open\"?");
  EXPECT_EQ(said({"agent-browser", "open", "new", "[1]"}).substr(0, 34), "65: --input is not a JSON object; ");
  EXPECT_EQ(said({"agent-browser", "open", "new", "{"}).substr(0, 26), "65: --input can't be taken");
  EXPECT_EQ(said({"agent-browser", "open", "new", "@" + folder_.path() + "/none"}).substr(0, 3), "65:");
}

TEST_F(Functions, TheAppMayBeNamedInFull) {
  ScriptedServer const server({ScriptedServer::answer(200, "{}")});
  for (auto const* const name : {"infsh/agent-browser", "agent-browser@latest"}) {
    EXPECT_EQ(failure(run_app(target(server), {name, "close", "s"}, terminal_)), "done");
  }
}

TEST_F(Functions, APersonGetsLines) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"title":"Example","session_id":"s"})")});
  terminal_.columns = 80;
  ASSERT_EQ(failure(run_app(target(server), {"agent-browser", "snapshot", "s"}, terminal_)), "done");
  EXPECT_EQ(take_out(), "{\n  \"title\": \"Example\",\n  \"session_id\": \"s\"\n}\n");
  ASSERT_EQ(failure(run_app(target(server, true), {"agent-browser", "snapshot", "s"}, terminal_)), "done");
  EXPECT_EQ(take_out(), "{\"title\":\"Example\",\"session_id\":\"s\"}\n");
}

TEST_F(Functions, ANewSessionMayHaveATimeOfItsOwn) {
  ScriptedServer const server({ScriptedServer::answer(200, "{}")});
  ASSERT_EQ(failure(run_app(target(server), {"agent-browser", "open", "new", "{}", "30"}, terminal_)), "done");
  EXPECT_EQ(first_line(server.requests().at(0)),
            "POST /api/v1/sessions/new/functions/open?session_timeout=30 HTTP/1.1");
}

}  // namespace
}  // namespace sojourn

#include "app/pages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "app/command_fixture.h"

namespace sojourn {
namespace {

using test::body_of;
using test::first_line;
using test::ScriptedServer;

constexpr std::string_view opened =
    R"({"url":"https://example.com/","title":"Ex\u001b[2Jample","elements":[{"ref":"@e1","desc":"@e1 [input type=text] )"
    R"(\"Name\"","tag":"input","text":"Name","input_type":"text"}],"screenshot":{"uri":"http://h:1/api/v1/x.png",)"
    R"("path":"/d/x.png"},"elements_text":"@e1 [input type=text] \"Name\"\n@e2 [a] \"M\u0007ore\"","truncated":true,)"
    R"("dialogs":[{"type":"alert","message":"hi","action":"accepted"}],"session_id":"sess_1"})";

class Pages : public test::CommandFixture {};

TEST_F(Pages, OpenTellsTheSessionThePageAndHowToGoOn) {
  ScriptedServer const server({ScriptedServer::answer(200, std::string(opened))});
  PageCommand command{.url = "example.com", .input = {{"width", 800}}};
  ASSERT_EQ(failure(open_page(target(server), command, terminal_)), "done");
  EXPECT_EQ(take_out(),
            "Session     sess_1\n"
            "Dialog      alert \"hi\" was accepted\n"
            "Page        Ex\\u{1b}[2Jample\n"
            "Address     https://example.com/\n"
            "Screenshot  /d/x.png\n"
            "\n"
            "@e1 [input type=text] \"Name\"\n"
            "@e2 [a] \"M\\u{07}ore\"\n"
            "(there is more)\n"
            "\n"
            "Go on with\n"
            "  sojourn interact sess_1 fill @e1 \"some text\"\n"
            "  sojourn snapshot sess_1\n"
            "  sojourn close sess_1\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "POST /api/v1/sessions/new/functions/open HTTP/1.1");
  EXPECT_EQ(body_of(server.requests().at(0)), R"({"width":800,"url":"example.com"})");
  command.session = "sess_1";
  ASSERT_EQ(failure(open_page(target(server, true), command, terminal_)), "done");
  EXPECT_EQ(first_line(server.requests().at(1)), "POST /api/v1/sessions/sess_1/functions/open HTTP/1.1");
  EXPECT_EQ(json::parse(take_out()).value().at("session_id"), "sess_1");
}

TEST_F(Pages, ASnapshotMayBeWhatChanged) {
  ScriptedServer const server(
      {ScriptedServer::answer(200,
                              R"({"title":"A","url":"u","elements":[],"elements_text":"","diff":{"removed":["@e1"],)"
                              R"("changed":[{"desc":"@e2 [a] \"B\""}],"added":[{"desc":"@e9 [a] \"C\""}]}})"),
       ScriptedServer::answer(200, R"({"title":"A","url":"u","diff":{"removed":[],"changed":[],"added":[]}})")});
  ASSERT_EQ(failure(show_page(target(server), {.session = "s"}, terminal_)), "done");
  EXPECT_EQ(take_out(), "Page        A\nAddress     u\n\n- @e1\n~ @e2 [a] \"B\"\n+ @e9 [a] \"C\"\n");
  ASSERT_EQ(failure(show_page(target(server), {.session = "s"}, terminal_)), "done");
  EXPECT_EQ(take_out(), "Page        A\nAddress     u\n\n(nothing changed)\n");
}

TEST_F(Pages, AnActionTellsWhatItWasDoneTo) {
  ScriptedServer const server({ScriptedServer::answer(
      200, R"({"success":true,"action":"click","message":null,"screenshot":null,"element":{"ref":"@e1","tag":"button",)"
           R"("role":"button","name":"Sign in"},"snapshot":{"title":"Home","url":"u","elements_text":"@e2 [a] \"X\"",)"
           R"("screenshot":null},"session_id":"s"})")});
  ASSERT_EQ(failure(act_on_page(target(server), {.session = "s", .words = {"click", "@e1"}}, terminal_)), "done");
  EXPECT_EQ(take_out(),
            "Done        click @e1 <button> \"Sign in\"\nPage        Home\nAddress     u\n\n@e2 [a] \"X\"\n");
  EXPECT_EQ(body_of(server.requests().at(0)), R"({"action":"click","ref":"@e1"})");
}

TEST_F(Pages, AnActionThatFailedIsAnExitCodeOfItsClass) {
  auto const answer = [](std::string_view message, std::string_view code) {
    return ScriptedServer::answer(
        200, json::to_text(json::object{
                 {"success", false}, {"action", "click"}, {"message", message}, {"code", code}, {"session_id", "s"}}));
  };
  ScriptedServer const server({answer("Timeout 5000ms exceeded: the element is covered", "timeout"),
                               answer("Unknown ref: @e9. Run 'snapshot' to get current elements.", "not_found"),
                               answer("no", "blocked")});
  PageCommand const command{.session = "s", .words = {"click", "@e9"}};
  EXPECT_EQ(failure(act_on_page(target(server), command, terminal_)),
            "75: click: Timeout 5000ms exceeded: the element is covered; see the page with: sojourn snapshot s");
  EXPECT_EQ(
      failure(act_on_page(target(server), command, terminal_)),
      "65: click: Unknown ref: @e9. Run 'snapshot' to get current elements; see the page with: sojourn snapshot s");
  EXPECT_EQ(take_out(), "");
  EXPECT_EQ(failure(act_on_page(target(server, true), command, terminal_)).substr(0, 3), "76:");
  EXPECT_EQ(json::parse(take_out()).value().at("message"), "no") << "programs get the answer besides";
}

TEST_F(Pages, AScreenshotIsFetchedToWhereItIsWanted) {
  std::string const answer = R"({"screenshot":{"uri":"http://h:1/api/v1/sessions/s/files/x.jpg","path":"/d/x.jpg"}})";
  ScriptedServer const server({ScriptedServer::answer(200, answer), ScriptedServer::answer(200, "IMAGE"),
                               ScriptedServer::answer(200, answer), ScriptedServer::answer(200, answer),
                               ScriptedServer::answer(404, R"({"detail":"File not found"})")});
  auto const file = folder_.path() + "/page.jpg";
  ASSERT_EQ(failure(capture_page(target(server), {.session = "s", .file = file}, terminal_)), "done");
  EXPECT_EQ(take_out(), file + "\n");
  EXPECT_EQ(body_of(server.requests().at(0)), R"({"format":"jpeg"})");
  EXPECT_EQ(first_line(server.requests().at(1)), "GET /api/v1/sessions/s/files/x.jpg HTTP/1.1");
  std::ifstream written(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(written), {}), "IMAGE");
  ASSERT_EQ(failure(capture_page(target(server), {.session = "s"}, terminal_)), "done");
  EXPECT_EQ(take_out(), "/d/x.jpg\n");
  EXPECT_EQ(failure(capture_page(target(server), {.session = "s", .file = file}, terminal_)).substr(0, 3), "66:");
}

TEST_F(Pages, AFileThatCanNotBeWrittenIsSaid) {
  ScriptedServer const server(
      {ScriptedServer::answer(200, R"({"screenshot":{"uri":"http://h:1/x.png"}})"), ScriptedServer::answer(200, "I")});
  EXPECT_EQ(failure(capture_page(target(server), {.session = "s", .file = "/none/x.png"}, terminal_)),
            "73: can't write /none/x.png: No such file or directory");
}

TEST_F(Pages, AScriptGivesItsResultAsItIs) {
  ScriptedServer const server(
      {ScriptedServer::answer(200, R"({"result":"a\tb\nc","error":null})"),
       ScriptedServer::answer(200, R"({"result":"a\tb\nc","error":null})"),
       ScriptedServer::answer(200, R"({"result":null,"error":"ReferenceError: x","session_id":"s"})")});
  PageCommand const command{.session = "s", .code = "-"};
  in_.str("document.title");
  ASSERT_EQ(failure(run_in_page(target(server), command, terminal_)), "done");
  EXPECT_EQ(take_out(), "a\tb\nc\n");
  EXPECT_EQ(body_of(server.requests().at(0)), R"({"code":"document.title"})");
  terminal_.columns = 80;
  ASSERT_EQ(failure(run_in_page(target(server), {.session = "s", .code = "x"}, terminal_)), "done");
  EXPECT_EQ(take_out(), "a\\tb\nc\n");
  EXPECT_EQ(failure(run_in_page(target(server), {.session = "s", .code = "x"}, terminal_)),
            "76: execute: ReferenceError: x; see the page with: sojourn snapshot s");
}

TEST_F(Pages, CloseTellsWhereTheVideoIs) {
  ScriptedServer const server(
      {ScriptedServer::answer(200, R"({"success":true,"video":{"path":"/d/video.webm"},"session_id":"sess_1"})"),
       ScriptedServer::answer(200, R"({"success":true,"video":null,"session_id":"sess_1"})")});
  ASSERT_EQ(failure(close_page(target(server), "sess_1", terminal_)), "done");
  EXPECT_EQ(take_out(), "Closed sess_1\nVideo       /d/video.webm\n");
  ASSERT_EQ(failure(close_page(target(server), "sess_1", terminal_)), "done");
  EXPECT_EQ(take_out(), "Closed sess_1\n");
}

}  // namespace
}  // namespace sojourn

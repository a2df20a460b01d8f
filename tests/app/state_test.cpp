#include "app/state.h"

#include <gtest/gtest.h>

#include "app/command_fixture.h"

namespace sojourn {
namespace {

using test::body_of;
using test::first_line;
using test::ScriptedServer;

class StateOf : public test::CommandFixture {
 protected:
  static StateCommand of(std::string const& id) {
    StateCommand command;
    command.id = id;
    return command;
  }
};

TEST_F(StateOf, ASessionIsShownInLinesThatCanNotHarmATerminal) {
  std::string const state =
      R"({"state":{"offer":{"carrier":"UPS","cost":12.99},"list":[1,"two\u0009",{}],"none":[],"\u202e":null},"revision":4})";
  ScriptedServer const server({ScriptedServer::answer(200, state)});
  EXPECT_EQ(failure(run_state(target(server), of("s1"), terminal_)), "done");
  EXPECT_EQ(take_out(),
            "{\n"
            "  \"offer\": {\n"
            "    \"carrier\": \"UPS\",\n"
            "    \"cost\": 12.99\n"
            "  },\n"
            "  \"list\": [\n"
            "    1,\n"
            "    \"two\\t\",\n"
            "    {}\n"
            "  ],\n"
            "  \"none\": [],\n"
            "  \"\\u202e\": null\n"
            "}\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions/s1/state HTTP/1.1");
  EXPECT_EQ(failure(run_state(target(server, true), of("s1"), terminal_)), "done");
  auto const value = json::parse(take_out());
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("revision"), 4);
}

TEST_F(StateOf, AKeyIsShownAlone) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"value":"UPS","revision":4})")});
  auto command = of("s1");
  command.key = "a/b";
  EXPECT_EQ(failure(run_state(target(server), command, terminal_)), "done");
  EXPECT_EQ(out_.str(), "\"UPS\"\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions/s1/state/a%2Fb HTTP/1.1");
}

TEST_F(StateOf, AKeyIsSetToJsonAsItIsWritten) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"key":"k","revision":5})")});
  auto command = of("s1");
  command.key = "k";
  for (auto const* const value : {R"({"cost": 1.0})", "\"blue\"", "12.50", "true", "null", "-5"}) {
    command.value = value;
    EXPECT_EQ(failure(run_state(target(server), command, terminal_)), "done");
    EXPECT_EQ(take_out(), "Set k of s1 (revision 5)\n");
    EXPECT_EQ(first_line(server.requests().back()), "PUT /api/v1/sessions/s1/state/k HTTP/1.1");
    EXPECT_EQ(body_of(server.requests().back()), value);
  }
  command.value = "-";
  in_.str("[1]\n");
  EXPECT_EQ(failure(run_state(target(server), command, terminal_)), "done");
  EXPECT_EQ(body_of(server.requests().back()), "[1]\n");
}

TEST_F(StateOf, AWordThatIsNoJsonIsToldHowToBeQuoted) {
  auto command = of("s1");
  command.key = "k";
  command.value = "blue";
  Target const nobody{"http://127.0.0.1:1", {}, false};
  auto const text = failure(run_state(nobody, command, terminal_));
  EXPECT_TRUE(text.starts_with("65: VALUE can't be taken: not valid JSON: ")) << text;
  EXPECT_TRUE(text.ends_with("; for a text write it in both quotes: '\"blue\"'")) << text;
  for (auto const* const value : {"", "{", "[1,", "\"open", "1 2"}) {
    command.value = value;
    EXPECT_TRUE(
        failure(run_state(nobody, command, terminal_)).starts_with("65: VALUE can't be taken: not valid JSON: "))
        << value;
  }
}

TEST_F(StateOf, PatchAndDeleteWorkOnOneKeyAndOnAll) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"revision":6})"),
                               ScriptedServer::answer(200, R"({"key":"k","revision":7})"),
                               "HTTP/1.1 204 No Content\r\nETag: \"8\"\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"});
  auto command = of("s1");
  command.patch = R"({"a":null})";
  EXPECT_EQ(failure(run_state(target(server), command, terminal_)), "done");
  command.key = "k";
  EXPECT_EQ(failure(run_state(target(server), command, terminal_)), "done");
  command.patch.reset();
  command.is_deleting = true;
  EXPECT_EQ(failure(run_state(target(server), command, terminal_)), "done");
  command.key.reset();
  EXPECT_EQ(failure(run_state(target(server), command, terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "Patched the state of s1 (revision 6)\n"
            "Patched k of s1 (revision 7)\n"
            "Deleted k of s1 (revision 8)\n"
            "Deleted the state of s1\n");
  auto const requests = server.requests();
  EXPECT_EQ(first_line(requests.at(0)), "PATCH /api/v1/sessions/s1/state HTTP/1.1");
  EXPECT_EQ(body_of(requests.at(0)), R"({"a":null})");
  EXPECT_EQ(first_line(requests.at(1)), "PATCH /api/v1/sessions/s1/state/k HTTP/1.1");
  EXPECT_EQ(first_line(requests.at(2)), "DELETE /api/v1/sessions/s1/state/k HTTP/1.1");
  EXPECT_EQ(first_line(requests.at(3)), "DELETE /api/v1/sessions/s1/state HTTP/1.1");
}

TEST_F(StateOf, ARevisionGuardsAChange) {
  ScriptedServer const server(
      {ScriptedServer::answer(412, R"({"detail":"State has changed","code":"precondition_failed","revision":9})")});
  auto command = of("s1");
  command.key = "k";
  command.value = "1";
  command.if_revision = 8;
  EXPECT_EQ(failure(run_state(target(server), command, terminal_)),
            "75: the server says: State has changed (the revision is 9); read it again");
  EXPECT_NE(server.requests().at(0).find("\r\nIf-Match: \"8\"\r\n"), std::string::npos);
}

TEST_F(StateOf, ProgramsLearnTheRevisionAlsoWithoutABody) {
  ScriptedServer const server({"HTTP/1.1 204 No Content\r\nETag: \"8\"\r\n\r\n"});
  auto command = of("s1");
  command.is_deleting = true;
  EXPECT_EQ(failure(run_state(target(server, true), command, terminal_)), "done");
  EXPECT_EQ(out_.str(), "{\"revision\":8}\n");
}

TEST_F(StateOf, PartsThatContradictEachOtherAreWrongUsage) {
  Target const nobody{"http://127.0.0.1:1", {}, false};
  auto two = of("s1");
  two.key = "k";
  two.value = "1";
  two.is_deleting = true;
  EXPECT_EQ(failure(run_state(nobody, two, terminal_)), "64: state: give one of VALUE, --patch and --delete");
  auto empty = of("s1");
  empty.key = "";
  EXPECT_EQ(failure(run_state(nobody, empty, terminal_)), "64: state: KEY is empty; leave it out for all keys");
  auto reading = of("s1");
  reading.if_revision = 1;
  EXPECT_EQ(failure(run_state(nobody, reading, terminal_)),
            "64: state: --if-revision guards a change; give VALUE, --patch or --delete with it");
}

TEST_F(StateOf, AnAnswerWithoutStateIsAFailure) {
  ScriptedServer const server({ScriptedServer::answer(200, "{}")});
  EXPECT_EQ(failure(run_state(target(server), of("s1"), terminal_)).substr(0, 42),
            "76: the server's answer has no state; are ");
}

}  // namespace
}  // namespace sojourn

#include "app/commands.h"

#include <gtest/gtest.h>

#include <sstream>

#include "app/temporary_folder.h"
#include "net/scripted_server.h"

namespace sojourn {
namespace {

using test::ScriptedServer;

constexpr std::string_view two_sessions =
    R"({"count":2,"sessions":[)"
    R"({"sessionId":"ext_111111111111","connectedAt":"2026-02-24T19:22:16.015Z","lastSeen":"2026-02-24T19:24:16.000Z",)"
    R"("userAgent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36","ip":"127.0.0.1"},)"
    R"({"sessionId":"ext_222222222222","connectedAt":"2026-02-24T19:24:16.000Z","lastSeen":"2026-02-24T19:24:16.000Z",)"
    R"("userAgent":"evil\u001b[2J\nagent","ip":"::1"}]})";

class Commands : public testing::Test {
 protected:
  Commands() : terminal_{in_, out_, err_, {{"HOME", folder_.path()}}, Clock(now_), nullptr} {
    now_.utc_us = 1771961056500000;  // 2026-02-24T19:24:16.500Z
  }

  Target target(ScriptedServer const& server) const { return {server.url(), {}, false}; }

  // "65: the message"
  static std::string failure(Result<> const& done) {
    return done ? "done" : std::to_string(row(done.error().code).exit_code) + ": " + done.error().message;
  }

  test::TemporaryFolder folder_;
  Moment now_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  Terminal terminal_;
};

TEST_F(Commands, SessionsAreATableThatNoServerTextCanBreak) {
  ScriptedServer const server({ScriptedServer::answer(200, std::string(two_sessions))});
  EXPECT_EQ(failure(list_sessions(target(server), terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "SESSION           CONNECTED  LAST SEEN  ADDRESS    BROWSER\n"
            "ext_111111111111  2 min ago  just now   127.0.0.1  Chrome 156 on Linux\n"
            "ext_222222222222  just now   just now   ::1        evil\\u{1b}[2J\\nagent\n");
  EXPECT_TRUE(server.requests().at(0).starts_with("GET /api/websocket/sessions HTTP/1.1\r\n"));
}

TEST_F(Commands, AnEmptyListSaysHowToConnectABrowser) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"count":0,"sessions":[]})")});
  EXPECT_EQ(failure(list_sessions(target(server), terminal_)), "done");
  EXPECT_TRUE(out_.str().starts_with("No browser is connected.\n"));
  EXPECT_NE(out_.str().find("chrome://extensions"), std::string::npos);
}

TEST_F(Commands, ProgramsGetTheAnswerAsOneLineOfJson) {
  ScriptedServer const server({ScriptedServer::answer(200, std::string(two_sessions))});
  auto to = target(server);
  to.json = true;
  EXPECT_EQ(failure(list_sessions(to, terminal_)), "done");
  EXPECT_EQ(out_.str(), std::string(two_sessions) + "\n");
}

TEST_F(Commands, ShowNamesEverythingKnownOfASession) {
  ScriptedServer const server({ScriptedServer::answer(
      200,
      R"({"sessionId":"ext_1","connectedAt":"2026-02-24T19:22:16.015Z","lastSeen":"x","userAgent":"Firefox/128"})")});
  EXPECT_EQ(failure(show_session(target(server), "ext_1", terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "Session     ext_1\n"
            "Connected   2026-02-24T19:22:16.015Z (2 min ago)\n"
            "Last seen   x (x)\n"
            "Browser     Firefox 128\n"
            "User agent  Firefox/128\n");
}

TEST_F(Commands, IdsCanNotLeaveTheirPlaceInThePath) {
  ScriptedServer const server({ScriptedServer::answer(404, R"({"error":"Session not found"})")});
  EXPECT_EQ(failure(show_session(target(server), "a/../b?c d%\n", terminal_)),
            "66: the server says: Session not found; list those that are connected with: sojourn sessions");
  EXPECT_TRUE(server.requests().at(0).starts_with("GET /api/websocket/sessions/a%2F..%2Fb%3Fc%20d%25%0A HTTP/1.1\r\n"));
}

TEST_F(Commands, SendPassesTheMessageOnByteForByte) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})")});
  std::string const message = R"({ "type":"navigate", "data":{"n":1.0}})";
  EXPECT_EQ(failure(send_message(target(server), "ext_1", message, terminal_)), "done");
  EXPECT_EQ(out_.str(), "Sent to ext_1\n");
  auto const request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /api/websocket/sessions/ext_1/message HTTP/1.1\r\n"));
  EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\n" + message));
}

TEST_F(Commands, SendReadsStandardInputForADash) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})")});
  std::string const message = R"({"type":"ping","data":")" + std::string(200'000, 'x') + "\"}";
  in_.str(message);
  EXPECT_EQ(failure(send_message(target(server), "ext_1", "-", terminal_)), "done");
  EXPECT_TRUE(server.requests().at(0).ends_with(message));
}

TEST_F(Commands, SendRefusesWhatIsNoMessageWithoutAskingTheServer) {
  Target const nobody{"http://127.0.0.1:1", {}, false};
  for (auto const* const message : {"", "{", "[1]", "null", "\"text\"", R"({"type":1})", "{} {}"}) {
    EXPECT_EQ(failure(send_message(nobody, "ext_1", message, terminal_)).substr(0, 15), "65: the message") << message;
  }
}

TEST_F(Commands, CloseAndTabsUseTheDocumentedRoutes) {
  ScriptedServer const server(
      {ScriptedServer::answer(200, R"({"success":true})"),
       ScriptedServer::answer(
           200, R"({"success":true,"result":[{"id":7,"url":"https://a/","title":"A\u001b","active":true},)"
                R"({"id":8,"url":"https://b/","title":"B","active":false}]})")});
  EXPECT_EQ(failure(close_session(target(server), "ext_1", terminal_)), "done");
  EXPECT_EQ(failure(list_tabs(target(server), "ext_1", terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "Closed ext_1\n"
            "TAB  ACTIVE  TITLE    URL\n"
            "7    yes     A\\u{1b}  https://a/\n"
            "8            B        https://b/\n");
  EXPECT_TRUE(server.requests().at(0).starts_with("DELETE /api/websocket/sessions/ext_1 HTTP/1.1\r\n"));
  EXPECT_TRUE(server.requests().at(1).starts_with("GET /api/browser/ext_1/tabs HTTP/1.1\r\n"));
}

TEST_F(Commands, RefusalsKeepTheServersWordsAndHaveTheirOwnExitCode) {
  ScriptedServer const server({
      ScriptedServer::answer(403, R"({"error":"Host is not allowed; add it"})"),
      ScriptedServer::answer(503, R"({"error":"Session is not connected"})"),
      ScriptedServer::answer(500, R"({"success":false,"error":"Operation timeout","timestamp":1})"),
      ScriptedServer::answer(500, R"({"success":false,"error":"no tab\u0007","timestamp":1})"),
      ScriptedServer::answer(500, "<html>"),
      ScriptedServer::answer(200, "<html>"),
  });
  auto const to = target(server);
  EXPECT_EQ(failure(list_tabs(to, "x", terminal_)), "77: the server says: Host is not allowed; add it");
  EXPECT_EQ(failure(list_tabs(to, "x", terminal_)).substr(0, 45), "69: the server says: Session is not connected");
  EXPECT_EQ(failure(list_tabs(to, "x", terminal_)).substr(0, 38), "75: the server says: Operation timeout");
  EXPECT_EQ(failure(list_tabs(to, "x", terminal_)), "76: the server says: no tab\a");
  EXPECT_EQ(failure(list_tabs(to, "x", terminal_)).substr(0, 39), "70: the server says: it answered 500 wi");
  EXPECT_EQ(failure(list_tabs(to, "x", terminal_)).substr(0, 4), "76: ");
}

TEST(StatusCodes, HaveTheExitCodesOfTheTable) {
  std::vector<std::pair<int, int>> const expected{{400, 65}, {401, 77}, {403, 77}, {404, 66}, {408, 75}, {409, 75},
                                                  {410, 66}, {413, 65}, {429, 75}, {431, 65}, {500, 70}, {502, 76},
                                                  {503, 69}, {504, 75}, {507, 74}, {599, 70}, {302, 76}, {418, 76}};
  for (auto const& [status, exit_code] : expected) EXPECT_EQ(row(to_code(status)).exit_code, exit_code) << status;
}

TEST_F(Commands, AServerIsFoundByFlagThenVariableThenRecord) {
  Environment environment{{"HOME", folder_.path()}};
  auto const none = find_server({{}, folder_.path(), false}, environment);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::unavailable);
  EXPECT_EQ(none.error().message,
            "no server is running (looked in " + folder_.path() + "/server.json); start one with: sojourn serve");
  folder_.write("server.json", R"({"address":"http://127.0.0.1:3","pid":1})");
  EXPECT_EQ(find_server({{}, folder_.path(), false}, environment)->url, "http://127.0.0.1:3");
  environment["SOJOURN_SERVER"] = "http://127.0.0.1:2";
  EXPECT_EQ(find_server({{}, folder_.path(), false}, environment)->url, "http://127.0.0.1:2");
  EXPECT_EQ(find_server({"http://127.0.0.1:1", folder_.path(), false}, environment)->url, "http://127.0.0.1:1");
  EXPECT_EQ(find_server({"https://a", {}, false}, environment).error().code, Code::usage);
}

TEST_F(Commands, ADamagedRecordIsNoServer) {
  for (auto const* const text : {"", "{", "[]", R"({"pid":1})", R"({"address":"nonsense"})", R"({"address":7})"}) {
    folder_.write("server.json", text);
    auto const found = find_server({{}, folder_.path(), false}, {});
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code, Code::unavailable);
    EXPECT_NE(found.error().message.find("is damaged"), std::string::npos);
  }
}

TEST_F(Commands, AServerThatIsGoneIsUnavailableAndItsRecordNamed) {
  std::string const url = "http://127.0.0.1:" + std::to_string(test::find_unused_port());
  auto const record = folder_.write("server.json", R"({"address":")" + url + R"(","pid":1})");
  EXPECT_EQ(failure(list_sessions({{}, folder_.path(), false}, terminal_)),
            "69: no server answers at " + url + ": connection refused (named by " + record +
                "); start one with: sojourn serve");
}

TEST_F(Commands, AnAnswerThatCanNotBeWrittenIsAFailure) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})")});
  out_.setstate(std::ios::badbit);
  EXPECT_EQ(failure(close_session(target(server), "ext_1", terminal_)).substr(0, 4), "74: ");
}

}  // namespace
}  // namespace sojourn

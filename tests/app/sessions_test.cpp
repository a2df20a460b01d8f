#include "app/sessions.h"

#include <gtest/gtest.h>

#include "app/command_fixture.h"

namespace sojourn {
namespace {

using test::body_of;
using test::first_line;
using test::ScriptedServer;

constexpr std::string_view three_sessions =
    R"({"sessions":[)"
    R"({"session_id":"0b0e7a3e-0000-4000-8000-000000000001","user_id":"alice","client_id":"desk","kind":"shared",)"
    R"("created_at":"2026-02-24T19:00:00.000000Z","last_activity":"2026-02-24T19:22:16.015123Z",)"
    R"("expires_at":"2026-02-24T20:22:16.015123Z","status":"active","connections":0},)"
    R"({"session_id":"0b0e7a3e-0000-4000-8000-000000000002","user_id":"bo\u001b[2Jb","kind":"shared",)"
    R"("last_activity":"2026-02-24T19:24:16.000000Z","expires_at":"2026-02-24T20:22:16.015123Z","connections":2},)"
    R"({"session_id":"ext_222222222222","user_id":"local","kind":"extension",)"
    R"("last_activity":"2026-02-24T19:24:16.000000Z","expires_at":null,"connections":1}],)"
    R"("total_count":3,"limit":100,"offset":0})";

constexpr std::string_view one_browser =
    R"({"count":1,"sessions":[{"sessionId":"ext_222222222222","ip":"127.0.0.1",)"
    R"("userAgent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36"}]})";

class Sessions : public test::CommandFixture {};

TEST_F(Sessions, AreATableThatNoServerTextCanBreak) {
  ScriptedServer const server({ScriptedServer::answer(200, std::string(three_sessions)),
                               ScriptedServer::answer(200, std::string(one_browser))});
  EXPECT_EQ(failure(list_sessions(target(server), {}, terminal_)), "done");
  EXPECT_EQ(
      out_.str(),
      "SESSION                               KIND       OWNER         CONNECTIONS  LAST ACTIVE  ENDS                 "
      "ADDRESS    BROWSER\n"
      "0b0e7a3e-0000-4000-8000-000000000001  shared     alice         0            2 min ago    in 57 min\n"
      "0b0e7a3e-0000-4000-8000-000000000002  shared     bo\\u{1b}[2Jb  2            just now     not while connected\n"
      "ext_222222222222                      extension  local         1            just now     with its connection  "
      "127.0.0.1  Chrome 156 on Linux\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions?kind=all&limit=100&offset=0 HTTP/1.1");
  EXPECT_EQ(first_line(server.requests().at(1)), "GET /api/websocket/sessions HTTP/1.1");
}

TEST_F(Sessions, AskForKindAndOwner) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"sessions":[],"total_count":0})")});
  EXPECT_EQ(failure(list_sessions(target(server), {"shared", "a&b"}, terminal_)), "done");
  EXPECT_EQ(first_line(server.requests().at(0)),
            "GET /api/v1/sessions?kind=shared&user_id=a%26b&limit=100&offset=0 HTTP/1.1");
  EXPECT_EQ(failure(list_sessions(target(server), {"share", {}}, terminal_)),
            "64: --kind: there is no kind \"share\" of session; did you mean \"shared\"?");
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Sessions, AreReadPageByPage) {
  auto const page = [](int first, int last) {
    std::string list;
    for (int i = first; i <= last; ++i) {
      list +=
          (list.empty() ? "" : ",") + std::string(R"({"session_id":")") + std::to_string(i) + R"(","kind":"shared"})";
    }
    return ScriptedServer::answer(200, R"({"sessions":[)" + list + R"(],"total_count":203})");
  };
  ScriptedServer const server({page(1, 100), page(101, 200), page(201, 203)});
  EXPECT_EQ(failure(list_sessions(target(server, true), {}, terminal_)), "done");
  auto const value = json::parse(out_.str());
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("total_count"), 203);
  EXPECT_EQ(value->at("sessions").as_array().size(), 203U);
  EXPECT_EQ(value->at("sessions").at(202).at("session_id"), "203");
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_TRUE(first_line(requests[2]).ends_with("&limit=100&offset=200 HTTP/1.1"));
}

TEST_F(Sessions, APageThatIsEmptyIsTheLastWhateverTheCountSays) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"sessions":[{"session_id":"a"}],"total_count":9})"),
                               ScriptedServer::answer(200, R"({"sessions":[],"total_count":9})")});
  EXPECT_EQ(failure(list_sessions(target(server), {}, terminal_)), "done");
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Sessions, ProgramsGetOneLineOfJsonWithWhereBrowsersComeFrom) {
  ScriptedServer const server({ScriptedServer::answer(200, std::string(three_sessions)),
                               ScriptedServer::answer(200, std::string(one_browser))});
  EXPECT_EQ(failure(list_sessions(target(server, true), {}, terminal_)), "done");
  EXPECT_EQ(out_.str().find('\n'), out_.str().size() - 1);
  auto const value = json::parse(out_.str());
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("sessions").at(2).at("address"), "127.0.0.1");
  EXPECT_EQ(value->at("sessions").at(0).as_object().contains("address"), false);
}

TEST_F(Sessions, AreListedThoughNobodyTellsWhereBrowsersComeFrom) {
  ScriptedServer const server(
      {ScriptedServer::answer(200, std::string(three_sessions)), ScriptedServer::answer(403, R"({"error":"no"})")});
  EXPECT_EQ(failure(list_sessions(target(server), {}, terminal_)), "done");
  EXPECT_NE(out_.str().find("ext_222222222222"), std::string::npos);
  EXPECT_EQ(out_.str().find("BROWSER"), std::string::npos);
}

TEST_F(Sessions, OfHeadlessBrowsersTellTheirPage) {
  std::string const session =
      R"({"session_id":"sess_1","user_id":"local","kind":"browser","connections":1,)"
      R"("expires_at":"2026-02-24T19:34:16.500000Z","browser":{"url":"https://example.com/","title":"Example",)"
      R"("width":1280,"height":720,"calls":3,"last_call_at":null}})";
  ScriptedServer const server({ScriptedServer::answer(200, R"({"sessions":[)" + session + R"(],"total_count":1})"),
                               ScriptedServer::answer(200, session), ScriptedServer::answer(404, "{}")});
  ASSERT_EQ(failure(list_sessions(target(server), {"browser", {}}, terminal_)), "done");
  EXPECT_EQ(take_out(),
            "SESSION  KIND     OWNER  CONNECTIONS  LAST ACTIVE  ENDS       PAGE\n"
            "sess_1   browser  local  1                         in 10 min  Example (https://example.com/)\n");
  ASSERT_EQ(failure(show_session(target(server), "sess_1", terminal_)), "done");
  auto const text = take_out();
  EXPECT_NE(text.find("\nPage         Example\nAddress      https://example.com/\nCalls        3\n"), std::string::npos)
      << text;
}

TEST_F(Sessions, AnEmptyListSaysHowToConnectABrowser) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"sessions":[],"total_count":0})")});
  EXPECT_EQ(failure(list_sessions(target(server), {}, terminal_)), "done");
  EXPECT_TRUE(out_.str().starts_with("There is no session, and no browser is connected.\n"));
  EXPECT_NE(take_out().find("chrome://extensions"), std::string::npos);
  EXPECT_EQ(failure(list_sessions(target(server), {"shared", {}}, terminal_)), "done");
  EXPECT_EQ(take_out(), "There is no shared session.\n");
}

TEST_F(Sessions, AnAnswerWithoutAListIsAFailure) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"sessions":7})")});
  EXPECT_EQ(failure(list_sessions(target(server), {}, terminal_)),
            "76: the server's answer has no list of sessions; are server and command of the same version?");
}

TEST_F(Sessions, ShowNamesEverythingKnownOfABrowser) {
  ScriptedServer const server({ScriptedServer::answer(
      200,
      R"({"sessionId":"ext_1","connectedAt":"2026-02-24T19:22:16.015Z","lastSeen":"x","userAgent":"Firefox/128"})")});
  EXPECT_EQ(failure(show_session(target(server), "ext_1", terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "Session      ext_1\n"
            "Kind         extension\n"
            "Connected    2026-02-24T19:22:16.015Z (2 min ago)\n"
            "Last seen    x (x)\n"
            "Browser      Firefox 128\n"
            "User agent   Firefox/128\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/websocket/sessions/ext_1 HTTP/1.1");
}

TEST_F(Sessions, ShowNamesEverythingKnownOfASharedSessionAndWhoIsThere) {
  ScriptedServer const server(
      {ScriptedServer::answer(
           200,
           R"({"session_id":"s1","user_id":"alice","client_id":null,"kind":"shared",)"
           R"("status":"active","created_at":"2026-02-24T19:22:16.015000Z","connections":1,)"
           R"("cursor":"e.9","revision":3,"metadata":{"note":"\u001b[1m","data_uploads_count":0,"case_history_count":0,"last_activity":"x"}})"),
       ScriptedServer::answer(200, R"({"connections":[{"connection_id":"c7","user":"bob","transport":"websocket",)"
                                   R"("connected_at":"2026-02-24T19:24:16.000000Z","last_seen":"","address":"::1",)"
                                   R"("user_agent":"curl/8\u0007"}],"count":1})")});
  EXPECT_EQ(failure(show_session(target(server), "s1", terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "Session      s1\n"
            "Kind         shared\n"
            "Owner        alice\n"
            "Status       active\n"
            "Created      2026-02-24T19:22:16.015000Z (2 min ago)\n"
            "Ends         not while connected\n"
            "Cursor       e.9\n"
            "Revision     3\n"
            "Connections  1\n"
            "Metadata     {\"note\":\"\\u001b[1m\"}\n"
            "\n"
            "CONNECTION  USER  TRANSPORT  CONNECTED  LAST SEEN  ADDRESS  CLIENT\n"
            "c7          bob   websocket  just now              ::1      curl/8\\u{07}\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions/s1 HTTP/1.1");
  EXPECT_EQ(first_line(server.requests().at(1)), "GET /api/v1/sessions/s1/connections HTTP/1.1");
}

TEST_F(Sessions, IdsCanNotLeaveTheirPlaceInThePath) {
  ScriptedServer const server({ScriptedServer::answer(404, R"({"detail":"Session not found: x","code":"not_found"})")});
  EXPECT_EQ(failure(show_session(target(server), "a/../b?c d%\n", terminal_)),
            "66: the server says: Session not found: x; list those that there are with: sojourn sessions");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions/a%2F..%2Fb%3Fc%20d%25%0A HTTP/1.1");
}

TEST_F(Sessions, CloseUsesTheRouteOfTheKind) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})"), "HTTP/1.1 204 No Content\r\n\r\n"});
  EXPECT_EQ(failure(close_session(target(server), "ext_1", terminal_)), "done");
  EXPECT_EQ(failure(close_session(target(server), "s1", terminal_)), "done");
  EXPECT_EQ(take_out(), "Closed ext_1\nClosed s1\n");
  EXPECT_EQ(failure(close_session(target(server, true), "s1", terminal_)), "done");
  EXPECT_EQ(take_out(), "{\"session_id\":\"s1\",\"status\":\"closed\"}\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "DELETE /api/websocket/sessions/ext_1 HTTP/1.1");
  EXPECT_EQ(first_line(server.requests().at(1)), "DELETE /api/v1/sessions/s1 HTTP/1.1");
}

TEST_F(Sessions, SendPassesTheMessageOnByteForByte) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})"),
                               ScriptedServer::answer(201, R"({"seq":12,"cursor":"e.12"})")});
  std::string const message = R"({ "type":"navigate", "data":{"n":1.0}})";
  EXPECT_EQ(failure(send_message(target(server), "ext_1", message, terminal_)), "done");
  EXPECT_EQ(failure(send_message(target(server), "s1", message, terminal_)), "done");
  EXPECT_EQ(out_.str(), "Sent to ext_1\nSent to s1 (e.12)\n");
  auto const requests = server.requests();
  EXPECT_EQ(first_line(requests.at(0)), "POST /api/websocket/sessions/ext_1/message HTTP/1.1");
  EXPECT_EQ(first_line(requests.at(1)), "POST /api/v1/sessions/s1/events HTTP/1.1");
  EXPECT_NE(requests.at(0).find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(body_of(requests.at(0)), message);
  EXPECT_EQ(body_of(requests.at(1)), message);
}

TEST_F(Sessions, SendReadsStandardInputForADash) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})")});
  std::string const message = R"({"type":"ping","data":")" + std::string(200'000, 'x') + "\"}";
  in_.str(message);
  EXPECT_EQ(failure(send_message(target(server), "ext_1", "-", terminal_)), "done");
  EXPECT_EQ(body_of(server.requests().at(0)), message);
}

TEST_F(Sessions, SendRefusesWhatIsNoMessageWithoutAskingTheServer) {
  Target const nobody{"http://127.0.0.1:1", {}, false};
  for (auto const* const message : {"", "{", "[1]", "null", "\"text\"", R"({"type":1})", "{} {}"}) {
    EXPECT_EQ(failure(send_message(nobody, "ext_1", message, terminal_)).substr(0, 15), "65: the message") << message;
    EXPECT_EQ(failure(send_message(nobody, "s1", message, terminal_)).substr(0, 15), "65: the message") << message;
  }
  EXPECT_EQ(failure(send_message(nobody, "s1", "{}", terminal_)).substr(0, 31), "65: the message has no \"type\"; ");
}

TEST_F(Sessions, TabsAreThoseOfTheBrowser) {
  ScriptedServer const server({ScriptedServer::answer(
      200, R"({"success":true,"result":[{"id":7,"url":"https://a/","title":"A\u001b","active":true},)"
           R"({"id":8,"url":"https://b/","title":"B","active":false}]})")});
  EXPECT_EQ(failure(list_tabs(target(server), "ext_1", terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "TAB  ACTIVE  TITLE    URL\n"
            "7    yes     A\\u{1b}  https://a/\n"
            "8            B        https://b/\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/browser/ext_1/tabs HTTP/1.1");
}

TEST_F(Sessions, AnAnswerThatCanNotBeWrittenIsAFailure) {
  ScriptedServer const server({ScriptedServer::answer(200, R"({"success":true})")});
  out_.setstate(std::ios::badbit);
  EXPECT_EQ(failure(close_session(target(server), "ext_1", terminal_)).substr(0, 4), "74: ");
}

}  // namespace
}  // namespace sojourn

#include "app/question.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "app/command_fixture.h"

namespace sojourn {
namespace {

using test::ScriptedServer;

class Question : public test::CommandFixture {
 protected:
  Result<> ask_for(Target const& target) {
    auto const answer = ask(target, terminal_, {"GET", "/x", {}});
    if (!answer) return answer.error();
    return {};
  }

  // Writes the record of a server that this process is.
  void announce(std::string const& url, std::string const& token) const {
    folder_.write("server.json", R"({"address":")" + url + R"(","pid":)" + std::to_string(::getpid()) +
                                     R"(,"token":")" + token + "\"}");
  }
};

TEST_F(Question, AServerIsFoundByFlagThenVariableThenRecord) {
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

TEST_F(Question, ADamagedRecordIsNoServer) {
  for (auto const* const text : {"", "{", "[]", R"({"pid":1})", R"({"address":"nonsense"})", R"({"address":7})"}) {
    folder_.write("server.json", text);
    auto const found = find_server({{}, folder_.path(), false}, {});
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code, Code::unavailable);
    EXPECT_NE(found.error().message.find("is damaged"), std::string::npos);
    EXPECT_EQ(find_server({"http://127.0.0.1:1", folder_.path(), false}, {})->token, "");
  }
}

TEST_F(Question, TheRecordsTokenGoesToItsOwnServerOnly) {
  announce("http://127.0.0.1:3", "a.b.c");
  auto const token = [&](std::string const& url) { return find_server({url, folder_.path(), false}, {})->token; };
  EXPECT_EQ(token(""), "a.b.c");
  EXPECT_EQ(token("http://127.0.0.1:3"), "a.b.c");
  EXPECT_EQ(token("http://127.0.0.1:3/"), "a.b.c");
  EXPECT_EQ(token("http://127.0.0.1:4"), "");
  EXPECT_EQ(token("http://127.0.0.2:3"), "");
  EXPECT_EQ(token("http://localhost:3"), "") << "on [::1] that may be somebody else";
  EXPECT_EQ(find_server({"http://127.0.0.1:3", {}, false}, {})->token, "") << "without a home there is no record";
}

TEST_F(Question, TheTokenOfAServerThatIsGoneGoesToNobody) {
  pid_t const child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  auto const write = [&](std::string const& pid) {
    folder_.write("server.json", R"({"address":"http://127.0.0.1:3",)" + pid + R"("token":"a.b.c"})");
  };
  for (auto const& pid : {"\"pid\":" + std::to_string(child) + ",", std::string("\"pid\":0,"),
                          std::string("\"pid\":-1,"), std::string("\"pid\":99999999999,"), std::string()}) {
    write(pid);
    auto const found = find_server({{}, folder_.path(), false}, {});
    ASSERT_TRUE(found) << pid;
    EXPECT_EQ(found->token, "") << pid;
  }
}

TEST_F(Question, TheVariablesTokenWinsAndGoesWhereItIsTold) {
  announce("http://127.0.0.1:3", "a.b.c");
  Environment const environment{{"SOJOURN_TOKEN", "x.y.z"}};
  EXPECT_EQ(find_server({{}, folder_.path(), false}, environment)->token, "x.y.z");
  EXPECT_EQ(find_server({"http://127.0.0.1:9", folder_.path(), false}, environment)->token, "x.y.z");
  for (auto const* const text : {"a b", "a\nb", "t\xc3\xb6ken"}) {
    auto const found = find_server({{}, folder_.path(), false}, {{"SOJOURN_TOKEN", text}});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::usage);
    EXPECT_EQ(found.error().message, "SOJOURN_TOKEN is no token; make one with: sojourn token --user NAME");
  }
}

TEST_F(Question, ATokenIsSentAsBearerAndNothingIsSentWithoutOne) {
  ScriptedServer const server({ScriptedServer::answer(200, "{}")});
  ASSERT_TRUE(ask_for(target(server)));
  terminal_.environment["SOJOURN_TOKEN"] = "x.y.z";
  ASSERT_TRUE(ask_for(target(server)));
  auto const requests = server.requests();
  EXPECT_EQ(requests.at(0).find("Authorization"), std::string::npos);
  EXPECT_NE(requests.at(1).find("\r\nAuthorization: Bearer x.y.z\r\n"), std::string::npos);
}

TEST_F(Question, NoFailureRepeatsAToken) {
  ScriptedServer const server(
      {ScriptedServer::answer(401, R"({"detail":"Invalid or expired token"})"), "", "nonsense"});
  terminal_.environment["SOJOURN_TOKEN"] = "secret.secret.secret";
  for (int i = 0; i < 3; ++i) {
    auto const done = ask_for(target(server));
    ASSERT_FALSE(done) << i;
    EXPECT_EQ(done.error().message.find("secret"), std::string::npos) << done.error().message;
  }
}

TEST_F(Question, RefusalsKeepTheServersWordsInWhicheverMemberTheyAre) {
  ScriptedServer const server({
      ScriptedServer::answer(403, R"({"error":"Host is not allowed; add it"})"),
      ScriptedServer::answer(503, R"({"error":"Session is not connected"})"),
      ScriptedServer::answer(500, R"({"success":false,"error":"Operation timeout","timestamp":1})"),
      ScriptedServer::answer(500, R"({"success":false,"error":"no tab\u0007","timestamp":1})"),
      ScriptedServer::answer(500, "<html>"),
      ScriptedServer::answer(200, "<html>"),
      ScriptedServer::answer(404, R"({"detail":"Session expired: x","code":"expired"})"),
      ScriptedServer::answer(412, R"({"detail":"The revision is another","code":"precondition_failed","revision":9})"),
      ScriptedServer::answer(401, R"({"detail":"Not authenticated"})"),
      ScriptedServer::answer(404, R"({"detail":"State key not found: k","code":"not_found"})"),
      ScriptedServer::answer(413, R"({"detail":"too much","code":"nonsense"})"),
  });
  auto const to = target(server);
  EXPECT_EQ(failure(ask_for(to)), "77: the server says: Host is not allowed; add it");
  EXPECT_EQ(failure(ask_for(to)).substr(0, 45), "69: the server says: Session is not connected");
  EXPECT_EQ(failure(ask_for(to)).substr(0, 38), "75: the server says: Operation timeout");
  EXPECT_EQ(failure(ask_for(to)), "76: the server says: no tab\a");
  EXPECT_EQ(failure(ask_for(to)).substr(0, 39), "70: the server says: it answered 500 wi");
  EXPECT_EQ(failure(ask_for(to)), "76: what answers at " + server.url() + " is no sojourn server; check --server");
  EXPECT_EQ(failure(ask_for(to)),
            "66: the server says: Session expired: x; list those that there are with: sojourn sessions");
  EXPECT_EQ(failure(ask_for(to)), "75: the server says: The revision is another (the revision is 9); read it again");
  EXPECT_EQ(failure(ask_for(to)),
            "77: the server says: Not authenticated; give a token in SOJOURN_TOKEN, this makes one: sojourn token "
            "--user NAME");
  EXPECT_EQ(failure(ask_for(to)),
            "66: the server says: State key not found: k; list those that there are with: sojourn state ID");
  EXPECT_EQ(failure(ask_for(to)), "65: the server says: too much");
}

TEST_F(Question, AnAnswerWithoutABodyIsAnEmptyOne) {
  ScriptedServer const server({"HTTP/1.1 204 No Content\r\nETag: \"4\"\r\n\r\n"});
  auto const answer = ask(target(server), terminal_, {"DELETE", "/x", {}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->body.empty());
  EXPECT_EQ(answer->etag, "\"4\"");
}

TEST(StatusCodes, HaveTheExitCodesOfTheTable) {
  std::vector<std::pair<int, int>> const expected{
      {400, 65}, {401, 77}, {403, 77}, {404, 66}, {408, 75}, {409, 75}, {410, 66}, {412, 75}, {413, 65}, {422, 65},
      {429, 75}, {431, 65}, {500, 70}, {502, 76}, {503, 69}, {504, 75}, {507, 74}, {599, 70}, {302, 76}, {418, 76}};
  for (auto const& [status, exit_code] : expected) EXPECT_EQ(row(to_code(status)).exit_code, exit_code) << status;
}

TEST_F(Question, AServerThatIsGoneIsUnavailableAndItsRecordNamed) {
  std::string const url = "http://127.0.0.1:" + std::to_string(test::find_unused_port());
  auto const record = folder_.write("server.json", R"({"address":")" + url + R"(","pid":1})");
  EXPECT_EQ(failure(ask_for({{}, folder_.path(), false})), "69: no server answers at " + url +
                                                               ": connection refused (named by " + record +
                                                               "); start one with: sojourn serve");
}

TEST_F(Question, AnyTextIsOneSegmentOfAPath) {
  EXPECT_EQ(encode_segment("a/../b?c d%\n"), "a%2F..%2Fb%3Fc%20d%25%0A");
  EXPECT_EQ(encode_segment("Az09-._~"), "Az09-._~");
  EXPECT_EQ(encode_segment("\xc3\xbc"), "%C3%BC");
}

TEST_F(Question, ADashIsWhatStandardInputHolds) {
  in_.str(std::string(200'000, 'x'));
  EXPECT_EQ(take_text("-", terminal_)->size(), 200'000U);
  EXPECT_EQ(*take_text("--", terminal_), "--");
}

TEST_F(Question, WordsOfAnyDoorAreCodes) {
  EXPECT_EQ(to_code("stale_ref"), Code::stale_ref);
  EXPECT_EQ(to_code("SESSION_NOT_FOUND"), Code::not_found);
  EXPECT_EQ(to_code("SESSION_EXPIRED"), Code::expired);
  EXPECT_EQ(to_code("SESSION_ENDED"), Code::ended);
  EXPECT_EQ(to_code("not_actionable"), Code::failed);
  EXPECT_EQ(to_code(410), Code::expired);
  auto const failure = to_error({410, {}, R"({"error":{"code":"SESSION_ENDED","message":"Session ended: s"}})"});
  EXPECT_EQ(failure.code, Code::ended);
  EXPECT_TRUE(failure.message.starts_with("the server says: Session ended: s")) << failure.message;
}

}  // namespace
}  // namespace sojourn

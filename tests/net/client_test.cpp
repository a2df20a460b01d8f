#include "net/client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "net/scripted_server.h"

namespace sojourn {
namespace {

using test::ScriptedServer;

constexpr std::int64_t deadline_ms = 5000;

TEST(Client, SendsTheRequestAndReadsStatusHeadersAndBody) {
  ScriptedServer const server({ScriptedServer::answer(404, R"({"error":"x"})")});
  auto const answer = fetch(server.url(), {"POST", "/a?b=1", "{}"}, deadline_ms);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, R"({"error":"x"})");
  EXPECT_EQ(answer->find_header("content-type"), "application/json");
  EXPECT_EQ(answer->find_header("absent"), "");
  auto const request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"))
      << request;
  EXPECT_NE(request.find("\r\nContent-Length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\n{}"));
}

TEST(Client, ReadsChunkedAnswersAndThoseThatEndWithTheConnection) {
  ScriptedServer const server(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
       "HTTP/1.1 200 OK\r\n\r\nuntil the end", "HTTP/1.1 204 No Content\r\n\r\n"});
  auto const chunked = fetch(server.url(), {}, deadline_ms);
  ASSERT_TRUE(chunked) << chunked.error().message;
  EXPECT_EQ(chunked->body, "abcde");
  auto const open_ended = fetch(server.url(), {}, deadline_ms);
  ASSERT_TRUE(open_ended) << open_ended.error().message;
  EXPECT_EQ(open_ended->body, "until the end");
  auto const empty = fetch(server.url(), {}, deadline_ms);
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->status, 204);
}

TEST(Client, ReadsAnAnswerOfManyReads) {
  std::string const body(3'000'000, 'x');
  ScriptedServer const server({ScriptedServer::answer(200, body)});
  auto const answer = fetch(server.url(), {}, deadline_ms);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, body);
}

TEST(Client, LocalhostIsEitherLoopbackAddress) {
  ScriptedServer const v4({ScriptedServer::answer(200, "4")});
  auto const over_v4 = fetch("http://localhost:" + std::to_string(v4.port()), {}, deadline_ms);
  ASSERT_TRUE(over_v4) << over_v4.error().message;
  EXPECT_EQ(over_v4->body, "4");
  EXPECT_NE(v4.requests().at(0).find("Host: localhost:"), std::string::npos);

  ScriptedServer const v6({ScriptedServer::answer(200, "6")}, true);
  if (!v6.is_listening()) GTEST_SKIP() << "no ::1 on this machine";
  for (auto const& url : {v6.url(), "http://localhost:" + std::to_string(v6.port()) + "/"}) {
    auto const over_v6 = fetch(url, {}, deadline_ms);
    ASSERT_TRUE(over_v6) << over_v6.error().message;
    EXPECT_EQ(over_v6->body, "6");
  }
  EXPECT_NE(v6.requests().at(0).find("Host: [::1]:"), std::string::npos);
}

TEST(Client, NobodyThereIsUnavailable) {
  std::string const url = "http://127.0.0.1:" + std::to_string(test::find_unused_port());
  auto const answer = fetch(url, {}, deadline_ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_EQ(answer.error().message, "no server answers at " + url + ": connection refused");
}

TEST(Client, SilenceEndsAtTheDeadline) {
  ScriptedServer const server({"silence"});
  auto const start = std::chrono::steady_clock::now();
  auto const answer = fetch(server.url(), {}, 100);
  auto const took = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timeout);
  EXPECT_GE(took, std::chrono::milliseconds(100));
  EXPECT_LT(took, std::chrono::seconds(3));
}

TEST(Client, AConnectionThatBreaksEarlyIsUnavailable) {
  ScriptedServer const server({"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"});
  for (int i = 0; i < 3; ++i) {
    auto const answer = fetch(server.url(), {}, deadline_ms);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::unavailable) << answer.error().message;
  }
}

TEST(Client, WhatIsNotHttpOrTooLargeHasFailed) {
  std::string const too_much = "Content-Length: " + std::to_string(response_bytes_max + 1) + "\r\n\r\n";
  ScriptedServer const server({"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\n" + too_much,
                               "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(200'000, 'x')});
  for (int i = 0; i < 4; ++i) {
    auto const answer = fetch(server.url(), {}, deadline_ms);
    ASSERT_FALSE(answer) << i;
    EXPECT_EQ(answer.error().code, Code::failed) << i << ": " << answer.error().message;
  }
}

TEST(Client, ARequestCanNotBeSplitInTwo) {
  for (auto const* const target : {"/a b", "/a\r\nX: y", "a", "", "/\x7f"}) {
    auto const answer = fetch("http://127.0.0.1:1", {"GET", target, {}}, deadline_ms);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::usage) << target;
  }
}

TEST(Client, SendsTheHeadersItIsGivenAndNoneThatAreTwo) {
  ScriptedServer const server({ScriptedServer::answer(200, "{}")});
  ClientRequest request{"GET", "/", {}};
  request.headers = {{"Authorization", "Bearer a.b.c"}, {"If-Match", "\"7\""}};
  request.accept = "text/event-stream";
  ASSERT_TRUE(fetch(server.url(), request, deadline_ms));
  auto const sent = server.requests().at(0);
  EXPECT_NE(sent.find("\r\nAuthorization: Bearer a.b.c\r\nIf-Match: \"7\"\r\n"), std::string::npos) << sent;
  EXPECT_NE(sent.find("\r\nAccept: text/event-stream\r\n"), std::string::npos);
  for (auto const* const value : {"a\r\nX: y", "a\n", "\x7f", "\xff"}) {
    request.headers = {{"Authorization", value}};
    auto const refused = fetch(server.url(), request, deadline_ms);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::usage);
    EXPECT_EQ(refused.error().message, "the header Authorization can't be sent: it is not ASCII text");
  }
  EXPECT_EQ(server.requests().size(), 1U);
}

struct Heard {
  std::vector<std::string> lines;
  Result<ClientResponse> response;
};

Heard listen(ScriptedServer const& server, Following following = {}) {
  Heard heard{{}, ClientResponse{}};
  following.on_line = [&heard](std::string_view line) {
    heard.lines.emplace_back(line);
    return line != "enough";
  };
  heard.response = follow(server.url(), {"GET", "/events", {}}, following);
  return heard;
}

TEST(Follow, GivesEveryLineWhileItComesAndEndsWithTheAnswer) {
  ScriptedServer const server(
      {ScriptedServer::stream("one\r\n\ntwo\nunfinished"),
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\nb\r\n4\r\nc\nd\n\r\n0\r\n\r\n"});
  auto const open_ended = listen(server);
  ASSERT_TRUE(open_ended.response) << open_ended.response.error().message;
  EXPECT_EQ(open_ended.lines, (std::vector<std::string>{"one", "", "two"}));
  EXPECT_EQ(open_ended.response->status, 200);
  EXPECT_EQ(open_ended.response->find_header("Content-Type"), "text/event-stream");
  auto const chunked = listen(server);
  ASSERT_TRUE(chunked.response) << chunked.response.error().message;
  EXPECT_EQ(chunked.lines, (std::vector<std::string>{"a", "bc", "d"}));
}

TEST(Follow, AMegabyteIsALineLikeAnyOther) {
  std::string const long_line(1'500'000, 'x');
  ScriptedServer const server({ScriptedServer::stream(long_line + "\nshort\n")});
  auto const heard = listen(server);
  ASSERT_TRUE(heard.response) << heard.response.error().message;
  ASSERT_EQ(heard.lines.size(), 2U);
  EXPECT_EQ(heard.lines[0], long_line);
}

TEST(Follow, ALineOverTheBoundIsAFailure) {
  ScriptedServer const server({ScriptedServer::stream(std::string(200'000, 'x') + "silence")});
  Following following;
  following.line_bytes_max = 100'000;
  auto const heard = listen(server, following);
  ASSERT_FALSE(heard.response);
  EXPECT_EQ(heard.response.error().code, Code::failed);
}

TEST(Follow, EndsWhenTheReaderHasHadEnough) {
  ScriptedServer const server({ScriptedServer::stream("one\nenough\nthree\nsilence")});
  auto const heard = listen(server);
  ASSERT_TRUE(heard.response) << heard.response.error().message;
  EXPECT_EQ(heard.response->status, 200);
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"one", "enough"}));
}

TEST(Follow, EndsWhenItsStopIsReadable) {
  ScriptedServer const server({"silence", ScriptedServer::stream("one\nsilence")});
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  Following following;
  following.stop_fd = ends[0];
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
  });
  auto const before_an_answer = listen(server, following);
  stopper.join();
  ASSERT_TRUE(before_an_answer.response) << before_an_answer.response.error().message;
  EXPECT_EQ(before_an_answer.response->status, 0);
  auto const at_once = listen(server, following);
  ASSERT_TRUE(at_once.response) << at_once.response.error().message;
  EXPECT_EQ(at_once.response->status, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Follow, SilenceAmidAnAnswerEndsAtItsOwnDeadline) {
  ScriptedServer const server({ScriptedServer::stream("one\nsilence"), "silence"});
  Following following;
  following.silence_ms_max = 80;
  auto const amid = listen(server, following);
  ASSERT_FALSE(amid.response);
  EXPECT_EQ(amid.response.error().code, Code::timeout);
  EXPECT_EQ(amid.lines.size(), 1U);
  following.answer_ms_max = 80;
  auto const before = listen(server, following);
  ASSERT_FALSE(before.response);
  EXPECT_EQ(before.response.error().code, Code::timeout);
}

TEST(Follow, AnyOtherStatusIsReadWhole) {
  ScriptedServer const server({ScriptedServer::answer(404, "{\"detail\":\"a\nb\"}"),
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nb"});
  auto const refused = listen(server);
  ASSERT_TRUE(refused.response) << refused.response.error().message;
  EXPECT_EQ(refused.response->status, 404);
  EXPECT_EQ(refused.response->body, "{\"detail\":\"a\nb\"}");
  EXPECT_TRUE(refused.lines.empty());
  auto const broken = listen(server);
  ASSERT_FALSE(broken.response);
  EXPECT_EQ(broken.response.error().code, Code::unavailable);
  EXPECT_EQ(broken.lines, (std::vector<std::string>{"a"}));
}

TEST(Client, ServerUrlsAreHttpAndNumericOrLocalhost) {
  auto const plain = parse_server_url("http://127.0.0.1:5409");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 5409);
  auto const v6 = parse_server_url("http://[::1]:80/");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(parse_server_url("http://localhost")->port, 80);
  for (auto const* const url :
       {"https://localhost:1", "localhost:5409", "http://", "http://example.com",
        "http://localhost:", "http://localhost:0", "http://localhost:65536", "http://localhost:1x",
        "http://localhost:1/path", "http://[::1", "http://[::1]5409", "http://user@localhost", "http://::1:80", ""}) {
    auto const refused = parse_server_url(url);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, Code::usage);
  }
}

TEST(Client, APortIsFreeUntilSomebodyListens) {
  EXPECT_TRUE(is_port_free(test::find_unused_port()));
  ScriptedServer const v4({""});
  EXPECT_FALSE(is_port_free(v4.port()));
  ScriptedServer const v6({""}, true);
  if (!v6.is_listening()) GTEST_SKIP() << "no ::1 on this machine";
  EXPECT_FALSE(is_port_free(v6.port()));
}

}  // namespace
}  // namespace sojourn

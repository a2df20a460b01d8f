#include "net/http.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sojourn {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;

// What comes out of a connection's bytes, as one line: each request as METHOD PATH?QUERY{BODY}, "..." for one that is
// unfinished, !STATUS for the end.
std::string read(std::string_view bytes, std::size_t chop, Limits const& limits) {
  HttpParser parser(limits);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += chop) {
    // Memory of its own, so that reading beyond it is found.
    std::vector<char> const piece(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                  bytes.begin() + static_cast<std::ptrdiff_t>(std::min(at + chop, bytes.size())));
    std::string_view input(piece.data(), piece.size());
    while (!input.empty()) {
      auto const status = parser.feed(input);
      if (status == HttpParser::Status::failed) return out + "!" + std::to_string(parser.failure().status);
      if (status == HttpParser::Status::need_more) break;
      Request request;
      parser.fill(request);
      out.append(request.method).append(" ").append(request.path);
      if (!request.query.empty()) out.append("?").append(request.query);
      out.append("{").append(request.body).append("} ");
      parser.reset();
    }
    EXPECT_TRUE(input.empty()) << "bytes were left behind";
  }
  return parser.is_idle() ? out : out + "...";
}

// The answer of every way to cut the bytes, which has to be one and the same.
std::string read_all_ways(std::string_view bytes, Limits const& limits = {}) {
  auto const whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), limits);
  for (std::size_t const chop : {1U, 2U, 3U, 7U, 64U, 1000U}) {
    EXPECT_EQ(read(bytes, chop, limits), whole) << "cut into pieces of " << chop;
  }
  return whole;
}

struct Row {
  std::string_view bytes;
  std::string_view expected;
};

void expect_rows(std::span<Row const> rows) {
  for (auto const& row : rows) EXPECT_EQ(read_all_ways(row.bytes), row.expected) << row.bytes;
}

std::string post(std::string_view fields, std::string_view body) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n"s.append(fields).append("\r\n").append(body);
}

std::string chunked(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }

TEST(Http, GoodRequestsAreRead) {
  static constexpr std::array rows{
      Row{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET /{} "},
      Row{"GET /a/b?c=d&e HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a/b?c=d&e{} "},
      Row{"GET /?a?b HTTP/1.1\r\nHost: h\r\n\r\n", "GET /?a?b{} "},
      Row{"GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a{} "},
      Row{"GET /%2e%00 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /%2e%00{} "},
      Row{"GET / HTTP/1.1\r\nhOsT:h\r\n\r\n", "GET /{} "},
      Row{"GET / HTTP/1.1\r\nHost: \t h \t\r\n\r\n", "GET /{} "},
      Row{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /{} "},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: a\tb\r\n\r\n", "GET /{} "},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: \xc3\xbc\r\n\r\n", "GET /{} "},
      Row{"GET / HTTP/1.0\r\n\r\n", "GET /{} "},
      Row{"GET / HTTP/1.0\r\nHost: h\r\n\r\n", "GET /{} "},
      Row{"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET /{} "},
      Row{"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n", "GET /{} "},
      Row{"GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?b{} "},
      Row{"GET http://h:5409/ HTTP/1.1\r\nHost: H:5409\r\n\r\n", "GET /{} "},
      Row{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS *{} "},
      Row{"DELETE /x HTTP/1.1\r\nHost: h\r\n\r\n", "DELETE /x{} "},
      Row{"INVENTED /x HTTP/1.1\r\nHost: h\r\n\r\n", "INVENTED /x{} "},
      Row{"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "POST /x{hello} "},
      Row{"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "POST /x{} "},
      Row{"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0005\r\n\r\nhello", "POST /x{hello} "},
      Row{"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", "GET /x{{}} "},
      Row{"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n", "POST /x{\r\n\r\n} "},
      Row{"POST /x HTTP/1.1\r\nHost: h\r\n\r\n", "POST /x{} "},
  };
  expect_rows(rows);
}

TEST(Http, WhatReadersCouldTakeDifferentlyIsRefused) {
  static constexpr std::array rows{
      // two ways to say how long the body is
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "!400"},
      // a length that is no number
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5;\r\n\r\nhello", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", "!400"},
      // codings
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "!501"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "!501"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "!501"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "!501"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "!501"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0b"
          "chunked\r\n\r\n0\r\n\r\n",
          "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "!400"},
      Row{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", "!501"},
      Row{"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!400"},
      // line ends and folding
      Row{"GET / HTTP/1.1\nHost: h\n\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\n\n", "!400"},
      Row{"GET / HTTP/1.1\rHost: h\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\n Host: h\r\n\r\n", "!400"},
      Row{"\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      // names and values
      Row{"GET / HTTP/1.1\r\nHost : h\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost\t: h\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX(: v\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"sv, "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n"sv, "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nX: a\x1b[2J\r\n\r\n", "!400"},
  };
  expect_rows(rows);
}

TEST(Http, RequestLinesAndHostsAreStrict) {
  static constexpr std::array rows{
      Row{"GET / HTTP/1.1\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n", "!400"},
      Row{"GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET * HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET x HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET /\r\n\r\n", "!400"},
      Row{"GET / HTTP/0.9\r\nHost: h\r\n\r\n", "!505"},
      Row{"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "!505"},
      Row{"GET / HTTP/1.2\r\nHost: h\r\n\r\n", "!505"},
      Row{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!505"},
      Row{"GET / http/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", "!400"},
      Row{"GET / HTTP/11\r\nHost: h\r\n\r\n", "!400"},
      Row{"get / HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{" GET / HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET / a HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"G[T / HTTP/1.1\r\nHost: h\r\n\r\n", "!400"},
      Row{"\x16\x03\x01\x02", "!400"},
      Row{"{\"type\":\"ping\"}\n", "!400"},
      Row{"SSH-2.0-OpenSSH_9.2\r\n", "!400"},
  };
  expect_rows(rows);
}

TEST(Http, ChunkedBodiesAreReadHoweverTheyAreCut) {
  EXPECT_EQ(read_all_ways(chunked("0\r\n\r\n")), "POST /x{} ");
  EXPECT_EQ(read_all_ways(chunked("5\r\nhello\r\n0\r\n\r\n")), "POST /x{hello} ");
  EXPECT_EQ(read_all_ways(chunked("5\r\nhello\r\nA\r\n0123456789\r\n000\r\n\r\n")), "POST /x{hello0123456789} ");
  EXPECT_EQ(read_all_ways(chunked("a\r\n0123456789\r\n1;name=value\r\n!\r\n0;last\r\n\r\n")), "POST /x{0123456789!} ");
  EXPECT_EQ(read_all_ways(chunked("1;a=\"b;c\"\r\n!\r\n0\r\n\r\n")), "POST /x{!} ");
  EXPECT_EQ(read_all_ways(chunked("2\r\n\r\n\r\n0\r\n\r\n")), "POST /x{\r\n} ");
}

TEST(Http, MalformedChunksAreRefused) {
  for (std::string_view const body : {
           "5\nhello\n0\n\n"sv,
           "5\r\nhello0\r\n\r\n"sv,
           "4\r\nhello\r\n0\r\n\r\n"sv,
           "x\r\nhello\r\n0\r\n\r\n"sv,
           "0x5\r\nhello\r\n0\r\n\r\n"sv,
           "-5\r\nhello\r\n0\r\n\r\n"sv,
           " 5\r\nhello\r\n0\r\n\r\n"sv,
           "\r\n0\r\n\r\n"sv,
           "5 \r\nhello\r\n0\r\n\r\n"sv,
           "5;a=\"\nb\"\r\nhello\r\n0\r\n\r\n"sv,
           "5\r\nhello\rX0\r\n\r\n"sv,
           "5\r\nhelloX\n0\r\n\r\n"sv,
           "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n"sv,
           "5;a\nb\r\nhello\r\n0\r\n\r\n"sv,
           "5\r\nhello\r\n0\r\nA: b\nC: d\r\n\r\n"sv,
           "11111111111111111\r\nhello\r\n0\r\n\r\n"sv,
       }) {
    EXPECT_EQ(read_all_ways(chunked(body)), "!400") << body;
  }
}

TEST(Http, TrailersNeverAppearAsHeaders) {
  Limits const limits;
  HttpParser parser(limits);
  auto const bytes = chunked(
      "1\r\n!\r\n0\r\nHost: evil\r\nX-Late: 1\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n"
      "Expect: 100-continue\r\n\r\n");
  std::string_view input(bytes);
  ASSERT_EQ(parser.feed(input), HttpParser::Status::request);
  Request request;
  parser.fill(request);
  EXPECT_EQ(request.headers.size(), 2u);
  EXPECT_EQ(request.header("host"), "h");
  EXPECT_EQ(request.header("x-late"), "");
  EXPECT_EQ(request.body, "!");
  EXPECT_FALSE(parser.is_upgrade());
  EXPECT_TRUE(parser.keeps_alive());
  EXPECT_FALSE(parser.wants_continue());
}

TEST(Http, ATrailerCanNotChangeTheLength) {
  auto const next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"s;
  EXPECT_EQ(read_all_ways(chunked("1\r\n!\r\n0\r\nContent-Length: 3\r\n\r\n" + next)), "POST /x{!} GET /next{} ");
  EXPECT_EQ(read_all_ways(chunked("1\r\n!\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n" + next)),
            "POST /x{!} GET /next{} ");
}

// The end of one request and the beginning of the next are found wherever the bytes are cut.
TEST(Http, PipelinedRequestsAreReadAtEveryCut) {
  auto const bytes = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" + chunked("3\r\nabc\r\n0\r\n\r\n") +
                     post("Content-Length: 4\r\n", "GET ") + chunked("1;x=y\r\n!\r\n00\r\nLate: 1\r\n\r\n") +
                     "\r\nDELETE /2 HTTP/1.1\r\nHost: h\r\n\r\n";
  auto const expected = "GET /1{} POST /x{abc} POST /x{GET } POST /x{!} DELETE /2{} "s;
  EXPECT_EQ(read_all_ways(bytes), expected);
  Limits const limits;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    HttpParser parser(limits);
    std::string out;
    for (auto input : {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
      while (!input.empty()) {
        auto const status = parser.feed(input);
        if (status != HttpParser::Status::request) break;
        Request request;
        parser.fill(request);
        out.append(request.method).append(" ").append(request.path).append("{").append(request.body).append("} ");
        parser.reset();
      }
    }
    ASSERT_EQ(out, expected) << "cut at " << cut;
  }
}

TEST(Http, UpgradesAndKeepingAliveAreSeenInAnySpelling) {
  Limits const limits;
  auto const parse = [&](std::string const& fields, auto question) {
    HttpParser parser(limits);
    auto const bytes = "GET /ws HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
    std::string_view input(bytes);
    EXPECT_EQ(parser.feed(input), HttpParser::Status::request) << fields;
    return question(parser);
  };
  auto const is_upgrade = [](HttpParser const& parser) { return parser.is_upgrade(); };
  EXPECT_TRUE(parse("Upgrade: websocket\r\nConnection: Upgrade\r\n", is_upgrade));
  EXPECT_TRUE(parse("upgrade: WebSocket\r\nCONNECTION: keep-alive ,upgrade\r\n", is_upgrade));
  EXPECT_TRUE(parse("Upgrade: h2c, websocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n", is_upgrade));
  EXPECT_FALSE(parse("Upgrade: websocket\r\n", is_upgrade));
  EXPECT_FALSE(parse("Upgrade: websocket\r\nConnection: keep-alive\r\n", is_upgrade));
  EXPECT_FALSE(parse("Upgrade: h2c\r\nConnection: Upgrade\r\n", is_upgrade));
  EXPECT_FALSE(parse("Connection: Upgrade\r\n", is_upgrade));
  auto const keeps_alive = [](HttpParser const& parser) { return parser.keeps_alive(); };
  EXPECT_TRUE(parse("", keeps_alive));
  EXPECT_FALSE(parse("Connection: close\r\n", keeps_alive));
  EXPECT_FALSE(parse("connection: Close, x\r\n", keeps_alive));
}

TEST(Http, TheBodyIsAskedForOnceAndOnlyWhileItIsMissing) {
  Limits const limits;
  HttpParser parser(limits);
  auto const head = post("Content-Length: 2\r\nExpect: 100-Continue\r\n", "");
  std::string_view input(head);
  EXPECT_FALSE(parser.wants_continue());
  ASSERT_EQ(parser.feed(input), HttpParser::Status::need_more);
  EXPECT_TRUE(parser.has_header());
  EXPECT_TRUE(parser.wants_continue());
  EXPECT_FALSE(parser.wants_continue()) << "it was asked already";
  HttpParser second(limits);
  auto const whole = head + "{}";
  input = whole;
  ASSERT_EQ(second.feed(input), HttpParser::Status::request);
  EXPECT_FALSE(second.wants_continue());
}

TEST(Http, AnAnswerCarriesWhatEveryAnswerCarries) {
  std::string out;
  Response response;
  response.body = "{}";
  response.headers.emplace_back("Retry-After", "1");
  append_answer(out, {response, {"r1", "c1", ""}, 1'771'960'936'015'000, true, false});
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n"
            "Date: Tue, 24 Feb 2026 19:22:16 GMT\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
            "Cross-Origin-Resource-Policy: same-origin\r\nVary: Origin\r\nX-Request-ID: r1\r\n"
            "X-Correlation-ID: c1\r\nRetry-After: 1\r\n\r\n{}");
  out.clear();
  append_answer(out, {response, {"r1", "c1", "http://localhost:3000"}, 0, false, true});
  EXPECT_NE(out.find("\r\nAccess-Control-Allow-Origin: http://localhost:3000\r\n"), out.npos);
  EXPECT_NE(out.find("\r\nContent-Length: 2\r\n"), out.npos) << "HEAD tells the length";
  EXPECT_TRUE(out.ends_with("Connection: close\r\n\r\n")) << "HEAD has no body";
  out.clear();
  response = {};
  response.status = 204;
  response.content_type = {};
  append_answer(out, {response, {}, 0, true, false});
  EXPECT_TRUE(out.starts_with("HTTP/1.1 204 No Content\r\nDate: "));
  EXPECT_EQ(out.find("Content-"), out.find("Content-Type-Options")) << "204 has no length and no type";
}

TEST(Http, AnAnswersOwnHeadersStandInPlaceOfTheUsual) {
  std::string out;
  Response response;
  response.headers = {{"Cache-Control", "no-cache"}, {"Cross-Origin-Resource-Policy", "cross-origin"}};
  append_answer(out, {response, {}, 0});
  EXPECT_EQ(out.find("no-store"), out.npos);
  EXPECT_EQ(out.find("same-origin"), out.npos);
  EXPECT_NE(out.find("\r\nCache-Control: no-cache\r\n"), out.npos);
  EXPECT_NE(out.find("\r\nX-Content-Type-Options: nosniff\r\n"), out.npos);
  out.clear();
  response.status = 304;
  append_answer(out, {response, {}, 0});
  EXPECT_TRUE(out.starts_with("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_EQ(out.find("Content-Length"), out.npos) << "that would be the length of the whole";
}

TEST(Http, AnOpenAnswerHasNoLength) {
  Response response;
  response.body = "ab";
  response.is_open = true;
  std::string out;
  append_answer(out, {response, {}, 0, true, false, true});
  EXPECT_NE(out.find("\r\nTransfer-Encoding: chunked\r\n"), out.npos);
  EXPECT_EQ(out.find("Content-Length"), out.npos);
  EXPECT_TRUE(out.ends_with("\r\n\r\n2\r\nab\r\n"));
  out.clear();
  append_answer(out, {response, {}, 0, false});
  EXPECT_EQ(out.find("Transfer-Encoding"), out.npos);
  EXPECT_EQ(out.find("Content-Length"), out.npos);
  EXPECT_TRUE(out.ends_with("Connection: close\r\n\r\nab"));
  out.clear();
  response.body.clear();
  append_answer(out, {response, {}, 0, true, false, true});
  EXPECT_TRUE(out.ends_with("\r\n\r\n")) << "an empty chunk would be the last";
}

TEST(Http, HandshakesAreChecked) {
  std::vector<Header> headers{{"Sec-WebSocket-Version", "13"}, {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  Request request;
  request.method = "GET";
  request.headers = headers;
  EXPECT_EQ(check_handshake(request), "");
  request.method = "POST";
  EXPECT_NE(check_handshake(request), "");
  request.method = "GET";
  request.body = "x";
  EXPECT_NE(check_handshake(request), "");
  request.body = {};
  for (std::string_view const key : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25j", "????"}) {
    headers[1].value = key;
    EXPECT_EQ(check_handshake(request), "Sec-WebSocket-Key must be 16 bytes in base64") << key;
  }
  headers[1].value = "dGhlIHNhbXBsZSBub25jZQ==";
  headers[0].value = "8";
  EXPECT_EQ(check_handshake(request), "Sec-WebSocket-Version must be 13");
  headers[0].value = "13";
  headers.push_back(headers[1]);
  request.headers = headers;
  EXPECT_NE(check_handshake(request), "") << "two keys";
  std::string out;
}

TEST(Http, SwitchingNamesTheProtocolThatWasChosen) {
  std::string out;
  append_switching(out, {"r1", "c1", ""}, {"accepted", ""});
  EXPECT_EQ(out,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: accepted\r\nX-Request-ID: r1\r\nX-Correlation-ID: c1\r\n\r\n");
  out.clear();
  append_switching(out, {"r1", "c1", ""}, {"accepted", "chat"});
  EXPECT_NE(out.find("\r\nSec-WebSocket-Protocol: chat\r\n"), out.npos);
}

TEST(Http, SwitchingNamesTheExtensionThatWasAgreedOn) {
  std::string out;
  append_switching(out, {"r1", "c1", ""}, {"accepted", "", "permessage-deflate"});
  EXPECT_NE(out.find("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"), out.npos);
}

TEST(Http, CompressionIsAgreedOnWhereItIsOfferedAndSwitchedOn) {
  std::vector<Header> const headers{{"Sec-WebSocket-Extensions", "foo, permessage-deflate; unknown"},
                                    {"sec-websocket-extensions", "permessage-deflate; server_max_window_bits=10"},
                                    {"Sec-WebSocket-Extensions", "permessage-deflate"}};
  Request request;
  request.headers = headers;
  EXPECT_EQ(agree_on_compression(request, websocket::Compression::deflate).window_bits, 10) << "the first of them";
  EXPECT_FALSE(agree_on_compression(request, websocket::Compression::off));
  request.headers = std::span(headers).first(1);
  EXPECT_FALSE(agree_on_compression(request, websocket::Compression::deflate));
}

TEST(Http, TheHeadOfAnEventStreamHasNoLengthAndIsTheLast) {
  std::string out;
  append_stream_head(out, {"r1", "c1", "http://allowed.test"}, 1'771'960'936'015'000);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nDate: Tue, 24 Feb 2026 19:22:16 GMT\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
            "Cross-Origin-Resource-Policy: same-origin\r\nVary: Origin\r\nX-Request-ID: r1\r\n"
            "X-Correlation-ID: c1\r\nAccess-Control-Allow-Origin: http://allowed.test\r\n"
            "Access-Control-Expose-Headers: ETag, Idempotent-Replayed, Location, Retry-After, X-Correlation-ID, "
            "X-Request-ID, X-Total-Count\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n");
  out.clear();
  append_stream_head(out, {"r1", "c1", ""}, 0);
  EXPECT_EQ(out.find("Access-Control"), out.npos);
}

TEST(Http, HeadersHaveLimitsInBytesAndNumber) {
  Limits limits;
  limits.header_bytes = 1000;
  limits.header_count = 10;
  auto const sized = [](std::size_t size) {
    std::string const start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(read_all_ways(sized(1000), limits), "GET /{} ");
  EXPECT_EQ(read_all_ways(sized(1001), limits), "!431");
  EXPECT_EQ(read_all_ways(sized(1002), limits), "!431");
  EXPECT_EQ(read_all_ways(sized(5000), limits), "!431");
  auto const counted = [](std::size_t count) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (std::size_t i = 1; i < count; ++i) bytes += "X: y\r\n";
    return bytes + "\r\n";
  };
  EXPECT_EQ(read_all_ways(counted(10), limits), "GET /{} ");
  EXPECT_EQ(read_all_ways(counted(11), limits), "!431");
  EXPECT_EQ(read_all_ways("GET /" + std::string(2000, 'a'), limits), "!431");
}

TEST(Http, BodiesOverTheLimitAreRefusedBeforeTheyCome) {
  Limits limits;
  limits.body_bytes = 100;
  EXPECT_EQ(read_all_ways(post("Content-Length: 100\r\n", std::string(100, 'x')), limits),
            "POST /x{" + std::string(100, 'x') + "} ");
  EXPECT_EQ(read_all_ways(post("Content-Length: 101\r\n", ""), limits), "!413");
  EXPECT_EQ(read_all_ways(chunked("64\r\n" + std::string(100, 'x') + "\r\n0\r\n\r\n"), limits),
            "POST /x{" + std::string(100, 'x') + "} ");
  EXPECT_EQ(read_all_ways(chunked("65\r\n"), limits), "!413");
  EXPECT_EQ(read_all_ways(chunked("60\r\n" + std::string(96, 'x') + "\r\n5\r\n"), limits), "!413");
  EXPECT_EQ(read_all_ways(chunked("FFFFFFFFFFFFFFFF\r\n"), limits), "!413");
}

TEST(Http, WhatStandsBetweenChunksIsBounded) {
  auto const line = [](std::size_t size) { return chunked("1;a=" + std::string(size, 'x') + "\r\n!\r\n0\r\n\r\n"); };
  EXPECT_EQ(read_all_ways(line(4000)), "POST /x{!} ");
  EXPECT_EQ(read_all_ways(line(4090)), read_all_ways(line(4090)));
  EXPECT_EQ(read_all_ways(line(4200)), "!400");
  EXPECT_EQ(read_all_ways(chunked(std::string(5000, '0') + "\r\n\r\n")), "!400");
  EXPECT_EQ(read_all_ways(chunked("0\r\nX: " + std::string(5000, 'x') + "\r\n\r\n")), "!400");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "1;a=" + std::string(100, 'x') + "\r\n!\r\n";
  EXPECT_EQ(read_all_ways(chunked(many + "0\r\n\r\n")), "!400");
  // What is much for the first chunks is still too much when a large one comes behind them.
  auto const large = "186A0\r\n" + std::string(100'000, 'y') + "\r\n0\r\n\r\n";
  EXPECT_EQ(read_all_ways(chunked(many + large)), "!400");
  std::string trailers;
  for (int i = 0; i < 120; ++i) trailers += "X: y\r\n";
  EXPECT_EQ(read_all_ways(chunked("0\r\n" + trailers + "\r\n")), "!431");
}

}  // namespace
}  // namespace sojourn

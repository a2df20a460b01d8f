#include "net/transfer.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "net/call_stage.h"

namespace sojourn {
namespace {

using test::CallStage;

TEST(Transfer, NamesThePlaceOfItsUrlWithoutAPassword) {
  TransferRules const rules;
  for (auto const& [url, place] : {std::pair<std::string, std::string>{"http://127.0.0.1:9000/a?b", "127.0.0.1:9000"},
                                   {"http://rates.test/quotes", "rates.test:80"},
                                   {"https://rates.test", "rates.test:443"},
                                   {"HTTPS://u:secret@rates.test:8443/", "rates.test:8443"},
                                   {"http://[::1]:9000/", "[::1]:9000"}}) {
    Transfer const transfer({url, "{}"}, rules);
    EXPECT_EQ(transfer.place(), place) << url;
    EXPECT_TRUE(transfer.check()) << url;
  }
}

TEST(Transfer, UrlsAreOfHttpServers) {
  TransferRules const rules;
  for (auto const* const url :
       {"", "/quotes", "rates.test/quotes", "ftp://rates.test/", "file:///etc/passwd", "gopher://rates.test/",
        "http://", "http://rates.test:99999/", "http://rates .test/", "http://rates.test/a b",
        "http://rates.test/\r\nX: y", "http://rates.test/\x7f", "javascript:alert(1)"}) {
    auto const checked = Transfer({url, "{}"}, rules).check();
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().code, Code::configuration) << url;
  }
  auto const with_password = Transfer({"ftp://u:secret@rates.test/", "{}"}, rules).check();
  EXPECT_EQ(with_password.error().message.find("secret"), std::string::npos);
}

TEST(Transfer, ARequestCanNotBeSplitByAHeaderField) {
  TransferRules const rules;
  for (auto const& [name, value] : {std::pair<std::string, std::string>{"", "x"},
                                    {"X Y", "x"},
                                    {"X:", "x"},
                                    {"X\r\nY", "x"},
                                    {"X\x80", "x"},
                                    {"X", "x\r\nY: z"},
                                    {"X", "x\ny"},
                                    {"X", std::string("x\0y", 3)},
                                    {"X", "\x7f"}}) {
    auto const checked = Transfer({"http://rates.test/", "{}", {{name, value}}}, rules).check();
    ASSERT_FALSE(checked) << name << ": " << value;
    EXPECT_EQ(checked.error().code, Code::invalid);
  }
  EXPECT_TRUE(Transfer({"http://rates.test/", "{}", {{"X-Y_1", "a\tb: \xc3\xa9"}, {"Empty", ""}}}, rules).check());
}

TEST(Transfer, SaysWhatWentWrongAndWhatToDo) {
  TransferRules const rules;
  Transfer transfer({"http://rates.test:9000/", "{}", {}, 1'500'000}, rules);
  ASSERT_NE(transfer.open({}), nullptr);
  struct Row {
    CURLcode code;
    Code expected;
    std::string_view message;
  };
  for (auto const& row :
       {Row{CURLE_COULDNT_RESOLVE_HOST, Code::unavailable,
            "no address is known for rates.test:9000; correct its url in the configuration"},
        Row{CURLE_OPERATION_TIMEDOUT, Code::timeout, "no whole answer from rates.test:9000 within 1500 ms"},
        Row{CURLE_RECV_ERROR, Code::failed, "rates.test:9000 ended the connection before its answer was whole"},
        Row{CURLE_SEND_ERROR, Code::failed, "rates.test:9000 ended the connection before its answer was whole"},
        Row{CURLE_OUT_OF_MEMORY, Code::failed, "the call to rates.test:9000 failed: Out of memory"}}) {
    auto const outcome = transfer.outcome(row.code);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, row.expected);
    EXPECT_EQ(outcome.error().message, row.message);
  }
}

TEST(Transfer, SendsOnePostOfJson) {
  CallStage stage(CallerOptions{{"sojourn/1.2.3"}});
  auto call = stage.to("/quotes?a=b%20c");
  call.body = R"({"tool_name":"get_rates"})";
  call.headers = {{"Authorization", "Bearer t"}, {"X-Empty", ""}};
  auto const answered = stage.call(call);
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->status, 200);
  ASSERT_EQ(stage.requests.size(), 1u);
  EXPECT_EQ(stage.requests[0], "POST /quotes?a=b%20c HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(stage.port) +
                                   "\r\nUser-Agent: sojourn/1.2.3\r\nContent-Type: application/json\r\n"
                                   "Accept: application/json\r\nAuthorization: Bearer t\r\nX-Empty:\r\n"
                                   "Content-Length: 25\r\n\r\n" +
                                   call.body);
}

TEST(Transfer, ALargeBodyIsSentWithoutWaitingForPermission) {
  CallStage stage;
  auto call = stage.to();
  call.body = "\"" + std::string(3'000'000, 'x') + "\"";
  auto const answered = stage.call(call);
  ASSERT_TRUE(answered) << answered.error().message;
  ASSERT_EQ(stage.requests.size(), 1u);
  EXPECT_TRUE(stage.requests[0].ends_with("\r\n\r\n" + call.body));
  EXPECT_EQ(stage.requests[0].find("Expect"), std::string::npos);
  EXPECT_EQ(stage.requests[0].find("Transfer-Encoding"), std::string::npos);
}

TEST(Transfer, HearsAnswersOfEveryFormAndStatus) {
  CallStage stage;
  struct Row {
    std::string said;
    int status;
    std::string content_type;
    std::string body;
  };
  for (auto const& row :
       {Row{CallStage::answer(200, "[1]"), 200, "application/json", "[1]"},
        Row{CallStage::answer(500, R"({"error":"x"})"), 500, "application/json", R"({"error":"x"})"},
        Row{CallStage::answer(302, "", "Location: http://127.0.0.1:1/\r\n"), 302, "application/json", ""},
        Row{"HTTP/1.1 204 No Content\r\n\r\n", 204, "", ""},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n",
            200, "text/plain; charset=utf-8", "abcde"},
        Row{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "", "until the end"},
        Row{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nasis", 200, "", "asis"}}) {
    stage.on_request = [&](test::Caught& caught) {
      caught.say(row.said);
      if (row.said.find("HTTP/1.0") != row.said.npos) caught.close();
    };
    auto const answered = stage.call(stage.to());
    ASSERT_TRUE(answered) << row.said << answered.error().message;
    EXPECT_EQ(answered->status, row.status) << row.said;
    EXPECT_EQ(answered->content_type, row.content_type) << row.said;
    EXPECT_EQ(answered->body, row.body) << row.said;
  }
}

TEST(Transfer, WhatIsTooLargeIsNotHeard) {
  CallStage stage;
  std::string const start = "HTTP/1.1 200 OK\r\n";
  std::string const field = "X: " + std::string(1000, 'x') + "\r\n";
  std::string many_fields = start;
  std::string many_interim;
  for (int i = 0; i < 70; ++i) many_fields += field, many_interim += "HTTP/1.1 103 Early Hints\r\n" + field + "\r\n";
  for (auto const& said :
       {start + "Content-Length: 101\r\n\r\n" + std::string(101, 'x'),
        start + "Transfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(0x65, 'x') + "\r\n0\r\n\r\n",
        start + "\r\n" + std::string(101, 'x'), many_fields + "\r\n", many_interim + start + "\r\n"}) {
    stage.on_request = [&](test::Caught& caught) { caught.say(said), caught.close(); };
    auto call = stage.to();
    call.body_bytes_max = 100;
    auto const answered = stage.call(call);
    ASSERT_FALSE(answered) << said.substr(0, 80);
    EXPECT_EQ(answered.error().code, Code::too_large) << answered.error().message;
  }
  stage.on_request = [&](test::Caught& caught) { caught.say(CallStage::answer(200, std::string(100, 'x'))); };
  auto call = stage.to();
  call.body_bytes_max = 100;
  EXPECT_TRUE(stage.call(call)) << "just so much is heard";
}

TEST(Transfer, AnAnswerThatIsNotWholeHasFailed) {
  CallStage stage;
  for (std::string const said :
       {"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "SSH-2.0-OpenSSH\r\n\r\n", "just text"}) {
    for (bool const by_reset : {false, true}) {
      stage.on_request = [&](test::Caught& caught) {
        caught.say(said);
        by_reset ? caught.reset() : caught.close();
      };
      auto const answered = stage.call(stage.to());
      ASSERT_FALSE(answered) << said;
      EXPECT_EQ(answered.error().code, Code::failed) << said << ": " << answered.error().message;
      EXPECT_NE(answered.error().message.find("127.0.0.1:" + std::to_string(stage.port)), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace sojourn

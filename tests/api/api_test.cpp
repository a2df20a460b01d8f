#include "api/api.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sojourn {
namespace {

TEST(Request, HeadersAreFoundInAnyCaseAndTheFirstCounts) {
  std::array const headers{Header{"Host", "a"}, Header{"X-One", "1"}, Header{"x-one", "2"}, Header{"X-Empty", ""}};
  Request request;
  request.headers = headers;
  EXPECT_EQ(request.header("host"), "a");
  EXPECT_EQ(request.header("X-ONE"), "1");
  EXPECT_EQ(request.header("x-on"), "");
  EXPECT_EQ(request.count_headers("x-one"), 2u);
  EXPECT_EQ(request.count_headers("X-Empty"), 1u);
  EXPECT_EQ(request.count_headers("missing"), 0u);
}

TEST(Request, ParametersAreDecoded) {
  struct Row {
    std::string_view query;
    std::string_view value;
  };
  for (auto const& row :
       {Row{"a=1", "1"}, Row{"b=2&a=1&a=3", "1"}, Row{"", ""}, Row{"a", ""}, Row{"a=", ""}, Row{"aa=1", ""},
        Row{"a=x%20y+z", "x y z"}, Row{"a=%C3%bc", "\xc3\xbc"}, Row{"a=%2", "%2"}, Row{"a=%", "%"},
        Row{"a=%zz%41", "%zzA"}, Row{"&&a=b=c&", "b=c"}, Row{"A=1", ""}, Row{"a=%2525", "%25"}}) {
    Request request;
    request.query = row.query;
    EXPECT_EQ(request.parameter("a"), row.value) << row.query;
  }
}

TEST(ErrorResponse, IsOneSentenceOfJson) {
  auto const response = error_response(404, "no \"such\" thing\n");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "{\"error\":\"no \\\"such\\\" thing\\n\"}");
  EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  EXPECT_FALSE(response.is_last);
}

TEST(ErrorResponse, TakesItsStatusFromTheTable) {
  for (auto const& each : error_table()) {
    EXPECT_EQ(error_response(Error{each.code, "x"}).status, each.http_status) << each.word;
  }
}

TEST(DetailResponse, HasAWordForPrograms) {
  EXPECT_EQ(detail_response(404, "Not Found").body, "{\"detail\":\"Not Found\"}");
  EXPECT_EQ(detail_response(404, "a \"b\"", "not_found").body, "{\"detail\":\"a \\\"b\\\"\",\"code\":\"not_found\"}");
  EXPECT_EQ(detail_response(404, "\xff").body, "{\"detail\":\"\xc3\xbf\"}") << "always UTF-8: taken as Latin-1";
  for (auto const& each : error_table()) {
    auto const response = detail_response(Error{each.code, "x", 7});
    EXPECT_EQ(response.status, each.http_status) << each.word;
    auto const body = json::parse(response.body);
    ASSERT_TRUE(body) << each.word;
    EXPECT_EQ(body->at("detail"), "x");
    EXPECT_EQ(std::string_view(body->at("code").as_string()), each.word);
    EXPECT_EQ(body->as_object().contains("revision"), each.code == Code::precondition_failed) << each.word;
  }
  EXPECT_EQ(json::parse(detail_response(Error{Code::precondition_failed, "x", 7}).body)->at("revision"), 7);
}

TEST(DetailResponse, NamesTheFieldThatIsUnprocessableInAList) {
  EXPECT_EQ(detail_response(wrong_field("query", "limit", "has to be a \"number\"\xff")).body,
            R"({"detail":[{"type":"value_error","loc":["query","limit"],"msg":"limit has to be a \"number\")"
            "\xc3\xbf"
            R"("}],"code":"unprocessable"})");
  EXPECT_EQ(detail_response(wrong_field("query", "limit", "x")).status, 422);
  EXPECT_EQ(detail_response(Error{Code::unprocessable, "x", 0, "body.a.b"}).body,
            R"({"detail":[{"type":"value_error","loc":["body","a.b"],"msg":"x"}],"code":"unprocessable"})");
  for (auto const& each : error_table()) {
    auto const body = json::parse(detail_response(Error{each.code, "x", 7, "body.a"}).body);
    ASSERT_TRUE(body) << each.word;
    EXPECT_EQ(body->at("detail").is_array(), each.code == Code::unprocessable) << each.word;
  }
}

TEST(DetailResponse, HasTheWordOfTheDocumentedApiWhereThereIsOne) {
  struct Row {
    Error error;
    std::string_view word;
  };
  for (auto const& row :
       {Row{{Code::not_found, "Session not found: x"}, "SESSION_NOT_FOUND"},
        Row{{Code::not_found, "Session not found or expired: x"}, "SESSION_NOT_FOUND"},
        Row{{Code::expired, "Session expired: x"}, "SESSION_EXPIRED"},
        Row{{Code::invalid, "x", 0, "path.session_id"}, "SESSION_INVALID"},
        Row{wrong_field("body", "client_id", "x"), "INVALID_CLIENT_ID"},
        Row{wrong_field("body", "timeout_minutes", "x"), "TIMEOUT_OUT_OF_RANGE"},
        Row{{Code::not_found, "State key not found: x"}, ""}, Row{{Code::invalid, "Session not found"}, ""},
        Row{{Code::invalid, "x", 0, "body.client_id"}, ""}, Row{wrong_field("query", "client_id", "x"), ""},
        Row{wrong_field("body", "kind", "x"), ""}}) {
    auto const body = json::parse(detail_response(row.error).body);
    EXPECT_EQ(json::find_string(body->get_object(), "error_code"), row.word) << row.error.message;
    EXPECT_EQ(body->get_object().contains("error_code"), !row.word.empty()) << row.error.message;
  }
}

TEST(ErrorResponse, SaysWhatToDoNextInAHeader) {
  for (auto const& each : error_table()) {
    auto const headers_of = [](Response const& response) {
      std::string out;
      for (auto const& [name, value] : response.headers) out.append(name).append(": ").append(value).append(";");
      return out;
    };
    std::string const expected = each.code == Code::too_many          ? "Retry-After: 1;"
                                 : each.code == Code::unauthenticated ? "WWW-Authenticate: Bearer;"
                                                                      : "";
    bool const has_tag = each.code == Code::precondition_failed;
    EXPECT_EQ(headers_of(error_response(Error{each.code, "x", 7})), expected) << each.word;
    EXPECT_EQ(headers_of(detail_response(Error{each.code, "x", 7})), has_tag ? "ETag: \"7\";" : expected) << each.word;
  }
}

TEST(ErrorResponse, SaysWhenToTryAgainWhereThatIsKnown) {
  Error full{Code::too_many, "x"};
  full.retry_s = 12;
  Error down{Code::unavailable, "x"};
  down.retry_s = 3;
  for (auto const& [failure, seconds] : {std::pair{full, "12"}, std::pair{down, "3"}}) {
    for (auto const& response : {error_response(failure), detail_response(failure)}) {
      ASSERT_EQ(response.headers.size(), 1u);
      EXPECT_EQ(response.headers[0].first, "Retry-After");
      EXPECT_EQ(response.headers[0].second, seconds);
    }
  }
}

TEST(ParseObject, IsTheWholeBodyOrNothing) {
  for (auto const& [body, text] : {std::pair<std::string_view, std::string_view>{"", "{}"},
                                   {"{}", "{}"},
                                   {" {\"a\":[1]} ", "{\"a\":[1]}"},
                                   {"[]", "the body has to be a JSON object"},
                                   {"null", "the body has to be a JSON object"},
                                   {"{\"a\":1", ""},
                                   {"a=1", ""}}) {
    Request request;
    request.body = body;
    auto const parsed = parse_object(request);
    if (parsed) {
      EXPECT_EQ(json::to_text(*parsed), text) << body;
      continue;
    }
    EXPECT_EQ(parsed.error().code, Code::invalid);
    if (text.empty())
      EXPECT_TRUE(parsed.error().message.starts_with("the body is not JSON: ")) << parsed.error().message;
    else
      EXPECT_EQ(parsed.error().message, text) << body;
  }
}

TEST(Request, FieldsOfAFormAreDecoded) {
  Request request;
  request.body = "username=a+b&password=%C3%bc%26&username=c";
  EXPECT_EQ(request.form_field("username"), "a b") << "the first counts";
  EXPECT_EQ(request.form_field("password"), "\xc3\xbc&");
  EXPECT_EQ(request.form_field("missing"), "");
}

TEST(DecodeSegment, KeepsThePlus) {
  EXPECT_EQ(decode_segment("a+b%20c%2Fd%"), "a+b c/d%");
  EXPECT_EQ(decode_segment("%00x").size(), 2u);
}

TEST(Back, FindsItsCarrierAndItsExchange) {
  struct Carrier {
    std::uint64_t exchange = 0;
    int status = 0;
  } carrier;
  Respond const respond(
      [](void* place, std::uint64_t exchange, Response response) {
        *static_cast<Carrier*>(place) = {exchange, response.status};
      },
      &carrier, 7);
  Response response;
  response.status = 204;
  respond(std::move(response));
  EXPECT_EQ(carrier.exchange, 7u);
  EXPECT_EQ(carrier.status, 204);
}

}  // namespace
}  // namespace sojourn

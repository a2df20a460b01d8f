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

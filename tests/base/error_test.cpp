#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sojourn {
namespace {

TEST(ErrorTable, HasOneRowForEachCodeInTheOrderOfCodes) {
  auto const table = error_table();
  ASSERT_EQ(table.size(), static_cast<std::size_t>(Code::internal) + 1);
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(table[i].code, static_cast<Code>(i));
    EXPECT_EQ(&row(table[i].code), &table[i]);
  }
}

TEST(ErrorTable, HasAWordOfItsOwnForEachCode) {
  std::set<std::string_view> words;
  for (auto const& each : error_table()) {
    EXPECT_FALSE(each.word.empty());
    EXPECT_EQ(each.word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << each.word;
    EXPECT_TRUE(words.insert(each.word).second) << each.word << " twice";
  }
}

TEST(ErrorTable, HoldsOnlyNumbersThatEachProtocolAllowsForAFailure) {
  for (auto const& each : error_table()) {
    SCOPED_TRACE(each.word);
    EXPECT_GE(each.http_status, 400);
    EXPECT_LE(each.http_status, 599);
    // RFC 6455, section 7.4.1: what an endpoint may send; 1000 and 1001 are no failures.
    EXPECT_TRUE(each.close_code == 1002 || each.close_code == 1003 ||
                (each.close_code >= 1007 && each.close_code <= 1014));
    EXPECT_NE(each.close_code, 1010);  // the client's alone
    // JSON-RPC 2.0, section 5.1: -32768 to -32000 are reserved, the server's own are -32099 to -32000.
    EXPECT_TRUE(each.json_rpc_code == -32602 || each.json_rpc_code == -32601 || each.json_rpc_code == -32603 ||
                (each.json_rpc_code >= -32099 && each.json_rpc_code <= -32000));
    EXPECT_GE(each.exit_code, 64);
    EXPECT_LE(each.exit_code, 78);
  }
}

TEST(ErrorTable, AsksForARetryOnlyWhereTheSameRequestMaySucceedLater) {
  for (auto const& each : error_table()) {
    bool const is_passing = each.code == Code::conflict || each.code == Code::too_many ||
                            each.code == Code::not_connected || each.code == Code::timeout ||
                            each.code == Code::crashed || each.code == Code::storage_full ||
                            each.code == Code::unavailable;
    EXPECT_EQ(each.retryable, is_passing) << each.word;
  }
}

TEST(ErrorTable, SpeaksTheDocumentedStatusesOfTheDoors) {
  EXPECT_EQ(row(Code::invalid).http_status, 400);
  EXPECT_EQ(row(Code::forbidden).http_status, 403);
  EXPECT_EQ(row(Code::not_found).http_status, 404);
  EXPECT_EQ(row(Code::too_large).http_status, 413);
  EXPECT_EQ(row(Code::too_large).close_code, 1009);
  EXPECT_EQ(row(Code::too_many).http_status, 429);
  EXPECT_EQ(row(Code::header_too_large).http_status, 431);
  EXPECT_EQ(row(Code::not_connected).http_status, 503);
  EXPECT_EQ(row(Code::timeout).http_status, 504);
  EXPECT_EQ(row(Code::storage_full).http_status, 507);
  EXPECT_EQ(row(Code::usage).exit_code, 64);
  EXPECT_EQ(row(Code::configuration).exit_code, 78);
  EXPECT_EQ(row(Code::damaged).exit_code, 65);
}

TEST(Result, CarriesAValueOrAnError) {
  Result<int> const good = 7;
  Result<int> const bad = error(Code::not_found, "no such thing");
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 7);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::not_found);
  EXPECT_EQ(bad.error().message, "no such thing");
}

TEST(Result, ThrowsWhenTheValueOfAFailureIsTaken) {
  Result<int> const bad = error(Code::internal, "took it anyway");
  try {
    static_cast<void>(bad.value());
    FAIL() << "no exception";
  } catch (std::logic_error const& e) {
    EXPECT_EQ(std::string(e.what()), "took it anyway");
  }
}

}  // namespace
}  // namespace sojourn

#include "base/time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

namespace sojourn {
namespace {

constexpr std::int64_t sample_us = 1'771'960'936'015'999;  // 2026-02-24T19:22:16.015999Z

TEST(IsoTime, BTW_07_IsUtcWithMilliseconds) {
  EXPECT_EQ(to_iso_ms(sample_us), "2026-02-24T19:22:16.015Z");
  EXPECT_EQ(to_iso_ms(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso_ms(999), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso_ms(1000), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(to_iso_ms(1'709'164'799'999'999), "2024-02-28T23:59:59.999Z");
  EXPECT_EQ(to_iso_ms(1'709'164'800'000'000), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(to_iso_ms(253'402'300'799'999'000), "9999-12-31T23:59:59.999Z");
}

TEST(IsoTime, IsReadInEveryFormThatRfc3339Has) {
  constexpr std::int64_t second_us = 1'771'960'936'000'000;
  for (auto const& [text, utc_us] : {std::pair<std::string_view, std::int64_t>{"2026-02-24T19:22:16Z", second_us},
                                     {"2026-02-24t19:22:16z", second_us},
                                     {"2026-02-24T19:22:16", second_us},
                                     {"2026-02-24T19:22:16.0Z", second_us},
                                     {"2026-02-24T19:22:16.5Z", second_us + 500'000},
                                     {"2026-02-24T19:22:16.015Z", second_us + 15'000},
                                     {"2026-02-24T19:22:16.015999", second_us + 15'999},
                                     {"2026-02-24T19:22:16.0159999999999999999999Z", second_us + 15'999},
                                     {"2026-02-24T20:22:16+01:00", second_us},
                                     {"2026-02-24T13:52:16.25-05:30", second_us + 250'000},
                                     {"2026-02-25T00:22:16+05:00", second_us},
                                     {"1970-01-01T00:00:00Z", 0},
                                     {"1969-12-31T23:59:59.999999Z", -1},
                                     {"2024-02-29T00:00:00Z", 1'709'164'800'000'000},
                                     {"9999-12-31T23:59:59.999Z", 253'402'300'799'999'000},
                                     {"0000-01-01T00:00:00Z", -62'167'219'200'000'000}}) {
    auto const read = from_iso(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, utc_us) << text;
  }
}

TEST(IsoTime, IsNothingOfAnyOtherText) {
  for (std::string_view const text : {"",
                                      "2026",
                                      "2026-02-24",
                                      "2026-02-24T19:22",
                                      "2026-02-24T19:22:16.",
                                      "2026-02-24T19:22:16.Z",
                                      "2026-02-24 19:22:16Z",
                                      " 2026-02-24T19:22:16Z",
                                      "2026-02-24T19:22:16Z ",
                                      "2026-02-24T19:22:16ZZ",
                                      "2026-2-24T19:22:16Z",
                                      "02026-02-24T19:22:16Z",
                                      "-026-02-24T19:22:16Z",
                                      "+026-02-24T19:22:16Z",
                                      "2026-13-24T19:22:16Z",
                                      "2026-00-24T19:22:16Z",
                                      "2026-02-30T19:22:16Z",
                                      "2026-02-00T19:22:16Z",
                                      "2025-02-29T00:00:00Z",
                                      "2026-02-24T24:00:00Z",
                                      "2026-02-24T19:60:16Z",
                                      "2026-02-24T19:22:60Z",
                                      "2026-02-24T19:22:16+1:00",
                                      "2026-02-24T19:22:16+01",
                                      "2026-02-24T19:22:16+0100",
                                      "2026-02-24T19:22:16+24:00",
                                      "2026-02-24T19:22:16+01:60",
                                      "2026-02-24T19:22:16+01:00Z",
                                      "2026-02-24T19:22:16+-1:00",
                                      "2026-02-24T19:22:1xZ",
                                      "2026-02-24T19:22:16,5Z",
                                      "1771960936",
                                      "latest",
                                      "2026-02-24T19:22:16.5.5Z"}) {
    EXPECT_FALSE(from_iso(text)) << text;
  }
  std::string const whole = "2026-02-24T19:22:16.015999+01:00";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto text = whole;
    text[i] = '\0';
    EXPECT_FALSE(from_iso(text)) << i;
  }
}

TEST(IsoTime, ThatIsWrittenIsReadBack) {
  for (std::int64_t const utc_us : {sample_us, std::int64_t{0}, std::int64_t{999'999}, 253'402'300'799'999'999}) {
    EXPECT_EQ(from_iso(to_iso_us(utc_us)), utc_us);
  }
}

TEST(HttpDate, IsTheFormOfRfc9110) {
  EXPECT_EQ(to_http_date(sample_us), "Tue, 24 Feb 2026 19:22:16 GMT");
  EXPECT_EQ(to_http_date(784'111'777'000'000), "Sun, 06 Nov 1994 08:49:37 GMT");  // its own example
  EXPECT_EQ(to_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Times, DoNotDependOnTheTimeZoneOfTheMachine) {
  auto const* before = std::getenv("TZ");
  std::string const kept = before == nullptr ? "" : before;
  setenv("TZ", "Asia/Kathmandu", 1);
  tzset();
  EXPECT_EQ(to_iso_ms(sample_us), "2026-02-24T19:22:16.015Z");
  EXPECT_EQ(to_http_date(sample_us), "Tue, 24 Feb 2026 19:22:16 GMT");
  before == nullptr ? unsetenv("TZ") : setenv("TZ", kept.c_str(), 1);
  tzset();
}

TEST(Milliseconds, AreCutFromMicroseconds) {
  EXPECT_EQ(to_ms(sample_us), 1'771'960'936'015);
  EXPECT_EQ(to_ms(999), 0);
}

TEST(Clock, ReadsTheMomentItWasGivenWheneverItIsAsked) {
  Moment moment{1, 2};
  Clock const clock(moment);
  EXPECT_EQ(clock.now().steady_us, 1);
  EXPECT_EQ(clock.now().utc_us, 2);
  moment = {10, 20};
  Clock const copy = clock;
  EXPECT_EQ(copy.now().steady_us, 10);
  EXPECT_EQ(copy.now().utc_us, 20);
}

TEST(Clock, ReadsTheMachineInMicroseconds) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  auto const us = [](auto since) { return duration_cast<microseconds>(since.time_since_epoch()).count(); };
  Clock const clock;
  auto const utc_before = us(std::chrono::system_clock::now());
  auto const steady_before = us(std::chrono::steady_clock::now());
  auto const now = clock.now();
  EXPECT_GE(now.steady_us, steady_before);
  EXPECT_LE(now.steady_us, us(std::chrono::steady_clock::now()));
  // The machine's UTC may be set meanwhile; a second is enough to tell it from any other unit or epoch.
  EXPECT_NEAR(static_cast<double>(now.utc_us), static_cast<double>(utc_before), 1e6);
}

}  // namespace
}  // namespace sojourn

#include "base/time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>

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

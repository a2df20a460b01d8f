#include "app/words.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace sojourn {
namespace {

TEST(Words, MomentsAreReadAsTheyAreWritten) {
  for (std::int64_t const utc_us : {std::int64_t{0}, std::int64_t{1771960936015000}, std::int64_t{951782399999000}}) {
    EXPECT_EQ(parse_iso(to_iso_ms(utc_us)), utc_us) << to_iso_ms(utc_us);
  }
}

TEST(Words, MomentsMayHaveMicroseconds) {
  EXPECT_EQ(parse_iso("2026-02-24T19:22:16.015123Z"), 1771960936015123);
  EXPECT_EQ(parse_iso("1970-01-01T00:00:00.000001Z"), 1);
}

TEST(Words, DurationsHaveAUnit) {
  EXPECT_EQ(parse_duration_s("90s"), 90);
  EXPECT_EQ(parse_duration_s("30m"), 1800);
  EXPECT_EQ(parse_duration_s("1h"), 3600);
  EXPECT_EQ(parse_duration_s("7d"), 7 * 86400);
  EXPECT_EQ(parse_duration_s("36600d"), std::int64_t{36600} * 86400);
  for (auto const* const text : {"", "h", "1", "1w", "-1h", "1.5h", "1 h", "h1", "36601d", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration_s(text)) << text;
  }
}

TEST(Words, WaitsGetCoarser) {
  constexpr std::int64_t s = 1'000'000;
  EXPECT_EQ(describe_wait(-5 * s), "now");
  EXPECT_EQ(describe_wait(59 * s), "in 59 s");
  EXPECT_EQ(describe_wait(3599 * s), "in 59 min");
  EXPECT_EQ(describe_wait(47 * 3600 * s), "in 47 h");
  EXPECT_EQ(describe_wait(72 * 3600 * s), "in 3 days");
}

TEST(Words, OtherFormsAreNoMoments) {
  for (auto const* const text :
       {"", "2026-02-24", "2026-02-24T19:22:16Z", "2026-02-30T00:00:00.000Z", "2026-13-01T00:00:00.000Z",
        "2026-02-24T24:00:00.000Z", "2026-02-24T19:22:16.0150", "2026-02-24 19:22:16.015Z", "2026-02-24T19:22:16.01xZ",
        "2026-02-24T19:22:16.0150Z", "2026-02-24T19:22:16.0151230Z"}) {
    EXPECT_FALSE(parse_iso(text)) << text;
  }
}

TEST(Words, AgesGetCoarser) {
  constexpr std::int64_t s = 1'000'000;
  EXPECT_EQ(describe_age(-5 * s), "just now");
  EXPECT_EQ(describe_age(1 * s), "just now");
  EXPECT_EQ(describe_age(59 * s), "59 s ago");
  EXPECT_EQ(describe_age(60 * s), "1 min ago");
  EXPECT_EQ(describe_age(3599 * s), "59 min ago");
  EXPECT_EQ(describe_age(3600 * s), "1 h ago");
  EXPECT_EQ(describe_age(47 * 3600 * s), "47 h ago");
  EXPECT_EQ(describe_age(48 * 3600 * s), "2 days ago");
}

TEST(Words, BrowsersAreRecognisedThoughAllClaimToBeEachOther) {
  std::string const chrome =
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
  EXPECT_EQ(describe_browser(chrome), "Chrome 156 on Linux");
  EXPECT_EQ(describe_browser(chrome + " Edg/155.1"), "Edge 155 on Linux");
  EXPECT_EQ(describe_browser(chrome + " OPR/99.0"), "Opera 99 on Linux");
  EXPECT_EQ(describe_browser("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0.0.0 Safari/537.36"),
            "Headless Chrome 156 on Linux");
  EXPECT_EQ(describe_browser("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"),
            "Firefox 128 on Windows");
  EXPECT_EQ(describe_browser(
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15"),
            "Safari 17 on macOS");
  EXPECT_EQ(describe_browser("Mozilla/5.0 (Linux; Android 14) Chrome/150.0 Mobile Safari/537.36"),
            "Chrome 150 on Android");
  EXPECT_EQ(describe_browser("Mozilla/5.0 (X11; CrOS x86_64 1) Chrome/150.0"), "Chrome 150 on ChromeOS");
}

TEST(Words, UnknownBrowsersKeepTheirOwnName) {
  EXPECT_EQ(describe_browser("Unknown"), "Unknown");
  EXPECT_EQ(describe_browser("python-websockets/12.0 (linux)"), "python-websockets/12.0");
  EXPECT_EQ(describe_browser("Chrome/"), "Chrome");
  EXPECT_EQ(describe_browser(""), "");
}

}  // namespace
}  // namespace sojourn

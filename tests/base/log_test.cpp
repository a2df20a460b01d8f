#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr Moment sample{0, 1'771'960'936'015'000};

std::string line_of(std::string const& value) { return to_log_line(sample, Level::info, "event", {{"value", value}}); }

// The value as whoever reads the log finds it.
std::string value_in(std::string const& line) {
  auto const parsed = json::parse(line);
  return parsed ? std::string(json::find_string(parsed->get_object(), "value", "no value")) : "not JSON";
}

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  if (from < text.size()) lines.push_back("not ended: " + text.substr(from));
  return lines;
}

TEST(LogLine, IsOneJsonObjectWithTimeLevelEventAndFieldsInTheirOrder) {
  std::int64_t const large = 9'223'372'036'854'775'807;
  EXPECT_EQ(to_log_line(sample, Level::warn, "session.opened",
                        {{"id", "ext_0123456789ab"}, {"count", 3}, {"bytes", large}, {"resumed", false}, {"ok", true}}),
            R"({"time":"2026-02-24T19:22:16.015Z","level":"warn","event":"session.opened","id":"ext_0123456789ab",)"
            R"("count":3,"bytes":9223372036854775807,"resumed":false,"ok":true})");
  EXPECT_EQ(to_log_line(sample, Level::debug, "x", {}),
            R"({"time":"2026-02-24T19:22:16.015Z","level":"debug","event":"x"})");
}

TEST(LogLine, TakesTextFromEveryKindOfString) {
  std::string const owned = "a";
  auto const line = to_log_line({}, Level::info, "e", {{"x", owned}, {"y", std::string_view("b")}, {"z", "c"}});
  EXPECT_TRUE(line.ends_with(R"("event":"e","x":"a","y":"b","z":"c"})")) << line;
}

TEST(LogLine, StaysOneLineWhateverTheInput) {
  for (auto const* value :
       {"a\nb", "a\r\nb", "\n{\"level\":\"error\"}", "\x1b[2J\x1b[31mred", "a\u2028b", "a\u2029b", "a\u0085b",
        "\u009b2J", "a\vb\fc", "\x7f", "\"},{\"", "\\", "\\n", "\xff\xfe", "a\xe2\x80", "\xe2\x80\xa8", "\xc2"}) {
    auto const line = line_of(value);
    SCOPED_TRACE(line);
    EXPECT_TRUE(json::parse(line)) << "not one JSON text";
    EXPECT_TRUE(is_utf8(line));
    for (char const c : line) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << static_cast<int>(c);
    for (auto const* hidden : {"\u0085", "\u2028", "\u2029", "\u009b"}) EXPECT_EQ(line.find(hidden), line.npos);
  }
}

TEST(LogLine, StaysOneLineWhenEveryByteIsThere) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  auto const line = line_of(all);
  EXPECT_TRUE(json::parse(line)) << line;
  EXPECT_EQ(std::ranges::count(line, '\n'), 0);
}

TEST(LogLine, KeepsReadableTextAsItIs) {
  for (auto const* value : {"", "plain", "größer 漢字 😀 \u00a0", "a\tb\nc", "C:\\x \"y\""})
    EXPECT_EQ(value_in(line_of(value)), value);
}

TEST(LogLine, KeepsTheAsciiOfWhatIsNotUtf8OrHidesControls) {
  EXPECT_EQ(value_in(line_of("ab\xff\xfe"
                             "cd")),
            "ab??cd");
  EXPECT_EQ(value_in(line_of("ab\u2028cd\x7f")), "ab???cd?");
}

TEST(LogLine, CutsALongValueAtFourKibibytes) {
  EXPECT_EQ(value_in(line_of(std::string(4096, 'x'))), std::string(4096, 'x'));
  EXPECT_EQ(value_in(line_of(std::string(4097, 'x'))), std::string(4096, 'x'));
  auto const line = line_of(std::string(1024 * 1024, '\n'));
  EXPECT_EQ(value_in(line), std::string(4096, '\n'));
  EXPECT_LT(line.size(), 10'000U);
}

TEST(LogLine, StaysUtf8WhenTheCutFallsIntoACharacter) {
  std::string value(4095, 'x');
  for (int i = 0; i < 1000; ++i) value += "漢";
  auto const line = line_of(value);
  EXPECT_TRUE(is_utf8(line));
  EXPECT_TRUE(value_in(line).starts_with(std::string(4095, 'x')));
  EXPECT_LE(value_in(line).size(), 4096U);
}

TEST(LogLevel, IsReadFromItsWord) {
  EXPECT_EQ(to_level("debug"), Level::debug);
  EXPECT_EQ(to_level("info"), Level::info);
  EXPECT_EQ(to_level("warn"), Level::warn);
  EXPECT_EQ(to_level("error"), Level::error);
  for (auto const* word : {"", "Info", "warning", "err", "info "}) EXPECT_FALSE(to_level(word)) << word;
}

TEST(Log, WritesLinesOfItsLevelAndAboveToStandardErrorInOrder) {
  testing::internal::CaptureStderr();
  {
    Log log(Level::warn);
    EXPECT_FALSE(log.shows(Level::info));
    EXPECT_TRUE(log.shows(Level::warn));
    EXPECT_TRUE(log.shows(Level::error));
    log.write(Level::info, "quiet");
    log.write(Level::warn, "first", {{"value", "{} %s {0}\n"}});
    log.write(Level::error, "second");
  }
  auto const lines = lines_of(testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(R"("level":"warn","event":"first")"), std::string::npos) << lines[0];
  EXPECT_EQ(value_in(lines[0]), "{} %s {0}\n");
  EXPECT_NE(lines[1].find(R"("level":"error","event":"second")"), std::string::npos) << lines[1];
}

TEST(Log, LinesWaitForAFlushOrAWarning) {
  testing::internal::CaptureStderr();
  auto log = std::make_unique<Log>(Level::info);
  auto const written = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return lines_of(testing::internal::GetCapturedStderr()).size();
  };
  log->write(Level::info, "one");
  EXPECT_EQ(written(), 0U);
  testing::internal::CaptureStderr();
  log->flush();
  log->flush();
  EXPECT_EQ(written(), 1U);
  testing::internal::CaptureStderr();
  log->write(Level::info, "two");
  log->write(Level::warn, "three");
  EXPECT_EQ(written(), 2U);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 100; ++i) log->write(Level::info, "many", {{"value", std::string(300, 'x')}});
  EXPECT_GT(written(), 80U) << "no more than a few KiB wait";
  testing::internal::CaptureStderr();
  log.reset();
  EXPECT_GT(written(), 0U) << "and the rest comes at the end";
}

TEST(Log, WritesEveryLineWholeWhenThreadsWriteAtOnce) {
  testing::internal::CaptureStderr();
  {
    Log log(Level::info);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) log.write(Level::info, "line", {{"value", std::string(300, 'x')}});
      });
    for (auto& thread : threads) thread.join();
  }
  auto const lines = lines_of(testing::internal::GetCapturedStderr());
  EXPECT_EQ(lines.size(), 400U);
  for (auto const& line : lines) ASSERT_EQ(value_in(line), std::string(300, 'x')) << line;
}

TEST(Log, WritesNothingWhenItIsMadeForTests) {
  testing::internal::CaptureStderr();
  {
    Log log;
    EXPECT_FALSE(log.shows(Level::error));
    log.write(Level::error, "event");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace sojourn

#include "codec/sse.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace sojourn::sse {
namespace {

std::string to_line(Event const& event) { return event.type + "|" + event.data + "|" + event.id; }

// "type|data|id" of every event.
std::vector<std::string> read(LineReader& stream, std::initializer_list<std::string_view> lines) {
  std::vector<std::string> events;
  for (auto const line : lines) {
    if (auto const event = stream.take(line)) events.push_back(to_line(*event));
  }
  return events;
}

TEST(SseLines, AnEmptyLineCompletesAnEvent) {
  LineReader stream;
  EXPECT_EQ(read(stream, {"id: e.1", "event: quote_ready", "data: {\"a\":1}", "", "data:2", ""}),
            (std::vector<std::string>{"quote_ready|{\"a\":1}|e.1", "message|2|e.1"}));
}

TEST(SseLines, LinesOfDataAreJoinedAndOnlyOneBlankIsTakenAway) {
  LineReader stream;
  EXPECT_EQ(read(stream, {"data:  a", "data", "data:b: c", ""}), (std::vector<std::string>{"message| a\n\nb: c|"}));
}

TEST(SseLines, CommentsUnknownFieldsAndEventsWithoutDataAreNone) {
  LineReader stream;
  EXPECT_TRUE(read(stream, {": ping", "", "retry: 5", "nonsense", "event: x", "id: 7", "", ""}).empty());
  EXPECT_EQ(read(stream, {"data: a", ""}), (std::vector<std::string>{"message|a|7"}));
}

TEST(SseLines, AnIdWithAZeroByteIsIgnored) {
  LineReader stream;
  std::string const line("id: a\0b", 7);
  EXPECT_EQ(read(stream, {"id: e.1", line, "data: a", ""}), (std::vector<std::string>{"message|a|e.1"}));
}

TEST(SseLines, WhatIsTooLargeIsLeftOutWhole) {
  LineReader stream(5);
  EXPECT_EQ(read(stream, {"data: 123456", "", "data: 123", "data: 123", "data: 1", "", "data: 12345", ""}),
            (std::vector<std::string>{"message|12345|"}));
}

TEST(SseLines, ATypeOrIdThatIsTooLargeIsIgnored) {
  LineReader stream(5);
  EXPECT_EQ(read(stream, {"event: 123456", "id: 123456", "data: 1", "", "event: 12345", "id: 54321", "data: 2", ""}),
            (std::vector<std::string>{"message|1|", "12345|2|54321"}));
}

TEST(SseLines, AfterABreakTheHalfReadEventIsForgottenAndTheIdIsNot) {
  LineReader stream;
  EXPECT_TRUE(read(stream, {"id: e.4", "event: x", "data: half"}).empty());
  stream.restart();
  EXPECT_EQ(read(stream, {"", "data: whole", ""}), (std::vector<std::string>{"message|whole|e.4"}));
}

void take_all(ByteReader& stream, std::string_view bytes, std::vector<std::string>& events) {
  while (auto const event = stream.feed(bytes)) events.push_back(to_line(*event));
  EXPECT_TRUE(bytes.empty());
}

// Every event of `text`, which comes in three parts cut at `first` and `second`; what finish() gives has a "!" before.
std::vector<std::string> read_cut(std::string_view text, std::size_t first, std::size_t second, std::size_t max = 100) {
  ByteReader stream(max);
  std::vector<std::string> events;
  take_all(stream, text.substr(0, first), events);
  take_all(stream, text.substr(first, second - first), events);
  take_all(stream, text.substr(second), events);
  if (auto const last = stream.finish()) events.push_back("!" + to_line(*last));
  return events;
}

// The same for every two cuts.
void expect_everywhere(std::string_view text, std::vector<std::string> const& events, std::size_t max = 100) {
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      ASSERT_EQ(read_cut(text, first, second, max), events) << "cut at " << first << " and " << second;
    }
  }
}

TEST(SseBytes, LinesEndWithCrOrLfOrBothWhereverTheyAreCut) {
  expect_everywhere("event: a\ndata: 1\n\nevent: b\r\ndata: 2\r\n\r\nevent: c\rdata: 3\r\rdata: 4\n\n",
                    {"a|1|", "b|2|", "c|3|", "message|4|"});
  expect_everywhere("data: 1\r\n\n\rdata: 2\n\r\n", {"message|1|", "message|2|"});
}

TEST(SseBytes, AByteOrderMarkIsSkippedOnceAtTheBeginning) {
  expect_everywhere(
      "\xEF\xBB\xBF"
      "data: 1\n\n\xEF\xBB\xBF"
      "data: 2\n\n",
      {"message|1|"});
  expect_everywhere(
      "\xEF\xBB"
      "data: 1\n\n",
      {});
}

TEST(SseBytes, WhatTheEndOfTheStreamCompletesIsGivenByFinish) {
  expect_everywhere("data: 1\n\ndata: 2", {"message|1|", "!message|2|"});
  expect_everywhere("data: 1\n\ndata: 2\r", {"message|1|", "!message|2|"});
  expect_everywhere("data: 1\n\n: comment", {"message|1|"});
}

TEST(SseBytes, ALineThatIsTooLongIsReadNoFurtherAndItsEventIsLeftOut) {
  auto const text = "data: 12345678901234567890123456789\n\nid: " + std::string(40, 'x') + "\ndata: 1\n\n";
  expect_everywhere(text, {"message|1|"}, 9);
}

TEST(SseBytes, AnEndlessLineIsHeldOnlyToTheLimit) {
  ByteReader stream(1000);
  std::vector<std::string> events;
  std::string const block(64 * 1024, 'x');
  take_all(stream, "data: ", events);
  for (int i = 0; i < 1000; ++i) take_all(stream, block, events);
  take_all(stream, "\n\ndata: 1\n\n", events);
  EXPECT_EQ(events, std::vector<std::string>{"message|1|"});
}

}  // namespace
}  // namespace sojourn::sse

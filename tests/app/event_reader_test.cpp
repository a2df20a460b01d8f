#include "app/event_reader.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace sojourn {
namespace {

// "type|data|id" of every event.
std::vector<std::string> read(EventReader& stream, std::initializer_list<std::string_view> lines) {
  std::vector<std::string> events;
  for (auto const line : lines) {
    if (auto const event = stream.take(line)) events.push_back(event->type + "|" + event->data + "|" + event->id);
  }
  return events;
}

TEST(EventReader, AnEmptyLineCompletesAnEvent) {
  EventReader stream;
  EXPECT_EQ(read(stream, {"id: e.1", "event: quote_ready", "data: {\"a\":1}", "", "data:2", ""}),
            (std::vector<std::string>{"quote_ready|{\"a\":1}|e.1", "message|2|e.1"}));
}

TEST(EventReader, LinesOfDataAreJoinedAndOnlyOneBlankIsTakenAway) {
  EventReader stream;
  EXPECT_EQ(read(stream, {"data:  a", "data", "data:b: c", ""}), (std::vector<std::string>{"message| a\n\nb: c|"}));
}

TEST(EventReader, CommentsUnknownFieldsAndEventsWithoutDataAreNone) {
  EventReader stream;
  EXPECT_TRUE(read(stream, {": ping", "", "retry: 5", "nonsense", "event: x", "id: 7", "", ""}).empty());
  EXPECT_EQ(read(stream, {"data: a", ""}), (std::vector<std::string>{"message|a|7"}));
}

TEST(EventReader, AnIdWithAZeroByteIsIgnored) {
  EventReader stream;
  std::string const line("id: a\0b", 7);
  EXPECT_EQ(read(stream, {"id: e.1", line, "data: a", ""}), (std::vector<std::string>{"message|a|e.1"}));
}

TEST(EventReader, WhatIsTooLargeIsLeftOutWhole) {
  EventReader stream(5);
  EXPECT_EQ(read(stream, {"data: 123456", "", "data: 123", "data: 123", "data: 1", "", "data: 12345", ""}),
            (std::vector<std::string>{"message|12345|"}));
}

TEST(EventReader, AfterABreakTheHalfReadEventIsForgottenAndTheIdIsNot) {
  EventReader stream;
  EXPECT_TRUE(read(stream, {"id: e.4", "event: x", "data: half"}).empty());
  stream.restart();
  EXPECT_EQ(read(stream, {"", "data: whole", ""}), (std::vector<std::string>{"message|whole|e.4"}));
}

}  // namespace
}  // namespace sojourn

#include "store/row.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sojourn {
namespace {

Change full_change(std::uint64_t number) {
  Event event;
  event.seq = number;
  event.at_us = -5;
  event.type = EventType::closed;
  event.from = 300;
  event.name = std::string("\0name", 5);
  event.data = std::string(200, 'd');
  event.request_id = "r";
  event.user = "u";
  return {.session_id = "session",
          .event = std::make_shared<Event>(event),
          .marks = {{"a", "1"}, {"b", std::nullopt}, {"", ""}},
          .first_seq = 128,
          .forgets = true};
}

std::string bytes_of_all(std::vector<Change> const& changes) {
  std::string bytes;
  for (auto const& change : changes) append(bytes, change);
  return bytes;
}

TEST(Row, ReadsBackTheChangesThatWereAppended) {
  std::string bytes;
  append(bytes, Change{.session_id = ""});
  append(bytes, full_change(std::numeric_limits<std::uint64_t>::max()));
  auto const changes = parse_changes(bytes);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->size(), 2U);
  EXPECT_EQ(changes->at(0).session_id, "");
  EXPECT_EQ(changes->at(0).event, nullptr);
  EXPECT_FALSE(changes->at(0).forgets);
  auto const& got = changes->at(1);
  EXPECT_EQ(got.session_id, "session");
  EXPECT_EQ(got.first_seq, 128U);
  EXPECT_TRUE(got.forgets);
  EXPECT_EQ(got.event->seq, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(got.event->at_us, -5);
  EXPECT_EQ(got.event->type, EventType::closed);
  EXPECT_EQ(got.event->from, 300U);
  EXPECT_EQ(got.event->name, std::string("\0name", 5));
  EXPECT_EQ(got.event->data, std::string(200, 'd'));
  EXPECT_EQ(got.event->request_id, "r");
  EXPECT_EQ(got.event->user, "u");
  ASSERT_EQ(got.marks.size(), 3U);
  EXPECT_EQ(got.marks[0].value, "1");
  EXPECT_EQ(got.marks[1].name, "b");
  EXPECT_EQ(got.marks[1].value, std::nullopt);
  EXPECT_EQ(got.marks[2].value, "");
}

TEST(Row, ReadsBackEventsAndNothingFromNothing) {
  std::string bytes;
  append(bytes, *full_change(1).event);
  append(bytes, *full_change(2).event);
  auto const events = parse_events(bytes);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ(events->at(1)->seq, 2U);
  EXPECT_TRUE(parse_events("")->empty());
  EXPECT_TRUE(parse_changes("")->empty());
}

TEST(Row, RefusesWhatStopsShort) {
  auto const bytes = bytes_of_all({full_change(1)});
  for (std::size_t size = 1; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_changes(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_FALSE(parse_changes(bytes + "\x05"));
}

TEST(Row, RefusesNumbersAndKindsThatAreNone) {
  EXPECT_FALSE(parse_changes(std::string(1, '\0') + '\4'));  // parts that do not exist
  std::string event;
  append(event, *full_change(1).event);
  event[11] = static_cast<char>(EventType::closed) + 1;  // after a seq of one byte and a time of ten
  EXPECT_FALSE(parse_events(event));
  EXPECT_FALSE(parse_events(std::string(10, '\xff') + std::string(20, '\0'))) << "more than 64 bits";
}

TEST(Row, TakesAnyBytesWithoutHarm) {
  std::mt19937_64 random(1);
  auto const bytes = bytes_of_all({full_change(1), full_change(2)});
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = bytes;
    for (int flips = 0; flips < 3; ++flips) damaged[random() % damaged.size()] = static_cast<char>(random());
    EXPECT_LE(parse_changes(damaged).value_or(std::vector<Change>{}).size(), damaged.size());
    EXPECT_LE(parse_events(damaged).value_or(std::vector<EventRef>{}).size(), damaged.size());
  }
}

}  // namespace
}  // namespace sojourn

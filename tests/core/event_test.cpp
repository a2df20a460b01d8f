#include "core/event.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sojourn {
namespace {

TEST(EventType, HasAWordOfItsOwnForEachType) {
  EXPECT_EQ(to_word(EventType::opened), "session.opened");
  EXPECT_EQ(to_word(EventType::joined), "connection.joined");
  EXPECT_EQ(to_word(EventType::left), "connection.left");
  EXPECT_EQ(to_word(EventType::message), "message");
  EXPECT_EQ(to_word(EventType::call), "call");
  EXPECT_EQ(to_word(EventType::answer), "answer");
  EXPECT_EQ(to_word(EventType::closed), "session.closed");
}

TEST(EventBytes, CountTheEventAndAllThatItHolds) {
  Event event;
  auto const empty = bytes_of(event);
  EXPECT_GE(empty, sizeof(Event));
  event.name = "abc";
  EXPECT_EQ(bytes_of(event), empty + 3);
  event.data = std::string(1'000'000, 'x');
  EXPECT_EQ(bytes_of(event), empty + 1'000'003);
  event.request_id = "12345678";
  EXPECT_EQ(bytes_of(event), empty + 1'000'011);
}

}  // namespace
}  // namespace sojourn

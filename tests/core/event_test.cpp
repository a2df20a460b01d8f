#include "core/event.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

TEST(EventType, HasAWordOfItsOwnForEachType) {
  EXPECT_EQ(to_word(EventType::opened), "session.opened");
  EXPECT_EQ(to_word(EventType::joined), "session.joined");
  EXPECT_EQ(to_word(EventType::left), "session.left");
  EXPECT_EQ(to_word(EventType::message), "message");
  EXPECT_EQ(to_word(EventType::state), "session.state");
  EXPECT_EQ(to_word(EventType::call), "session.call");
  EXPECT_EQ(to_word(EventType::answer), "session.result");
  EXPECT_EQ(to_word(EventType::query), "session.query");
  EXPECT_EQ(to_word(EventType::query_progress), "session.query_progress");
  EXPECT_EQ(to_word(EventType::query_result), "session.query_result");
  EXPECT_EQ(to_word(EventType::called), "session.function");
  EXPECT_EQ(to_word(EventType::browser), "session.browser");
  EXPECT_EQ(to_word(EventType::cleaned), "session.cleaned");
  EXPECT_EQ(to_word(EventType::token_minted), "session.token_minted");
  EXPECT_EQ(to_word(EventType::token_used), "session.token_used");
  EXPECT_EQ(to_word(EventType::token_revoked), "session.token_revoked");
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
  event.user = "alice";
  EXPECT_EQ(bytes_of(event), empty + 1'000'016);
}

}  // namespace
}  // namespace sojourn

#include "store/tail.h"

#include <gtest/gtest.h>

#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

Change event_of(std::string name, std::uint64_t seq) {
  return {.session_id = std::move(name), .event = stored_event(seq)};
}

bool apply(Tail& tail, Change const& change, std::uint64_t log_seq) { return tail.apply(change, log_seq, 10); }

TEST(Tail, SeesTheTablesAndBothLayers) {
  Tail tail;
  ASSERT_TRUE(tail.add_row("a", {.id = 1, .first_seq = 1, .last_seq = 5}));
  EXPECT_TRUE(apply(tail, event_of("a", 6), 1));
  tail.begin_folding();
  EXPECT_TRUE(apply(tail, event_of("a", 7), 2));
  auto const seen = tail.see("a");
  ASSERT_NE(seen.row, nullptr);
  ASSERT_EQ(seen.entries.size(), 2U);
  EXPECT_EQ(seen.entries[0]->events[0]->seq, 6U);
  EXPECT_EQ(seen.entries[1]->events[0]->seq, 7U);
  EXPECT_EQ(seen.last_seq, 7U);
  EXPECT_EQ(tail.see("b").id, 0U);
}

TEST(Tail, HasOneRowOfAName) {
  Tail tail;
  EXPECT_TRUE(tail.add_row("a", {.id = 1}));
  EXPECT_FALSE(tail.add_row("a", {.id = 2}));
}

TEST(Tail, RefusesAnEventThatDoesNotFollow) {
  Tail tail;
  EXPECT_TRUE(tail.check({event_of("a", 7), event_of("a", 8)})) << "the first may be any";
  EXPECT_TRUE(tail.check({event_of("a", 9)}));
  EXPECT_FALSE(tail.check({event_of("a", 10), event_of("a", 12)}));
  EXPECT_TRUE(tail.check({event_of("a", 10)})) << "nothing of what was refused counts";
  tail.forget_checked();
  EXPECT_TRUE(tail.check({event_of("a", 1)}));
  EXPECT_FALSE(tail.check({event_of("b", 0)}));
  EXPECT_TRUE(apply(tail, event_of("a", 1), 1));
  EXPECT_FALSE(apply(tail, event_of("a", 3), 2));
  EXPECT_TRUE(tail.check({{.session_id = "a", .event = stored_event(9), .forgets = true}}));
}

TEST(Tail, FoldsInTheOrderOfIdsAndThenSeesTheTablesOnly) {
  Tail tail;
  ASSERT_TRUE(tail.add_row("c", {.id = 4, .last_seq = 1}));
  for (auto const* const name : {"b", "a"}) EXPECT_TRUE(apply(tail, event_of(name, 1), 1));
  EXPECT_TRUE(apply(tail, event_of("c", 2), 2));
  EXPECT_EQ(tail.changes(), 3U);
  EXPECT_EQ(tail.bytes(), 30U);
  tail.begin_folding();
  EXPECT_EQ(tail.changes(), 0U);
  EXPECT_EQ(tail.folding_log_seq(), 2U);
  EXPECT_EQ(tail.to_fold(0)->first, "c");
  EXPECT_EQ(tail.to_fold(1)->first, "b");
  EXPECT_EQ(tail.to_fold(2)->first, "a");
  EXPECT_EQ(tail.to_fold(3), nullptr);
  tail.folded({{.id = 4, .last_seq = 2, .folded = 2}});
  EXPECT_TRUE(tail.see("c").entries.empty());
  EXPECT_EQ(tail.to_fold(0)->first, "b");
  tail.folded({{.id = 5, .last_seq = 1}, {}});
  EXPECT_FALSE(tail.is_folding());
  EXPECT_EQ(tail.see("b").row->last_seq, 1U);
  EXPECT_EQ(tail.see("a").row, nullptr) << "the tables hold nothing of it";
}

TEST(Tail, LeavesOutWhatTheTablesHaveAlready) {
  Tail tail;
  ASSERT_TRUE(tail.add_row("a", {.id = 1, .last_seq = 5, .folded = 7}));
  EXPECT_TRUE(apply(tail, event_of("a", 5), 7));
  EXPECT_EQ(tail.changes(), 0U);
  EXPECT_TRUE(apply(tail, event_of("a", 6), 8));
  EXPECT_EQ(tail.changes(), 1U);
}

TEST(Tail, WhatWasForgottenHidesTheTables) {
  Tail tail;
  ASSERT_TRUE(tail.add_row("a", {.id = 1, .last_seq = 5}));
  EXPECT_TRUE(apply(tail, {.session_id = "a", .forgets = true}, 1));
  EXPECT_EQ(tail.see("a").row, nullptr);
  EXPECT_EQ(tail.see("a").id, 0U);
  EXPECT_TRUE(tail.newcomers().empty());
  EXPECT_TRUE(apply(tail, event_of("a", 1), 2));
  EXPECT_EQ(tail.see("a").id, 2U);
  EXPECT_EQ(tail.newcomers(), std::vector<std::string>{"a"});
  EXPECT_TRUE(apply(tail, {.session_id = "unknown", .forgets = true}, 3));
  EXPECT_TRUE(apply(tail, {.session_id = "unknown", .marks = {{"x", std::nullopt}}}, 4));
  EXPECT_EQ(tail.changes(), 2U) << "there was nothing to forget";
}

}  // namespace
}  // namespace sojourn

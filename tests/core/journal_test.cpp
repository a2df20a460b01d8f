#include "core/journal.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace sojourn {
namespace {

Event message(std::string data, std::int64_t at_us = 0) {
  Event event;
  event.at_us = at_us;
  event.data = std::move(data);
  return event;
}

Limits limits_of(std::int64_t events, std::int64_t bytes = 1'000'000, std::int64_t ms = 1'000'000) {
  Limits limits;
  limits.log_events = events;
  limits.log_bytes = bytes;
  limits.log_ms = ms;
  return limits;
}

constexpr auto everything = std::numeric_limits<std::uint64_t>::max();

// A journal after `count` events, trimmed as it went.
Journal filled(int count, Limits const& limits) {
  Journal journal(7);
  for (int i = 1; i <= count; ++i) {
    journal.append(message(std::to_string(i)));
    journal.trim(limits, everything);
  }
  return journal;
}

TEST(Journal, IsEmptyAtFirst) {
  Journal const journal(7);
  EXPECT_EQ(journal.epoch(), 7U);
  EXPECT_EQ(journal.last_seq(), 0U);
  EXPECT_EQ(journal.first_seq(), 1U);
  EXPECT_EQ(journal.size(), 0U);
  EXPECT_EQ(journal.bytes(), 0U);
  EXPECT_EQ(journal.at(0), nullptr);
  EXPECT_EQ(journal.at(1), nullptr);
}

TEST(Journal, WhatIsElsewhereIsTakenInWholeOrNotAtAll) {
  Journal before(7);
  std::vector<EventRef> events;
  for (int i = 0; i < 9; ++i) events.push_back(before.append(message("x")));
  std::vector<EventRef> const last(events.begin() + 4, events.end());
  Journal journal(7);
  journal.sleep(5, 9);
  EXPECT_TRUE(journal.is_asleep());
  EXPECT_EQ(journal.last_seq(), 9U);
  EXPECT_FALSE(journal.wake(events)) << "more than there was";
  EXPECT_FALSE(journal.wake({last.begin(), last.end() - 1})) << "less";
  EXPECT_FALSE(journal.wake({events.begin() + 3, events.end() - 1})) << "others";
  EXPECT_TRUE(journal.is_asleep());
  EXPECT_TRUE(journal.wake(last));
  EXPECT_FALSE(journal.is_asleep());
  EXPECT_EQ(journal.first_seq(), 5U);
  EXPECT_EQ(journal.at(5), events[4]);
  EXPECT_EQ(journal.bytes(), 5 * bytes_of(*events[0]));
  EXPECT_EQ(journal.append(message("y"))->seq, 10U);
  EXPECT_EQ(journal.first_seq(), 5U);
}

TEST(Journal, OneWithoutEventsNeverSleeps) {
  Journal journal(7);
  journal.sleep(8, 7);
  EXPECT_FALSE(journal.is_asleep());
  EXPECT_EQ(journal.append(message("x"))->seq, 8U);
}

TEST(Journal, CountsFromOneWithoutGaps) {
  Journal journal(7);
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    auto const event = journal.append(message("x"));
    EXPECT_EQ(event->seq, seq);
    EXPECT_EQ(journal.last_seq(), seq);
    EXPECT_EQ(journal.at(seq), event);
  }
  EXPECT_EQ(journal.first_seq(), 1U);
  EXPECT_EQ(journal.at(0), nullptr);
  EXPECT_EQ(journal.at(101), nullptr);
}

TEST(Journal, KeepsTheNewestWithinTheLimitOfEvents) {
  auto const journal = filled(1000, limits_of(10));
  EXPECT_EQ(journal.size(), 10U);
  EXPECT_EQ(journal.first_seq(), 991U);
  EXPECT_EQ(journal.last_seq(), 1000U);
  EXPECT_EQ(journal.at(990), nullptr);
  for (std::uint64_t seq = 991; seq <= 1000; ++seq) EXPECT_EQ(journal.at(seq)->data, std::to_string(seq));
}

TEST(Journal, KeepsTheNewestWithinTheLimitOfBytes) {
  auto const each = static_cast<std::int64_t>(bytes_of(message("1234")));
  Journal journal(7);
  for (int i = 0; i < 100; ++i) {
    journal.append(message("1234"));
    journal.trim(limits_of(1000, 5 * each), everything);
    EXPECT_LE(journal.bytes(), static_cast<std::size_t>(5 * each));
  }
  EXPECT_EQ(journal.size(), 5U);
  EXPECT_EQ(journal.bytes(), static_cast<std::size_t>(5 * each));
}

TEST(Journal, KeepsWhatIsNotOlderThanTheLimitOfAge) {
  auto const limits = limits_of(1000, 1'000'000, 10);
  Journal journal(7);
  journal.append(message("old", 0));
  journal.append(message("young", 1));
  journal.append(message("now", 10'000));
  EXPECT_FALSE(journal.is_over(limits));
  journal.append(message("later", 10'001));
  EXPECT_TRUE(journal.is_over(limits));
  journal.trim(limits, everything);
  EXPECT_FALSE(journal.is_over(limits));
  EXPECT_EQ(journal.first_seq(), 2U);
}

TEST(Journal, KeepsTheNewestEventHoweverLargeItIs) {
  auto const limits = limits_of(10, 4096);
  Journal journal(7);
  journal.append(message("small"));
  journal.append(message(std::string(1'000'000, 'x')));
  journal.trim(limits, everything);
  EXPECT_EQ(journal.size(), 1U);
  EXPECT_EQ(journal.at(2)->data.size(), 1'000'000U);
  EXPECT_FALSE(journal.is_over(limits)) << "nothing more can be done";
  journal.append(message("small"));
  journal.trim(limits, everything);
  EXPECT_EQ(journal.first_seq(), 3U);
  EXPECT_EQ(journal.bytes(), bytes_of(message("small")));
}

TEST(Journal, KeepsWhatIsNotSettledWhateverTheLimits) {
  auto const limits = limits_of(10);
  Journal journal(7);
  for (int i = 0; i < 100; ++i) {
    journal.append(message("x"));
    journal.trim(limits, 5);
  }
  EXPECT_EQ(journal.first_seq(), 6U);
  EXPECT_TRUE(journal.is_over(limits));
  journal.trim(limits, 95);
  EXPECT_EQ(journal.first_seq(), 91U);
  EXPECT_FALSE(journal.is_over(limits));
}

TEST(Journal, LeavesWhatFellOffToThoseWhoStillHoldIt) {
  Journal journal(7);
  auto const first = journal.append(message("first"));
  for (int i = 0; i < 100; ++i) journal.append(message("x"));
  journal.trim(limits_of(10), everything);
  EXPECT_EQ(journal.at(1), nullptr);
  EXPECT_EQ(first->data, "first");
  EXPECT_EQ(first.use_count(), 1) << "the journal let go of it";
}

TEST(Journal, KnowsWhetherEverythingSinceACursorIsStillHere) {
  auto const journal = filled(100, limits_of(10));  // 91 to 100
  EXPECT_TRUE(journal.has_all_since({7, 100}));
  EXPECT_TRUE(journal.has_all_since({7, 90}));
  EXPECT_FALSE(journal.has_all_since({7, 89})) << "91 follows 89: a gap";
  EXPECT_FALSE(journal.has_all_since({7, 0}));
  EXPECT_FALSE(journal.has_all_since({7, 101})) << "of the future";
  EXPECT_FALSE(journal.has_all_since({7, everything}));
  EXPECT_FALSE(journal.has_all_since({8, 100})) << "of another life";
  EXPECT_TRUE(Journal(7).has_all_since({7, 0}));
  EXPECT_FALSE(Journal(7).has_all_since({7, 1}));
}

TEST(Cursor, IsWrittenAsEpochInHexAndSeq) {
  EXPECT_EQ(to_text(Cursor{0, 0}), "0.0");
  EXPECT_EQ(to_text(Cursor{0xdeadbeef, 42}), "deadbeef.42");
  EXPECT_EQ(to_text(Cursor{0xffffffff, everything}), "ffffffff.18446744073709551615");
}

TEST(Cursor, ReadsWhatItWrote) {
  for (auto const cursor : {Cursor{0, 0}, Cursor{1, 2}, Cursor{0xffffffff, everything}})
    EXPECT_EQ(to_cursor(to_text(cursor), 99), cursor);
}

TEST(Cursor, TakesABareSeqAsOneOfThePresentEpoch) {
  EXPECT_EQ(to_cursor("0", 99), (Cursor{99, 0}));
  EXPECT_EQ(to_cursor("42", 99), (Cursor{99, 42}));
}

TEST(Cursor, IsNothingWhenItIsAnythingElse) {
  for (auto const* text : {"",
                           ".",
                           "1.",
                           ".1",
                           "1.2.3",
                           "-1",
                           "+1",
                           " 1",
                           "1 ",
                           "1.-2",
                           "x.1",
                           "1.x",
                           "0x1.2",
                           "1.2a",
                           "100000000.1",
                           "1.18446744073709551616",
                           "18446744073709551616",
                           "1,2",
                           "1.2\n",
                           "..",
                           "١"})
    EXPECT_FALSE(to_cursor(text, 99)) << text;
  EXPECT_FALSE(to_cursor(std::string_view("1\0", 2), 99));
}

}  // namespace
}  // namespace sojourn

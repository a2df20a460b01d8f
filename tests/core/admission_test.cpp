#include "core/admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sojourn {
namespace {

constexpr std::int64_t later = 1'000;

std::vector<Admission::Ticket> drain(Admission& admission) {
  std::vector<Admission::Ticket> order;
  while (auto const ticket = admission.take_next()) order.push_back(*ticket);
  return order;
}

TEST(AdmissionTest, OneOwnersRequestsComeInTheOrderTheyWereMade) {
  Admission admission(10);
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 4; ++i) tickets.push_back(*admission.enter("alice", later));
  EXPECT_EQ(drain(admission), tickets);
  EXPECT_TRUE(admission.is_empty());
  EXPECT_EQ(admission.take_next(), std::nullopt);
}

TEST(AdmissionTest, OwnersTakeTurnsHoweverManyOneOfThemAsksFor) {
  Admission admission(10);
  auto const a1 = *admission.enter("alice", later), a2 = *admission.enter("alice", later);
  auto const a3 = *admission.enter("alice", later), b1 = *admission.enter("bob", later);
  auto const c1 = *admission.enter("carol", later), b2 = *admission.enter("bob", later);
  EXPECT_EQ(drain(admission), (std::vector{a1, b1, c1, a2, b2, a3}));
}

TEST(AdmissionTest, WhoComesBackStandsBehindTheOthers) {
  Admission admission(10);
  auto const a1 = *admission.enter("alice", later), b1 = *admission.enter("bob", later);
  auto const b2 = *admission.enter("bob", later);
  EXPECT_EQ(admission.take_next(), a1);
  auto const a2 = *admission.enter("alice", later);
  EXPECT_EQ(drain(admission), (std::vector{b1, a2, b2}));
}

TEST(AdmissionTest, APositionSaysHowManyAreServedUntilThen) {
  Admission admission(10);
  auto const a1 = *admission.enter("alice", later), a2 = *admission.enter("alice", later);
  auto const b1 = *admission.enter("bob", later), a3 = *admission.enter("alice", later);
  EXPECT_EQ(admission.position(a1), 1U);
  EXPECT_EQ(admission.position(b1), 2U);
  EXPECT_EQ(admission.position(a2), 3U);
  EXPECT_EQ(admission.position(a3), 4U);
  EXPECT_EQ(admission.position(99), 0U);
}

TEST(AdmissionTest, MoreThanMayWaitAreNotLetIn) {
  Admission admission(2);
  EXPECT_TRUE(admission.enter("alice", later));
  EXPECT_TRUE(admission.enter("bob", later));
  EXPECT_FALSE(admission.enter("carol", later));
  EXPECT_EQ(admission.size(), 2U);
  EXPECT_TRUE(admission.take_next());
  EXPECT_TRUE(admission.enter("carol", later));
  EXPECT_FALSE(Admission(0).enter("alice", later));
}

TEST(AdmissionTest, WhoHasWaitedLongEnoughLeavesWithThePositionItHad) {
  Admission admission(10);
  EXPECT_EQ(admission.next_deadline_us(), std::numeric_limits<std::int64_t>::max());
  admission.enter("alice", 300);
  auto const late = *admission.enter("alice", 100);
  admission.enter("bob", 200);
  EXPECT_EQ(admission.next_deadline_us(), 100);
  EXPECT_FALSE(admission.take_late(99));
  auto const gone = admission.take_late(100);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->ticket, late);
  EXPECT_EQ(gone->position, 3U);
  EXPECT_EQ(gone->waiting, 3U);
  EXPECT_FALSE(admission.take_late(100));
  EXPECT_EQ(admission.next_deadline_us(), 200);
  EXPECT_EQ(admission.size(), 2U);
}

TEST(AdmissionTest, WhoLeavesIsNotServed) {
  Admission admission(10);
  auto const one = *admission.enter("alice", later), two = *admission.enter("alice", later);
  EXPECT_TRUE(admission.leave(one));
  EXPECT_FALSE(admission.leave(one));
  EXPECT_EQ(drain(admission), std::vector{two});
}

// Turns and lines as plainly as they can be written down.
struct PlainQueue {
  std::deque<std::pair<std::string, std::deque<Admission::Ticket>>> lines;

  void enter(std::string const& owner, Admission::Ticket ticket) {
    for (auto& [name, tickets] : lines)
      if (name == owner) return tickets.push_back(ticket);
    lines.push_back({owner, {ticket}});
  }
  Admission::Ticket take_next() {
    auto line = lines.front();
    lines.pop_front();
    auto const ticket = line.second.front();
    line.second.pop_front();
    if (!line.second.empty()) lines.push_back(line);
    return ticket;
  }
  void leave(Admission::Ticket ticket) {
    for (auto& line : lines) std::erase(line.second, ticket);
    std::erase_if(lines, [](auto const& line) { return line.second.empty(); });
  }
};

TEST(AdmissionTest, AgreesWithAPlainQueueWhateverHappensAndEveryPositionComesTrue) {
  std::mt19937_64 random(7);
  Admission admission(1000);
  PlainQueue plain;
  std::map<Admission::Ticket, std::int64_t> waiting;
  for (std::int64_t step = 0; step < 3000; ++step) {
    auto const choice = random() % 8;
    if (choice < 5) {
      auto const owner = std::string(1, static_cast<char>('a' + random() % 5));
      auto const deadline = step + static_cast<std::int64_t>(random() % 500);
      auto const ticket = *admission.enter(owner, deadline);
      plain.enter(owner, ticket);
      waiting[ticket] = deadline;
    } else if (choice < 7 && !waiting.empty()) {
      auto const next = admission.take_next();
      ASSERT_EQ(next, plain.take_next());
      waiting.erase(*next);
    } else if (!waiting.empty()) {
      auto const ticket = std::next(waiting.begin(), static_cast<std::ptrdiff_t>(random() % waiting.size()))->first;
      auto copy = plain;
      std::size_t position = 1;
      while (copy.take_next() != ticket) ++position;
      ASSERT_EQ(admission.position(ticket), position);
      ASSERT_TRUE(admission.leave(ticket));
      plain.leave(ticket);
      waiting.erase(ticket);
    }
    while (auto const late = admission.take_late(step)) {
      ASSERT_LE(waiting.at(late->ticket), step);
      plain.leave(late->ticket);
      waiting.erase(late->ticket);
    }
    ASSERT_EQ(admission.size(), waiting.size());
    ASSERT_TRUE(std::ranges::all_of(waiting, [&](auto const& each) { return each.second > step; }));
  }
}

}  // namespace
}  // namespace sojourn

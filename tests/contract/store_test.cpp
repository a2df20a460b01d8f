// What every Store promises, whatever it is made of: each test runs over each of them.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "store/memory.h"
#include "support/fake_store.h"

namespace sojourn {
namespace {

// A store on its stage: turn() is one loop iteration of whoever owns it.
struct Stage {
  virtual ~Stage() = default;
  virtual Store& store() = 0;
  virtual void turn() = 0;
};

struct MemoryStage final : Stage {
  std::deque<std::function<void()>> posted;
  MemoryStore memory{[this](std::function<void()> function) { posted.push_back(std::move(function)); }};

  Store& store() override { return memory; }
  void turn() override {
    for (auto count = posted.size(); count > 0; --count) {
      auto const function = std::move(posted.front());
      posted.pop_front();
      function();
    }
  }
};

struct FakeStage final : Stage {
  FakeStore fake{7, 5};

  Store& store() override { return fake; }
  void turn() override { fake.turn(); }
};

struct Subject {
  std::string name;
  std::function<std::unique_ptr<Stage>()> make;
};
std::ostream& operator<<(std::ostream& out, Subject const& subject) { return out << subject.name; }

Change change(std::string session_id, std::uint64_t seq, EventType type = EventType::message) {
  Event event;
  event.seq = seq;
  event.at_us = 1000 + static_cast<std::int64_t>(seq);
  event.type = type;
  event.from = 3;
  event.name = "name " + std::to_string(seq);
  event.data = "{\"n\":" + std::to_string(seq) + "}";
  event.request_id = "abc";
  event.user = "bob";
  return {std::move(session_id), SessionKind::shared, "alice", 0xdeadbeef, std::make_shared<Event const>(event)};
}

class StoreContract : public testing::TestWithParam<Subject> {
 protected:
  Store& store() { return stage_->store(); }

  // Commits and waits for the end: "kept" or the word of the failure.
  std::string commit(std::vector<Change> changes, Fence fence = 0) {
    std::string word;
    store().commit({++number_, std::move(changes)}, fence,
                   [&](Result<> result) { word = result ? "kept" : std::string(row(result.error().code).word); });
    for (int i = 0; i < 100 && word.empty(); ++i) stage_->turn();
    return word;
  }

  // "a1 b1 a2": whose event, which seq.
  std::string loaded() {
    auto const all = store().load();
    if (!all) return "failed";
    std::string text;
    for (auto const& each : *all) text += each.session_id + std::to_string(each.event->seq) + " ";
    return text;
  }
  std::string read(std::string_view id, std::uint64_t since_seq, std::size_t limit) {
    auto const events = store().read(id, since_seq, limit);
    if (!events) return "failed";
    std::string text;
    for (auto const& event : *events) text += std::to_string(event->seq) + " ";
    return text;
  }

  std::unique_ptr<Stage> stage_ = GetParam().make();
  std::uint64_t number_ = 0;
};

TEST_P(StoreContract, IsEmptyAtFirst) {
  EXPECT_EQ(loaded(), "");
  EXPECT_EQ(read("a", 0, 10), "");
}

TEST_P(StoreContract, NeverCompletesACommitInsideTheCall) {
  int runs = 0;
  store().commit({1, {change("a", 1, EventType::opened)}}, 0, [&](Result<> const&) { ++runs; });
  EXPECT_EQ(runs, 0);
  for (int i = 0; i < 100; ++i) stage_->turn();
  EXPECT_EQ(runs, 1);
}

TEST_P(StoreContract, CompletesCommitsInTheirOrderAndEachOnce) {
  std::vector<int> order;
  for (int i = 0; i < 20; ++i)
    store().commit({static_cast<std::uint64_t>(i) + 1, {change("a", static_cast<std::uint64_t>(i) + 1)}}, 0,
                   [&order, i](Result<> const& result) { order.push_back(result ? i : -1); });
  for (int i = 0; i < 200; ++i) stage_->turn();
  std::vector<int> expected;
  for (int i = 0; i < 20; ++i) expected.push_back(i);
  EXPECT_EQ(order, expected);
}

TEST_P(StoreContract, LoadsEverythingInTheOrderOfItsCommits) {
  EXPECT_EQ(commit({change("a", 1, EventType::opened), change("b", 1, EventType::opened)}), "kept");
  EXPECT_EQ(commit({change("b", 2), change("a", 2)}), "kept");
  EXPECT_EQ(loaded(), "a1 b1 b2 a2 ");
}

TEST_P(StoreContract, LoadsWhatWasGivenToItWhole) {
  auto const given = change("a", 1, EventType::opened);
  ASSERT_EQ(commit({given}), "kept");
  auto const got = store().load()->at(0);
  EXPECT_EQ(got.session_id, given.session_id);
  EXPECT_EQ(got.kind, given.kind);
  EXPECT_EQ(got.owner, given.owner);
  EXPECT_EQ(got.epoch, given.epoch);
  EXPECT_EQ(got.event->seq, given.event->seq);
  EXPECT_EQ(got.event->at_us, given.event->at_us);
  EXPECT_EQ(got.event->type, given.event->type);
  EXPECT_EQ(got.event->from, given.event->from);
  EXPECT_EQ(got.event->name, given.event->name);
  EXPECT_EQ(got.event->data, given.event->data);
  EXPECT_EQ(got.event->request_id, given.event->request_id);
  EXPECT_EQ(got.event->user, given.event->user);
}

TEST_P(StoreContract, KeepsEveryTypeOfEvent) {
  std::vector<Change> changes;
  for (int type = 0; type < static_cast<int>(EventType::closed); ++type)
    changes.push_back(change("a", static_cast<std::uint64_t>(type) + 1, static_cast<EventType>(type)));
  ASSERT_EQ(commit(changes), "kept");
  auto const all = *store().load();
  ASSERT_EQ(all.size(), changes.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].event->type, changes[i].event->type);
}

TEST_P(StoreContract, ReadsTheEventsOfOneSessionAfterASeqUpToALimit) {
  std::vector<Change> changes;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    changes.push_back(change("a", seq));
    changes.push_back(change("b", seq));
  }
  ASSERT_EQ(commit(changes), "kept");
  EXPECT_EQ(read("a", 0, 100), "1 2 3 4 5 ");
  EXPECT_EQ(read("a", 2, 100), "3 4 5 ");
  EXPECT_EQ(read("b", 1, 2), "2 3 ");
  EXPECT_EQ(read("b", 5, 100), "");
  EXPECT_EQ(read("b", 0, 0), "");
  EXPECT_EQ(read("c", 0, 100), "");
}

TEST_P(StoreContract, ForgetsASessionThatEnded) {
  ASSERT_EQ(commit({change("a", 1, EventType::opened), change("b", 1, EventType::opened), change("a", 2)}), "kept");
  ASSERT_EQ(commit({change("a", 3, EventType::closed)}), "kept");
  EXPECT_EQ(loaded(), "b1 ");
  EXPECT_EQ(read("a", 0, 100), "");
}

TEST_P(StoreContract, ForgetsASessionThatBeganAndEndedInOneBatch) {
  ASSERT_EQ(commit({change("a", 1, EventType::opened), change("a", 2, EventType::closed), change("b", 1)}), "kept");
  EXPECT_EQ(loaded(), "b1 ");
}

TEST_P(StoreContract, KeepsASessionThatBeganAgainUnderAnOldName) {
  ASSERT_EQ(commit({change("a", 1, EventType::opened), change("a", 2, EventType::closed)}), "kept");
  ASSERT_EQ(commit({change("a", 1, EventType::opened)}), "kept");
  EXPECT_EQ(loaded(), "a1 ");
}

TEST_P(StoreContract, RefusesAFenceOlderThanTheNewestItHasSeenAndKeepsNothingOfThatBatch) {
  EXPECT_EQ(commit({change("a", 1, EventType::opened)}, 5), "kept");
  EXPECT_EQ(commit({change("a", 2), change("b", 1)}, 4), "conflict");
  EXPECT_EQ(loaded(), "a1 ");
  EXPECT_EQ(commit({change("a", 2)}, 5), "kept");
  EXPECT_EQ(commit({change("a", 3)}, 6), "kept");
  EXPECT_EQ(commit({change("a", 4)}, 5), "conflict");
  EXPECT_EQ(loaded(), "a1 a2 a3 ");
}

TEST_P(StoreContract, TakesAnEmptyBatch) { EXPECT_EQ(commit({}), "kept"); }

INSTANTIATE_TEST_SUITE_P(
    Of, StoreContract,
    testing::Values(Subject{"MemoryStore", [] { return std::unique_ptr<Stage>(std::make_unique<MemoryStage>()); }},
                    Subject{"FakeStore", [] { return std::unique_ptr<Stage>(std::make_unique<FakeStage>()); }}),
    [](auto const& subject) { return subject.param.name; });

// One that remembers nothing promises only the order and the end of commits, and the fence.
TEST(ForgetfulStore, CompletesCommitsInTheirOrderAndRefusesOldFences) {
  std::deque<std::function<void()>> posted;
  MemoryStore store([&](std::function<void()> function) { posted.push_back(std::move(function)); },
                    MemoryStore::Memory::nothing);
  std::string words;
  for (Fence const fence : {Fence{1}, Fence{2}, Fence{1}, Fence{2}})
    store.commit({1, {change("a", 1)}}, fence, [&](Result<> result) {
      words += result ? "kept " : std::string(row(result.error().code).word) + " ";
    });
  EXPECT_EQ(words, "");
  for (auto const& function : posted) function();
  EXPECT_EQ(words, "kept kept conflict kept ");
  EXPECT_TRUE(store.load()->empty());
}

// What only the fake promises: its faults are what other tests lean on.

TEST(FakeStore, KeepsNothingOfACommitThatFails) {
  FakeStore store;
  std::vector<Code> codes;
  auto const done = [&](Result<> const& result) { codes.push_back(result ? Code::internal : result.error().code); };
  store.fail(error(Code::storage_full, "no space left"));
  store.commit({1, {change("a", 1)}}, 0, done);
  store.turn();
  EXPECT_EQ(codes, std::vector{Code::storage_full});
  EXPECT_TRUE(store.load()->empty());
  EXPECT_EQ(store.committed_seq("a"), 0U);
}

TEST(FakeStore, DelaysAndFailsInTheSameWayForTheSameSeed) {
  auto const script = [](std::uint64_t seed) {
    FakeStore store(seed, 4);
    store.fail_at_random(300);
    std::string text;
    for (std::uint64_t i = 1; i <= 20; ++i) {
      store.commit({i, {}}, 0, [&](Result<> const& result) { text += result ? "k" : "f"; });
      while (store.is_busy()) {
        text += ".";
        store.turn();
      }
    }
    return text;
  };
  EXPECT_EQ(script(1), script(1));
  EXPECT_NE(script(1), script(2));
  EXPECT_NE(script(1).find('f'), std::string::npos);
  EXPECT_NE(script(1).find('k'), std::string::npos);
}

TEST(FakeStore, CompletesNothingWhileItIsHeld) {
  FakeStore store;
  int runs = 0;
  store.hold();
  store.commit({1, {change("a", 1)}}, 0, [&](Result<> const&) { ++runs; });
  for (int i = 0; i < 10; ++i) store.turn();
  EXPECT_EQ(runs, 0);
  store.release();
  store.turn();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(store.committed_seq("a"), 1U);
}

}  // namespace
}  // namespace sojourn

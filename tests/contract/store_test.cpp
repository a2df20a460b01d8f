// What every Store promises, whatever it is made of: each test runs over each of them.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "store/memory.h"
#include "support/fake_store.h"
#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

// A store on its stage: turn() is one loop iteration of whoever owns it, reopen() another life of what outlives one.
struct Stage {
  virtual ~Stage() = default;
  virtual Store& store() = 0;
  virtual void turn() = 0;
  virtual void reopen() {}
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

struct FileStage final : Stage {
  SqliteStage sqlite;

  explicit FileStage(SqliteStore::Pace pace) : sqlite(pace) { open(); }
  Store& store() override { return *sqlite.store; }
  void turn() override { sqlite.posts.turn(); }
  void reopen() override { open(); }
  void open() {
    if (!sqlite.open()) throw std::runtime_error(sqlite.refusal.message);
  }
};

struct Subject {
  std::string name;
  std::function<std::unique_ptr<Stage>()> make;
};
std::ostream& operator<<(std::ostream& out, Subject const& subject) { return out << subject.name; }

EventRef event(std::uint64_t seq, EventType type = EventType::message) {
  Event event;
  event.seq = seq;
  event.at_us = 1000 + static_cast<std::int64_t>(seq);
  event.type = type;
  event.from = 3;
  event.name = "name " + std::to_string(seq);
  event.data = "{\"n\":" + std::to_string(seq) + "}";
  event.request_id = "abc";
  event.user = "bob";
  return std::make_shared<Event const>(event);
}

Change change(std::string session_id, std::uint64_t seq) {
  return {.session_id = std::move(session_id), .event = event(seq)};
}

Change marks(std::string session_id, std::vector<Mark> marks) {
  return {.session_id = std::move(session_id), .marks = std::move(marks)};
}

Change end(std::string session_id) { return {.session_id = std::move(session_id), .forgets = true}; }

class StoreContract : public testing::TestWithParam<Subject> {
 protected:
  Store& store() { return stage_->store(); }

  // Commits and waits for the end: "kept" or the word of the failure.
  std::string commit(std::vector<Change> changes, Fence fence = 0) {
    std::string word;
    store().commit({++number_, std::move(changes)}, fence,
                   [&](Result<> result) { word = result ? "kept" : std::string(row(result.error().code).word); });
    for (int i = 0; i < turns_max && word.empty(); ++i) stage_->turn();
    return word;
  }

  // "a1-3 x=1 y=2, b1-0": of which session which events, and its marks.
  std::string loaded() {
    stage_->reopen();
    std::string text;
    auto const loaded = store().load([&](Record const& record) {
      if (!text.empty()) text += ", ";
      text += record.session_id + std::to_string(record.first_seq) + "-" + std::to_string(record.last_seq);
      for (auto const& [name, value] : record.marks) text += " " + name + "=" + value;
    });
    return loaded ? text : loaded.error().message;
  }
  std::string read(std::string_view id, std::uint64_t since_seq, std::size_t limit) {
    auto const events = store().read(id, since_seq, limit);
    if (!events) return "failed";
    std::string text;
    for (auto const& each : *events) text += std::to_string(each->seq) + " ";
    return text;
  }

  static constexpr int turns_max = 10'000;
  std::unique_ptr<Stage> stage_ = GetParam().make();
  std::uint64_t number_ = 0;
};

TEST_P(StoreContract, IsEmptyAtFirst) {
  EXPECT_EQ(loaded(), "");
  EXPECT_EQ(read("a", 0, 10), "");
  EXPECT_TRUE(store().has_room());
}

TEST_P(StoreContract, NeverCompletesACommitInsideTheCall) {
  int runs = 0;
  store().commit({1, {change("a", 1)}}, 0, [&](Result<> const&) { ++runs; });
  EXPECT_EQ(runs, 0);
  for (int i = 0; i < turns_max && runs == 0; ++i) stage_->turn();
  for (int i = 0; i < 100; ++i) stage_->turn();
  EXPECT_EQ(runs, 1);
}

TEST_P(StoreContract, CompletesCommitsInTheirOrderAndEachOnce) {
  std::vector<int> order;
  std::vector<int> expected;
  for (int i = 0; i < 20; ++i) {
    store().commit({static_cast<std::uint64_t>(i) + 1, {change("a", static_cast<std::uint64_t>(i) + 1)}}, 0,
                   [&order, i](Result<> const& result) {
                     order.push_back(result ? i : -1);
                     EXPECT_TRUE(result) << result.error().message;
                   });
    expected.push_back(i);
  }
  for (int i = 0; i < turns_max && order.size() < expected.size(); ++i) stage_->turn();
  for (int i = 0; i < 100; ++i) stage_->turn();
  EXPECT_EQ(order, expected);
}

TEST_P(StoreContract, LoadsSessionsInTheOrderInWhichTheyWereFirstKept) {
  EXPECT_EQ(commit({change("b", 1), change("c", 1)}), "kept");
  EXPECT_EQ(commit({change("a", 1), change("c", 2)}), "kept");
  EXPECT_EQ(commit({change("b", 2), change("c", 3)}), "kept");
  EXPECT_EQ(loaded(), "b1-2, c1-3, a1-1");
}

TEST_P(StoreContract, ReadsEventsAsTheyWereGiven) {
  auto const given = change("a", 1);
  ASSERT_EQ(commit({given}), "kept");
  ASSERT_EQ(loaded(), "a1-1");
  auto const got = store().read("a", 0, 1)->at(0);
  EXPECT_EQ(got->seq, given.event->seq);
  EXPECT_EQ(got->first_seq, 0U);
  EXPECT_EQ(got->at_us, given.event->at_us);
  EXPECT_EQ(got->type, given.event->type);
  EXPECT_EQ(got->from, given.event->from);
  EXPECT_EQ(got->name, given.event->name);
  EXPECT_EQ(got->data, given.event->data);
  EXPECT_EQ(got->request_id, given.event->request_id);
  EXPECT_EQ(got->user, given.event->user);
}

TEST_P(StoreContract, KeepsEveryTypeOfEvent) {
  std::vector<Change> changes;
  for (int type = 0; type <= static_cast<int>(EventType::closed); ++type)
    changes.push_back(
        {.session_id = "a", .event = event(static_cast<std::uint64_t>(type) + 1, static_cast<EventType>(type))});
  ASSERT_EQ(commit(changes), "kept");
  ASSERT_EQ(loaded(), "a1-" + std::to_string(changes.size()));
  auto const all = *store().read("a", 0, 100);
  ASSERT_EQ(all.size(), changes.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i]->type, changes[i].event->type);
}

TEST_P(StoreContract, KeepsAnyBytesInNamesAndValues) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  auto whole = std::make_shared<Event>(*event(1));
  whole->name = every;
  whole->data = std::string(1'000'000, 'x') + every;
  ASSERT_EQ(commit({{.session_id = "a" + every, .event = whole, .marks = {{every, every}, {"empty", ""}}}}), "kept");
  ASSERT_EQ(loaded(), "a" + every + "1-1 " + every + "=" + every + " empty=");
  auto const got = store().read("a" + every, 0, 1)->at(0);
  EXPECT_EQ(got->name, every);
  EXPECT_TRUE(got->data == whole->data);
}

TEST_P(StoreContract, ReadsTheEventsOfOneSessionAfterASeqUpToALimit) {
  std::vector<Change> changes;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    changes.push_back(change("a", seq));
    changes.push_back(change("b", seq));
  }
  ASSERT_EQ(commit(changes), "kept");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(read("a", 0, 100), "1 2 3 4 5 ");
    EXPECT_EQ(read("a", 2, 100), "3 4 5 ");
    EXPECT_EQ(read("b", 1, 2), "2 3 ");
    EXPECT_EQ(read("b", 5, 100), "");
    EXPECT_EQ(read("b", 0, 0), "");
    EXPECT_EQ(read("c", 0, 100), "");
    EXPECT_EQ(loaded(), "a1-5, b1-5");
  }
}

TEST_P(StoreContract, TheLastValueOfAMarkCounts) {
  ASSERT_EQ(commit({marks("a", {{"x", "1"}, {"y", "1"}}), marks("a", {{"x", "2"}, {"z", "1"}, {"z", "2"}})}), "kept");
  EXPECT_EQ(loaded(), "a1-0 x=2 y=1 z=2");
  ASSERT_EQ(commit({marks("a", {{"x", "3"}, {"y", std::nullopt}, {"none", std::nullopt}})}), "kept");
  EXPECT_EQ(loaded(), "a1-0 x=3 z=2");
  ASSERT_EQ(commit({marks("a", {{"y", "4"}}), marks("a", {{"x", std::nullopt}, {"x", "5"}})}), "kept");
  EXPECT_EQ(loaded(), "a1-0 x=5 y=4 z=2");
}

TEST_P(StoreContract, KeepsMarksBesideTheLog) {
  ASSERT_EQ(commit({{.session_id = "a", .event = event(1), .marks = {{"card", "one"}}}}), "kept");
  ASSERT_EQ(commit({change("a", 2), marks("b", {{"card", "two"}})}), "kept");
  EXPECT_EQ(loaded(), "a1-2 card=one, b1-0 card=two");
}

TEST_P(StoreContract, HasNothingOfASessionWithoutALogThatLostItsMarks) {
  ASSERT_EQ(commit({marks("a", {{"x", "1"}}), change("b", 1), marks("c", {{"x", std::nullopt}})}), "kept");
  ASSERT_EQ(commit({marks("a", {{"x", std::nullopt}})}), "kept");
  EXPECT_EQ(loaded(), "b1-1");
}

TEST_P(StoreContract, LetsGoOfEventsThatNeedNotBeKept) {
  std::vector<Change> changes;
  for (std::uint64_t seq = 1; seq <= 200; ++seq) changes.push_back(change("a", seq));
  ASSERT_EQ(commit(changes), "kept");
  ASSERT_EQ(commit({{.session_id = "a", .event = event(201), .first_seq = 151}}), "kept");
  EXPECT_EQ(read("a", 0, 2), "151 152 ");
  EXPECT_EQ(loaded(), "a151-201");
  EXPECT_EQ(read("a", 0, 2), "151 152 ");
  EXPECT_EQ(read("a", 199, 10), "200 201 ");
  ASSERT_EQ(commit({{.session_id = "a", .marks = {{"x", "1"}}, .first_seq = 100}}), "kept") << "never comes back";
  EXPECT_EQ(loaded(), "a151-201 x=1");
  ASSERT_EQ(commit({{.session_id = "a", .first_seq = 202}}), "kept");
  EXPECT_EQ(loaded(), "a202-201 x=1") << "its place is kept";
  ASSERT_EQ(commit({change("a", 202)}), "kept");
  EXPECT_EQ(loaded(), "a202-202 x=1");
}

TEST_P(StoreContract, ForgetsASessionWhole) {
  ASSERT_EQ(commit({change("a", 1), marks("a", {{"x", "1"}}), change("b", 1), change("a", 2)}), "kept");
  ASSERT_EQ(commit({end("a"), end("unknown")}), "kept");
  EXPECT_EQ(read("a", 0, 100), "");
  EXPECT_EQ(loaded(), "b1-1");
  EXPECT_EQ(read("a", 0, 100), "");
}

TEST_P(StoreContract, ForgetsASessionThatBeganAndEndedInOneBatch) {
  ASSERT_EQ(commit({change("a", 1), change("a", 2), end("a"), change("b", 1)}), "kept");
  EXPECT_EQ(loaded(), "b1-1");
}

TEST_P(StoreContract, KeepsWhatComesWithTheForgetting) {
  ASSERT_EQ(commit({change("a", 1), marks("a", {{"x", "1"}, {"y", "1"}}), change("b", 1)}), "kept");
  ASSERT_EQ(commit({{.session_id = "a", .marks = {{"y", "gone"}}, .forgets = true}}), "kept");
  EXPECT_EQ(loaded(), "b1-1, a1-0 y=gone") << "it is kept since now";
}

TEST_P(StoreContract, KeepsASessionThatBeganAgainUnderAnOldName) {
  ASSERT_EQ(commit({change("a", 1), change("a", 2), change("b", 1)}), "kept");
  EXPECT_EQ(loaded(), "a1-2, b1-1");
  ASSERT_EQ(commit({end("a")}), "kept");
  ASSERT_EQ(commit({change("a", 1), marks("a", {{"x", "1"}})}), "kept");
  EXPECT_EQ(read("a", 0, 100), "1 ");
  EXPECT_EQ(loaded(), "b1-1, a1-1 x=1");
  ASSERT_EQ(commit({{.session_id = "a", .event = event(1), .forgets = true}, change("a", 2)}), "kept");
  EXPECT_EQ(loaded(), "b1-1, a1-2");
}

TEST_P(StoreContract, RefusesAFenceOlderThanTheNewestItHasSeenAndKeepsNothingOfThatBatch) {
  EXPECT_EQ(commit({change("a", 1)}, 5), "kept");
  EXPECT_EQ(commit({change("a", 2), change("b", 1)}, 4), "conflict");
  EXPECT_EQ(loaded(), "a1-1");
  EXPECT_EQ(commit({change("a", 2)}, 4), "conflict");
  EXPECT_EQ(commit({change("a", 2)}, 5), "kept");
  EXPECT_EQ(commit({change("a", 3)}, 6), "kept");
  EXPECT_EQ(commit({change("a", 4)}, 5), "conflict");
  EXPECT_EQ(loaded(), "a1-3");
}

TEST_P(StoreContract, TakesAnEmptyBatch) { EXPECT_EQ(commit({}), "kept"); }

template <typename T> Subject subject(std::string name, SqliteStore::Pace pace = {}) {
  return {std::move(name), [pace]() -> std::unique_ptr<Stage> {
            if constexpr (std::is_constructible_v<T, SqliteStore::Pace>)
              return std::make_unique<T>(pace);
            else
              return std::make_unique<T>();
          }};
}

INSTANTIATE_TEST_SUITE_P(Of, StoreContract,
                         testing::Values(subject<MemoryStage>("MemoryStore"), subject<FakeStage>("FakeStore"),
                                         subject<FileStage>("SqliteStore", lazy_pace()),
                                         subject<FileStage>("SqliteStoreThatFoldsAtOnce", eager_pace())),
                         [](auto const& made) { return made.param.name; });

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
  EXPECT_TRUE(store.load([](Record const& record) { ADD_FAILURE() << record.session_id; }));
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
  EXPECT_TRUE(store.records().empty());
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

TEST(FakeStore, HasRoomUntilItIsTold) {
  FakeStore store;
  store.set_room(false);
  EXPECT_FALSE(store.has_room());
  store.set_room(true);
  EXPECT_TRUE(store.has_room());
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

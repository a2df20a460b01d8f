#include "store/memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace sojourn {
namespace {

int count(Store& store) {
  int sessions = 0;
  EXPECT_TRUE(store.load([&](Record const&) { ++sessions; }));
  return sessions;
}

// What every store promises is in contract/store_test.cpp; here is what only this one does.

TEST(MemoryStore, PostsTheEndOfEachCommitInsteadOfRunningIt) {
  std::vector<std::function<void()>> posted;
  MemoryStore store([&](std::function<void()> function) { posted.push_back(std::move(function)); });
  std::vector<int> done;
  store.commit({1, {}}, 0, [&](Result<> result) { done.push_back(result ? 1 : -1); });
  store.commit({2, {}}, 0, [&](Result<> result) { done.push_back(result ? 2 : -2); });
  EXPECT_TRUE(done.empty());
  ASSERT_EQ(posted.size(), 2U);
  for (auto const& function : posted) function();
  EXPECT_EQ(done, (std::vector<int>{1, 2}));
}

TEST(MemoryStore, PostsARefusalToo) {
  std::vector<std::function<void()>> posted;
  MemoryStore store([&](std::function<void()> function) { posted.push_back(std::move(function)); });
  int refused = 0;
  store.commit({1, {}}, 2, [](Result<> const&) {});
  store.commit({2, {}}, 1, [&](Result<> result) { refused += result ? 0 : 1; });
  EXPECT_EQ(refused, 0);
  ASSERT_EQ(posted.size(), 2U);
  posted[1]();
  EXPECT_EQ(refused, 1);
}

TEST(MemoryStore, MayRememberNothingAndPostsTheEndAllTheSame) {
  std::vector<std::function<void()>> posted;
  MemoryStore store([&](std::function<void()> function) { posted.push_back(std::move(function)); },
                    MemoryStore::Memory::nothing);
  Event event;
  event.seq = 1;
  event.type = EventType::opened;
  std::vector<int> done;
  for (int i = 1; i <= 2; ++i) {
    store.commit({static_cast<std::uint64_t>(i), {{.session_id = "a", .event = std::make_shared<Event>(event)}}}, 1,
                 [&done, i](Result<> result) { done.push_back(result ? i : -i); });
  }
  store.commit({3, {}}, 0, [&](Result<> result) { done.push_back(result ? 3 : -3); });
  EXPECT_TRUE(done.empty());
  ASSERT_EQ(posted.size(), 3U);
  for (auto const& function : posted) function();
  EXPECT_EQ(done, (std::vector<int>{1, 2, -3})) << "the fence holds too";
  EXPECT_EQ(count(store), 0);
  EXPECT_TRUE(store.read("a", 0, 10)->empty());
}

TEST(MemoryStore, StartsEmptyEachTime) {
  MemoryStore store([](std::function<void()> const& function) { function(); });
  EXPECT_EQ(count(store), 0);
}

}  // namespace
}  // namespace sojourn

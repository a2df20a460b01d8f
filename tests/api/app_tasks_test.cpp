#include "api/app_tasks.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sojourn {
namespace {

constexpr std::int64_t minute_us = 60'000'000;

Principal const alice{Role::user, "alice"};
Principal const bob{Role::user, "bob"};

AppTask named(std::string id, std::int64_t finished_us = 0, std::string output = "{}") {
  AppTask task;
  task.id = std::move(id);
  task.finished_us = finished_us;
  if (finished_us != 0) task.output = std::move(output);
  return task;
}

TEST(AppTasks, AreThereUnderWayAndForTenMinutesAfterwards) {
  AppTasks tasks;
  ASSERT_TRUE(tasks.begin(alice, named("a"), 1));
  EXPECT_EQ(tasks.find(alice, "a", 60 * minute_us)->finished_us, 0) << "however long it takes";
  tasks.finish(named("a", 60 * minute_us, R"({"x":1})"));
  EXPECT_EQ(tasks.find(alice, "a", 70 * minute_us - 1)->output, R"({"x":1})");
  EXPECT_EQ(tasks.find(alice, "a", 70 * minute_us), nullptr);
}

TEST(AppTasks, AreTheirOwnersAndAnAdmins) {
  AppTasks tasks;
  tasks.begin(alice, named("a"), 1);
  EXPECT_EQ(tasks.find(bob, "a", 1), nullptr);
  EXPECT_NE(tasks.find({Role::admin, "root"}, "a", 1), nullptr);
  EXPECT_NE(tasks.find(local_principal(), "a", 1), nullptr);
  EXPECT_EQ(tasks.find(alice, "b", 1), nullptr);
}

TEST(AppTasks, OfASessionTokenAreThatTokens) {
  auto const guest = [](std::string token) {
    Principal principal{Role::guest, "alice", Scope::write};
    principal.grant = std::make_shared<Grant const>(Grant{"sess_1", std::move(token), 0});
    return principal;
  };
  AppTasks tasks;
  tasks.begin(guest("tok_1"), named("a"), 1);
  EXPECT_NE(tasks.find(guest("tok_1"), "a", 1), nullptr);
  EXPECT_EQ(tasks.find(guest("tok_2"), "a", 1), nullptr);
  EXPECT_EQ(tasks.find(alice, "a", 1), nullptr) << "a name is no key";
}

TEST(AppTasks, TheOldestThatAreOverGiveWay) {
  AppTasks tasks({10 * minute_us, 3, 1000});
  for (auto const* const id : {"a", "b", "c"}) ASSERT_TRUE(tasks.begin(alice, named(id), 1));
  EXPECT_FALSE(tasks.begin(alice, named("d"), 1)) << "those under way never do";
  tasks.finish(named("b", 2));
  tasks.finish(named("a", 3));
  EXPECT_TRUE(tasks.begin(alice, named("d"), 4));
  EXPECT_EQ(tasks.find(alice, "b", 4), nullptr);
  EXPECT_NE(tasks.find(alice, "a", 4), nullptr);
  EXPECT_NE(tasks.find(alice, "c", 4), nullptr);
}

TEST(AppTasks, OutputsAreBoundedTogether) {
  AppTasks tasks({10 * minute_us, 100, 1000});
  for (auto const* const id : {"a", "b", "c"}) {
    tasks.begin(alice, named(id), 1);
    tasks.finish(named(id, 2, std::string(450, 'x')));
  }
  EXPECT_EQ(tasks.find(alice, "a", 2), nullptr);
  EXPECT_NE(tasks.find(alice, "b", 2), nullptr);
  tasks.begin(alice, named("d"), 2);
  tasks.finish(named("d", 3, std::string(2000, 'x')));
  EXPECT_EQ(tasks.find(alice, "c", 3), nullptr);
  EXPECT_NE(tasks.find(alice, "d", 3), nullptr) << "the last one stays, however large";
}

TEST(AppTasks, EndOnce) {
  AppTasks tasks;
  tasks.finish(named("a", 1));
  EXPECT_EQ(tasks.find(alice, "a", 1), nullptr) << "one that never began";
  tasks.begin(alice, named("a"), 1);
  tasks.finish(named("a", 2, R"({"x":1})"));
  tasks.finish(named("a", 3, R"({"x":2})"));
  EXPECT_EQ(tasks.find(alice, "a", 3)->output, R"({"x":1})");
}

}  // namespace
}  // namespace sojourn

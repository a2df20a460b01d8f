#include "store/sqlite.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "support/shim_vfs.h"
#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

// What every store promises is in contract/store_test.cpp, what this one does in accidents in sqlite_accidents_test.cpp
// and sqlite_damage_test.cpp.

Change event_of(std::string name, std::uint64_t seq) {
  return {.session_id = std::move(name), .event = stored_event(seq)};
}

std::uint64_t number_in(SqliteStage const& stage, std::string_view sql) {
  auto database = *Database::open({stage.settings.file, {}}, Database::Access::read);
  return *database.number(sql);
}

TEST(SqliteStore, MakesItsFilesForTheirOwnerOnly) {
  SqliteStage stage;
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({event_of("a", 1)}));
  for (auto const* const ending : {"", "-wal", "-shm", ".lock"}) {
    struct stat found {};
    ASSERT_EQ(stat((stage.settings.file + ending).c_str(), &found), 0) << ending;
    EXPECT_EQ(found.st_mode & 0777U, 0600U) << ending;
  }
}

TEST(SqliteStore, IsHeldByOneAtATime) {
  SqliteStage stage;
  ASSERT_TRUE(stage.open());
  auto const second = SqliteStore::open(stage.settings, stage.posts.post());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_NE(second.error().message.find(stage.settings.file), std::string::npos);
  stage.store.reset();
  EXPECT_TRUE(stage.open());
}

TEST(SqliteStore, CommitsWhatWaitsTogether) {
  ShimVfs vfs("groups");
  SqliteStage stage(lazy_pace(), vfs.name());
  ASSERT_TRUE(stage.open());
  int done = 0;
  for (std::uint64_t seq = 1; seq <= 1000; ++seq)
    stage.store->commit({seq, {event_of("a", seq)}}, 0, [&](Result<> const& result) { done += result ? 1 : 0; });
  for (int i = 0; i < 5000 && done < 1000; ++i) stage.posts.turn();
  EXPECT_EQ(done, 1000);
  EXPECT_LT(number_in(stage, "SELECT count(*) FROM log"), 500U);
  EXPECT_EQ(stage.read("a", 998, 10), "999 1000 ");
}

TEST(SqliteStore, SplitsWhatWaitsIntoCommitsOfBoundedSize) {
  SqliteStage stage(lazy_pace());
  ASSERT_TRUE(stage.open());
  int done = 0;
  for (std::uint64_t seq = 1; seq <= 40; ++seq)
    stage.store->commit({seq, {{.session_id = "a", .event = stored_event(seq, std::string(200'000, 'x'))}}}, 0,
                        [&](Result<> const& result) { done += result ? 1 : 0; });
  for (int i = 0; i < 5000 && done < 40; ++i) stage.posts.turn();
  EXPECT_EQ(done, 40);
  EXPECT_LE(number_in(stage, "SELECT max(length(body)) FROM log"), 1'300'000U);
}

TEST(SqliteStore, ReadsFromTheTablesFromTheTailAndAcrossBoth) {
  SqliteStage stage({.changes_max = 1'000'000, .age_max = std::chrono::milliseconds(1)});
  ASSERT_TRUE(stage.open());
  std::vector<Change> changes;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) changes.push_back(event_of("a", seq));
  ASSERT_TRUE(stage.commit(changes));
  ASSERT_TRUE(stage.wait_for_tables());
  stage.settings.pace = lazy_pace();
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({event_of("a", 101), event_of("a", 102)}));
  EXPECT_EQ(stage.read("a", 0, 2), "1 2 ");
  EXPECT_EQ(stage.read("a", 63, 3), "64 65 66 ");
  EXPECT_EQ(stage.read("a", 98, 3), "99 100 101 ");
  EXPECT_EQ(stage.read("a", 100, 10), "101 102 ");
  EXPECT_EQ(stage.read("a", 102, 10), "");
  EXPECT_EQ(stage.read("a", 98, 2), "99 100 ");
  EXPECT_EQ(stage.loaded(), "a1-102");
}

TEST(SqliteStore, BringsWhatWasCommittedIntoTheTablesByAgeNumberAndSize) {
  for (auto const& pace : {SqliteStore::Pace{.age_max = std::chrono::milliseconds(20)},
                           SqliteStore::Pace{.changes_max = 3, .age_max = std::chrono::hours(1)},
                           SqliteStore::Pace{.bytes_max = 50, .age_max = std::chrono::hours(1)}}) {
    SqliteStage stage(pace);
    ASSERT_TRUE(stage.open());
    for (std::uint64_t seq = 1; seq <= 3; ++seq) ASSERT_TRUE(stage.commit({event_of("a", seq)}));
    ASSERT_TRUE(stage.wait_for_tables());
    EXPECT_EQ(stage.read("a", 0, 9), "1 2 3 ");
    ASSERT_TRUE(stage.open());
    EXPECT_EQ(stage.loaded(), "a1-3");
  }
}

TEST(SqliteStore, FoldsInSlicesAndGoesOnAfterAnyOfThem) {
  // One session a commit, so that every life of the store ends somewhere in the middle.
  SqliteStage stage({.changes_max = 10, .age_max = std::chrono::hours(1), .slice = 1});
  std::vector<std::uint64_t> seqs(10);
  for (int life = 0; life < 30; ++life) {
    ASSERT_TRUE(stage.open()) << stage.refusal.message;
    for (int i = 0; i <= life % 7; ++i) {
      auto& seq = seqs[static_cast<std::size_t>(life + i) % 10];
      auto const name = "s" + std::to_string((life + i) % 10);
      ASSERT_TRUE(stage.commit({event_of(name, ++seq), {.session_id = "x", .marks = {{name, std::to_string(seq)}}}}));
    }
  }
  ASSERT_TRUE(stage.open());
  for (std::size_t i = 0; i < 10; ++i) {
    auto const events = *stage.store->read("s" + std::to_string(i), 0, 1000);
    EXPECT_EQ(events.size(), seqs[i]);
  }
}

TEST(SqliteStore, RemembersTheNewestFence) {
  SqliteStage stage;
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({}, 7));
  ASSERT_TRUE(stage.open());
  EXPECT_EQ(stage.commit({event_of("a", 1)}, 6).error().code, Code::conflict);
  EXPECT_TRUE(stage.commit({event_of("a", 1)}, 7));
}

TEST(SqliteStore, RefusesABatchThatDoesNotFollowAndKeepsTheOthers) {
  SqliteStage stage;
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({event_of("a", 1)}));
  EXPECT_EQ(stage.commit({event_of("b", 1), event_of("a", 3)}).error().code, Code::internal);
  EXPECT_TRUE(stage.commit({event_of("a", 2)}));
  EXPECT_EQ(stage.loaded(), "a1-2");
}

TEST(SqliteStore, CommitsWhatWaitsWhenItEnds) {
  SqliteStage stage;
  ASSERT_TRUE(stage.open());
  for (std::uint64_t seq = 1; seq <= 50; ++seq)
    stage.store->commit({seq, {event_of("a", seq)}}, 0, [](Result<> const&) {});
  ASSERT_TRUE(stage.open());
  EXPECT_EQ(stage.loaded(), "a1-50");
}

TEST(SqliteStore, HasNoRoomBelowItsReserveAndComesBackByItself) {
  SqliteStage stage;
  std::atomic<std::uint64_t> free = 50;
  stage.settings.reserve_bytes = 100;
  stage.settings.free_bytes = [&] { return free.load(); };
  ASSERT_TRUE(stage.open());
  EXPECT_FALSE(stage.store->has_room());
  EXPECT_TRUE(stage.commit({event_of("a", 1)})) << "what was applied already is what the reserve is for";
  free = 100;
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  EXPECT_TRUE(stage.store->has_room());
}

TEST(SqliteStore, RefusesAnEmptyFileAndALogWithoutItsFile) {
  SqliteStage stage;
  std::ofstream(stage.settings.file).close();
  EXPECT_FALSE(stage.open());
  EXPECT_EQ(stage.refusal.code, Code::damaged);
  EXPECT_EQ(row(stage.refusal.code).exit_code, 65);
  EXPECT_NE(stage.refusal.message.find("`sojourn restore BACKUP`"), std::string::npos);
  std::filesystem::remove(stage.settings.file);
  std::ofstream(stage.settings.file + "-wal") << "x";
  EXPECT_FALSE(stage.open());
  EXPECT_EQ(stage.refusal.code, Code::damaged);
}

TEST(SqliteStore, RefusesWhenWhatItAcknowledgedLastIsNotThere) {
  SqliteStage stage(lazy_pace());
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({event_of("a", 1)}));
  ASSERT_TRUE(stage.commit({event_of("a", 2)}));
  stage.store.reset();
  ASSERT_TRUE(Database::open({stage.settings.file, {}})->run("DELETE FROM log WHERE seq = 2"));
  EXPECT_FALSE(stage.open());
  EXPECT_EQ(stage.refusal.code, Code::damaged);
  EXPECT_NE(stage.refusal.message.find("table log, row 2"), std::string::npos) << stage.refusal.message;
}

TEST(SqliteStore, BeginsAnewWhereItsFileIsGone) {
  SqliteStage stage(lazy_pace());
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({event_of("a", 1)}));
  stage.store.reset();
  std::filesystem::remove(stage.settings.file);
  ASSERT_TRUE(stage.open()) << stage.refusal.message;
  EXPECT_EQ(stage.loaded(), "");
}

TEST(SqliteStore, SaysThatItsFolderCanNotBeWritten) {
  SqliteStage stage;
  stage.settings.file = stage.folder / "none/sojourn.db";
  EXPECT_FALSE(stage.open());
  EXPECT_EQ(stage.refusal.code, Code::cannot_create);
}

TEST(SqliteStore, StopsAtTheFirstErrorOfTheDiskAndStillReads) {
  ShimVfs vfs("stops");
  SqliteStage stage(lazy_pace(), vfs.name());
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({event_of("a", 1)}));
  vfs.fail_from(1);
  auto const failed = stage.commit({event_of("a", 2)});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::storage_full);
  EXPECT_NE(failed.error().message.find(stage.settings.file), std::string::npos) << failed.error().message;
  EXPECT_FALSE(stage.store->has_room());
  vfs.fail_from(0);
  EXPECT_FALSE(stage.commit({event_of("a", 2)})) << "what the disk has is not known any more";
  EXPECT_EQ(stage.read("a", 0, 10), "1 ");
}

TEST(SqliteStore, CopiesAnOlderFileAndGoesOnWithIt) {
  SqliteStage stage;
  ASSERT_TRUE(stage.open());
  ASSERT_TRUE(stage.commit({event_of("a", 1)}));
  std::vector<std::string> steps(schema_steps().begin(), schema_steps().end());
  steps.emplace_back("CREATE TABLE later(a);");
  stage.settings.schema = steps;
  ASSERT_TRUE(stage.open()) << stage.refusal.message;
  EXPECT_EQ(stage.loaded(), "a1-1");
  stage.settings.schema = schema_steps();
  EXPECT_FALSE(stage.open());
  EXPECT_NE(stage.refusal.message.find("newer version"), std::string::npos);
}

}  // namespace
}  // namespace sojourn

#include "store/checkpointer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "support/shim_vfs.h"
#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

class CheckpointerTest : public testing::Test {
 protected:
  Database open(std::string const& vfs = {}) {
    auto database = *Database::open({file, vfs});
    EXPECT_TRUE(database.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0"));
    return database;
  }
  static void write(Database& database) { EXPECT_TRUE(database.run("INSERT INTO t VALUES(zeroblob(100000))")); }
  std::uintmax_t log_bytes() const { return std::filesystem::file_size(file + "-wal"); }

  StoreFolder folder;
  std::string file = folder / "x.db";
};

TEST_F(CheckpointerTest, LetsTheLogBeginAnewWhileCommitsGoOn) {
  std::ofstream(file).close();
  auto writer = open();
  ASSERT_TRUE(writer.run("CREATE TABLE t(a)"));
  Checkpointer checkpointer(open());
  std::uint64_t pages = 0;
  sqlite3_wal_hook(
      writer.raw(),
      [](void* count, sqlite3*, char const*, int now) {
        *static_cast<std::uint64_t*>(count) = static_cast<std::uint64_t>(now);
        return SQLITE_OK;
      },
      &pages);
  std::uint64_t most = 0;
  bool began_anew = false;
  for (int i = 0; i < 3000 && !began_anew; ++i) {
    ASSERT_TRUE(checkpointer.look(writer, pages));
    auto const before = pages;
    write(writer);
    most = std::max(most, pages);
    began_anew = pages < before;
  }
  EXPECT_TRUE(began_anew);
  EXPECT_GE(most, 4096U) << "not sooner than needed";
  EXPECT_GT(log_bytes(), 0U);
}

TEST_F(CheckpointerTest, TellsAnErrorOfTheDiskFromThenOn) {
  std::ofstream(file).close();
  auto writer = open();
  ASSERT_TRUE(writer.run("CREATE TABLE t(a)"));
  ShimVfs vfs("checkpoints");
  Checkpointer checkpointer(open(vfs.name()));
  for (int i = 0; i < 20; ++i) write(writer);
  vfs.fail_from(1);
  ASSERT_TRUE(checkpointer.look(writer, 5000));
  bool failed = false;
  for (int i = 0; i < 1000 && !failed; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    failed = !checkpointer.look(writer, 5000);
  }
  EXPECT_TRUE(failed);
  EXPECT_FALSE(checkpointer.look(writer, 0));
}

TEST_F(CheckpointerTest, SomebodyElsesReadingIsNoError) {
  std::ofstream(file).close();
  auto writer = open();
  ASSERT_TRUE(writer.run("CREATE TABLE t(a)"));
  auto reader = open();
  ASSERT_TRUE(reader.run("BEGIN; SELECT * FROM t"));
  write(writer);
  EXPECT_TRUE(checkpoint(writer));
  ASSERT_TRUE(reader.run("COMMIT"));
}

}  // namespace
}  // namespace sojourn

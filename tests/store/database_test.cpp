#include "store/database.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

TEST(Database, GivesBackNumbersAndBytesAsTheyWereGiven) {
  auto database = *Database::open({":memory:"});
  ASSERT_TRUE(database.run("CREATE TABLE t(a, b)"));
  auto insert = *database.prepare("INSERT INTO t VALUES(?, ?)");
  std::string const bytes("\0\xff", 2);
  ASSERT_TRUE(insert.with(~std::uint64_t{0}, bytes).finish());
  ASSERT_TRUE(insert.with(std::uint64_t{7}, std::string_view()).finish());
  EXPECT_EQ(database.changes(), 1U);
  auto select = *database.prepare("SELECT a, b FROM t WHERE b IS NOT NULL ORDER BY rowid");
  ASSERT_TRUE(*select.next());
  EXPECT_EQ(select.number(0), ~std::uint64_t{0});
  EXPECT_EQ(select.text(1), bytes);
  ASSERT_TRUE(*select.next());
  EXPECT_EQ(select.text(1), "");
  EXPECT_FALSE(*select.next());
  EXPECT_EQ(*database.number("SELECT count(*) FROM t"), 2U);
}

TEST(Database, SaysWhichFileAndWhatToDoWhenItIsNoDatabase) {
  StoreFolder folder;
  std::ofstream(folder / "x.db") << std::string(4096, 'x');
  auto database = *Database::open({folder / "x.db", {}});
  auto const number = database.number("PRAGMA user_version");
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, Code::damaged);
  EXPECT_NE(number.error().message.find(folder / "x.db"), std::string::npos);
  EXPECT_NE(number.error().message.find("sojourn restore"), std::string::npos);
}

TEST(Database, SaysThatAFileIsNotThereOrFull) {
  StoreFolder folder;
  EXPECT_EQ(Database::open({folder / "none.db", {}}).error().code, Code::cannot_create);
  std::ofstream(folder / "x.db").close();
  auto database = *Database::open({folder / "x.db", {}});
  ASSERT_TRUE(database.run("PRAGMA max_page_count = 2; CREATE TABLE t(a)"));
  EXPECT_EQ(database.run("INSERT INTO t VALUES(zeroblob(20000))").error().code, Code::storage_full);
  auto reader = *Database::open({folder / "x.db", {}}, Database::Access::read);
  EXPECT_EQ(reader.run("INSERT INTO t VALUES(1)").error().code, Code::cannot_create);
}

TEST(Database, TellsOnOneLineWhatACheckFound) {
  EXPECT_EQ(finding("ok"), "ok");
  EXPECT_EQ(
      finding("*** in database main ***\nTree 2 page 2: btreeInitPage() returns error code 11\nPage 3: never used"),
      "Tree 2 page 2: btreeInitPage() returns error code 11; Page 3: never used");
}

}  // namespace
}  // namespace sojourn

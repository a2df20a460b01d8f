#include "store/schema.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "store/copy.h"
#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

// What a later version might do.
std::vector<std::string> later_steps(std::string const& step) {
  auto const present = schema_steps();
  std::vector<std::string> steps(present.begin(), present.end());
  steps.push_back(step);
  return steps;
}

class SchemaTest : public testing::Test {
 protected:
  void make() { ASSERT_TRUE(make_file({file, {}}, schema_steps())); }
  Result<> check(std::span<std::string const> steps = schema_steps()) {
    auto database = Database::open({file, {}});
    return database ? check_schema(*database, steps) : database.error();
  }
  void run(std::string const& sql) { ASSERT_TRUE(Database::open({file, {}})->run(sql)); }
  std::vector<std::string> copies() const {
    std::vector<std::string> found;
    for (auto const& each : std::filesystem::directory_iterator(folder / ""))
      if (each.path().string().find(".version-") != std::string::npos) found.push_back(each.path());
    return found;
  }

  StoreFolder folder;
  std::string file = folder / "sojourn.db";
};

TEST_F(SchemaTest, MakesAFileOfThePresentVersionForItsOwnerOnly) {
  make();
  struct stat found {};
  ASSERT_EQ(stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  EXPECT_TRUE(check());
  auto database = *Database::open({file, {}});
  EXPECT_EQ(*database.number("PRAGMA user_version"), schema_steps().size());
  EXPECT_EQ(*meta(database, "fence"), 0U);
  EXPECT_EQ(*meta(database, "log_first"), 1U);
}

TEST_F(SchemaTest, MakesItAgainAfterAnInterruptedAttempt) {
  std::ofstream(file + ".new") << "half";
  std::ofstream(file + ".new-wal") << "half";
  make();
  EXPECT_TRUE(check());
}

TEST_F(SchemaTest, RefusesAFileOfAnother) {
  std::ofstream(file).close();
  run("CREATE TABLE theirs(a)");
  EXPECT_EQ(check().error().code, Code::damaged);
  EXPECT_NE(check().error().message.find("no file of Sojourn"), std::string::npos);
}

TEST_F(SchemaTest, RefusesANewerVersionAndSaysWhichAndWhatToDo) {
  make();
  run("PRAGMA user_version = 9");
  auto const checked = check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Code::damaged);
  EXPECT_NE(checked.error().message.find("newer version (its format is 9"), std::string::npos);
  EXPECT_NE(checked.error().message.find("sojourn restore"), std::string::npos);
}

TEST_F(SchemaTest, RefusesOtherTables) {
  make();
  run("CREATE TABLE extra(a)");
  EXPECT_EQ(check().error().code, Code::damaged);
}

TEST_F(SchemaTest, CopiesAnOlderFileBeforeItIsChanged) {
  make();
  auto const steps = later_steps("ALTER TABLE mark ADD COLUMN kind INTEGER;");
  ASSERT_TRUE(check(steps));
  auto database = *Database::open({file, {}});
  EXPECT_EQ(*database.number("PRAGMA user_version"), steps.size());
  EXPECT_TRUE(database.run("SELECT kind FROM mark"));
  ASSERT_EQ(copies().size(), 1U);
  file = copies().front();
  EXPECT_TRUE(check()) << "the copy is of the version before";
}

TEST_F(SchemaTest, LeavesAnOlderFileAsItIsWhenAStepFails) {
  make();
  EXPECT_FALSE(check(later_steps("CREATE TABLE other(a); CREATE TABLE log(a);")));
  EXPECT_TRUE(check());
}

TEST_F(SchemaTest, NoticesANumberThatIsNotTheOneThatWasWritten) {
  make();
  run("UPDATE meta SET value = 3 WHERE name = 'fence'");
  auto database = *Database::open({file, {}});
  EXPECT_EQ(meta(database, "fence").error().code, Code::damaged);
  EXPECT_EQ(meta(database, "none").error().code, Code::damaged);
  ASSERT_TRUE(set_meta(database, "fence", 4));
  EXPECT_EQ(*meta(database, "fence"), 4U);
}

}  // namespace
}  // namespace sojourn

#include "store/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>

#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

TEST(FileLock, IsHeldByOneAtATime) {
  StoreFolder folder;
  std::optional<FileLock> held(std::move(*FileLock::take(folder / "lock")));
  auto const second = FileLock::take(folder / "lock");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_NE(second.error().message.find(folder / "lock"), std::string::npos);
  held.reset();
  EXPECT_TRUE(FileLock::take(folder / "lock"));
  EXPECT_EQ(FileLock::take(folder / "none/lock").error().code, Code::cannot_create);
}

TEST(FileLock, HasANumberForTheNextHolder) {
  StoreFolder folder;
  EXPECT_EQ(FileLock::take(folder / "lock")->noted(), 0U);
  FileLock::take(folder / "lock")->note(7);
  EXPECT_EQ(FileLock::take(folder / "lock")->noted(), 7U);
  std::fstream(folder / "lock", std::ios::binary | std::ios::in | std::ios::out) << '\x09';
  EXPECT_EQ(FileLock::take(folder / "lock")->noted(), 0U) << "a damaged one says nothing";
}

TEST(File, IsMadeForItsOwnerOnlyAndNamedWithoutReplacingAnything) {
  StoreFolder folder;
  ASSERT_TRUE(make_private_file(folder / "a"));
  struct stat found {};
  ASSERT_EQ(stat((folder / "a").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  EXPECT_EQ(make_private_file(folder / "a").error().code, Code::cannot_create);
  ASSERT_TRUE(publish_file(folder / "a", folder / "b"));
  EXPECT_FALSE(has_file(folder / "a"));
  EXPECT_TRUE(has_file(folder / "b"));
  ASSERT_TRUE(make_private_file(folder / "a"));
  EXPECT_EQ(publish_file(folder / "a", folder / "b").error().code, Code::conflict);
  EXPECT_TRUE(has_file(folder / "a"));
  EXPECT_EQ(publish_file(folder / "none", folder / "c").error().code, Code::cannot_create);
  remove_file(folder / "a");
  EXPECT_FALSE(has_file(folder / "a"));
}

TEST(File, TellsWhatIsFreeBesideIt) {
  StoreFolder folder;
  EXPECT_GT(free_bytes_beside(folder / "a"), 0U);
  EXPECT_EQ(free_bytes_beside(folder / "none/a"), 0U);
}

}  // namespace
}  // namespace sojourn

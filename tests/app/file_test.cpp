#include "app/file.h"

#include <gtest/gtest.h>

#include "app/temporary_folder.h"

namespace sojourn {
namespace {

TEST(File, IsReadWholeWithinItsBound) {
  test::TemporaryFolder const folder;
  std::string const text = std::string(100'000, 'a') + '\0' + "end";
  auto const path = folder.write("a", text);
  auto const read = read_file(path, text.size());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, text);
}

TEST(File, OverItsBoundIsTooLarge) {
  test::TemporaryFolder const folder;
  auto const read = read_file(folder.write("a", "four"), 3);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::too_large);
}

TEST(File, ThatIsAbsentOrNoFileIsNamedWithTheReason) {
  test::TemporaryFolder const folder;
  auto const absent = read_file(folder.path() + "/absent", 10);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::not_found);
  EXPECT_EQ(absent.error().message, folder.path() + "/absent can't be read: No such file or directory");
  auto const directory = read_file(folder.path(), 10);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, Code::forbidden);
}

}  // namespace
}  // namespace sojourn

#include "app/folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "app/temporary_folder.h"
#include "base/json.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(std::string const& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
}

std::string read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class FolderTest : public testing::Test {
 protected:
  test::TemporaryFolder temporary;
  std::string path = temporary.path() + "/deep/data";
};

TEST_F(FolderTest, IsMadeForItsOwnerOnly) {
  auto const folder = Folder::open(path);
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(mode_of(path), 0700U);
  EXPECT_EQ(mode_of(path + "/lock"), 0600U);
}

TEST_F(FolderTest, KeepsTheModeOfAFolderThatWasThere) {
  fs::create_directories(path);
  fs::permissions(path, fs::perms(0755));
  ASSERT_TRUE(Folder::open(path));
  EXPECT_EQ(mode_of(path), 0755U);
}

TEST_F(FolderTest, BelongsToOneServerAtATime) {
  auto first = Folder::open(path);
  ASSERT_TRUE(first);
  auto const second = Folder::open(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_NE(second.error().message.find("another server uses the data folder " + path), std::string::npos);
  EXPECT_NE(second.error().message.find("--data"), std::string::npos);
  first->reset();
  EXPECT_TRUE(Folder::open(path)) << "the next may have it";
}

TEST_F(FolderTest, AnnouncesTheServerWhileItLives) {
  auto folder = Folder::open(path);
  ASSERT_TRUE(folder);
  auto const file = path + "/server.json";
  EXPECT_FALSE(fs::exists(file));
  ASSERT_TRUE((*folder)->announce("http://127.0.0.1:5409"));
  EXPECT_EQ(read_file(file), "{\"address\":\"http://127.0.0.1:5409\",\"pid\":" + std::to_string(getpid()) + "}\n");
  EXPECT_EQ(mode_of(file), 0600U);
  ASSERT_TRUE((*folder)->announce("http://127.0.0.1:1"));
  EXPECT_NE(read_file(file).find(":1\""), std::string::npos);
  EXPECT_FALSE(fs::exists(file + ".new")) << "no draft is left";
  folder->reset();
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(FolderTest, ReplacesWhatACrashLeftBehind) {
  fs::create_directories(path);
  std::ofstream(path + "/server.json") << "half a rec";
  std::ofstream(path + "/server.json.new") << std::string(1000, 'x');
  std::ofstream(path + "/lock") << "stale";
  auto folder = Folder::open(path);
  ASSERT_TRUE(folder);
  ASSERT_TRUE((*folder)->announce("http://127.0.0.1:5409"));
  EXPECT_TRUE(json::parse(read_file(path + "/server.json"))) << read_file(path + "/server.json");
  EXPECT_EQ(mode_of(path + "/server.json"), 0600U) << "also when the draft was readable for others";
}

TEST_F(FolderTest, AServerThatNeverAnnouncedTakesNothingAway) {
  fs::create_directories(path);
  std::ofstream(path + "/server.json") << "somebody's";
  Folder::open(path)->reset();
  EXPECT_EQ(read_file(path + "/server.json"), "somebody's");
}

TEST_F(FolderTest, WhatCanNotBeMadeIsNamedWithAWayOut) {
  auto const file = temporary.write("file", "");
  for (std::string const& wrong : {file + "/data", std::string("/proc/nowhere"), file}) {
    auto const folder = Folder::open(wrong);
    ASSERT_FALSE(folder) << wrong;
    EXPECT_EQ(folder.error().code, Code::cannot_create);
    EXPECT_NE(folder.error().message.find(wrong), std::string::npos) << folder.error().message;
    EXPECT_NE(folder.error().message.find("--data DIR"), std::string::npos);
  }
}

TEST_F(FolderTest, AnAnnouncementThatCanNotBeWrittenIsAnError) {
  auto folder = Folder::open(path);
  ASSERT_TRUE(folder);
  fs::create_directories(path + "/server.json/in_the_way");
  auto const announced = (*folder)->announce("http://127.0.0.1:5409");
  ASSERT_FALSE(announced);
  EXPECT_EQ(announced.error().code, Code::cannot_create);
}

}  // namespace
}  // namespace sojourn

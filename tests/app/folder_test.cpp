#include "app/folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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

TEST_F(FolderTest, AnnouncesTheTokenOfTheCommandLine) {
  auto folder = Folder::open(path);
  ASSERT_TRUE(folder);
  ASSERT_TRUE((*folder)->announce("http://127.0.0.1:5409", "a.b.c"));
  EXPECT_EQ(read_file(path + "/server.json"),
            "{\"address\":\"http://127.0.0.1:5409\",\"pid\":" + std::to_string(getpid()) + ",\"token\":\"a.b.c\"}\n");
  EXPECT_EQ(mode_of(path + "/server.json"), 0600U);
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

class SecretTest : public FolderTest {
 protected:
  // The message without the folder's name.
  std::string refusal() const {
    auto const secret = load_secret(path);
    if (secret) return "accepted";
    EXPECT_EQ(secret.error().code, Code::configuration);
    auto const& message = secret.error().message;
    return message.starts_with(path + "/") ? message.substr(path.size() + 1) : message;
  }

  void write_key(std::string const& text) const {
    fs::create_directories(path);
    fs::remove_all(path + "/key");
    std::ofstream(path + "/key") << text;
    fs::permissions(path + "/key", fs::perms(0600));
  }

  std::size_t count_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
};

TEST_F(SecretTest, IsMadeOnceForItsOwnerOnly) {
  auto const secret = load_secret(path);
  ASSERT_TRUE(secret) << secret.error().message;
  EXPECT_EQ(secret->size(), 64U);
  EXPECT_EQ(secret->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(read_file(path + "/key"), *secret + "\n");
  EXPECT_EQ(mode_of(path), 0700U);
  EXPECT_EQ(mode_of(path + "/key"), 0600U);
  EXPECT_EQ(count_files(), 1U) << "no draft is left";
  EXPECT_EQ(load_secret(path).value(), *secret);
  EXPECT_NE(load_secret(temporary.path() + "/another").value(), *secret);
}

TEST_F(SecretTest, IsTheSameForAServerAndWhoeverAsksBesideIt) {
  auto const folder = Folder::open(path);
  ASSERT_TRUE(folder);
  auto const beside = load_secret(path);
  ASSERT_TRUE(beside) << beside.error().message;
  auto const secret = (*folder)->secret();
  ASSERT_TRUE(secret);
  EXPECT_EQ(*secret, *beside);
}

TEST_F(SecretTest, IsTheSameForAllWhoMakeItAtOnce) {
  for (int round = 0; round < 20; ++round) {
    fs::remove_all(path);
    std::array<std::string, 6> secrets;
    {
      std::vector<std::thread> makers;
      for (auto& secret : secrets) {
        makers.emplace_back([&] { secret = load_secret(path).value(); });
      }
      for (auto& maker : makers) maker.join();
    }
    for (auto const& secret : secrets) ASSERT_EQ(secret, secrets[0]);
    ASSERT_EQ(secrets[0].size(), 64U);
    ASSERT_EQ(count_files(), 1U);
  }
}

TEST_F(SecretTest, ThatOthersMayReadIsRefused) {
  write_key(std::string(64, 'a') + "\n");
  ASSERT_EQ(load_secret(path).value(), std::string(64, 'a'));
  for (unsigned const mode : {0640U, 0604U, 0620U, 0602U, 0644U, 0610U, 0777U}) {
    fs::permissions(path + "/key", fs::perms(mode));
    auto const message = refusal();
    EXPECT_EQ(message.find("key is open to other users; run: chmod 600 " + path + "/key"), 0U) << message;
    EXPECT_EQ(message.find("aaaa"), std::string::npos);
  }
  fs::permissions(path + "/key", fs::perms(0400));
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(SecretTest, ThatIsDamagedIsRefusedAndNotReplaced) {
  for (auto const& wrong :
       {std::string(), std::string("\n"), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
        std::string(64, 'g'), std::string(63, 'a') + '\0', std::string(64, 'a') + "\n\n", std::string(64, 'a') + "\r\n",
        " " + std::string(64, 'a'), std::string(100'000, 'a')}) {
    write_key(wrong);
    EXPECT_EQ(refusal().find("key is damaged; put back what was there"), 0U) << refusal();
    EXPECT_EQ(read_file(path + "/key"), wrong);
  }
  write_key(std::string(64, '0'));
  EXPECT_EQ(refusal(), "accepted") << "an editor may have left out the line's end";
}

TEST_F(SecretTest, ThatIsNoFileIsRefusedWithoutWaiting) {
  fs::create_directories(path + "/key");
  EXPECT_EQ(refusal().find("key is no file"), 0U);
  fs::remove(path + "/key");
  ASSERT_EQ(mkfifo((path + "/key").c_str(), 0600), 0);
  EXPECT_EQ(refusal().find("key is no file"), 0U);
}

TEST_F(SecretTest, ThatCanNotBeMadeIsNamedWithAWayOut) {
  auto const file = temporary.write("file", "");
  for (std::string const& wrong : {file + "/data", std::string("/proc/nowhere"), file}) {
    auto const secret = load_secret(wrong);
    ASSERT_FALSE(secret) << wrong;
    EXPECT_EQ(secret.error().code, Code::cannot_create) << secret.error().message;
    EXPECT_NE(secret.error().message.find("--data DIR"), std::string::npos);
  }
  fs::create_directories(path);
  fs::create_symlink(path + "/nothing", path + "/key");
  auto const secret = load_secret(path);
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, Code::cannot_create) << secret.error().message;
  EXPECT_EQ(count_files(), 1U) << "no draft is left";
}

}  // namespace
}  // namespace sojourn

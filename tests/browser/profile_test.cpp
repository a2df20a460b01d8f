#include "browser/profile.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "support/browser_stage.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

class ProfileTest : public testing::Test, public test::BrowserStage {
 protected:
  ProfileTest() {
    if (auto const* const given = std::getenv("TMPDIR"); given != nullptr) tmpdir_ = given;
    chmod(data.c_str(), 0755);
    setenv("TMPDIR", data.c_str(), 1);
  }
  ~ProfileTest() override {
    if (tmpdir_)
      setenv("TMPDIR", tmpdir_->c_str(), 1);
    else
      unsetenv("TMPDIR");
  }
  std::string make_folder(std::string const& name) const {
    auto const path = data + "/" + name;
    fs::create_directory(path);
    std::ofstream(path + "/file") << "x";
    return path;
  }
  static std::string make(std::string const& key) {
    auto const profile = Profile::make(key, std::nullopt);
    return profile ? fs::path(profile->path()).parent_path().string() : profile.error().message;
  }

  std::string mark() const { return "sojourn-browser-" + profile_key(data) + "-"; }

 private:
  std::optional<std::string> tmpdir_;
};

TEST_F(ProfileTest, AKeyIsThatOfTheFolderHoweverItIsWritten) {
  auto const key = profile_key(data);
  EXPECT_EQ(key.size(), 12U);
  EXPECT_EQ(key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_EQ(profile_key(data + "/"), key);
  EXPECT_EQ(profile_key(data + "/."), key);
  EXPECT_EQ(profile_key(data + "/../" + fs::path(data).filename().string()), key);
  fs::create_directory_symlink(data, data + "/link");
  EXPECT_EQ(profile_key(data + "/link"), key);
  EXPECT_NE(profile_key(data + "/other"), key);
  EXPECT_EQ(profile_key("not/there"), profile_key("not/../not/there"));
  EXPECT_EQ(profile_key(""), "p" + std::to_string(getpid()));
}

TEST_F(ProfileTest, IsAFolderThatOnlyItsOwnerEntersAndGoesAtItsEnd) {
  std::string path;
  {
    auto profile = Profile::make("key", std::nullopt);
    ASSERT_TRUE(profile);
    path = profile->path();
    EXPECT_TRUE(path.starts_with(data + "/sojourn-browser-key-")) << path;
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700U);
    fs::create_directories(path + "/a/b");
    std::ofstream(path + "/a/b/file") << "x";
    auto const moved = std::move(*profile);
    EXPECT_EQ(moved.path(), path);
    EXPECT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(ProfileTest, CanBeRemovedBeforeAndIsNotRemovedTwice) {
  auto profile = Profile::make("key", std::nullopt);
  ASSERT_TRUE(profile);
  auto const path = profile->path();
  profile->remove();
  EXPECT_FALSE(fs::exists(path));
  fs::create_directory(path);  // somebody else's by now
  profile->remove();
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(ProfileTest, IsElsewhereWhenTmpdirDoesNotServe) {
  EXPECT_EQ(make("key"), data);
  setenv("TMPDIR", (data + "/").c_str(), 1);
  EXPECT_EQ(make("key"), data);
  for (auto const& unfit :
       {std::string("relative"), std::string(), data + "/nowhere", "/tmp/" + std::string(60, 'x')}) {
    setenv("TMPDIR", unfit.c_str(), 1);
    auto const root = make("key");
    EXPECT_TRUE(root == "/dev/shm" || root == "/tmp") << unfit << ": " << root;
  }
}

TEST_F(ProfileTest, IsGivenToItsAccountWhereThatMayPass) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may give it away";
  auto const* const nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  Account const account{nobody->pw_uid, nobody->pw_gid, "nobody"};
  auto const profile = Profile::make("key", account);
  ASSERT_TRUE(profile);
  EXPECT_EQ(fs::path(profile->path()).parent_path(), data);
  struct stat info {};
  ASSERT_EQ(stat(profile->path().c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, nobody->pw_uid);
  EXPECT_EQ(info.st_gid, nobody->pw_gid);
  chmod(data.c_str(), 0700);
  auto const elsewhere = Profile::make("key", account);
  ASSERT_TRUE(elsewhere);
  EXPECT_NE(fs::path(elsewhere->path()).parent_path(), data);
}

TEST_F(ProfileTest, ASweepRemovesWhatIsOursAndNothingElse) {
  auto const ours = make_folder(mark() + "AAAAAA");
  auto const second = make_folder(mark() + "BBBBBB");
  auto const others = make_folder("sojourn-browser-another-key-AAAAAA");
  auto const file = data + "/" + mark() + "file";
  std::ofstream(file) << "x";
  auto const target = make_folder("precious");
  fs::create_directory_symlink(target, data + "/" + mark() + "link");
  fs::create_directory_symlink(target, ours + "/link");
  sweep_leftovers(data);
  EXPECT_FALSE(fs::exists(ours));
  EXPECT_FALSE(fs::exists(second));
  EXPECT_TRUE(fs::exists(others));
  EXPECT_TRUE(fs::exists(file));
  EXPECT_TRUE(fs::exists(target + "/file")) << "no link is followed";
  sweep_leftovers(data);
  sweep_leftovers("");
}

TEST_F(ProfileTest, ASweepLeavesAFolderThatSomebodyElseHasMade) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may give it away";
  auto const trap = make_folder(mark() + "AAAAAA");
  ASSERT_EQ(chown(trap.c_str(), 12345, 12345), 0);
  sweep_leftovers(data);
  EXPECT_TRUE(fs::exists(trap));
}

}  // namespace
}  // namespace sojourn

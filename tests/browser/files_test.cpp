#include "browser/files.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sojourn {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t now_us = 1'800'000'000'000'000;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string made = "/tmp/sojourn_files_test_XXXXXX";
    root_ = ::mkdtemp(made.data());
    settings_.data = root_;
    settings_.profile_key = "files-test-" + std::to_string(getpid());
    settings_.url = "http://localhost:1";
    settings_.video_retention_s = 60;
  }
  ~FilesTest() override { fs::remove_all(root_); }

  void write_video(std::string const& id) { std::ofstream(*files_.place(id, video_name)) << "film"; }
  bool is_there(std::string const& name) const { return fs::exists(root_ + "/files/" + name); }

  std::string root_;
  BrowserSettings settings_;
  Files files_{settings_};
};

TEST_F(FilesTest, AFileSaysWhereItIs) {
  auto const file = files_.save("sess_a", "screenshot", "bytes", "image/png");
  ASSERT_TRUE(file);
  EXPECT_EQ(json::to_text(*file),
            "{\"uri\":\"http://localhost:1/api/v1/sessions/sess_a/files/screenshot-1.png\",\"path\":\"" + root_ +
                "/files/sess_a/screenshot-1.png\",\"content_type\":\"image/png\","
                "\"size\":5,\"filename\":\"screenshot-1.png\"}");
  EXPECT_EQ(fs::file_size(root_ + "/files/sess_a/screenshot-1.png"), 5U);
}

TEST_F(FilesTest, OfEachNameTheLastHundredStay) {
  for (int i = 0; i < 102; ++i) ASSERT_TRUE(files_.save("sess_a", "screenshot", "x", "image/jpeg"));
  EXPECT_FALSE(is_there("sess_a/screenshot-2.jpg"));
  EXPECT_TRUE(is_there("sess_a/screenshot-3.jpg"));
  EXPECT_TRUE(is_there("sess_a/screenshot-102.jpg"));
}

TEST_F(FilesTest, OfASessionThatIsOverOnlyItsVideoStaysAndThatForItsRetention) {
  ASSERT_TRUE(files_.save("sess_a", "screenshot", "x", "image/png"));
  write_video("sess_a");
  files_.forget("sess_a", now_us);
  EXPECT_FALSE(is_there("sess_a/screenshot-1.png"));
  EXPECT_TRUE(is_there("sess_a/video.webm"));
  files_.sweep(now_us + 59'000'000);
  EXPECT_TRUE(is_there("sess_a/video.webm"));
  files_.sweep(now_us + 60'000'000);
  EXPECT_FALSE(is_there("sess_a"));
}

TEST_F(FilesTest, ASessionWithoutAVideoLeavesNothing) {
  ASSERT_TRUE(files_.save("sess_a", "screenshot", "x", "image/png"));
  files_.forget("sess_a", now_us);
  EXPECT_FALSE(is_there("sess_a"));
}

TEST_F(FilesTest, AVideoIsHandedOverAsAFile) {
  EXPECT_TRUE(files_.hand_over("sess_a").is_null());
  write_video("sess_a");
  auto const video = files_.hand_over("sess_a");
  EXPECT_EQ(video.at("uri"), "http://localhost:1/api/v1/sessions/sess_a/video");
  EXPECT_EQ(std::string_view(video.at("path").get_string()), root_ + "/files/sess_a/video.webm");
}

TEST_F(FilesTest, INF_07_WithoutRetentionTheVideoComesWholeAndIsGoneAfterwards) {
  settings_.video_retention_s = 0;
  write_video("sess_a");
  auto const video = files_.hand_over("sess_a");
  EXPECT_EQ(video.at("uri"), "data:video/webm;base64,ZmlsbQ==");
  EXPECT_TRUE(video.at("path").is_null());
  files_.forget("sess_a", now_us);
  EXPECT_FALSE(is_there("sess_a"));
}

TEST_F(FilesTest, WhatAnEarlierServerLeftGoesButForVideosThatAreKept) {
  ASSERT_TRUE(files_.save("sess_a", "screenshot", "x", "image/png"));
  ASSERT_TRUE(files_.save("sess_b", "screenshot", "x", "image/png"));
  write_video("sess_b");
  Files later(settings_);
  later.sweep_leftovers(Clock().now().utc_us);
  EXPECT_FALSE(is_there("sess_a"));
  EXPECT_TRUE(is_there("sess_b/video.webm"));
  later.sweep(Clock().now().utc_us + 61'000'000);
  EXPECT_FALSE(is_there("sess_b"));
}

TEST_F(FilesTest, WhatIsLentStaysInItsFolderWhateverItIsCalled) {
  auto const path = files_.lend("sess_a", "../../etc/pass\nwd", "x", {});
  ASSERT_TRUE(path);
  EXPECT_NE(path->find("/sojourn-browser-" + settings_.profile_key), std::string::npos);
  EXPECT_EQ(fs::path(*path).filename(), "passwd");
  EXPECT_EQ(fs::path(*files_.lend("sess_a", "..", "x", {})).filename(), "file");
  files_.forget("sess_a", now_us);
  EXPECT_FALSE(fs::exists(*path));
}

TEST_F(FilesTest, AFolderThatCannotBeMadeIsAnError) {
  std::ofstream(root_ + "/files") << "in the way";
  auto const file = files_.save("sess_a", "screenshot", "x", "image/png");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::cannot_create);
}

}  // namespace
}  // namespace sojourn

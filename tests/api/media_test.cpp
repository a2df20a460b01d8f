#include "api/media.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "app/temporary_folder.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

unsigned mode_of(std::string const& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
}

std::string read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Media, DataUrlsOfImagesAreRead) {
  auto const png = read_data_url("data:image/png;base64,iVBORwA=");
  ASSERT_TRUE(png);
  EXPECT_EQ(png->bytes, std::string("\x89PNG\0", 5));
  EXPECT_EQ(png->extension, "png");
  EXPECT_EQ(read_data_url("data:image/jpeg;base64,YQ==")->extension, "jpg");
  EXPECT_EQ(read_data_url("data:image/webp;base64,YQ==")->extension, "webp");
}

TEST(Media, WhatIsNoImageIsRefused) {
  for (std::string_view const url :
       {"", "data:", "data:image/png;base64,", "data:image/png;base64,!", "data:image/png;base64,YQ",
        "data:image/png,a", "data:image/svg+xml;base64,YQ==", "data:text/html;base64,YQ==", "http://example.com/a.png",
        "xdata:image/png;base64,YQ==", "data:image/png;base64,YQ==\n", "data:image/../png;base64,YQ=="}) {
    auto const read = read_data_url(url);
    ASSERT_FALSE(read) << url;
    EXPECT_EQ(read.error().code, Code::invalid);
  }
}

TEST(Media, AScreenshotIsAFileOfItsOwnerOnly) {
  TemporaryFolder const folder;
  auto const media = folder.path() + "/deep/media";
  Random random(1);
  std::string const bytes("\x89PNG\0\r\n", 7);
  auto const path = save_screenshot(media, {bytes, "png"}, 1'771'960'936'015, random);
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_TRUE(path->starts_with(media + "/screenshot_1771960936015_")) << *path;
  EXPECT_TRUE(path->ends_with(".png"));
  EXPECT_EQ(read_file(*path), bytes);
  EXPECT_EQ(mode_of(*path), 0600U);
  EXPECT_EQ(mode_of(media), 0700U);
  auto const second = save_screenshot(media, {bytes, "jpg"}, 1'771'960'936'015, random);
  ASSERT_TRUE(second);
  EXPECT_NE(*path, *second) << "two of the same millisecond";
}

TEST(Media, AScreenshotThatCanNotBeWrittenSaysWhere) {
  TemporaryFolder const folder;
  auto const file = folder.write("file", "");
  Random random(1);
  auto const path = save_screenshot(file + "/media", {"x", "png"}, 1, random);
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, Code::cannot_create);
  EXPECT_NE(path.error().message.find(file), std::string::npos);
  auto const full = save_screenshot("/dev/full/media", {"x", "png"}, 1, random);
  EXPECT_FALSE(full);
}

}  // namespace
}  // namespace sojourn

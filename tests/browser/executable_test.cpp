#include "browser/executable.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/browser_stage.h"

namespace sojourn {
namespace {

class ExecutableTest : public testing::Test, public test::BrowserStage {
 protected:
  std::string make(std::string const& name, mode_t mode = 0755) const {
    auto const file = data + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << "#!/bin/sh\n";
    chmod(file.c_str(), mode);
    return file;
  }
};

TEST_F(ExecutableTest, FindsEachKindWhereThePathSays) {
  auto const path = "relative::" + data + "/first:" + data + "/second";
  EXPECT_EQ(find_executables("", path).shell, "");
  EXPECT_EQ(find_executables("", path).full, "");
  auto const chrome = make("second/google-chrome");
  EXPECT_EQ(find_executables("", path).full, chrome);
  EXPECT_EQ(find_executables("", path).shell, "") << "one kind is not taken for the other";
  auto const chromium = make("second/chromium");
  EXPECT_EQ(find_executables("", path).full, chromium) << "a better name";
  auto const first = make("first/chromium");
  EXPECT_EQ(find_executables("", path).full, first) << "an earlier folder";
  auto const shell = make("first/chrome-headless-shell");
  EXPECT_EQ(find_executables("", path).shell, shell);
}

TEST_F(ExecutableTest, WhatCannotBeRunIsNone) {
  make("chromium", 0644);
  std::filesystem::create_directory(data + "/chromium-headless-shell");
  EXPECT_EQ(find_executables("", data).full, "");
  EXPECT_EQ(find_executables("", data).shell, "");
}

TEST_F(ExecutableTest, AConfiguredOneServesAsBothEvenIfItIsNotThere) {
  auto const script = make("my-browser");
  for (auto const* const configured : {"my-browser", "/nowhere/browser", "no-such-browser"}) {
    auto const found = find_executables(configured, data);
    EXPECT_EQ(found.shell, found.full);
    EXPECT_EQ(found.full, std::string(configured) == "my-browser" ? script : configured);
  }
}

}  // namespace
}  // namespace sojourn

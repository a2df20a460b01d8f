#include "browser/memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/browser_stage.h"

namespace sojourn {
namespace {

class MemoryTest : public testing::Test, public test::BrowserStage {
 protected:
  void write(std::string const& file, std::string const& text) const {
    auto const path = std::filesystem::path(data + file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
};

TEST_F(MemoryTest, IsThatOfTheMachine) {
  EXPECT_EQ(available_kib(data), 0) << "nobody knows";
  write("/proc/meminfo", "MemTotal:       24567 kB\nMemFree: 5 kB\nMemAvailable:   12345 kB\nBuffers: 1 kB\n");
  EXPECT_EQ(available_kib(data), 12345);
  write("/sys/fs/cgroup/memory.max", "max\n");
  write("/sys/fs/cgroup/memory.current", "4096\n");
  EXPECT_EQ(available_kib(data), 12345);
  EXPECT_GT(available_kib(), 0) << "of this one";
}

TEST_F(MemoryTest, IsThatOfTheContainerWhereItHasLess) {
  write("/proc/meminfo", "MemAvailable:   12345 kB\n");
  write("/sys/fs/cgroup/memory.max", "4096000\n");
  write("/sys/fs/cgroup/memory.current", "2048000\n");
  EXPECT_EQ(available_kib(data), 2000);
  write("/sys/fs/cgroup/memory.stat", "anon 5\nfile 77\ninactive_file 1024000\n");
  EXPECT_EQ(available_kib(data), 3000);
  write("/sys/fs/cgroup/memory.current", "9000000\n");
  EXPECT_EQ(available_kib(data), 0);
}

TEST_F(MemoryTest, SomethingIsKeptForEverybodyElse) {
  EXPECT_EQ(contexts_that_fit(0), 0U);
  EXPECT_EQ(contexts_that_fit(512 * 1024), 0U);
  EXPECT_EQ(contexts_that_fit((512 + 64) * 1024), 1U);
  EXPECT_EQ(contexts_that_fit(std::int64_t{1} << 40), 1000U);
}

}  // namespace
}  // namespace sojourn

#include "base/strays.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

namespace sojourn {
namespace {

// A process in a session whose first process is gone, which is ours by adoption.
pid_t make_stray(std::string mark, char const* seconds) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return 0;
  std::array<char*, 2> const environment{mark.data(), nullptr};
  auto const parent = fork();
  if (parent == 0) {
    setsid();
    auto const stray = fork();
    if (stray == 0) {
      execle("/bin/sleep", "sleep", seconds, nullptr, environment.data());
      _exit(1);
    }
    _exit(write(ends[1], &stray, sizeof(stray)) == sizeof(stray) ? 0 : 1);
  }
  pid_t stray = 0;
  if (read(ends[0], &stray, sizeof(stray)) != sizeof(stray)) stray = 0;
  waitpid(parent, nullptr, 0);
  for (auto const fd : ends) close(fd);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until it is another program
  return stray;
}

bool ends_all(Strays& strays) {
  for (int i = 0; i < 1000; ++i) {
    if (!strays.end()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

TEST(Strays, AMarkIsNobodyElses) {
  Strays const one;
  Strays const other;
  EXPECT_TRUE(one.mark().starts_with("SOJOURN_CHILD="));
  EXPECT_EQ(one.mark().size(), 30U);
  EXPECT_NE(one.mark(), other.mark());
}

TEST(Strays, ThoseWithTheMarkEndAndOthersStay) {
  Strays strays;
  auto const ours = make_stray(strays.mark(), "60");
  auto const others = make_stray(Strays().mark(), "60");
  EXPECT_TRUE(ends_all(strays));
  EXPECT_EQ(waitpid(ours, nullptr, WNOHANG), -1) << "not even a zombie is left";
  EXPECT_EQ(waitpid(others, nullptr, WNOHANG), 0) << "it lives";
  kill(others, SIGKILL);
  waitpid(others, nullptr, 0);
}

TEST(Strays, WhoeverHasEndedIsTakenButNobodysOwnChild) {
  auto const stray = make_stray("A=b", "0");
  auto const own = fork();
  if (own == 0) _exit(3);
  auto const leader = fork();
  if (leader == 0) {
    setsid();
    _exit(4);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Strays strays;
  EXPECT_FALSE(strays.end());
  EXPECT_EQ(waitpid(stray, nullptr, WNOHANG), -1);
  EXPECT_EQ(waitpid(own, nullptr, WNOHANG), own);
  EXPECT_EQ(waitpid(leader, nullptr, WNOHANG), leader);
}

}  // namespace
}  // namespace sojourn

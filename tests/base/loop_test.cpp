#include "base/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

namespace sojourn {
namespace {

class LoopTest : public testing::Test {
 protected:
  // Runs one iteration.
  void step(std::int64_t until_us = 0) {
    int turns = 0;
    loop.run([&] {
      if (++turns == 2 || until_us == 0) loop.stop();
      return until_us;
    });
  }

  std::array<int, 2> make_pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    return ends;
  }

  Loop loop;
};

TEST_F(LoopTest, TellsAWatchWhatItsDescriptorIsReadyFor) {
  auto const [near, far] = make_pair();
  std::uint32_t told = 0;
  Watch watch(loop, near, EPOLLIN, [&](std::uint32_t events) { told |= events; });
  step();
  EXPECT_EQ(told, 0u);
  ASSERT_EQ(write(far, "x", 1), 1);
  step();
  EXPECT_EQ(told, static_cast<std::uint32_t>(EPOLLIN));
  told = 0;
  step();
  EXPECT_EQ(told, static_cast<std::uint32_t>(EPOLLIN)) << "what was not read is told again";
  watch.want(EPOLLOUT);
  told = 0;
  step();
  EXPECT_EQ(told, static_cast<std::uint32_t>(EPOLLOUT));
  watch.want(0);
  told = 0;
  step();
  EXPECT_EQ(told, 0u);
  ::close(far);
  step();
  EXPECT_NE(told & EPOLLHUP, 0u) << "an end is told to everybody";
}

TEST_F(LoopTest, AClosedWatchHearsNothingOfTheSameBatch) {
  auto const [a, a_far] = make_pair();
  auto const [b, b_far] = make_pair();
  int told = 0;
  std::unique_ptr<Watch> first;
  std::unique_ptr<Watch> second;
  first = std::make_unique<Watch>(loop, a, EPOLLIN, [&](std::uint32_t) { ++told, second->close(); });
  second = std::make_unique<Watch>(loop, b, EPOLLIN, [&](std::uint32_t) { ++told, first->close(); });
  ASSERT_EQ(write(a_far, "x", 1), 1);
  ASSERT_EQ(write(b_far, "x", 1), 1);
  step();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE((first->fd() < 0) != (second->fd() < 0));
  ::close(a_far);
  ::close(b_far);
}

TEST_F(LoopTest, AFreedWatchHearsNothingOfTheSameBatch) {
  std::vector<int> far;
  std::vector<std::unique_ptr<Watch>> watches;
  int told = 0;
  for (int i = 0; i < 8; ++i) {
    auto const ends = make_pair();
    far.push_back(ends[1]);
    watches.push_back(std::make_unique<Watch>(loop, ends[0], EPOLLIN, [&, i](std::uint32_t) {
      ++told;
      for (int other = 0; other < 8; ++other) {
        if (other != i) watches[static_cast<std::size_t>(other)].reset();
      }
    }));
  }
  for (int const fd : far) ASSERT_EQ(write(fd, "x", 1), 1);
  step();
  EXPECT_EQ(told, 1);
  for (int const fd : far) ::close(fd);
}

TEST_F(LoopTest, AWatchOwnsItsDescriptor) {
  auto const [near, far] = make_pair();
  {
    Watch const watch(loop, near, EPOLLIN, [](std::uint32_t) {});
    EXPECT_GE(fcntl(near, F_GETFD), 0);
  }
  EXPECT_LT(fcntl(near, F_GETFD), 0);
  ::close(far);
  EXPECT_THROW(Watch(loop, 9999, EPOLLIN, [](std::uint32_t) {}), std::system_error);
}

TEST_F(LoopTest, AFreedWatchHearsNothingEvenIfAChildProcessHoldsItsDescriptor) {
  auto const [near, far] = make_pair();
  int told = 0;
  auto watch = std::make_unique<Watch>(loop, near, EPOLLIN, [&](std::uint32_t) { ++told; });
  int const copy = dup(near);  // as a child has one until it is another program
  watch.reset();
  ASSERT_EQ(write(far, "x", 1), 1);
  step();
  EXPECT_EQ(told, 0);
  ::close(copy);
  ::close(far);
}

TEST_F(LoopTest, ABorrowedDescriptorStaysOpenAndIsNotWatchedAfterwards) {
  auto const [near, far] = make_pair();
  int told = 0;
  {
    Watch watch(loop, Borrowed{near}, EPOLLIN, [&](std::uint32_t) { ++told; });
    EXPECT_EQ(watch.fd(), near);
    EXPECT_THROW(Watch(loop, Borrowed{near}, EPOLLIN, [](std::uint32_t) {}), std::system_error) << "watched already";
    EXPECT_GE(fcntl(near, F_GETFD), 0) << "one that was not watched is not closed";
    ASSERT_EQ(write(far, "x", 1), 1);
    step();
    EXPECT_EQ(told, 1);
  }
  EXPECT_GE(fcntl(near, F_GETFD), 0);
  step();
  EXPECT_EQ(told, 1);
  Watch const again(loop, near, EPOLLIN, [&](std::uint32_t) { told += 10; });
  step();
  EXPECT_EQ(told, 11) << "it may be watched again";
  ::close(far);
}

TEST_F(LoopTest, WhatIsPostedRunsOnceInTheNextIterationAndInOrder) {
  std::vector<int> ran;
  loop.post([&] {
    ran.push_back(1);
    loop.post([&] { ran.push_back(3); });
  });
  loop.post([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  step();
  EXPECT_EQ(ran, (std::vector{1, 2}));
  step();
  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
  step();
  EXPECT_EQ(ran.size(), 3u);
}

TEST_F(LoopTest, SleepsUntilTheMomentThatItsTurnNames) {
  Clock const clock;
  // A signal may wake it early, but not each time.
  std::int64_t slept_us = 0;
  for (int i = 0; i < 5 && slept_us < 29'000; ++i) {
    step();
    auto const start_us = loop.now().steady_us;
    step(clock.now().steady_us + 30'000);
    slept_us = loop.now().steady_us - start_us;
  }
  EXPECT_GE(slept_us, 29'000);
  auto const before_us = clock.now().steady_us;
  step(1);  // long ago
  EXPECT_LT(clock.now().steady_us - before_us, 20'000'000);
}

TEST_F(LoopTest, DoesNotSleepOverWhatWasPosted) {
  Clock const clock;
  bool ran = false;
  int turns = 0;
  auto const before_us = clock.now().steady_us;
  loop.run([&] {
    if (++turns == 1) loop.post([&] { ran = true; });
    if (turns == 2) loop.stop();
    return clock.now().steady_us + 30'000'000;
  });
  EXPECT_TRUE(ran);
  EXPECT_LT(clock.now().steady_us - before_us, 20'000'000);
}

}  // namespace
}  // namespace sojourn

#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sojourn {
namespace {

class MailboxTest : public testing::Test {
 protected:
  bool until(std::function<bool()> const& is_so) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    bool so = false;
    loop.run([&] {
      so = is_so();
      if (so || std::chrono::steady_clock::now() > end) loop.stop();
      return loop.now().steady_us + 10'000'000;  // only a letter wakes it
    });
    return so;
  }

  Loop loop;
};

TEST_F(MailboxTest, LettersRunOnTheLoopsThreadInTheirOrder) {
  Mailbox mailbox(loop);
  std::vector<int> ran;
  std::thread::id where;
  std::thread sender([&] {
    for (int i = 0; i < 100; ++i)
      mailbox.post([&, i] {
        where = std::this_thread::get_id();
        ran.push_back(i);
      });
  });
  EXPECT_TRUE(until([&] { return ran.size() == 100; }));
  sender.join();
  EXPECT_EQ(where, std::this_thread::get_id());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST_F(MailboxTest, WakesALoopThatSleeps) {
  Mailbox mailbox(loop);
  bool ran = false;
  std::thread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    mailbox.post([&] { ran = true; });
  });
  auto const begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(until([&] { return ran; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  sender.join();
}

TEST_F(MailboxTest, ManySendersLoseNothing) {
  Mailbox mailbox(loop);
  int ran = 0;
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i)
    senders.emplace_back([&] {
      for (int letter = 0; letter < 500; ++letter) mailbox.post([&] { ++ran; });
    });
  EXPECT_TRUE(until([&] { return ran == 2000; }));
  for (auto& sender : senders) sender.join();
}

TEST_F(MailboxTest, ALetterMaySendAnother) {
  Mailbox mailbox(loop);
  int ran = 0;
  std::function<void()> const again = [&] {
    if (++ran < 5) mailbox.post(again);
  };
  mailbox.post(again);
  EXPECT_TRUE(until([&] { return ran == 5; }));
}

TEST_F(MailboxTest, WhatIsNotOpenedWhenItEndsNeverRuns) {
  bool ran = false;
  auto const held = std::make_shared<int>(1);
  {
    Mailbox mailbox(loop);
    mailbox.post([&ran, held] { ran = true; });
  }
  EXPECT_EQ(held.use_count(), 1);
  int turns = 0;
  loop.run([&] {
    if (++turns > 3) loop.stop();
    return std::int64_t{0};
  });
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace sojourn

#include "base/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sojourn {
namespace {

// Keeps the jobs of a worker waiting until it is opened.
class Gate {
 public:
  std::function<void()> job() {
    return [this] {
      entered_.set_value();
      opened_.get_future().wait();
    };
  }
  void await_entry() { entered_.get_future().wait(); }
  void open() { opened_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> opened_;
};

class WorkerTest : public testing::Test {
 protected:
  // Runs the loop until `is_so` says yes; false when it has not within a few seconds.
  bool until(std::function<bool()> const& is_so) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    bool so = false;
    loop.run([&] {
      so = is_so();
      if (so || std::chrono::steady_clock::now() > end) loop.stop();
      return loop.now().steady_us + 1000;
    });
    return so;
  }
  // A few iterations, in which whatever is due is told.
  void pass() {
    int turns = 0;
    until([&] { return ++turns > 20; });
  }
  void note(std::string word) {
    std::lock_guard const lock(mutex);
    notes.push_back(std::move(word));
  }
  std::vector<std::string> take_notes() {
    std::lock_guard const lock(mutex);
    return std::exchange(notes, {});
  }

  Loop loop;
  std::mutex mutex;
  std::vector<std::string> notes;  // under mutex
};

TEST_F(WorkerTest, JobsRunOneAfterTheOtherInTheirOrder) {
  Worker worker(loop);
  std::atomic<int> under_way = 0;
  int done = 0;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    ASSERT_TRUE(worker.run(
        [&, i] {
          if (++under_way != 1) note("two at once");
          note(std::to_string(i));
          --under_way;
        },
        [&] { ++done; }));
  }
  EXPECT_TRUE(until([&] { return done == 20; }));
  EXPECT_EQ(take_notes(), expected);
}

TEST_F(WorkerTest, WhatFollowsRunsOnTheLoopsThreadInTheSameOrder) {
  Worker worker(loop);
  auto const loop_thread = std::this_thread::get_id();
  std::thread::id job_thread;
  std::vector<int> done;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(worker.run([&] { job_thread = std::this_thread::get_id(); },
                           [&, i] {
                             EXPECT_EQ(std::this_thread::get_id(), loop_thread);
                             done.push_back(i);
                           }));
  }
  EXPECT_TRUE(until([&] { return done.size() == 10; }));
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_NE(job_thread, loop_thread);
  EXPECT_NE(job_thread, std::thread::id());
}

TEST_F(WorkerTest, NothingFollowsBeforeItsJobIsDone) {
  Worker worker(loop);
  Gate gate;
  bool done = false;
  ASSERT_TRUE(worker.run(gate.job(), [&] { done = true; }));
  gate.await_entry();
  pass();
  EXPECT_FALSE(done) << "and the loop went on meanwhile";
  gate.open();
  EXPECT_TRUE(until([&] { return done; }));
}

TEST_F(WorkerTest, WhatPilesUpWhileTheLoopIsBusyIsAllTold) {
  Worker worker(loop);
  int done = 0;
  Gate last;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(worker.run([] {}, [&] { ++done; }));
  ASSERT_TRUE(worker.run(last.job(), [&] { ++done; }));
  last.await_entry();
  EXPECT_EQ(done, 0);
  EXPECT_TRUE(until([&] { return done == 10; }));
  last.open();
  EXPECT_TRUE(until([&] { return done == 11; }));
  pass();
  EXPECT_EQ(done, 11) << "each once";
}

TEST_F(WorkerTest, WhatFollowsMayGiveMoreWork) {
  Worker worker(loop);
  int done = 0;
  std::function<void()> const again = [&] {
    ++done;
    if (done == 5) return;
    EXPECT_TRUE(worker.run([] {}, again));
  };
  ASSERT_TRUE(worker.run([] {}, again));
  EXPECT_TRUE(until([&] { return done == 5; }));
}

TEST_F(WorkerTest, NoMoreThanSixtyFourWait) {
  Worker worker(loop);
  Gate gate;
  int done = 0;
  ASSERT_TRUE(worker.run(gate.job(), [] {}));
  gate.await_entry();
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(worker.run([] {}, [&] { ++done; })) << i;
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(worker.run([this] { note("a job that was refused ran"); }, [this] { note("and was told of"); }));
  gate.open();
  EXPECT_TRUE(until([&] { return done == 64; }));
  pass();
  EXPECT_EQ(take_notes(), std::vector<std::string>());
  EXPECT_TRUE(worker.run([] {}, [&] { ++done; })) << "there is room again";
  EXPECT_TRUE(until([&] { return done == 65; }));
}

TEST_F(WorkerTest, ItsEndWaitsForTheJobUnderWayAndDropsTheOthers) {
  auto worker = std::make_unique<Worker>(loop);
  Gate gate;
  std::atomic<bool> finished = false;
  ASSERT_TRUE(worker->run(
      [&, job = gate.job()] {
        job();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        finished = true;
      },
      [this] { note("told after the end"); }));
  auto const held = std::make_shared<int>(1);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(worker->run([this] { note("ran after the end"); }, [this, held] { note("told after the end"); }));
  gate.await_entry();
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    gate.open();
  });
  worker.reset();
  EXPECT_TRUE(finished);
  opener.join();
  pass();
  EXPECT_EQ(take_notes(), std::vector<std::string>());
  EXPECT_EQ(held.use_count(), 1) << "nothing of them is left behind";
}

TEST_F(WorkerTest, WhatIsDoneAndNotYetToldIsDroppedAtItsEnd) {
  auto worker = std::make_unique<Worker>(loop);
  Gate second;
  ASSERT_TRUE(worker->run([] {}, [this] { note("told after the end"); }));
  ASSERT_TRUE(worker->run(second.job(), [this] { note("told after the end"); }));
  second.await_entry();
  second.open();
  worker.reset();
  pass();
  EXPECT_EQ(take_notes(), std::vector<std::string>());
}

TEST_F(WorkerTest, OneThatNeverWorkedEndsToo) {
  for (int i = 0; i < 3; ++i) Worker const idle(loop);
  pass();
}

}  // namespace
}  // namespace sojourn

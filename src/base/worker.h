// A thread for slow work that needs no session, such as comparing passwords, so that the loop's never waits for it.
// Invariant: a job's `done` runs on the loop's thread, or never when this object has ended. Bounded.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/mailbox.h"

namespace sojourn {

class Worker {
 public:
  // `loop` outlives it.
  explicit Worker(Loop& loop);
  // Waits for the job under way; those that wait are dropped.
  ~Worker();
  Worker(Worker const&) = delete;
  Worker& operator=(Worker const&) = delete;

  // False when too many wait already: then neither runs.
  bool run(std::function<void()> job, std::function<void()> done);

 private:
  static constexpr std::size_t jobs_max = 64;
  struct Job {
    std::function<void()> job;
    std::function<void()> done;
  };

  void work();

  Mailbox mailbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;  // under mutex_
  bool ending_ = false;      // under mutex_
  std::thread thread_;       // started by the first job
};

}  // namespace sojourn

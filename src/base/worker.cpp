#include "base/worker.h"

#include <utility>

namespace sojourn {

Worker::Worker(Loop& loop) : mailbox_(loop) {}

Worker::~Worker() {
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Worker::run(std::function<void()> job, std::function<void()> done) {
  {
    std::lock_guard const lock(mutex_);
    if (waiting_.size() >= jobs_max) return false;
    waiting_.push_back({std::move(job), std::move(done)});
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_one();
  return true;
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    next.job();
    mailbox_.post(std::move(next.done));
    lock.lock();
  }
}

}  // namespace sojourn

#include "net/worker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

namespace sojourn {

Worker::Worker(Loop& loop)
    : watch_(loop, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), EPOLLIN, [this](std::uint32_t) { on_done(); }) {}

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
    lock.lock();
    done_.push_back(std::move(next.done));
    std::uint64_t const one = 1;
    if (write(watch_.fd(), &one, sizeof(one)) < 0) std::abort();  // an eventfd takes one write
  }
}

void Worker::on_done() {
  std::uint64_t count = 0;
  if (read(watch_.fd(), &count, sizeof(count)) != sizeof(count)) return;
  std::vector<std::function<void()>> done;
  {
    std::lock_guard const lock(mutex_);
    done.swap(done_);
  }
  for (auto const& each : done) each();
}

}  // namespace sojourn

// Functions that another thread hands over, and a loop that is turned by hand. For tests and benchmarks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace sojourn {

class Posts {
 public:
  // From any thread; lives no longer than this.
  std::function<void(std::function<void()>)> post() {
    return [this](std::function<void()> function) {
      {
        std::lock_guard const lock(mutex_);
        posted_.push_back(std::move(function));
      }
      changed_.notify_one();
    };
  }
  // One iteration: runs what is there, or waits a little for it.
  void turn(std::chrono::microseconds wait = std::chrono::milliseconds(1)) {
    std::deque<std::function<void()>> functions;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, wait, [this] { return !posted_.empty(); });
      functions.swap(posted_);
    }
    for (auto const& function : functions) function();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace sojourn

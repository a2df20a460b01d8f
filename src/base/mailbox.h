// Functions that other threads hand to a loop, to be run on its thread in the order in which they came.
// Invariant: what was handed over after the loop's last iteration, or is still there when this ends, never runs.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "base/loop.h"

namespace sojourn {

class Mailbox {
 public:
  // `loop` outlives it. On the loop's thread, or before it runs.
  explicit Mailbox(Loop& loop);
  Mailbox(Mailbox const&) = delete;
  Mailbox& operator=(Mailbox const&) = delete;

  // From any thread.
  void post(std::function<void()> function);

 private:
  void open_all();

  Watch watch_;
  std::mutex mutex_;
  std::vector<std::function<void()>> letters_;  // under mutex_
};

}  // namespace sojourn

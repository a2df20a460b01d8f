// What waits to be sent on one socket, as shared bytes: made once, queued often, copied never.
// Invariant: a buffer of which a part has gone stays first until all of it has gone. The loop's thread.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

#include "core/connection.h"

namespace sojourn {

class Outbox {
 public:
  void push(Bytes bytes);

  bool empty() const { return bytes_ == 0; }
  // Waiting, without what has gone already.
  std::size_t bytes() const { return bytes_; }
  // What waiting costs: many small buffers take more room than their bytes.
  std::size_t cost_bytes() const { return bytes_ + (queue_.size() - head_) * buffer_cost_bytes; }

  // Fills `parts` with what comes next, in order; returns how many were filled. They live until the next change.
  std::size_t peek(std::span<iovec> parts) const;

  // `count` bytes have gone.
  void drop(std::size_t count);

  // Forgets everything but the rest of a buffer of which a part has gone.
  void drop_unsent();

 private:
  static constexpr std::size_t buffer_cost_bytes = 64;

  std::vector<Bytes> queue_;
  std::size_t head_ = 0;    // entries of queue_ before it have gone
  std::size_t offset_ = 0;  // of the first entry, gone already
  std::size_t bytes_ = 0;
};

}  // namespace sojourn

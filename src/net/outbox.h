// What waits to be sent on one socket, as shared bytes: made once, queued often, copied never.
// Invariant: a buffer of which a part has gone stays first until all of it has gone; one buffer alone costs no
// allocation, none costs no memory. The loop's thread.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/connection.h"

namespace sojourn {

class Outbox {
 public:
  // Returns by how much cost_bytes() grew.
  std::size_t push(Bytes bytes) {
    auto const size = bytes->size();
    if (size == 0) return 0;
    open_ = nullptr;
    bytes_ += size;
    if (first_ == nullptr)
      first_ = std::move(bytes);
    else
      push_behind(std::move(bytes));
    return size + buffer_cost_bytes;
  }

  // Adds what `write` appends to a string, behind the last buffer or, if only this holds it and it is small, in it.
  // Returns by how much cost_bytes() grew.
  template <typename Write> std::size_t append(Write const& write) {
    if (open_ != nullptr && open_->size() < open_bytes_max) {
      auto const before = open_->size();
      write(*open_);
      bytes_ += open_->size() - before;
      return open_->size() - before;
    }
    auto bytes = std::make_shared<std::string>();
    write(*bytes);
    auto* const own = bytes.get();
    auto const grown = push(std::move(bytes));
    if (grown > 0) open_ = own;
    return grown;
  }

  bool empty() const { return bytes_ == 0; }
  // Waiting, without what has gone already.
  std::size_t bytes() const { return bytes_; }
  // What waiting costs: many small buffers take more room than their bytes.
  std::size_t cost_bytes() const { return bytes_ + buffer_count() * buffer_cost_bytes; }

  // Fills `parts` with what comes next, in order; returns how many were filled. They live until the next drop.
  std::size_t peek(std::span<iovec> parts) const;

  // `count` bytes have gone.
  void drop(std::size_t count);

  // Forgets everything but the rest of a buffer of which a part has gone.
  void drop_unsent();

 private:
  static constexpr std::size_t buffer_cost_bytes = 64;
  static constexpr std::size_t open_bytes_max = 16 * 1024;

  // What stands behind the first buffer.
  struct Rest {
    std::vector<Bytes> queue;
    std::size_t head = 0;  // entries before it have moved up
  };

  std::size_t buffer_count() const {
    return (first_ == nullptr ? 0U : 1U) + (rest_ == nullptr ? 0U : rest_->queue.size() - rest_->head);
  }
  void push_behind(Bytes bytes);
  void move_up();

  Bytes first_;
  std::unique_ptr<Rest> rest_;   // never empty
  std::string* open_ = nullptr;  // the last buffer, if it was made here
  std::size_t offset_ = 0;       // of the first, gone already
  std::size_t bytes_ = 0;
};

}  // namespace sojourn

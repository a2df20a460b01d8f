#include "net/outbox.h"

#include <algorithm>
#include <utility>

namespace sojourn {

void Outbox::push(Bytes bytes) {
  if (bytes->empty()) return;
  bytes_ += bytes->size();
  queue_.push_back(std::move(bytes));
}

std::size_t Outbox::peek(std::span<iovec> parts) const {
  auto const count = std::min(parts.size(), queue_.size() - head_);
  for (std::size_t i = 0; i < count; ++i) {
    auto const& bytes = *queue_[head_ + i];
    auto const skip = i == 0 ? offset_ : 0;
    parts[i] = {const_cast<char*>(bytes.data()) + skip, bytes.size() - skip};  // iovec has no const form
  }
  return count;
}

void Outbox::drop(std::size_t count) {
  bytes_ -= count;
  offset_ += count;
  while (head_ < queue_.size() && offset_ >= queue_[head_]->size()) {
    offset_ -= queue_[head_]->size();
    queue_[head_++].reset();
  }
  if (head_ == queue_.size()) {
    // An idle connection holds no memory here.
    std::vector<Bytes>().swap(queue_);
    head_ = 0;
  } else if (head_ > 64 && head_ * 2 > queue_.size()) {
    // Nor does one that is never quite empty keep the places of what has gone.
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void Outbox::drop_unsent() {
  std::size_t const kept = offset_ > 0 ? 1 : 0;
  queue_.resize(head_ + kept);
  bytes_ = kept == 1 ? queue_[head_]->size() - offset_ : 0;
  if (kept == 0) drop(0);
}

}  // namespace sojourn

#include "net/outbox.h"

#include <algorithm>

namespace sojourn {

void Outbox::push_behind(Bytes bytes) {
  if (rest_ == nullptr) rest_ = std::make_unique<Rest>();
  rest_->queue.push_back(std::move(bytes));
}

std::size_t Outbox::peek(std::span<iovec> parts) const {
  auto const count = std::min(parts.size(), buffer_count());
  for (std::size_t i = 0; i < count; ++i) {
    auto const& bytes = i == 0 ? *first_ : *rest_->queue[rest_->head + i - 1];
    auto const skip = i == 0 ? offset_ : 0;
    parts[i] = {const_cast<char*>(bytes.data()) + skip, bytes.size() - skip};  // iovec has no const form
  }
  return count;
}

void Outbox::drop(std::size_t count) {
  bytes_ -= count;
  offset_ += count;
  while (first_ != nullptr && offset_ >= first_->size()) {
    offset_ -= first_->size();
    if (first_.get() == open_) open_ = nullptr;
    first_.reset();
    if (rest_ != nullptr) move_up();
  }
}

void Outbox::move_up() {
  auto& [queue, head] = *rest_;
  first_ = std::move(queue[head++]);
  if (head == queue.size()) {
    rest_.reset();
  } else if (head > 64 && head * 2 > queue.size()) {
    // One that is never quite empty must not keep the places of what has gone.
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(head));
    head = 0;
  }
}

void Outbox::drop_unsent() {
  rest_.reset();
  open_ = nullptr;
  if (offset_ == 0) first_.reset();
  bytes_ = first_ == nullptr ? 0 : first_->size() - offset_;
}

}  // namespace sojourn

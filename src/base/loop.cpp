#include "base/loop.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sojourn {

Watch::Watch(Loop& loop, int fd, std::uint32_t events, OnReady on_ready)
    : loop_(loop), on_ready_(std::move(on_ready)), fd_(fd), events_(events) {
  int const why = begin();
  if (why == 0) return;
  ::close(fd_);
  throw std::system_error(why, std::generic_category(), "epoll_ctl");
}

Watch::Watch(Loop& loop, Borrowed borrowed, std::uint32_t events, OnReady on_ready)
    : loop_(loop), on_ready_(std::move(on_ready)), fd_(borrowed.fd), events_(events), is_borrowed_(true) {
  if (int const why = begin(); why != 0) throw std::system_error(why, std::generic_category(), "epoll_ctl");
}

Watch::~Watch() { close(); }

int Watch::begin() {
  epoll_event event{};
  event.events = events_;
  event.data.ptr = this;
  return epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, fd_, &event) == 0 ? 0 : errno;
}

void Watch::want(std::uint32_t events) {
  if (fd_ < 0 || events == events_) return;
  events_ = events;
  epoll_event event{};
  event.events = events;
  event.data.ptr = this;
  epoll_ctl(loop_.epoll_, EPOLL_CTL_MOD, fd_, &event);
}

void Watch::close() {
  if (fd_ < 0) return;
  loop_.forget(this);
  int const fd = std::exchange(fd_, -1);
  // Closing alone does not end it: while another thread makes a child process, that has a copy of the descriptor, and
  // epoll goes on to tell of it to whom is no more.
  epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, fd, nullptr);
  if (!is_borrowed_) ::close(fd);
}

Loop::Loop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      now_(clock_.now()),
      ready_(events_max),
      read_buffer_(std::make_unique<char[]>(read_buffer_bytes)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Loop::~Loop() { ::close(epoll_); }

void Loop::run(Turn const& turn) {
  std::int64_t until_us = 0;
  running_ = true;
  while (running_) {
    ready_count_ = epoll_wait(epoll_, ready_.data(), events_max, posted_.empty() ? sleep_ms(until_us) : 0);
    now_ = clock_.now();
    auto const posted = std::exchange(posted_, {});  // what handlers post now is for the next iteration
    for (int i = 0; i < ready_count_; ++i) {
      auto* watch = static_cast<Watch*>(ready_[static_cast<std::size_t>(i)].data.ptr);
      if (watch != nullptr) watch->on_ready_(ready_[static_cast<std::size_t>(i)].events);
    }
    ready_count_ = 0;
    for (auto const& function : posted) function();
    until_us = turn();
  }
}

// A handler may end another connection whose events stand later in the same batch.
void Loop::forget(Watch const* watch) {
  for (int i = 0; i < ready_count_; ++i) {
    auto& event = ready_[static_cast<std::size_t>(i)];
    if (event.data.ptr == watch) event.data.ptr = nullptr;
  }
}

int Loop::sleep_ms(std::int64_t until_us) const {
  constexpr std::int64_t longest_ms = 60'000;
  auto const left_us = until_us - clock_.now().steady_us;
  if (until_us == 0 || left_us <= 0) return 0;
  return static_cast<int>(std::min(left_us / 1000 + 1, longest_ms));
}

}  // namespace sojourn

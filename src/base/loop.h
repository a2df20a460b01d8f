// The event loop: readiness of sockets (epoll), functions posted for later, one shared read buffer.
// An iteration runs the handlers of what is ready, then the turn, which says how long to sleep.
// Asio's sockets cost an extra system call each time they are armed again and 2 KB each; this costs neither.
// One thread; nothing here may be called from another.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/time.h"

namespace sojourn {

class Loop;

// A descriptor that is watched for somebody else, who closes it after the watch.
struct Borrowed {
  int fd;
};

// A descriptor that the loop watches (level-triggered), for as long as this object lives. Owns the descriptor unless it
// is borrowed. Throws std::system_error when the system watches no more; a descriptor of its own is closed then too.
class Watch {
 public:
  using OnReady = std::function<void(std::uint32_t events)>;

  Watch(Loop& loop, int fd, std::uint32_t events, OnReady on_ready);
  Watch(Loop& loop, Borrowed borrowed, std::uint32_t events, OnReady on_ready);
  ~Watch();
  Watch(Watch const&) = delete;
  Watch& operator=(Watch const&) = delete;

  int fd() const { return fd_; }
  // EPOLLIN, EPOLLOUT or both or none; errors are always told.
  void want(std::uint32_t events);
  // Closes the descriptor now, or leaves a borrowed one to its owner; nothing is told afterwards.
  void close();

 private:
  friend class Loop;
  // The errno, or 0.
  int begin();

  Loop& loop_;
  OnReady on_ready_;
  int fd_;
  std::uint32_t events_;
  bool is_borrowed_ = false;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  // Ends each iteration; returns the steady time (us) until which the loop may sleep: 0 = not at all.
  using Turn = std::function<std::int64_t()>;

  // Runs until stop(), which ends the iteration that it is called in. May be run again.
  void run(Turn const& turn);
  void stop() { running_ = false; }

  // Runs `function` in the next iteration.
  void post(std::function<void()> function) { posted_.push_back(std::move(function)); }

  // The time at the start of this iteration.
  Moment now() const { return now_; }

  // For one read; whatever has to outlive the handler is copied.
  std::span<char> read_buffer() { return {read_buffer_.get(), read_buffer_bytes}; }

 private:
  friend class Watch;
  static constexpr std::size_t read_buffer_bytes = 64 * 1024;
  static constexpr int events_max = 256;

  void forget(Watch const* watch);
  int sleep_ms(std::int64_t until_us) const;

  int epoll_;
  bool running_ = false;
  Clock clock_;
  Moment now_;
  std::vector<epoll_event> ready_;
  int ready_count_ = 0;
  std::vector<std::function<void()>> posted_;
  std::unique_ptr<char[]> read_buffer_;
};

}  // namespace sojourn

#pragma once
// Waiting for many sockets at once.
// Invariant: each socket is named by the number that its owner gave it, as long as there is something to read.
// One thread.

#include <cstdint>
#include <functional>

namespace bench {

// Of a clock that only goes forward.
std::int64_t now_ns();

// An epoll set.
class Poller {
 public:
  Poller();
  Poller(Poller const&) = delete;
  Poller& operator=(Poller const&) = delete;
  ~Poller();

  void add(int fd, std::uint64_t number);
  void remove(int fd);

  // Waits for at most timeout_ms (-1: for ever, 0: not at all), then names each readable socket.
  void wait(int timeout_ms, std::function<void(std::uint64_t)> const& on_readable);

  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace bench

#pragma once
// Many extensions at once: WebSocket connections that shook hands and learnt their session ids from
// the `connected` frame, waiting in one epoll set.
// Invariant: an extension that is open has an id; pings are answered whenever the set is waited for.
// One thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "poller.h"
#include "wire.h"

namespace bench {

struct Extension {
  enum class State { upgrading, greeting, open, ended };

  explicit Extension(std::uint16_t port);

  // Reads and goes as far as the bytes allow; each further text message is given to on_text.
  void read(std::function<void(std::string_view)> const& on_text);

  Wire wire;
  State state = State::upgrading;
  std::string id;
  std::int64_t began_ns;
};

class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t window) : port_(port), window_(window) {}

  // Opens extensions until there are `total`, at most `window` handshakes at once.
  void open(std::size_t total);

  // Answers pings for a while.
  void rest(int duration_ms);

  // Answers pings until standard input ends.
  void hold();

  // Opens and closes `total` extensions beside those of the crowd, at most `window` at once. Returns the
  // nanoseconds from each connect to its `connected` frame.
  std::vector<std::int64_t> churn(std::size_t total);

  [[nodiscard]] Extension& at(std::size_t index) { return *extensions_[index]; }
  [[nodiscard]] std::size_t size() const { return extensions_.size(); }
  [[nodiscard]] Poller& poller() { return poller_; }

 private:
  void serve(int timeout_ms);

  std::uint16_t port_;
  std::size_t window_;
  Poller poller_;
  std::vector<std::unique_ptr<Extension>> extensions_;
};

}  // namespace bench

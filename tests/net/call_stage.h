// Outgoing calls on a stage: the caller, and a server of their other end on the same loop, which says what a test wrote
// down. Nothing moves by itself: a test steps the loop.
// Invariant: one thread; listens on a free loopback port; time is the machine's, so deadlines in tests are short.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "net/caller.h"

namespace sojourn::test {

// One connection that came in.
class Caught {
 public:
  Caught(Loop& loop, int fd, std::function<void(Caught&, std::string)> heard)
      : heard_(std::move(heard)), watch_(loop, fd, EPOLLIN, [this](std::uint32_t) { read_some(); }) {}

  bool is_open() const { return watch_.fd() >= 0; }
  void say(std::string_view text) {
    while (is_open() && !text.empty()) {
      ssize_t const count = ::send(watch_.fd(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void close() { watch_.close(); }
  void reset() {
    linger const at_once{1, 0};
    ::setsockopt(watch_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    watch_.close();
  }

 private:
  void read_some() {
    std::array<char, 65536> buffer{};
    ssize_t const count = ::recv(watch_.fd(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return watch_.close();
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    auto const end = text_.find("\r\n\r\n");
    if (end == text_.npos) return;
    std::size_t length = 0;
    if (auto const at = text_.find("Content-Length: "); at < end)
      std::from_chars(text_.data() + at + 16, text_.data() + end, length);
    if (text_.size() >= end + 4 + length) heard_(*this, std::exchange(text_, {}));
  }

  std::function<void(Caught&, std::string)> heard_;
  std::string text_;
  Watch watch_;
};

class CallStage {
 public:
  explicit CallStage(CallerOptions options = {}) {
    caller.emplace(loop, wheel, std::move(options));
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(fd, 128);
    socklen_t size = sizeof(address);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    listener_.emplace(loop, fd, EPOLLIN, [this](std::uint32_t) { accept(); });
  }

  // An answer with its length.
  static std::string answer(int status, std::string_view body, std::string_view more_fields = {}) {
    return "HTTP/1.1 " + std::to_string(status) +
           " Reason\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(more_fields) + "\r\n" + std::string(body);
  }

  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port) + std::string(path);
  }

  // One iteration of the loop.
  void step() {
    loop.run([this] {
      wheel.advance(loop.now().steady_us);
      loop.stop();
      return std::int64_t{0};
    });
  }
  // Steps until `is_so` says yes; false when it has not within `ms`.
  bool until(std::function<bool()> const& is_so, int ms = 5000) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < end) {
      step();
      if (is_so()) return true;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return is_so();
  }
  void pass(int ms) {
    until([] { return false; }, ms);
  }

  // Begins a call; its results, one or none, go to the returned place.
  struct Told {
    CallId id = 0;
    std::vector<Result<CallResult>> results;
    std::vector<std::string> pieces;
  };
  std::shared_ptr<Told> begin(Call call, bool hears_pieces = false) {
    auto told = std::make_shared<Told>();
    Caller::OnPiece on_piece;
    if (hears_pieces) on_piece = [told](std::string_view piece) { told->pieces.emplace_back(piece); };
    told->id =
        caller->call(std::move(call), on_piece, [told](auto result) { told->results.push_back(std::move(result)); });
    return told;
  }
  // The same, to its end.
  Result<CallResult> call(Call call) {
    auto const told = begin(std::move(call));
    if (!until([&] { return !told->results.empty(); })) return error(Code::internal, "nothing was told");
    return told->results.front();
  }
  Call to(std::string_view path = "/", std::int64_t timeout_us = 5'000'000) const {
    return {url(path), "{}", {}, timeout_us, 1'000'000};
  }

  Loop loop;
  TimerWheel wheel{loop.now().steady_us};
  std::optional<HttpCaller> caller;
  std::uint16_t port = 0;
  // What happens when a request has come in whole.
  std::function<void(Caught&)> on_request = [](Caught& caught) { caught.say(answer(200, "{}")); };
  std::vector<std::string> requests;
  std::vector<std::unique_ptr<Caught>> connections;

 private:
  void accept() {
    int const fd = ::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    int const on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connections.push_back(std::make_unique<Caught>(loop, fd, [this](Caught& caught, std::string request) {
      requests.push_back(std::move(request));
      on_request(caught);
    }));
  }

  std::optional<Watch> listener_;
};

}  // namespace sojourn::test

#pragma once
// A server that says what a test wrote down: it takes one request per connection and sends the next script's bytes.
// Invariant: listens on a free loopback port; its thread has ended when it is destroyed.
// Thread: the test's; requests() may be read once the client has its answer.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sojourn::test {

class ScriptedServer {
 public:
  // One script a connection; the last one serves all further connections. Script "" closes without an answer,
  // one that ends with "silence" sends what stands before that word and then nothing more.
  explicit ScriptedServer(std::vector<std::string> scripts, bool v6 = false) : scripts_(std::move(scripts)), v6_(v6) {
    listener_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a4{};
    a4.sin_family = AF_INET;
    a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 a6{};
    a6.sin6_family = AF_INET6;
    a6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    auto* const address = v6 ? reinterpret_cast<sockaddr*>(&a6) : reinterpret_cast<sockaddr*>(&a4);
    socklen_t size = v6 ? sizeof a6 : sizeof a4;
    is_listening_ = ::bind(listener_, address, size) == 0 && ::listen(listener_, 16) == 0;
    ::getsockname(listener_, address, &size);
    port_ = ntohs(v6 ? a6.sin6_port : a4.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    ending_ = true;
    thread_.join();
    ::close(listener_);
  }
  ScriptedServer(ScriptedServer const&) = delete;
  ScriptedServer& operator=(ScriptedServer const&) = delete;

  bool is_listening() const { return is_listening_; }
  std::uint16_t port() const { return port_; }
  std::string url() const { return (v6_ ? "http://[::1]:" : "http://127.0.0.1:") + std::to_string(port_); }
  std::vector<std::string> requests() const {
    std::lock_guard const lock(mutex_);
    return requests_;
  }

  // The beginning of an answer that ends with its connection.
  static std::string stream(std::string const& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body;
  }

  // An answer with its length.
  static std::string answer(int status, std::string const& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " Some Reason\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

 private:
  static constexpr std::string_view silence = "silence";

  bool wait(int socket) const {
    while (!ending_) {
      pollfd entry{socket, POLLIN, 0};
      if (::poll(&entry, 1, 10) > 0) return true;
    }
    return false;
  }

  std::string read_request(int socket) const {
    std::string text;
    std::array<char, 65536> buffer{};
    std::size_t end = std::string::npos;
    std::size_t length = 0;
    while (wait(socket)) {
      ssize_t const count = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
      end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      if (auto const at = text.find("Content-Length: "); at < end) {
        std::from_chars(text.data() + at + 16, text.data() + end, length);
      }
      if (text.size() >= end + 4 + length) break;
    }
    return text;
  }

  void serve() {
    for (std::size_t turn = 0; wait(listener_); ++turn) {
      int const socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      auto request = read_request(socket);
      {
        std::lock_guard const lock(mutex_);
        requests_.push_back(std::move(request));
      }
      auto const& script = scripts_[std::min(turn, scripts_.size() - 1)];
      bool const is_silent = script.ends_with(silence);
      send(socket, is_silent ? script.substr(0, script.size() - silence.size()) : script);
      if (is_silent) wait(socket);  // until the client gives up
      ::close(socket);
    }
  }

  // In two halves, so that clients have to put them together.
  static void send(int socket, std::string const& script) {
    std::size_t const half = script.size() / 2;
    ::send(socket, script.data(), half, MSG_NOSIGNAL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (std::size_t sent = half; sent < script.size();) {
      ssize_t const count = ::send(socket, script.data() + sent, script.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }

  std::vector<std::string> scripts_;
  bool v6_;
  bool is_listening_ = false;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// A loopback port at which nobody listens: bound and given back.
inline std::uint16_t find_unused_port() {
  ScriptedServer const server({""});
  return server.port();
}

}  // namespace sojourn::test

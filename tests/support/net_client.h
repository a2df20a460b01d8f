// A client of the stage: raw bytes out, answers and frames in. It steps the stage while it waits.
// One thread.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "support/net_stage.h"

namespace sojourn::test {

struct HttpAnswer {
  int status = 0;  // 0 = none came
  std::string head;
  std::string body;

  bool has(std::string_view line) const { return head.find(line) != head.npos; }
};

// A frame from the server; opcode -1 = none came.
struct Frame {
  int opcode = -1;
  std::string payload;
  int close_code = 0;
};

class NetClient {
 public:
  explicit NetClient(NetStage& stage, int send_buffer = 0) : stage_(stage), fd_(stage.connect(send_buffer)) {}
  // Takes over a connected, non-blocking socket.
  struct Connected {
    int fd;
  };
  NetClient(NetStage& stage, Connected connected) : stage_(stage), fd_(connected.fd) {}
  ~NetClient() { drop(); }
  NetClient(NetClient const&) = delete;
  NetClient& operator=(NetClient const&) = delete;

  // Sends all of it; false when the other end does not take it.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto const sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent < 0 && stuck_++ > 2000) return false;
      if (sent < 0) stage_.step();
    }
    return true;
  }
  // As much as fits in now.
  void send_some(std::string_view bytes) {
    if (!bytes.empty()) ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void get(std::string_view target, std::string_view fields = {}) {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost:5409\r\n" + std::string(fields) + "\r\n");
  }
  void half_close() { shutdown(fd_, SHUT_WR); }
  void drop() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  // Takes what has come, at most `bytes_max`.
  void poll(std::size_t bytes_max = ~std::size_t{0}) {
    std::array<char, 65536> buffer{};
    while (fd_ >= 0 && bytes_max > 0) {
      auto const count = recv(fd_, buffer.data(), std::min(buffer.size(), bytes_max), 0);
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        has_ended_ = true;
        return;
      }
      received += std::string_view(buffer.data(), static_cast<std::size_t>(count));
      bytes_max -= static_cast<std::size_t>(count);
    }
  }
  bool until(std::function<bool()> const& is_so, int ms = 3000) {
    return stage_.until(
        [&] {
          poll();
          return is_so();
        },
        ms);
  }
  // Whether the other end closes within `ms`.
  bool ends(int ms = 3000) {
    return until([this] { return has_ended_; }, ms);
  }
  bool has_ended() const { return has_ended_; }

  // The next answer, taken off what was received.
  HttpAnswer answer(bool without_body = false, int ms = 3000) {
    HttpAnswer next;
    std::size_t size = 0;
    auto const is_whole = [&] {
      auto const end = received.find("\r\n\r\n");
      if (end == received.npos) return false;
      next.head = received.substr(0, end + 2);
      std::size_t length = 0;
      if (auto const at = next.head.find("Content-Length: "); at != next.head.npos && !without_body)
        std::from_chars(next.head.data() + at + 16, next.head.data() + next.head.size(), length);
      size = end + 4 + length;
      return received.size() >= size;
    };
    if (!until([&] { return is_whole() || has_ended_; }, ms) || !is_whole()) return {};
    next.body = received.substr(next.head.size() + 2, size - next.head.size() - 2);
    next.status = std::stoi(next.head.substr(9, 3));
    received.erase(0, size);
    return next;
  }

  // Becomes a WebSocket; the status of the answer.
  int upgrade(std::string_view target = "/ws", std::string_view behind = {}) {
    send(handshake(target) + std::string(behind));
    return answer().status;
  }
  static std::string handshake(std::string_view target) {
    return "GET " + std::string(target) +
           " HTTP/1.1\r\nHost: localhost:5409\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  }
  // One masked frame.
  static std::string frame_of(int opcode, std::string_view payload) {
    constexpr std::string_view mask = "\x37\xfa\x21\x3d";
    std::string out(1, static_cast<char>(0x80 | opcode));
    if (payload.size() < 126) {
      out += static_cast<char>(0x80 | payload.size());
    } else {
      out += '\xfe';
      out += static_cast<char>(payload.size() >> 8U);
      out += static_cast<char>(payload.size() & 0xffU);
    }
    out += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
    return out;
  }
  static std::string close_of(int code) {
    std::string const payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return frame_of(8, payload);
  }
  bool say(std::string_view text) { return send(frame_of(1, text)); }

  // The next frame, taken off what was received.
  Frame frame(int ms = 3000) {
    Frame next;
    until([&] { return take_frame(next) || has_ended_; }, ms);
    return next;
  }

  std::string received;

 private:
  bool take_frame(Frame& frame) {
    auto const byte = [this](std::size_t at) {
      return static_cast<std::size_t>(static_cast<unsigned char>(received[at]));
    };
    if (received.size() < 2) return false;
    std::size_t size = byte(1);
    std::size_t head = 2;
    std::size_t const extra = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (received.size() < head + extra) return false;
    if (extra != 0) size = 0;
    for (; head < 2 + extra; ++head) size = size * 256 + byte(head);
    if (received.size() < head + size) return false;
    frame.opcode = static_cast<int>(byte(0) & 15U);
    frame.payload = received.substr(head, size);
    if (frame.opcode == 8 && size >= 2) {
      frame.close_code = static_cast<int>(byte(head) * 256 + byte(head + 1));
      frame.payload.erase(0, 2);
    }
    received.erase(0, head + size);
    return true;
  }

  NetStage& stage_;
  int fd_;
  int stuck_ = 0;
  bool has_ended_ = false;
};

}  // namespace sojourn::test

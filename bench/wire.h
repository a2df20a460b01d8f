#pragma once
// A client's end of one connection to the door: HTTP/1.1 answers with a Content-Length, and WebSocket
// frames after a handshake. Loopback only, raw sockets.
// Invariant: a surprise (refusal, wrong accept key, masked or fragmented frame, early end) ends the
// program with a message, so that a figure never stands for work that was not done.
// One thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

// Prints what went wrong and exits with status 1.
[[noreturn]] void fail(std::string const& what);

struct Answer {
  int status = 0;
  std::string_view body;
};

struct Frame {
  int opcode = 0;
  std::string_view payload;
};

// A connected, non-blocking socket and the bytes that arrived on it and were not taken yet.
class Wire {
 public:
  // How much the kernel keeps for a reader: `little` is what a stalled reader far away would have.
  enum class Room { usual, little };

  // Connects to 127.0.0.1:port; the kernel completes it before the server accepts.
  explicit Wire(std::uint16_t port, Room room = Room::usual);
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&&) = delete;
  ~Wire() { shut(); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  // All of it at once: what is sent here fits into an empty socket buffer.
  void send(std::string_view bytes);

  // Reads what is there. False at the end of the stream.
  bool receive();

  // The next whole answer or frame. Views live until the next receive().
  std::optional<Answer> take_answer();
  std::optional<Frame> take_frame();

  void shut();

 private:
  void drop_taken();

  int fd_ = -1;
  std::size_t taken_ = 0;
  std::string in_;
};

// The upgrade request, and whether the answer to it is the one RFC 6455 asks for.
std::string handshake_request(std::uint16_t port, std::string_view target = "/ws");
bool is_handshake_answer(std::string_view head);

// The first string member `name` of compact JSON; ends the program when there is none.
std::string find_member(std::string_view json, std::string_view name);

// Frames of a client, masked with the key 0. Payloads of pongs are short, of texts shorter than 64 KiB.
std::string text_frame(std::string_view payload);
std::string pong_frame(std::string_view payload);
std::string close_frame();

}  // namespace bench

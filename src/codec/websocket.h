#pragma once
// WebSocket (RFC 6455), the server's side, as a machine over bytes: frames in, messages out.
// Invariant: how the bytes are cut into calls never changes what comes out; memory held is bounded by
// bytes received and by the message limit, whatever the number of fragments; an idle decoder has no heap.
// Thread: a value; no sharing. No socket, no clock.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "codec/deflate.h"

namespace sojourn::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Close codes, RFC 6455 section 7.4.1 and its registry. close_none is never sent: it says that a close
// frame carried no code.
inline constexpr std::uint16_t close_normal = 1000;
inline constexpr std::uint16_t close_going_away = 1001;
inline constexpr std::uint16_t close_protocol = 1002;
inline constexpr std::uint16_t close_unsupported = 1003;
inline constexpr std::uint16_t close_none = 1005;
inline constexpr std::uint16_t close_bad_utf8 = 1007;
inline constexpr std::uint16_t close_policy = 1008;
inline constexpr std::uint16_t close_too_big = 1009;
inline constexpr std::uint16_t close_internal = 1011;
inline constexpr std::uint16_t close_restart = 1012;

// One whole message or control frame: text, binary, ping, pong or close. For close the payload is the
// reason, and close_code is close_none when the frame had none; for all others close_code is 0.
struct Item {
  Opcode opcode = Opcode::continuation;
  std::string_view payload;
  std::uint16_t close_code = 0;
};

// Why a connection has to be failed: the code to close it with, and a short ASCII text fit for the
// reason of the close frame (static storage).
struct Failure {
  std::uint16_t close_code;
  char const* reason;
};

// Reads what one client sends after the handshake.
class Decoder {
 public:
  enum class Status { need_more, item, failed };

  // A message, all its fragments together and inflated, may have up to message_bytes_max bytes of payload.
  explicit Decoder(std::size_t message_bytes_max, Compression compression = Compression::off) noexcept;
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  // Consumes from the front of `input`, advancing it; payloads are unmasked in place.
  // need_more: all of input is consumed; what is unfinished has been copied.
  // item: item() is valid until the next call or until input's bytes change; input may hold more.
  // failed: all of input is consumed, failure() says why, and every later call fails too.
  // After a close item all further bytes are consumed and ignored (need_more).
  // Call it until it needs more: that last call also frees the buffer of a gathered message.
  Status next(std::span<char>& input);

  // Only after Status::item.
  [[nodiscard]] Item const& item() const noexcept { return item_; }

  // Only after Status::failed. close_protocol, close_bad_utf8 or close_too_big.
  [[nodiscard]] Failure const& failure() const noexcept { return *failure_; }

  // Heap bytes held for what is unfinished; 0 when idle, and at most about twice the bytes received. A message
  // that was compressed is unfinished until the call after the one that handed it out.
  [[nodiscard]] std::size_t held_bytes() const noexcept;

 private:
  struct Frame;
  struct Pending;

  Status read(std::span<char>& input);
  bool read_header(std::span<char>& input, Frame& frame);
  bool parse_header(std::span<char const> bytes, Frame& frame);
  void open_frame(Frame const& frame);
  bool gather(std::span<char>& input);
  bool finish_frame();
  bool take_whole(std::span<char>& input, Frame const& frame);
  bool take_compressed(Opcode opcode, std::string_view payload);
  std::size_t bytes_max(bool compressed) const noexcept;
  bool take_control(Opcode opcode, std::string_view payload);
  bool take_close(std::string_view payload);
  bool hand_out(Item const& item) noexcept;
  bool refuse(Failure const& failure) noexcept;

  std::size_t message_bytes_max_;
  std::unique_ptr<Pending> pending_;
  Item item_;
  Failure const* failure_ = nullptr;
  Compression compression_;
  bool closed_ = false;
};

// Appends one unmasked, unfragmented frame. A control frame's payload has at most 125 bytes.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);

// The same of a message, compressed where that makes it smaller and is worth the while; window_bits as agreed on, 0 =
// there is no compression.
void append_message(std::string& out, Opcode opcode, std::string_view payload, int window_bits);

// Appends a close frame; a reason over 123 bytes is cut at a character's boundary. With close_none the
// payload is empty and the reason is dropped.
void append_close(std::string& out, std::uint16_t code, std::string_view reason);

// The value of Sec-WebSocket-Accept (section 4.2.2, step 5.4) for a client's Sec-WebSocket-Key.
[[nodiscard]] std::string accept_key(std::string_view sec_websocket_key);

// Whether a Sec-WebSocket-Key is the base64 of 16 bytes (section 4.2.1).
[[nodiscard]] bool is_valid_key(std::string_view sec_websocket_key);

}  // namespace sojourn::websocket

#include "codec/websocket.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/crypto.h"
#include "base/utf8.h"

namespace sojourn::websocket {
namespace {

constexpr std::size_t header_bytes_max = 14;
constexpr std::size_t control_bytes_max = 125;
constexpr std::size_t close_reason_bytes_max = control_bytes_max - 2;
constexpr std::uint8_t last_bit = 0x80;
constexpr std::uint8_t compressed_bit = 0x40;  // RSV1 (RFC 7692, section 6)
// A message below that fits into a packet anyway.
constexpr std::size_t compressed_bytes_min = 1024;

constexpr Failure reserved_bits{close_protocol, "reserved bits are set"};
constexpr Failure unknown_opcode{close_protocol, "unknown opcode"};
constexpr Failure fragmented_control{close_protocol, "control frame is fragmented"};
constexpr Failure long_control{close_protocol, "control frame is longer than 125 bytes"};
constexpr Failure stray_continuation{close_protocol, "continuation without a message"};
constexpr Failure nested_message{close_protocol, "new message inside a fragmented one"};
constexpr Failure unmasked{close_protocol, "client frame is not masked"};
constexpr Failure long_length{close_protocol, "length is not in its shortest form"};
constexpr Failure huge_length{close_protocol, "length has its top bit set"};
constexpr Failure short_close{close_protocol, "close frame with half a code"};
constexpr Failure bad_close_code{close_protocol, "close code is not allowed"};
constexpr Failure bad_text{close_bad_utf8, "text is not UTF-8"};
constexpr Failure bad_reason{close_bad_utf8, "close reason is not UTF-8"};
constexpr Failure damaged{close_bad_utf8, "compressed data is damaged"};
constexpr Failure too_big{close_too_big, "message is too big"};

constexpr bool is_control(Opcode opcode) noexcept { return static_cast<std::uint8_t>(opcode) >= 8; }

constexpr bool is_known(Opcode opcode) noexcept {
  auto const value = static_cast<std::uint8_t>(opcode);
  return value <= 2 || (value >= 8 && value <= 10);
}

constexpr bool is_first_of_message(Opcode opcode) noexcept {
  return opcode == Opcode::text || opcode == Opcode::binary;
}

// Section 7.4 and the registry: what may stand in a close frame.
constexpr bool is_sendable(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

unsigned char byte_at(std::span<char const> bytes, std::size_t at) noexcept {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint64_t read_big_endian(std::span<char const> bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) value = (value << 8) | byte_at(bytes, at);
  return value;
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xFF));
}

// Section 5.2, without a mask and with the shortest length.
void append_header(std::string& out, std::uint8_t first, std::size_t size) {
  out.push_back(static_cast<char>(first));
  if (size <= 125) {
    out.push_back(static_cast<char>(size));
  } else if (size <= 0xFFFF) {
    out.push_back(126);
    append_big_endian(out, size, 2);
  } else {
    out.push_back(127);
    append_big_endian(out, size, 8);
  }
}

// Section 5.3. `offset` is the place of bytes[0] in its frame's payload.
void unmask(std::span<char> bytes, std::array<char, 4> const& mask, std::uint64_t offset) noexcept {
  std::array<char, 8> turned{};
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(offset + i) % 4];
  std::uint64_t key;
  std::memcpy(&key, turned.data(), 8);
  std::size_t at = 0;
  for (; bytes.size() - at >= 8; at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, bytes.data() + at, 8);
    eight ^= key;
    std::memcpy(bytes.data() + at, &eight, 8);
  }
  for (std::size_t i = 0; at < bytes.size(); ++at, ++i) bytes[at] = static_cast<char>(bytes[at] ^ turned[i]);
}

std::string_view view_of(std::span<char const> bytes) noexcept { return {bytes.data(), bytes.size()}; }

}  // namespace

struct Decoder::Frame {
  bool last = true;
  bool compressed = false;
  Opcode opcode = Opcode::continuation;
  std::array<char, 4> mask{};
  std::uint64_t length = 0;
  std::size_t header_size = 0;

  // Neither gathered so far nor to be gathered: one frame that is an item of its own.
  [[nodiscard]] bool is_alone() const noexcept {
    return is_control(opcode) || (last && opcode != Opcode::continuation);
  }
};

// What has to be remembered between two calls. It exists only while something is unfinished, and until
// the call after the one that handed out a view of it.
struct Decoder::Pending {
  std::string message;
  std::string control;
  Frame frame;
  std::uint64_t frame_read = 0;
  std::array<char, header_bytes_max> header{};
  std::uint8_t header_size = 0;
  Utf8 utf8;
  Opcode message_opcode = Opcode::continuation;
  bool in_frame = false;
  bool in_message = false;
  bool compressed = false;  // the message

  [[nodiscard]] bool is_idle() const noexcept { return header_size == 0 && !in_frame && !in_message; }
};

Decoder::Decoder(std::size_t message_bytes_max, Compression compression) noexcept
    : message_bytes_max_(message_bytes_max), compression_(compression) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

std::size_t Decoder::held_bytes() const noexcept {
  if (!pending_) return 0;
  return sizeof(Pending) + pending_->message.capacity() + pending_->control.capacity();
}

Decoder::Status Decoder::next(std::span<char>& input) {
  if (pending_ && (closed_ || pending_->is_idle())) pending_.reset();
  auto status = failure_ != nullptr ? Status::failed : Status::need_more;
  if (failure_ == nullptr && !closed_) status = read(input);
  if (status != Status::item) input = input.last(0);
  return status;
}

// The steps below say true when they are through. After false either a failure is set, or bytes are
// missing, or (finish_frame) the message goes on.
Decoder::Status Decoder::read(std::span<char>& input) {
  while (failure_ == nullptr) {
    if (!pending_ || !pending_->in_frame) {
      Frame frame;
      if (!read_header(input, frame)) break;
      if (frame.is_alone() && frame.length <= input.size()) {
        return take_whole(input, frame) ? Status::item : Status::failed;
      }
      open_frame(frame);
    }
    if (!gather(input)) break;
    if (finish_frame()) return Status::item;
  }
  return failure_ != nullptr ? Status::failed : Status::need_more;
}

// Reads from the input itself when nothing is kept of the header, else goes on byte by byte.
bool Decoder::read_header(std::span<char>& input, Frame& frame) {
  if (!pending_ || pending_->header_size == 0) {
    if (parse_header(input, frame)) {
      input = input.subspan(frame.header_size);
      return true;
    }
    if (failure_ != nullptr || input.empty()) return false;
    if (!pending_) pending_ = std::make_unique<Pending>();
    std::copy(input.begin(), input.end(), pending_->header.begin());
    pending_->header_size = static_cast<std::uint8_t>(input.size());
    input = input.last(0);
    return false;
  }
  while (!input.empty()) {
    pending_->header[pending_->header_size++] = input.front();
    input = input.subspan(1);
    if (parse_header({pending_->header.data(), pending_->header_size}, frame)) {
      pending_->header_size = 0;
      return true;
    }
    if (failure_ != nullptr) break;
  }
  return false;
}

// Section 5.2, refusing at the first byte that shows the fault. False: refused, or bytes are missing.
bool Decoder::parse_header(std::span<char const> bytes, Frame& frame) {
  if (bytes.empty()) return false;
  bool const in_message = pending_ && pending_->in_message;
  auto const first = byte_at(bytes, 0);
  frame.last = (first & last_bit) != 0;
  frame.compressed = (first & compressed_bit) != 0;
  frame.opcode = static_cast<Opcode>(first & 0x0F);
  bool const may_be_compressed = compression_ != Compression::off && is_first_of_message(frame.opcode);
  if ((first & (may_be_compressed ? 0x30 : 0x70)) != 0) return refuse(reserved_bits);
  if (!is_known(frame.opcode)) return refuse(unknown_opcode);
  if (is_control(frame.opcode)) {
    if (!frame.last) return refuse(fragmented_control);
  } else if ((frame.opcode == Opcode::continuation) != in_message) {
    return refuse(in_message ? nested_message : stray_continuation);
  }

  if (bytes.size() < 2) return false;
  auto const second = byte_at(bytes, 1);
  frame.length = second & 0x7F;
  if ((second & 0x80) == 0) return refuse(unmasked);
  if (is_control(frame.opcode) && frame.length > control_bytes_max) return refuse(long_control);
  std::size_t const extra = frame.length < 126 ? 0 : frame.length == 126 ? 2 : 8;
  if (bytes.size() < 2 + extra) return false;
  if (extra != 0) {
    frame.length = read_big_endian(bytes.subspan(2, extra));
    if (frame.length <= (extra == 2 ? 125U : 0xFFFFU)) return refuse(long_length);
    if ((frame.length >> 63) != 0) return refuse(huge_length);
  }
  std::size_t const gathered = in_message ? pending_->message.size() : 0;
  bool const compressed = in_message ? pending_->compressed : frame.compressed;
  if (!is_control(frame.opcode) && frame.length > bytes_max(compressed) - gathered) return refuse(too_big);

  frame.header_size = 2 + extra + frame.mask.size();
  if (bytes.size() < frame.header_size) return false;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(2 + extra), frame.mask.size(), frame.mask.begin());
  return true;
}

void Decoder::open_frame(Frame const& frame) {
  if (!pending_) pending_ = std::make_unique<Pending>();
  pending_->frame = frame;
  pending_->frame_read = 0;
  pending_->in_frame = true;
  if (is_control(frame.opcode)) {
    pending_->control.clear();
  } else if (frame.opcode != Opcode::continuation) {
    pending_->in_message = true;
    pending_->message_opcode = frame.opcode;
    pending_->compressed = frame.compressed;
  }
}

// Takes what input has of the open frame's payload. The string grows with the bytes received and never
// by the length that a header declares.
bool Decoder::gather(std::span<char>& input) {
  auto& held = *pending_;
  auto const missing = held.frame.length - held.frame_read;
  auto const part = input.first(static_cast<std::size_t>(std::min<std::uint64_t>(missing, input.size())));
  unmask(part, held.frame.mask, held.frame_read);
  if (is_control(held.frame.opcode)) {
    held.control.append(view_of(part));
  } else {
    bool const is_text = held.message_opcode == Opcode::text && !held.compressed;
    if (is_text && !held.utf8.feed(view_of(part))) return refuse(bad_text);
    held.message.append(view_of(part));
  }
  held.frame_read += part.size();
  input = input.subspan(part.size());
  return held.frame_read == held.frame.length;
}

bool Decoder::finish_frame() {
  auto& held = *pending_;
  held.in_frame = false;
  if (is_control(held.frame.opcode)) return take_control(held.frame.opcode, held.control);
  if (!held.frame.last) return false;
  held.in_message = false;
  if (held.compressed) return take_compressed(held.message_opcode, std::exchange(held.message, {}));
  if (held.message_opcode == Opcode::text && !held.utf8.complete()) return refuse(bad_text);
  return hand_out({held.message_opcode, held.message});
}

bool Decoder::take_whole(std::span<char>& input, Frame const& frame) {
  auto const bytes = input.first(static_cast<std::size_t>(frame.length));
  unmask(bytes, frame.mask, 0);
  input = input.subspan(bytes.size());
  auto const payload = view_of(bytes);
  if (is_control(frame.opcode)) return take_control(frame.opcode, payload);
  if (frame.compressed) return take_compressed(frame.opcode, payload);
  if (frame.opcode == Opcode::text && !is_utf8(payload)) return refuse(bad_text);
  return hand_out({frame.opcode, payload});
}

// Only whole messages are inflated: one that is gathered costs what was sent of it and no state of an inflater.
bool Decoder::take_compressed(Opcode opcode, std::string_view payload) {
  if (!pending_) pending_ = std::make_unique<Pending>();
  auto& message = pending_->message;
  auto const inflated = inflate_message(message, payload, message_bytes_max_);
  if (inflated == Inflated::too_big) return refuse(too_big);
  if (inflated == Inflated::damaged) return refuse(damaged);
  if (opcode == Opcode::text && !is_utf8(message)) return refuse(bad_text);
  return hand_out({opcode, message});
}

// Of a message as it is sent: what can't be compressed grows by it.
std::size_t Decoder::bytes_max(bool compressed) const noexcept {
  return compressed ? message_bytes_max_ + message_bytes_max_ / 8 + 64 : message_bytes_max_;
}

bool Decoder::take_control(Opcode opcode, std::string_view payload) {
  return opcode == Opcode::close ? take_close(payload) : hand_out({opcode, payload});
}

// Section 5.5.1.
bool Decoder::take_close(std::string_view payload) {
  Item item{Opcode::close, {}, close_none};
  if (payload.size() == 1) return refuse(short_close);
  if (!payload.empty()) {
    item.close_code = static_cast<std::uint16_t>(read_big_endian(payload.substr(0, 2)));
    item.payload = payload.substr(2);
    if (!is_sendable(item.close_code)) return refuse(bad_close_code);
    if (!is_utf8(item.payload)) return refuse(bad_reason);
  }
  closed_ = true;
  return hand_out(item);
}

bool Decoder::hand_out(Item const& item) noexcept {
  item_ = item;
  return true;
}

bool Decoder::refuse(Failure const& failure) noexcept {
  failure_ = &failure;
  pending_.reset();
  return false;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
  assert(!is_control(opcode) || payload.size() <= control_bytes_max);
  append_header(out, static_cast<std::uint8_t>(last_bit | static_cast<std::uint8_t>(opcode)), payload.size());
  out.append(payload);
}

void append_message(std::string& out, Opcode opcode, std::string_view payload, int window_bits) {
  if (window_bits == 0 || payload.size() < compressed_bytes_min) return append_frame(out, opcode, payload);
  std::string smaller;
  deflate_message(smaller, payload, window_bits);
  if (smaller.size() >= payload.size()) return append_frame(out, opcode, payload);
  auto const first = last_bit | compressed_bit | static_cast<std::uint8_t>(opcode);
  append_header(out, static_cast<std::uint8_t>(first), smaller.size());
  out.append(smaller);
}

void append_close(std::string& out, std::uint16_t code, std::string_view reason) {
  std::string payload;
  if (code != close_none) {
    auto cut = std::min(reason.size(), close_reason_bytes_max);
    while (cut > 0 && cut < reason.size() && (static_cast<unsigned char>(reason[cut]) & 0xC0) == 0x80) --cut;
    append_big_endian(payload, code, 2);
    payload.append(reason.substr(0, cut));
  }
  append_frame(out, Opcode::close, payload);
}

std::string accept_key(std::string_view sec_websocket_key) {
  std::string text(sec_websocket_key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return base64_encode(sha1(text));
}

bool is_valid_key(std::string_view sec_websocket_key) {
  std::string bytes;
  return base64_decode(sec_websocket_key, bytes) && bytes.size() == 16;
}

}  // namespace sojourn::websocket

#pragma once
// Engine.IO packets, protocol revisions 4 and 3, as they stand in WebSocket messages and in the bodies of polling.
// What is to be sent is kept as a body of revision 4, a "payload": packets apart by U+001E, bytes as "b" and base64. It
// is what polls are answered with, and is cut into messages where there is a WebSocket.
// Invariant: what is read is whole or an error; whatever the bytes, nothing of more than their size is kept.
// Thread: values; no sharing. No socket, no clock.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sojourn::engine_io {

enum class Revision : std::uint8_t { v3 = 3, v4 = 4 };

enum class Type : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

struct Packet {
  Type type = Type::noop;
  std::string data;
  bool is_binary = false;  // bytes rather than text; only messages are
};

inline constexpr std::size_t packets_max = 10'000;  // of one body

// A text message of a WebSocket: "4hello". A binary one is a message's bytes and needs no reading. Code::invalid.
Result<Packet> read_text(std::string_view text);
// The same of revision 3, where bytes may be text too: "b4AQID".
Result<Packet> read_text_v3(std::string_view text);
// A binary message of a WebSocket: of revision 3 the first byte is the packet's type.
Result<Packet> read_bytes(std::string_view bytes, Revision revision);
// The body of a polling request. Code::invalid: one of its packets is none, or there are none, or too many.
Result<std::vector<Packet>> read_body(std::string_view body);
// The same of revision 3: "6:4hello", counted in units of UTF-16, or with the lengths as bytes
// (application/octet-stream).
Result<std::vector<Packet>> read_body_v3(std::string_view body, bool is_binary);

// The text message. Not for bytes, which a WebSocket has messages of their own for.
std::string to_text(Packet const& packet);
// Adds a packet to a payload.
void append_body(std::string& payload, Packet const& packet);
// Adds a payload to another.
void append_payload(std::string& out, std::string_view payload);
// The payload as WebSocket frames, one for each packet.
void append_frames(std::string& out, std::string_view payload);
// The same of revision 3; bytes are text for clients that want no others.
void append_frames_v3(std::string& out, std::string_view payload, bool as_text);
// Whether there are bytes among the packets.
bool has_bytes(std::string_view payload);
// The payload as the body of an answer to a poll of revision 3; with lengths as bytes where it has bytes and may.
std::string to_body_v3(std::string_view payload, bool as_text);

}  // namespace sojourn::engine_io

#pragma once
// Engine.IO packets, protocol revision 4, as they stand in WebSocket messages and in the bodies of polling.
// Invariant: what is read is whole or an error; whatever the bytes, nothing of more than their size is kept.
// Thread: values; no sharing. No socket, no clock.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sojourn::engine_io {

enum class Type : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

struct Packet {
  Type type = Type::noop;
  std::string data;
  bool is_binary = false;  // bytes rather than text; only messages are
};

inline constexpr std::size_t packets_max = 10'000;  // of one body

// A text message of a WebSocket: "4hello". A binary one is a message's bytes and needs no reading. Code::invalid.
Result<Packet> read_text(std::string_view text);
// The body of a polling request: packets apart by U+001E, bytes as "b" and base64. Code::invalid: one of them is none,
// or there are none, or too many.
Result<std::vector<Packet>> read_body(std::string_view body);

// The text message. Not for bytes, which a WebSocket has messages of their own for.
std::string to_text(Packet const& packet);
// Adds a packet to the body of a polling answer.
void append_body(std::string& body, Packet const& packet);
// How many bytes that adds.
std::size_t body_bytes(std::string_view body, Packet const& packet);

}  // namespace sojourn::engine_io

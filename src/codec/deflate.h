#pragma once
// permessage-deflate (RFC 7692): what is agreed on, and messages compressed and back. Both sides without context
// takeover: every message is compressed by itself, so nothing is kept of an idle connection, and one compressed
// message serves everybody who agreed on the same window.
// Total and bounded: inflating stops at the limit that is given, whatever the bytes. Any thread; each has scratch
// memory of its own, made when it is first needed.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sojourn::websocket {

enum class Compression : std::uint8_t { off, deflate };

inline constexpr int window_bits_min = 9;
inline constexpr int window_bits_max = 15;

// What was agreed on in a handshake.
struct Agreement {
  int window_bits = 0;        // of what we send; 0 = there is no compression
  bool names_window = false;  // it has to be said in the answer

  explicit operator bool() const { return window_bits != 0; }
};

// The first offer in the value of a Sec-WebSocket-Extensions field that can be accepted (section 7.1). Offers with
// unknown, repeated or malformed parameters are declined, and so is a window of 8 bits, which zlib has not.
[[nodiscard]] Agreement accept_offer(std::string_view offers);

// The value of Sec-WebSocket-Extensions that answers it.
[[nodiscard]] std::string to_extension(Agreement const& agreement);

// Appends the compressed message (section 7.2.1).
void deflate_message(std::string& out, std::string_view message, int window_bits);

enum class Inflated : std::uint8_t { whole, damaged, too_big };

// Appends the message that `bytes` are (section 7.2.2), if it has at most bytes_max bytes; else what was appended has
// no meaning.
[[nodiscard]] Inflated inflate_message(std::string& out, std::string_view bytes, std::size_t bytes_max);

}  // namespace sojourn::websocket

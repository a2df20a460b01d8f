// Scripts of a WebSocket decoder: frames as a client writes them, and what comes out of a decoder line by line,
// however the bytes are cut.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/websocket.h"

namespace sojourn::websocket::script {

using Lines = std::vector<std::string>;

inline constexpr unsigned char last = 0x80;  // the FIN bit
inline constexpr unsigned char continued = 0, text = 1, binary = 2, closing = 8, ping = 9, pong = 10;
inline constexpr std::array<std::size_t, 6> chops = {0, 1, 2, 3, 7, 1000};  // 0: whole

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>((value >> (8 * bytes)) & 0xFF);
  return out;
}

// A client's frame header whose length takes `length_bytes` (0, 2 or 8), fitting or not.
inline std::string header(int first, std::uint64_t length, int length_bytes) {
  std::string out(1, static_cast<char>(first));
  if (length_bytes == 0) return out + static_cast<char>(0x80 | length) + "\x37\xFA\x21\x3D";
  return out + (length_bytes == 2 ? "\xFE" : "\xFF") + big_endian(length, length_bytes) + "\x37\xFA\x21\x3D";
}

inline std::string frame(int first, std::string_view payload) {
  auto const size = payload.size();
  auto out = header(first, size, size < 126 ? 0 : size < 65536 ? 2 : 8);
  for (std::size_t at = 0; at < size; ++at) out += static_cast<char>(payload[at] ^ "\x37\xFA\x21\x3D"[at % 4]);
  return out;
}

inline std::string close_frame(std::uint16_t code, std::string const& reason = "") {
  return frame(last | closing, big_endian(code, 2) + reason);
}

// One message in frames of `size` bytes each, with `between` after each frame but the last.
inline std::string fragments(int opcode, std::string_view payload, std::size_t size, std::string const& between = "") {
  std::string out;
  for (std::size_t at = 0; at < payload.size() || at == 0; at += size) {
    bool const ends = at + size >= payload.size();
    out += frame((at == 0 ? opcode : continued) | (ends ? last : 0), payload.substr(at, size));
    if (!ends) out += between;
  }
  return out;
}

inline std::string line(int opcode, std::string_view payload, int close_code = 0) {
  auto const start = std::to_string(opcode) + " " + (close_code != 0 ? std::to_string(close_code) + " " : "");
  if (payload.size() <= 130) return start + std::string(payload);
  return start + std::to_string(payload.size()) + " bytes #" + std::to_string(std::hash<std::string_view>{}(payload));
}

inline std::string failed(int close_code) { return "failed " + std::to_string(close_code); }

// What comes out of a decoder, one line an item, then a failure. Each piece is memory of its own that
// is gone afterwards, so a view that outlives its piece is found by the sanitizer.
inline Lines decode(std::string_view bytes, std::size_t chop, std::size_t limit = 1 << 24,
                    Compression compression = Compression::off) {
  Decoder decoder(limit, compression);
  Lines lines;
  bool over = false;
  if (chop == 0) chop = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += chop) {
    auto const part = bytes.substr(at, chop);
    std::vector<char> piece(part.begin(), part.end());
    std::span<char> input(piece);
    auto status = decoder.next(input);
    for (; status == Decoder::Status::item; status = decoder.next(input)) {
      auto const& item = decoder.item();
      lines.push_back(line(static_cast<int>(item.opcode), item.payload, item.close_code));
    }
    EXPECT_TRUE(input.empty());
    EXPECT_TRUE(lines.empty() || lines.back()[0] != '8' || decoder.held_bytes() == 0);  // nothing after close
    EXPECT_TRUE(!over || status == Decoder::Status::failed);
    if (status == Decoder::Status::failed && !over) lines.push_back(failed(decoder.failure().close_code));
    over = status == Decoder::Status::failed;
  }
  return lines;
}

inline void expect_lines(std::string const& bytes, Lines const& expected, std::string const& name,
                         std::size_t limit = 1 << 24, Compression compression = Compression::off) {
  for (auto const chop : chops)
    EXPECT_EQ(decode(bytes, chop, limit, compression), expected) << name << " in pieces of " << chop;
}

struct Case {
  char const* name;
  std::string bytes;
  Lines expected;
};

inline void expect_all(std::vector<Case> const& cases, std::size_t limit = 1 << 24,
                       Compression compression = Compression::off) {
  for (auto const& each : cases) expect_lines(each.bytes, each.expected, each.name, limit, compression);
}

// One step, for tests that look at the decoder itself.
inline Decoder::Status feed(Decoder& decoder, std::string& bytes) {
  std::span<char> input(bytes);
  return decoder.next(input);
}

}  // namespace sojourn::websocket::script

// The same bytes, cut differently, must give the same items and the same end; every item must keep the
// promises of the decoder. The first byte of the data chooses the limit and how the rest is read: as raw
// bytes, or as a script of frames, which are then masked so that the fuzzer need not find the mask.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "codec/websocket.h"

namespace {

using namespace sojourn::websocket;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Heard {
  Opcode opcode;
  std::string payload;
  std::uint16_t close_code;
  bool operator==(Heard const&) const = default;
};

struct Outcome {
  std::vector<Heard> items;
  std::uint16_t failure = 0;
  bool operator==(Outcome const&) const = default;
};

void check(Item const& item, std::size_t limit) {
  bool const data = item.opcode == Opcode::text || item.opcode == Opcode::binary;
  require(item.payload.size() <= (data ? limit : 125));
  if (item.opcode == Opcode::text || item.opcode == Opcode::close) require(sojourn::is_utf8(item.payload));
  require((item.opcode == Opcode::close) == (item.close_code != 0));
}

// Each piece is memory of its own, so that reading beyond it or after it is found.
Outcome decode(std::string_view bytes, std::size_t chop, std::size_t limit) {
  Decoder decoder(limit);
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size(); at += chop) {
    auto const part = bytes.substr(at, chop);
    std::vector<char> piece(part.begin(), part.end());
    std::span<char> input(piece);
    auto status = decoder.next(input);
    for (; status == Decoder::Status::item; status = decoder.next(input)) {
      check(decoder.item(), limit);
      outcome.items.push_back({decoder.item().opcode, std::string(decoder.item().payload), decoder.item().close_code});
    }
    require(input.empty());
    require(outcome.failure == 0 || status == Decoder::Status::failed);
    if (status == Decoder::Status::failed) outcome.failure = decoder.failure().close_code;
    require(decoder.held_bytes() <= 2 * (at + part.size()) + 512);
  }
  return outcome;
}

// A script: first byte of a frame, size of its payload, the payload; again until the end.
std::string make_frames(std::string_view script) {
  std::string bytes;
  while (script.size() >= 2) {
    auto const size = std::min<std::size_t>(static_cast<unsigned char>(script[1]), script.size() - 2);
    bytes += script[0];
    if (size < 126) {
      bytes += static_cast<char>(0x80 | size);
    } else {
      bytes += {'\xFE', '\0', static_cast<char>(size)};
    }
    constexpr std::string_view mask = "\x37\xFA\x21\x3D";
    bytes += mask;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(script[2 + i] ^ mask[i % 4]);
    script.remove_prefix(2 + size);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const rest(reinterpret_cast<char const*>(data) + 1, size - 1);
  std::size_t const limit = std::size_t{1} << (data[0] & 15);
  auto const bytes = (data[0] & 16) != 0 ? make_frames(rest) : std::string(rest);
  auto const whole = decode(bytes, std::max<std::size_t>(bytes.size(), 1), limit);
  for (std::size_t const chop : {1, 2, 3, 7, 64}) require(decode(bytes, chop, limit) == whole);
  return 0;
}

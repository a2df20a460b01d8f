// The same bytes, cut differently, must give the same items and the same end; every item must keep the
// promises of the decoder. The first byte of the data chooses the limit, whether compression was agreed on, and how
// the rest is read: as raw bytes, or as a script of frames, which are then masked so that the fuzzer need not find the
// mask, and compressed where they say so, that it need not find a Huffman code either.

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

struct Setting {
  std::size_t limit;
  Compression compression;
};

// Each piece is memory of its own, so that reading beyond it or after it is found.
Outcome decode(std::string_view bytes, std::size_t chop, Setting const& setting) {
  Decoder decoder(setting.limit, setting.compression);
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size(); at += chop) {
    auto const part = bytes.substr(at, chop);
    std::vector<char> piece(part.begin(), part.end());
    std::span<char> input(piece);
    auto status = decoder.next(input);
    for (; status == Decoder::Status::item; status = decoder.next(input)) {
      check(decoder.item(), setting.limit);
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
std::string make_frames(std::string_view script, bool deflates) {
  std::string bytes;
  while (script.size() >= 2) {
    auto const taken = std::min<std::size_t>(static_cast<unsigned char>(script[1]), script.size() - 2);
    std::string payload(script.substr(2, taken));
    if (deflates && (script[0] & 0x40) != 0) {
      payload.clear();
      deflate_message(payload, script.substr(2, taken), window_bits_min);
    }
    bytes += script[0];
    if (payload.size() < 126) {
      bytes += static_cast<char>(0x80 | payload.size());
    } else {
      bytes += {'\xFE', static_cast<char>(payload.size() >> 8U), static_cast<char>(payload.size() & 0xFFU)};
    }
    constexpr std::string_view mask = "\x37\xFA\x21\x3D";
    bytes += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) bytes += static_cast<char>(payload[i] ^ mask[i % 4]);
    script.remove_prefix(2 + taken);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const rest(reinterpret_cast<char const*>(data) + 1, size - 1);
  auto const compression = (data[0] & 32) != 0 ? Compression::deflate : Compression::off;
  Setting const setting{std::size_t{1} << (data[0] & 15), compression};
  auto const bytes = (data[0] & 16) != 0 ? make_frames(rest, (data[0] & 64) != 0) : std::string(rest);
  auto const whole = decode(bytes, std::max<std::size_t>(bytes.size(), 1), setting);
  for (std::size_t const chop : {1, 2, 3, 7, 64}) require(decode(bytes, chop, setting) == whole);
  return 0;
}

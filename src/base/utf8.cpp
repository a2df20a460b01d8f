#include "base/utf8.h"

#include <cstddef>
#include <cstring>

namespace sojourn {
namespace {

constexpr std::uint8_t refused = 0xFF;

// How many bytes at the front are ASCII, rounded down to a multiple of 8.
std::size_t skip_ascii(char const* bytes, std::size_t size) noexcept {
  std::size_t done = 0;
  while (size - done >= 8) {
    std::uint64_t eight;
    std::memcpy(&eight, bytes + done, 8);
    if ((eight & 0x8080808080808080U) != 0) break;
    done += 8;
  }
  return done;
}

}  // namespace

bool Utf8::expect(std::uint8_t missing, std::uint8_t low, std::uint8_t high) noexcept {
  missing_ = missing;
  low_ = low;
  high_ = high;
  return true;
}

// RFC 3629 section 4: only four leads narrow the range of the byte that follows them.
bool Utf8::start(unsigned char lead) noexcept {
  if (lead < 0x80) return true;
  if (lead >= 0xC2 && lead <= 0xDF) return expect(1, 0x80, 0xBF);
  if (lead == 0xE0) return expect(2, 0xA0, 0xBF);
  if (lead == 0xED) return expect(2, 0x80, 0x9F);
  if (lead >= 0xE1 && lead <= 0xEF) return expect(2, 0x80, 0xBF);
  if (lead == 0xF0) return expect(3, 0x90, 0xBF);
  if (lead >= 0xF1 && lead <= 0xF3) return expect(3, 0x80, 0xBF);
  if (lead == 0xF4) return expect(3, 0x80, 0x8F);
  missing_ = refused;
  return false;
}

bool Utf8::feed(std::string_view bytes) noexcept {
  if (missing_ == refused) return false;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (missing_ == 0) {
      at += skip_ascii(bytes.data() + at, bytes.size() - at);
      if (at == bytes.size()) break;
    }
    auto const byte = static_cast<unsigned char>(bytes[at++]);
    if (missing_ == 0) {
      if (!start(byte)) return false;
    } else if (byte < low_ || byte > high_) {
      missing_ = refused;
      return false;
    } else {
      expect(static_cast<std::uint8_t>(missing_ - 1), 0x80, 0xBF);
    }
  }
  return true;
}

bool is_utf8(std::string_view text) noexcept {
  Utf8 validator;
  return validator.feed(text) && validator.complete();
}

std::string to_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0U | (byte >> 6U));
      out += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
  return out;
}

}  // namespace sojourn

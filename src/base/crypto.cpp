#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace sojourn {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t not_a_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(not_a_digit);
  for (std::size_t value = 0; value < alphabet.size(); ++value) {
    digits[static_cast<unsigned char>(alphabet[value])] = static_cast<std::uint8_t>(value);
  }
  return digits;
}

constexpr auto digits = make_digits();

// The 24 bits of the group of four digits at `at`; the last `padding` of them count as zero.
// Over 24 bits when one of them is no digit.
std::uint32_t read_group(std::string_view text, std::size_t at, std::size_t padding) noexcept {
  std::uint32_t bits = 0;
  for (std::size_t place = 0; place < 4; ++place) {
    std::uint8_t value = 0;
    if (place < 4 - padding) value = digits[static_cast<unsigned char>(text[at + place])];
    if (value == not_a_digit) return UINT32_MAX;
    bits = (bits << 6) | value;
  }
  return bits;
}

}  // namespace

std::array<unsigned char, 20> sha1(std::string_view bytes) {
  std::array<unsigned char, 20> digest{};
  SHA1(reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

std::array<unsigned char, 32> sha256(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  SHA256(reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

std::array<unsigned char, 32> hmac_sha256(std::string_view key, std::string_view bytes) {
  // OpenSSL counts the key in int; what is longer than a block counts as its digest (RFC 2104, section 2).
  auto const digest_of_key = sha256(key);
  constexpr std::size_t block_bytes = 64;
  if (key.size() > block_bytes) key = {reinterpret_cast<char const*>(digest_of_key.data()), digest_of_key.size()};
  std::array<unsigned char, 32> code{};
  unsigned int size = code.size();
  // A null pointer would mean the key of the last call.
  char const* const start = key.empty() ? "" : key.data();
  auto const* const text = reinterpret_cast<unsigned char const*>(bytes.data());
  auto const* const done =
      HMAC(EVP_sha256(), start, static_cast<int>(key.size()), text, bytes.size(), code.data(), &size);
  if (done == nullptr) std::abort();  // zeros would be a code that anybody can write
  return code;
}

std::string base64_encode(std::span<unsigned char const> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    auto const taken = std::min<std::size_t>(3, bytes.size());
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = (bits << 8) | (i < taken ? bytes[i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      text.push_back(i <= taken ? alphabet[(bits >> (18 - 6 * i)) & 0x3F] : '=');
    }
    bytes = bytes.subspan(taken);
  }
  return text;
}

bool base64_decode(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::size_t padding = 0;
    if (at + 4 == text.size()) padding = !text.ends_with('=') ? 0 : !text.ends_with("==") ? 1 : 2;
    auto const bits = read_group(text, at, padding);
    bool const spare_bits = (bits & ((1U << (8 * padding)) - 1)) != 0;
    if (bits > 0xFFFFFF || spare_bits) {
      out.clear();
      return false;
    }
    for (std::size_t i = 0; i < 3 - padding; ++i) out.push_back(static_cast<char>((bits >> (16 - 8 * i)) & 0xFF));
  }
  return true;
}

std::string base64url_encode(std::span<unsigned char const> bytes) {
  auto text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

bool base64url_decode(std::string_view text, std::string& out) {
  out.clear();
  if (text.find_first_of("+/=") != std::string_view::npos) return false;
  std::string padded(text);
  std::replace(padded.begin(), padded.end(), '-', '+');
  std::replace(padded.begin(), padded.end(), '_', '/');
  padded.append((4 - padded.size() % 4) % 4, '=');
  return base64_decode(padded, out);
}

bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

void fill_random(std::span<unsigned char> bytes) noexcept {
  constexpr std::size_t step_max = 1U << 30;  // OpenSSL counts in int
  while (!bytes.empty()) {
    auto const step = std::min(bytes.size(), step_max);
    if (RAND_bytes(bytes.data(), static_cast<int>(step)) != 1) std::abort();
    bytes = bytes.subspan(step);
  }
}

}  // namespace sojourn

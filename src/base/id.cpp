#include "base/id.h"

#include <algorithm>
#include <array>

#include "base/crypto.h"

namespace sojourn {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view extension_prefix = "ext_";
constexpr std::size_t extension_digits = 12;
constexpr std::string_view browser_prefix = "sess_";
constexpr std::size_t browser_chars = 26;
// Crockford's base 32: no letter is taken for a digit or for another letter.
constexpr std::string_view base32_digits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t request_id_chars_max = 64;

void append_hex(std::string& out, unsigned char byte) {
  out += hex_digits[byte >> 4U];
  out += hex_digits[byte & 15U];
}

bool is_hex(char c) { return hex_digits.find(c) != std::string_view::npos; }

}  // namespace

std::string make_uuid(Random& random) {
  std::array<unsigned char, 16> bytes{};
  random.fill(bytes);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    append_hex(out, bytes[i]);
  }
  return out;
}

std::string make_hex(Random& random, std::size_t count) {
  std::string out;
  std::array<unsigned char, 32> bytes{};
  while (out.size() < count) {
    auto const part = std::span(bytes).first(std::min(bytes.size(), (count - out.size() + 1) / 2));
    random.fill(part);
    for (auto const byte : part) append_hex(out, byte);
  }
  out.resize(count);
  return out;
}

std::string make_extension_id(Random& random) {
  std::string uuid = make_uuid(random);
  std::erase(uuid, '-');
  return std::string(extension_prefix).append(uuid, 0, extension_digits);
}

bool is_extension_id(std::string_view text) {
  if (text.size() != extension_prefix.size() + extension_digits || !text.starts_with(extension_prefix)) return false;
  return std::ranges::all_of(text.substr(extension_prefix.size()), is_hex);
}

std::string make_browser_id(Random& random) {
  std::array<unsigned char, browser_chars> bytes{};
  random.fill(bytes);
  std::string out(browser_prefix);
  for (auto const byte : bytes) out += base32_digits[byte & 31U];
  return out;
}

bool is_browser_id(std::string_view text) {
  if (text.size() != browser_prefix.size() + browser_chars || !text.starts_with(browser_prefix)) return false;
  return text.find_first_not_of(base32_digits, browser_prefix.size()) == text.npos;
}

std::string make_socket_id(Random& random) {
  std::array<unsigned char, 15> bytes{};
  random.fill(bytes);
  return base64url_encode(bytes);
}

bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > request_id_chars_max) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

}  // namespace sojourn

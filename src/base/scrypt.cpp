#include "base/scrypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "base/crypto.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::uint64_t n_min = 1024;
constexpr std::uint64_t n_max = 1U << 17;
constexpr std::uint64_t rp_max = 16;
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t salt_bytes_min = 8;
constexpr std::size_t salt_bytes_max = 64;
constexpr std::size_t line_bytes_max = 256;

using Hash = std::array<unsigned char, 32>;

struct Parameters {
  std::uint64_t n = 16384;
  std::uint64_t r = 8;
  std::uint64_t p = 1;
};

struct Line {
  Parameters parameters;
  std::string salt;
  std::string hash;
};

std::string_view to_view(std::span<unsigned char const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

// Nothing when the memory for it is not to be had.
std::optional<Hash> make_hash(std::string_view password, std::string_view salt, Parameters const& parameters) {
  auto const [n, r, p] = parameters;
  std::uint64_t const room = 128 * r * (n + p) + 64 * 1024;  // what RFC 7914 needs, and a little
  char const* const text = password.empty() ? "" : password.data();
  Hash hash{};
  int const done = EVP_PBE_scrypt(text, password.size(), reinterpret_cast<unsigned char const*>(salt.data()),
                                  salt.size(), n, r, p, room, hash.data(), hash.size());
  if (done == 1) return hash;
  ERR_clear_error();
  return std::nullopt;
}

// One number of the line, in its one spelling.
bool take_number(std::string_view& rest, std::uint64_t& number) {
  auto const text = take_until(rest, '$');
  if (text.empty() || text.front() == '0') return false;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size();
}

bool is_bounded(Parameters const& parameters) {
  auto const [n, r, p] = parameters;
  if (n < n_min || n > n_max || (n & (n - 1)) != 0) return false;
  if (r > rp_max || p > rp_max || r * p > rp_max) return false;
  return r > 1 || n < 1U << 16;  // N < 2^(128 * r / 8): RFC 7914, section 2
}

std::optional<Line> parse(std::string_view text) {
  if (text.size() > line_bytes_max || take_until(text, '$') != "scrypt") return std::nullopt;
  Line line;
  auto& [n, r, p] = line.parameters;
  if (!take_number(text, n) || !take_number(text, r) || !take_number(text, p)) return std::nullopt;
  if (!is_bounded(line.parameters)) return std::nullopt;
  auto const salt = take_until(text, '$');
  if (!base64_decode(salt, line.salt) || !base64_decode(text, line.hash)) return std::nullopt;
  if (line.salt.size() < salt_bytes_min || line.salt.size() > salt_bytes_max) return std::nullopt;
  if (line.hash.size() != std::tuple_size_v<Hash>) return std::nullopt;
  return line;
}

}  // namespace

std::string hash_password(std::string_view password) {
  std::array<unsigned char, salt_bytes> salt{};
  fill_random(salt);
  Parameters const chosen;
  auto const hash = make_hash(password, to_view(salt), chosen);
  if (!hash) std::abort();  // a machine without 16 MiB
  return "scrypt$" + std::to_string(chosen.n) + "$" + std::to_string(chosen.r) + "$" + std::to_string(chosen.p) + "$" +
         base64_encode(salt) + "$" + base64_encode(*hash);
}

bool is_password_hash(std::string_view line) { return parse(line).has_value(); }

bool verify_password(std::string_view password, std::string_view line) {
  auto const parsed = parse(line);
  if (!parsed) {
    static_cast<void>(make_hash(password, std::string(salt_bytes, 's'), {}));
    return false;
  }
  auto const hash = make_hash(password, parsed->salt, parsed->parameters);
  return hash && equal_in_constant_time(to_view(*hash), parsed->hash);
}

}  // namespace sojourn

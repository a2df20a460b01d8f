#include "api/token.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::int64_t nbf_leeway_us = 5'000'000;
constexpr std::int64_t expires_s_max = 253'402'300'799;  // the last second of the year 9999
constexpr std::array scopes{Scope::read, Scope::write, Scope::control, Scope::admin};

Error not_valid() { return error(Code::unauthenticated, "Invalid or expired token"); }
Error no_sense() { return error(Code::invalid, "Invalid token payload"); }

std::span<unsigned char const> to_bytes(std::string_view text) {
  return {reinterpret_cast<unsigned char const*>(text.data()), text.size()};
}

std::string_view to_view(std::span<unsigned char const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

// The members of the outermost object of `text`, which is JSON; one that is there twice counts twice.
std::size_t count_members(std::string_view text) {
  std::size_t members = 0;
  std::size_t depth = 0;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (is_quoted) {
      if (c == '\\') ++i;
      if (c == '"') is_quoted = false;
    } else if (c == '"') {
      is_quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ':' && depth == 1) {
      ++members;
    }
  }
  return members;
}

// An object none of whose members is there twice: readers differ in which of them counts (RFC 7515, section 4).
std::optional<json::object> parse_object(std::string_view text) {
  auto parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  if (parsed->get_object().size() != count_members(text)) return std::nullopt;
  return std::move(parsed->get_object());
}

// The algorithm; empty for a header that changes what the payload or the signature mean.
std::string read_algorithm(std::string_view header) {
  auto const fields = parse_object(header);
  if (!fields) return {};
  for (std::string_view const name : {"crit", "b64", "zip", "enc"}) {
    if (fields->contains(name)) return {};
  }
  return std::string(json::find_string(*fields, "alg"));
}

// A NumericDate (RFC 7519, section 2) in microseconds, clamped to what fits; nothing for what is no number.
std::optional<std::int64_t> to_us(json::value const& date) {
  constexpr std::int64_t most_s = std::numeric_limits<std::int64_t>::max() / 1'000'000 - 60;  // room for a leeway
  if (date.is_int64()) return std::clamp(date.get_int64(), -most_s, most_s) * 1'000'000;
  if (date.is_uint64()) return most_s * 1'000'000;  // over what an int64 holds
  if (!date.is_double() || !std::isfinite(date.get_double())) return std::nullopt;
  auto const limit = static_cast<double>(most_s);
  return static_cast<std::int64_t>(std::round(std::clamp(date.get_double(), -limit, limit) * 1e6));
}

// Its time has come and is not over; `expires_s` is set when it will be.
bool is_in_time(json::object const& payload, std::int64_t now_us, std::int64_t& expires_s) {
  if (auto const* const exp = payload.if_contains("exp")) {
    auto const end_us = to_us(*exp);
    if (!end_us || now_us >= *end_us) return false;
    expires_s = std::clamp<std::int64_t>(*end_us / 1'000'000, 1, expires_s_max);
  }
  if (auto const* const nbf = payload.if_contains("nbf")) {
    auto const start_us = to_us(*nbf);
    if (!start_us || now_us < *start_us - nbf_leeway_us) return false;
  }
  return true;
}

bool read_name(json::object const& payload, std::string_view claim, std::string& name) {
  name = json::find_string(payload, claim);
  return is_user_name(name);
}

bool read_scope(json::object const& payload, Scope& scope) {
  if (!payload.contains("scope")) return true;
  std::string_view words = json::find_string(payload, "scope");
  bool is_known = false;
  while (!words.empty()) {
    auto const found = to_scope(take_until(words, ' '));
    if (!found) continue;
    scope = is_known ? std::max(scope, *found) : *found;
    is_known = true;
  }
  return is_known;
}

bool is_signed_with(std::string_view secret, std::string_view text, std::string_view signature) {
  return equal_in_constant_time(to_view(hmac_sha256(secret, text)), signature);
}

}  // namespace

bool is_user_name(std::string_view text) {
  if (text.empty() || text.size() > user_bytes_max || !is_utf8(text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return false;
    if (c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;  // U+0080 to U+009F
  }
  return true;
}

std::optional<Scope> to_scope(std::string_view word) {
  auto const* const found = std::ranges::find(scopes, word, [](Scope scope) { return to_word(scope); });
  return found == scopes.end() ? std::nullopt : std::optional(*found);
}

Result<> check_secret(std::string_view secret) {
  if (secret.find("-----BEGIN ") != std::string_view::npos) {
    return error(Code::configuration,
                 "key is a secret, but holds a PEM key; write a public key to a file and name it with key_file");
  }
  if (secret.size() < secret_bytes_min) {
    return error(Code::configuration, "key has " + std::to_string(secret.size()) + " bytes but needs at least " +
                                          std::to_string(secret_bytes_min) + "; make one with: openssl rand -hex 32");
  }
  return {};
}

Keys::Keys(std::string own_secret, Configured configured)
    : own_secret_(std::move(own_secret)), configured_(std::move(configured)) {}

std::string Keys::mint(Claims const& claims, std::int64_t now_utc_us) const {
  json::object payload{{"sub", claims.user}, {"iat", now_utc_us / 1'000'000}};
  if (claims.expires_s != 0) payload["exp"] = claims.expires_s;
  payload["scope"] = to_word(claims.scope);
  if (!claims.session.empty()) payload["sid"] = claims.session;
  if (!claims.id.empty()) payload["jti"] = claims.id;
  std::string text = base64url_encode(to_bytes(R"({"alg":"HS256","typ":"JWT"})"));
  text += '.';
  text += base64url_encode(to_bytes(json::to_text(payload)));
  auto const* const configured = std::get_if<std::string>(&configured_);
  auto const code = hmac_sha256(configured != nullptr ? *configured : own_secret_, text);
  return text + '.' + base64url_encode(code);
}

Keys::Origin Keys::find_signer(std::string_view algorithm, std::string_view text, std::string_view signature) const {
  if (algorithm == "HS256") {
    auto const* const configured = std::get_if<std::string>(&configured_);
    bool const by_us = is_signed_with(own_secret_, text, signature);
    bool const by_configured = configured != nullptr && is_signed_with(*configured, text, signature);
    return by_us || by_configured ? Origin::secret : Origin::nobody;
  }
  auto const* const key = std::get_if<PublicKey>(&configured_);
  if (key == nullptr || algorithm != (key->kind() == PublicKey::Kind::rsa ? "RS256" : "ES256")) return Origin::nobody;
  return key->verify(text, signature) ? Origin::public_key : Origin::nobody;
}

Result<Claims> Keys::verify(std::string_view token, std::int64_t now_utc_us) const {
  if (token.size() > token_bytes_max || std::ranges::count(token, '.') != 2) return not_valid();
  auto const text = token.substr(0, token.rfind('.'));
  auto const header_size = text.find('.');
  std::string header;
  std::string payload_text;
  std::string signature;
  if (!base64url_decode(text.substr(0, header_size), header) ||
      !base64url_decode(text.substr(header_size + 1), payload_text) ||
      !base64url_decode(token.substr(text.size() + 1), signature)) {
    return not_valid();
  }
  auto const origin = find_signer(read_algorithm(header), text, signature);
  if (origin == Origin::nobody) return not_valid();
  if (!is_utf8(payload_text)) return no_sense();
  auto const payload = parse_object(payload_text);
  Claims claims;
  if (!payload || !is_in_time(*payload, now_utc_us, claims.expires_s)) return not_valid();
  if (!read_name(*payload, "sub", claims.user) || !read_scope(*payload, claims.scope)) return no_sense();
  if (origin == Origin::public_key) return claims;
  if (payload->contains("sid") && !read_name(*payload, "sid", claims.session)) return no_sense();
  if (payload->contains("jti") && !read_name(*payload, "jti", claims.id)) return no_sense();
  return claims;
}

}  // namespace sojourn

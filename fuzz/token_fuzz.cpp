// Nobody gets in without a key: bytes that nobody signed are refused, whatever they are. What is signed is read within
// bounds: it comes out as claims that make sense and are in time, or as one of two errors. The first byte chooses.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/token.h"
#include "base/crypto.h"
#include "base/scrypt.h"
#include "base/signature.h"

namespace {

using namespace sojourn;

constexpr std::int64_t now_us = 1'771'960'936'000'000;
constexpr std::string_view rsa_pem = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
oQIDAQAB
-----END PUBLIC KEY-----
)";
constexpr std::string_view curve_pem = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END PUBLIC KEY-----
)";

void require(bool holds) {
  if (!holds) std::abort();
}

std::string encode(std::string_view text) {
  return base64url_encode({reinterpret_cast<unsigned char const*>(text.data()), text.size()});
}

std::string sign(std::string_view header, std::string_view payload, std::string_view secret) {
  auto const text = encode(header) + "." + encode(payload);
  return text + "." + base64url_encode(hmac_sha256(secret, text));
}

void check(Keys const& keys, std::string const& token) {
  auto const claims = keys.verify(token, now_us);
  if (!claims) {
    bool const makes_no_sense = claims.error().code == Code::invalid;
    require(makes_no_sense || claims.error().code == Code::unauthenticated);
    require(claims.error().message == (makes_no_sense ? "Invalid token payload" : "Invalid or expired token"));
    return;
  }
  require(token.size() <= token_bytes_max);
  require(is_user_name(claims->user));
  require(claims->session.empty() || is_user_name(claims->session));
  require(claims->id.empty() || is_user_name(claims->id));
  require(claims->expires_s == 0 || claims->expires_s >= now_us / 1'000'000);
  require(claims->expires_s <= 253'402'300'799);
  // One that is in its last second now is over when its fraction is gone.
  if (claims->expires_s == now_us / 1'000'000) return;
  auto const again = keys.verify(keys.mint(*claims, now_us), now_us);
  require(again && *again == *claims);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static Keys const own(std::string(64, 'a'));
  static Keys const of_secret(std::string(64, 'a'), std::string(32, 's'));
  static Keys const of_rsa(std::string(64, 'a'), PublicKey::read(rsa_pem).value());
  static Keys const of_curve(std::string(64, 'a'), PublicKey::read(curve_pem).value());
  if (size == 0) return 0;
  std::string const text(reinterpret_cast<char const*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      for (auto const* const keys : {&own, &of_secret, &of_rsa, &of_curve}) {
        auto const claims = keys->verify(text, now_us);
        require(!claims && claims.error().code == Code::unauthenticated);
      }
      break;
    case 1:
      check(own, sign(R"({"alg":"HS256"})", text, std::string(64, 'a')));
      break;
    case 2:
      check(of_secret, sign(text, R"({"sub":"alice"})", std::string(32, 's')));
      break;
    case 3:  // a header that anybody can write, over a signature that anybody can make
      require(!of_rsa.verify(sign(text, R"({"sub":"alice"})", rsa_pem), now_us));
      require(!of_curve.verify(encode(text) + "." + encode("{}") + "." + encode(text.substr(0, 64)), now_us));
      break;
    default:  // what people write into configurations
      static_cast<void>(is_password_hash(text));
      require(!PublicKey::read(text) || text.find("-----BEGIN ") != std::string::npos);
      if (auto const scope = to_scope(text)) require(to_word(*scope) == text);
  }
  return 0;
}

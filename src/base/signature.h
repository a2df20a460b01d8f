#pragma once
// Signatures that others made: a public key of RSA or of the curve P-256, and whether it signed a text.
// Invariant: a PublicKey is strong enough to be believed, and its kind alone decides the algorithm.
// Thread: any; a value, copies share the key.

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/result.h"

struct evp_pkey_st;

namespace sojourn {

class PublicKey {
 public:
  enum class Kind : std::uint8_t {
    rsa,   // RSASSA-PKCS1-v1_5 with SHA-256: RS256 of RFC 7518, section 3.3
    p256,  // ECDSA on P-256 with SHA-256: ES256 of RFC 7518, section 3.4
  };

  // Reads the PEM text of one public key ("BEGIN PUBLIC KEY"): RSA of 2048 to 16384 bits, or P-256.
  // Code::configuration saying what it holds instead and, where one helps, the command that makes it right.
  [[nodiscard]] static Result<PublicKey> read(std::string_view pem);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }

  // Whether this key signed `bytes`. A signature of RSA is as long as the modulus, one of P-256 is r and s with 32
  // bytes each; anything else is false. Total: no signature does harm.
  [[nodiscard]] bool verify(std::string_view bytes, std::string_view signature) const;

 private:
  PublicKey(std::shared_ptr<evp_pkey_st> key, Kind kind) : key_(std::move(key)), kind_(kind) {}

  std::shared_ptr<evp_pkey_st> key_;
  Kind kind_;
};

}  // namespace sojourn

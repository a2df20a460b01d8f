#pragma once
// Tokens: JSON Web Tokens (RFC 7519) in compact form (RFC 7515), minted with our own secret, verified with ours or with
// the configured key.
// Invariant: the algorithm is the key's own. A header only says which key is meant; whatever else it says can't make a
// token valid. A secret or a token is never part of an error.
// Thread: any; Keys is a value that does not change.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/signature.h"
#include "core/principal.h"

namespace sojourn {

inline constexpr std::size_t token_bytes_max = 4096;
inline constexpr std::size_t secret_bytes_min = 32;  // as RFC 7518, section 3.2 wants for HS256
inline constexpr std::size_t user_bytes_max = 256;

struct Claims {
  std::string user;            // sub; see is_user_name
  std::int64_t expires_s = 0;  // exp, whole seconds since 1970; 0 = never
  Scope scope = Scope::write;
  std::string session;  // sid: the one session that a session token is for; empty = a user's own token
  std::string id;       // jti; empty = none

  bool operator==(Claims const&) const = default;
};

// Whether `text` may name a user, a session or a token: 1 to user_bytes_max bytes of UTF-8 without control characters.
[[nodiscard]] bool is_user_name(std::string_view text);

// The inverse of to_word(Scope).
[[nodiscard]] std::optional<Scope> to_scope(std::string_view word);

// Code::configuration saying what to do when `secret` is under secret_bytes_min, or is a PEM key, which the world may
// know. The message does not repeat it.
[[nodiscard]] Result<> check_secret(std::string_view secret);

class Keys {
 public:
  // What the configuration says: nothing, a secret (HS256), or somebody's public key (RS256 or ES256).
  using Configured = std::variant<std::monostate, std::string, PublicKey>;

  // `own_secret` is that of the data folder. Secrets must have passed check_secret.
  explicit Keys(std::string own_secret, Configured configured = {});

  // A token with these claims and `iat`: HS256, with the configured secret if there is one, else with our own.
  // The claims' user must be a name, session and id must be names or empty.
  [[nodiscard]] std::string mint(Claims const& claims, std::int64_t now_utc_us) const;

  // The claims of a token that one of the keys signed and whose time it is. Any bytes may be given; work and memory
  // are bounded by token_bytes_max.
  // - Expired is from exp on, without leeway; nbf has 5 s. exp comes back rounded down, at most the year 9999.
  // - scope may be a list of words separated by spaces: the highest we know counts; without the claim it is write.
  // - session and id are those of tokens of a secret: other issuers use sid and jti for purposes of their own.
  // Code::invalid "Invalid token payload": truly signed and in time, but sub, scope, sid or jti make no sense.
  // Code::unauthenticated "Invalid or expired token": everything else.
  [[nodiscard]] Result<Claims> verify(std::string_view token, std::int64_t now_utc_us) const;

 private:
  enum class Origin : std::uint8_t { nobody, secret, public_key };

  [[nodiscard]] Origin find_signer(std::string_view algorithm, std::string_view text, std::string_view signature) const;

  std::string own_secret_;
  Configured configured_;
};

}  // namespace sojourn

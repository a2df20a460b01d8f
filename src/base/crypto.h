#pragma once
// The cryptographic words of the house: digests, encodings of bytes, randomness. OpenSSL enters here, in signature.cpp,
// seal.cpp and scrypt.cpp, and nowhere else.
// Invariant: pure functions of their arguments, except fill_random.
// Thread: any.

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace sojourn {

// SHA-1, for protocols that prescribe it (the WebSocket handshake); never for secrets.
[[nodiscard]] std::array<unsigned char, 20> sha1(std::string_view bytes);

[[nodiscard]] std::array<unsigned char, 32> sha256(std::string_view bytes);

// HMAC-SHA-256 (RFC 2104); any length of key, though one under 32 bytes is weaker than the digest.
[[nodiscard]] std::array<unsigned char, 32> hmac_sha256(std::string_view key, std::string_view bytes);

// RFC 4648 section 4: standard alphabet, padded, no line breaks.
[[nodiscard]] std::string base64_encode(std::span<unsigned char const> bytes);

// Strict inverse of base64_encode: false for any other spelling (length, alphabet, white space, missing
// padding, padding bits that are not zero). `out` is replaced, and empty after false.
[[nodiscard]] bool base64_decode(std::string_view text, std::string& out);

// RFC 4648 section 5 as RFC 7515 uses it: the alphabet for addresses, without padding.
[[nodiscard]] std::string base64url_encode(std::span<unsigned char const> bytes);

// Strict inverse of base64url_encode: one spelling for each text of bytes, as of base64_decode.
[[nodiscard]] bool base64url_decode(std::string_view text, std::string& out);

// Takes equally long for any two texts of the same length; the length itself is not hidden.
[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

// Fills `bytes` with unpredictable bytes, good enough for keys. Aborts the process when the system has
// none to give: a weak key is worse than a crash.
void fill_random(std::span<unsigned char> bytes) noexcept;

}  // namespace sojourn

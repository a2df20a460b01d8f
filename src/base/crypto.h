#pragma once
// The cryptographic words of the house; the only room that OpenSSL may enter is crypto.cpp.
// Invariant: pure functions of their arguments, except fill_random.
// Thread: any.

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace sojourn {

// SHA-1, for protocols that prescribe it (the WebSocket handshake); never for secrets.
[[nodiscard]] std::array<unsigned char, 20> sha1(std::string_view bytes);

// RFC 4648 section 4: standard alphabet, padded, no line breaks.
[[nodiscard]] std::string base64_encode(std::span<unsigned char const> bytes);

// Strict inverse of base64_encode: false for any other spelling (length, alphabet, white space, missing
// padding, padding bits that are not zero). `out` is replaced, and empty after false.
[[nodiscard]] bool base64_decode(std::string_view text, std::string& out);

// Takes equally long for any two texts of the same length; the length itself is not hidden.
[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

// Fills `bytes` with unpredictable bytes, good enough for keys. Aborts the process when the system has
// none to give: a weak key is worse than a crash.
void fill_random(std::span<unsigned char> bytes) noexcept;

}  // namespace sojourn

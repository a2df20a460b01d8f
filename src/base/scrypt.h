#pragma once
// Passwords as they are kept: scrypt (RFC 7914) in one line of text, scrypt$N$r$p$<base64 salt>$<base64 hash>.
// Invariant: a line, wherever it is from, can't take more than 256 MiB or a second or two of work.
// Thread: any, but not the hub's: each hash is made slow on purpose.

#include <string>
#include <string_view>

namespace sojourn {

// A line for `password` with a new salt: N = 16384, r = 8, p = 1 (16 MiB, some 50 ms).
[[nodiscard]] std::string hash_password(std::string_view password);

// Whether `line` is one that verify_password can compare with: N a power of two from 1024 to 131072, r * p at most
// 16, a salt of 8 to 64 bytes, a hash of 32, in the one spelling that hash_password writes.
[[nodiscard]] bool is_password_hash(std::string_view line);

// Whether `line` is of `password`. A line that is no password hash is false and takes as long as a line of
// hash_password would: pass an empty one for a user that nobody knows, and the time tells nothing.
[[nodiscard]] bool verify_password(std::string_view password, std::string_view line);

}  // namespace sojourn

// Bytes that are kept where others may read or change them: sealed with AES-256-GCM (NIST SP 800-38D) under a key and a
// name, and opened with the same two only. Whatever was changed, cut or moved to another name is not opened.
// Sealed: a byte for the form, a nonce of 12 bytes, as many bytes as the plain ones, a tag of 16.
// Pure but for the nonce; any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sojourn {

using SealKey = std::array<unsigned char, 32>;

// No key seals more than 2^32 texts: nonces are drawn.
[[nodiscard]] std::string seal(SealKey const& key, std::string_view name, std::string_view plain);

// Code::damaged.
[[nodiscard]] Result<std::string> unseal(SealKey const& key, std::string_view name, std::string_view sealed);

}  // namespace sojourn

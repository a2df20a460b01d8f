// Names the server gives: version 4 UUIDs, ids of extension and browser sessions, request ids.
// Ids are names, never keys: what may be done is decided by can(). Plain values, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/random.h"

namespace sojourn {

// 8-4-4-4-12 lower-case hex, version 4 (RFC 9562, section 5.4).
std::string make_uuid(Random& random);

// `count` lower-case hex digits.
std::string make_hex(Random& random, std::size_t count);

// "ext_" and the first 12 hex digits of a version 4 UUID. The caller checks it against live ids.
std::string make_extension_id(Random& random);

bool is_extension_id(std::string_view text);

// "sess_" and 26 characters of 0-9 and a-z without i, l, o, u: 130 bits that nobody guesses.
std::string make_browser_id(Random& random);

bool is_browser_id(std::string_view text);

// 20 characters of base64url: 120 bits that nobody guesses, as sockets of Engine.IO and Socket.IO call themselves.
std::string make_socket_id(Random& random);

// A request id a client may choose: 1 to 64 of [A-Za-z0-9._-].
bool is_request_id(std::string_view text);

}  // namespace sojourn

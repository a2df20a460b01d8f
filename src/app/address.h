#pragma once
// The addresses a configuration names: where to listen, and which web origins may talk to us.
// Invariant: what is parsed here is loopback only, and origins are spelled the way browsers send them.
// Thread: any; values and pure functions.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sojourn {

inline constexpr std::array<std::string_view, 3> dialects{"extension", "sessions", "monitor"};

struct ListenAddress {
  std::string host;        // "localhost", or a numeric IPv4 or IPv6 address without brackets
  std::uint16_t port = 0;  // 0: any free one
  std::string dialect = "extension";

  bool operator==(ListenAddress const&) const = default;
};

// PORT, HOST:PORT or [IPv6]:PORT, each with an optional =DIALECT. Code::configuration for anything else, and for
// an address that other machines can reach.
[[nodiscard]] Result<ListenAddress> parse_listen(std::string_view text);

// The inverse, without the dialect: localhost:5409, [::1]:5409.
[[nodiscard]] std::string to_text(ListenAddress const& address);

// scheme://host[:port], of http, https or chrome-extension; lower case and without a default port, as browsers
// send it. Code::configuration otherwise.
[[nodiscard]] Result<std::string> parse_origin(std::string_view text);

}  // namespace sojourn

#include "app/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "app/nearest.h"
#include "base/text.h"

namespace sojourn {
namespace {

Error refuse(std::string_view text, std::string_view why) {
  return error(Code::configuration, "\"" + std::string(text) + "\" " + std::string(why));
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  if (!is_digits(text)) return std::nullopt;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_loopback(std::string const& host) {
  in_addr v4{};
  in6_addr v6{};
  if (host == "localhost") return true;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

struct HostPort {
  std::string_view host;
  std::string_view port;
};

// Splits at the last colon outside brackets; without a colon all is `host`.
std::optional<HostPort> split(std::string_view text) {
  if (text.starts_with('[')) {
    auto const close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    auto const rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    return HostPort{text.substr(1, close - 1), rest.empty() ? rest : rest.substr(1)};
  }
  auto const colon = text.find(':');
  if (colon == std::string_view::npos) return HostPort{text, {}};
  if (text.find(':', colon + 1) != std::string_view::npos) return std::nullopt;
  return HostPort{text.substr(0, colon), text.substr(colon + 1)};
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") == std::string_view::npos;
}

bool is_ipv6(std::string_view host) {
  in6_addr v6{};
  return inet_pton(AF_INET6, std::string(host).c_str(), &v6) == 1;
}

}  // namespace

Result<ListenAddress> parse_listen(std::string_view text) {
  ListenAddress address;
  auto const equals = text.find('=');
  auto const place = text.substr(0, equals);
  if (equals != std::string_view::npos) {
    address.dialect = text.substr(equals + 1);
    if (std::find(dialects.begin(), dialects.end(), address.dialect) == dialects.end()) {
      return refuse(address.dialect, "is no dialect; " + suggest(address.dialect, dialects));
    }
  }
  bool const bare = is_digits(place);
  auto const parts = bare ? HostPort{"localhost", place} : split(place);
  if (!parts || parts->host.empty()) {
    return refuse(text,
                  "is not an address; write PORT, HOST:PORT or [IPv6]:PORT, such as 127.0.0.1:5409 or [::1]:5409");
  }
  address.host = lower_case(parts->host);
  if (parts->port.empty() && !is_loopback(address.host))
    return refuse(text, "names no port; write for example " + to_text({"127.0.0.1", 5409}));
  if (!is_loopback(address.host)) {
    return refuse(
        address.host,
        "is not a loopback address, and this version serves its own machine only: listen on localhost and put "
        "a tunnel in front");
  }
  if (parts->port.empty()) return refuse(text, "names no port; write for example " + to_text({address.host, 5409}));
  auto const port = parse_port(parts->port);
  if (!port) return refuse(parts->port, "is not a port; ports are 0 (any free one) to 65535");
  address.port = *port;
  return address;
}

std::string to_text(ListenAddress const& address) {
  bool const v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Result<std::string> parse_origin(std::string_view text) {
  constexpr std::string_view form = "write scheme://host[:port], such as http://localhost:3000";
  auto const marker = text.find("://");
  if (marker == std::string_view::npos) return refuse(text, "is not an origin; " + std::string(form));
  auto const scheme = lower_case(text.substr(0, marker));
  if (scheme != "http" && scheme != "https" && scheme != "chrome-extension") {
    return refuse(text, "is not an origin of http, https or chrome-extension; " + std::string(form));
  }
  auto const place = lower_case(text.substr(marker + 3));
  if (auto const end = place.find_first_of("/?#@"); end != std::string::npos) {
    return refuse(text, "is more than an origin, which has no user, path or slash at its end; " + std::string(form));
  }
  auto const parts = split(place);
  bool const bracketed = place.starts_with('[');
  if (!parts || !(bracketed ? is_ipv6(parts->host) : is_host_name(parts->host))) {
    return refuse(text, "names no host; " + std::string(form));
  }
  std::string origin = scheme + "://" + (bracketed ? "[" + std::string(parts->host) + "]" : std::string(parts->host));
  if (place.ends_with(':')) return refuse(text, "names no port after its colon; " + std::string(form));
  if (parts->port.empty()) return origin;
  auto const port = parse_port(parts->port);
  if (!port || *port == 0) return refuse(parts->port, "is not a port; ports of origins are 1 to 65535");
  bool const is_default = (scheme == "http" && *port == 80) || (scheme == "https" && *port == 443);
  return is_default ? origin : origin + ":" + std::to_string(*port);
}

}  // namespace sojourn

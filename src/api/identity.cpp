#include "api/identity.h"

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::string_view scheme = "bearer";
// What stands for credentials that are no token of ours: never valid, so never taken for none.
constexpr std::string_view unusable = "?";
constexpr std::string_view token_id_prefix = "tok_";
constexpr std::string_view token_protocol = "bearer.";

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    auto item = take_until(list, ',');
    if (equal_ignoring_case(trimmed(take_until(item, ';')), word)) return true;
  }
  return false;
}

bool takes_parameter(Request const& request) {
  return wants_websocket(request) || wants_event_stream(request) || request.path == "/sessions" ||
         request.path == "/sessions/";
}

// Of an Authorization field; empty for another scheme than Bearer, and for none behind it.
std::string_view token_of(std::string_view authorization) {
  auto rest = authorization.substr(std::min(scheme.size(), authorization.size()));
  bool const is_ours = equal_ignoring_case(authorization.substr(0, scheme.size()), scheme);
  return is_ours && (rest.starts_with(' ') || rest.starts_with('\t')) ? trimmed(rest) : std::string_view();
}

}  // namespace

bool wants_websocket(Request const& request) {
  return std::ranges::any_of(request.headers, [](Header const& header) {
    return equal_ignoring_case(header.name, "upgrade") && has_word(header.value, "websocket");
  });
}

bool wants_event_stream(Request const& request) {
  return request.method == "GET" && has_word(request.header("accept"), "text/event-stream");
}

std::string find_token(Request const& request) {
  std::string found;
  // Two that differ are as wrong as the worse of them.
  auto const take = [&found](std::string_view token) {
    if (token.empty()) token = unusable;
    found = found.empty() || found == token ? std::string(token) : std::string(unusable);
  };
  for (auto const& header : request.headers) {
    if (equal_ignoring_case(header.name, "authorization")) take(token_of(header.value));
    if (!equal_ignoring_case(header.name, "sec-websocket-protocol") || !wants_websocket(request)) continue;
    for (auto rest = header.value; !rest.empty();) {
      auto const protocol = trimmed(take_until(rest, ','));
      if (protocol.starts_with(token_protocol)) take(protocol.substr(token_protocol.size()));
    }
  }
  if (!takes_parameter(request)) return found;
  if (auto const token = request.parameter("token"); !token.empty()) take(token);
  return found;
}

std::string_view choose_protocol(Request const& request) {
  std::string_view token;
  std::string_view other;
  for (auto rest = request.header("sec-websocket-protocol"); !rest.empty();) {
    auto const protocol = trimmed(take_until(rest, ','));
    auto& first = protocol.starts_with(token_protocol) ? token : other;
    if (first.empty()) first = protocol;
  }
  // A browser takes no answer that names none of what it offered; without a token there is nothing to agree on.
  return token.empty() || other.empty() ? token : other;
}

Principal to_principal(Claims const& claims) {
  // Other issuers of the same secret have their own use for sid; ours names a token that the hub knows.
  if (!claims.session.empty() && claims.id.starts_with(token_id_prefix)) {
    auto grant = std::make_shared<Grant const>(Grant{claims.session, claims.id, claims.expires_s * 1'000'000});
    return {Role::guest, claims.user, claims.scope, std::move(grant)};
  }
  return {claims.scope == Scope::admin ? Role::admin : Role::user, claims.user, claims.scope, {}};
}

Result<Principal> Identity::identify(Request const& request) const {
  auto const token = find_token(request);
  if (token.empty()) {
    if (is_open_) return local_principal();
    return error(Code::unauthenticated, "Not authenticated");
  }
  return identify(token, request.at.utc_us);
}

Result<Principal> Identity::identify(std::string_view token, std::int64_t utc_us) const {
  auto const claims = keys_.verify(token, utc_us);
  // One that was signed but names nobody is as little a way in as any other.
  if (!claims) return error(Code::unauthenticated, claims.error().message);
  return to_principal(*claims);
}

}  // namespace sojourn

// Who is asking: the token of a request, or on a server without a key the local principal. A token that is wrong is
// never ignored. What the principal may do is decided elsewhere (core/principal).
// A value that does not change; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "api/api.h"
#include "api/token.h"

namespace sojourn {

class Identity {
 public:
  // `is_open`: without a token a request is the local principal's; else it is refused.
  Identity(Keys keys, bool is_open) : keys_(std::move(keys)), is_open_(is_open) {}

  // Code::unauthenticated, or Code::invalid for a token that was signed but names nobody.
  Result<Principal> identify(Request const& request) const;

  // Of a token that came in another way.
  Result<Principal> identify(std::string_view token, std::int64_t utc_us) const;

  bool is_open() const { return is_open_; }
  Keys const& keys() const { return keys_; }

 private:
  Keys keys_;
  bool is_open_;
};

// Where a request carries its token: Authorization: Bearer, the subprotocol bearer.TOKEN, or where a client can't set
// headers (WebSocket, events as a stream, the list of sessions) the parameter token. Empty = nowhere.
std::string find_token(Request const& request);

// The subprotocol to answer with, of those offered; empty = none was.
std::string_view choose_protocol(Request const& request);

// What somebody with these claims is.
Principal to_principal(Claims const& claims);

bool wants_event_stream(Request const& request);
bool wants_websocket(Request const& request);

}  // namespace sojourn

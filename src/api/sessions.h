// The native door to sessions of every kind: opened, found again, listed, read, ended; who is in them, and the tokens
// that let others in. The hub's thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/identity.h"
#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

class Sessions {
 public:
  // The references outlive the door.
  Sessions(Hub& hub, Identity const& identity) : hub_(hub), identity_(identity) {}

  static std::span<Route const> routes();

  void open(Request const& request, Parameters const& parameters, Respond respond);
  void list(Request const& request, Parameters const& parameters, Respond respond);
  void show(Request const& request, Parameters const& parameters, Respond respond);
  void close(Request const& request, Parameters const& parameters, Respond respond);
  void list_connections(Request const& request, Parameters const& parameters, Respond respond);
  void kick(Request const& request, Parameters const& parameters, Respond respond);
  void mint_token(Request const& request, Parameters const& parameters, Respond respond);
  void list_tokens(Request const& request, Parameters const& parameters, Respond respond);
  void revoke_token(Request const& request, Parameters const& parameters, Respond respond);

 private:
  Hub& hub_;
  Identity const& identity_;
};

// A whole number in a parameter of the query; empty text gives `otherwise`. Code::unprocessable outside of the bounds.
Result<std::int64_t> parse_number(std::string_view name, std::string const& text, std::int64_t otherwise,
                                  std::pair<std::int64_t, std::int64_t> bounds);

}  // namespace sojourn

// Who is asking, and the one authorisation function.
// can() is called inside the gate (Hub::submit) and nowhere else. "Not yours" and "not there" are the same answer.
// Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace sojourn {

struct Session;

enum class Role : std::uint8_t {
  local,  // no token, on a loopback listener: an admin
  user,   // a token's subject
  admin,  // a token with scope admin
};

struct Principal {
  Role role = Role::user;
  std::string name;  // the owner of what it opens
};

enum class Action : std::uint8_t { list, open, read, write, call, close };

// Whether `principal` may do `action` with `session`; without a session: at all.
bool can(Principal const& principal, Action action, Session const* session);

// The principal of local mode.
Principal local_principal();

}  // namespace sojourn

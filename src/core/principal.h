// Who is asking, and the one authorisation function.
// can() is called inside the gate (Hub::submit) and nowhere else. "Not yours" and "not there" are the same answer.
// Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sojourn {

struct Session;

enum class Role : std::uint8_t {
  local,  // no token, on a loopback listener: an admin
  user,   // a token's subject
  guest,  // the holder of a session token: one session, nothing else
  admin,  // a token with scope admin
};

// How much a token allows; each includes those before it.
enum class Scope : std::uint8_t { read, write, control, admin };

std::string_view to_word(Scope scope);

// The session token that a guest holds.
struct Grant {
  std::string session_id;
  std::string token_id;
  std::int64_t expires_us = 0;  // UTC; 0 = when it is revoked
};

struct Principal {
  Role role = Role::user;
  std::string name;  // the owner of what it opens
  Scope scope = Scope::write;
  std::shared_ptr<Grant const> grant = {};  // of a guest
  bool is_inside = false;                   // of a connection: its token was used to come in, and is not used again

  bool is_admin() const { return role == Role::local || role == Role::admin; }
};

// What tells one from another: of the holder of a session token, the token too.
std::string to_key(Principal const& principal);
bool is_same(Principal const& a, Principal const& b);

enum class Action : std::uint8_t {
  list,   // sessions
  open,   // a new one
  read,   // its log, state, members
  write,  // messages, state, offers
  call,   // ask its other end to do something
  close,  // end it
  share,  // hand out, list and take back session tokens; send others away
};

// Whether `principal` may do `action` with `session`; without a session: at all.
bool can(Principal const& principal, Action action, Session const* session);

// The principal of local mode.
Principal local_principal();

}  // namespace sojourn

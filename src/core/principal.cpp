#include "core/principal.h"

#include <array>

#include "core/session.h"

namespace sojourn {

std::string_view to_word(Scope scope) {
  constexpr std::array<std::string_view, 4> words{"read", "write", "control", "admin"};
  return words[static_cast<std::size_t>(scope)];
}

bool can(Principal const& principal, Action action, Session const* session) {
  if (principal.is_admin()) return true;
  bool const may_write = principal.scope >= Scope::write;
  if (principal.role == Role::guest) {
    bool const is_theirs = session != nullptr && principal.grant && session->id == principal.grant->session_id &&
                           session->find_token(principal.grant->token_id) != nullptr;
    bool const writes = action == Action::write || action == Action::call;
    return is_theirs && (action == Action::read || (writes && may_write));
  }
  if (session == nullptr) return action == Action::list || may_write;
  if (session->owner != principal.name) return false;
  return action == Action::read || may_write;
}

std::string to_key(Principal const& principal) {
  auto key = principal.name + '\0' + std::to_string(static_cast<int>(principal.role));
  return principal.grant ? key + '\0' + principal.grant->token_id : key;
}

bool is_same(Principal const& a, Principal const& b) { return a.name == b.name && to_key(a) == to_key(b); }

Principal local_principal() { return {Role::local, "local", Scope::admin, {}}; }

}  // namespace sojourn

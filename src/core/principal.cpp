#include "core/principal.h"

#include "core/session.h"

namespace sojourn {

bool can(Principal const& principal, Action action, Session const* session) {
  if (principal.role == Role::local || principal.role == Role::admin) return true;
  if (session == nullptr) return action == Action::open || action == Action::list;
  return session->owner == principal.name;
}

Principal local_principal() { return {Role::local, "local"}; }

}  // namespace sojourn

#include "core/shelves.h"

namespace sojourn {

void Shelves::put(Session& session) {
  auto const kind = static_cast<std::size_t>(session.kind);
  auto& all = kinds_[kind];
  session.shelf = all.insert(all.end(), &session);
  auto& own = owners_[kind][session.owner];
  session.owner_shelf = own.insert(own.end(), &session);
}

void Shelves::take(Session& session) {
  auto const kind = static_cast<std::size_t>(session.kind);
  kinds_[kind].erase(session.shelf);
  auto const owner = owners_[kind].find(session.owner);
  owner->second.erase(session.owner_shelf);
  if (owner->second.empty()) owners_[kind].erase(owner);
}

Shelves::Shelf const& Shelves::of(SessionKind kind, std::string const& owner) const {
  static Shelf const nothing;
  auto const& owners = owners_[static_cast<std::size_t>(kind)];
  auto const place = owners.find(owner);
  return place == owners.end() ? nothing : place->second;
}

}  // namespace sojourn

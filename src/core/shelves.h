// In what order sessions stand: all of one kind, and all of one owner, in the order of opening, each with its exact
// count, so that a list and its total cost the same however many there are. The hub's thread.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/session.h"

namespace sojourn {

class Shelves {
 public:
  using Shelf = std::list<Session*>;

  // Until take() the session stays where it is in memory.
  void put(Session& session);
  void take(Session& session);

  Shelf const& of(SessionKind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }
  Shelf const& of(SessionKind kind, std::string const& owner) const;

 private:
  using Owners = std::unordered_map<std::string, Shelf>;

  std::array<Shelf, session_kinds> kinds_;
  std::array<Owners, session_kinds> owners_;
};

}  // namespace sojourn

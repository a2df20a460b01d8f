#include "core/session.h"

namespace sojourn {

std::string_view to_word(SessionKind kind) {
  constexpr std::array<std::string_view, session_kinds> words{"extension", "shared", "browser"};
  return words[static_cast<std::size_t>(kind)];
}

std::string_view to_word(Use use) {
  constexpr std::array<std::string_view, uses> words{"heartbeat",   "stats",   "query",
                                                     "case_opened", "cleanup", "restore"};
  return words[static_cast<std::size_t>(use)];
}

}  // namespace sojourn

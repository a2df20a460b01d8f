#include "core/event.h"

#include <array>

namespace sojourn {

std::string_view to_word(EventType type) {
  constexpr std::array<std::string_view, 17> words{
      "session.opened",         "session.joined",       "session.left",       "message",
      "session.state",          "session.call",         "session.result",     "session.query",
      "session.query_progress", "session.query_result", "session.function",   "session.browser",
      "session.cleaned",        "session.token_minted", "session.token_used", "session.token_revoked",
      "session.closed"};
  return words[static_cast<std::size_t>(type)];
}

std::size_t bytes_of(Event const& event) {
  return sizeof(Event) + event.name.size() + event.data.size() + event.request_id.size() + event.user.size();
}

}  // namespace sojourn

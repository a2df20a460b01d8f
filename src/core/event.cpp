#include "core/event.h"

#include <array>

namespace sojourn {

std::string_view to_word(EventType type) {
  constexpr std::array<std::string_view, 7> words{
      "session.opened", "connection.joined", "connection.left", "message", "call", "answer", "session.closed"};
  return words[static_cast<std::size_t>(type)];
}

std::size_t bytes_of(Event const& event) {
  return sizeof(Event) + event.name.size() + event.data.size() + event.request_id.size();
}

}  // namespace sojourn

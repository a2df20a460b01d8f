#include "core/connection.h"

#include <charconv>

namespace sojourn {

std::string to_text(ConnectionId connection) { return "c" + std::to_string(connection); }

ConnectionId to_connection_id(std::string_view text) {
  ConnectionId id = 0;
  if (!text.starts_with('c')) return 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, ec] = std::from_chars(text.data() + 1, end, id);
  return ec == std::errc() && stop == end ? id : 0;
}

void send(Connection const& connection, std::string_view message) {
  connection.via.outlet->append(connection.via.framing, message);
}

}  // namespace sojourn

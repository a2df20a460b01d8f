#include "core/connection.h"

namespace sojourn {

void send(Connection const& connection, std::string_view message) {
  auto bytes = std::make_shared<std::string>();
  connection.via.framing(*bytes, message);
  connection.via.outlet->push(std::move(bytes));
}

}  // namespace sojourn

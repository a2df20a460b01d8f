#include "conformance/echo.h"

#include <array>
#include <utility>

#include "net/websocket.h"

namespace sojourn::conformance {

std::span<Entrance const> Echo::entrances() {
  static constexpr std::array table{
      Entrance{"/echo", Carrier::websocket, nullptr, sojourn::join<&Echo::join>, "Says every message again"},
  };
  return table;
}

// One session for each connection, which goes with it.
void Echo::join(Request const& request, Parameters const&, Attachment via, Welcome welcome) {
  via.dialect = this;
  hub_.submit(request.principal, OpenSession{SessionKind::extension, std::move(via), {}},
              [welcome](Result<Outcome> outcome) {
                if (!outcome) return welcome(outcome.error());
                welcome(std::move(std::get<Opened>(*outcome)));
              });
}

void Echo::receive(ConnectionId connection, std::string_view message) {
  hub_.whisper(connection, [&](Session const&, Connection const&, Moment) { return std::string(message); });
}

void Echo::receive_bytes(ConnectionId connection, std::string_view message) {
  hub_.submit({}, MoveConnection{connection, &WebSocket::frame_bytes, "websocket"});
  receive(connection, message);
  hub_.submit({}, MoveConnection{connection, &WebSocket::frame, "websocket"});
}

}  // namespace sojourn::conformance

// A Socket.IO door with what suites of the protocol expect: namespaces / and /custom, "auth" with what the client said
// of itself, "message" answered by "message-back", "message-with-ack" by an acknowledgement. The hub's thread.
#pragma once

#include <span>
#include <string>

#include "api/router.h"
#include "api/socket_io.h"

namespace sojourn::conformance {

class SocketIoEcho final : public SocketIo {
 public:
  using SocketIo::SocketIo;
  static std::span<Entrance const> entrances();

 private:
  void connect(SocketIoClient& client, std::string const& nsp, json::value auth) override;
};

}  // namespace sojourn::conformance

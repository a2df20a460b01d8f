// What stands above an Engine.IO session: one object for each, made by a door and owned by the session's carrier.
// Invariant: receive() and move() are called only until leave(), which is the last call. The hub's thread.
#pragma once

#include <memory>
#include <string_view>

#include "codec/engine_io.h"
#include "core/connection.h"

namespace sojourn {

struct Request;

// The session below. What goes to its outlet is a payload as of codec/engine_io, framed by `framing`; its close() with
// 1000 or 1008 lets the client fetch what is left, with any other code the client is to come back. Both outlive the
// client object.
struct EngineLine {
  Outlet& outlet;
  Framing framing;
  std::string_view transport;  // static: "polling", "websocket"
  engine_io::Revision revision = engine_io::Revision::v4;
  std::string_view id = {};
};

class EngineClient {
 public:
  virtual ~EngineClient() = default;
  // The session is open: the first thing may be said.
  virtual void open() = 0;
  // Whether it was let in somewhere; one that was not may be sent away to make room.
  virtual bool has_come_in() const = 0;
  // A message of text, or of bytes, which lives during the call.
  virtual void receive(std::string_view text) = 0;
  virtual void receive_bytes(std::string_view bytes) = 0;
  // Another transport carries it from now on.
  virtual void move(Framing framing, std::string_view transport) = 0;
  // It is over. `reason` as Socket.IO servers call it: "transport close", "ping timeout", ...; static.
  virtual void leave(std::string_view reason) = 0;
};

// `request` is the one that the session was opened with; it lives during the call.
using EngineJoiner = std::unique_ptr<EngineClient> (*)(void* door, Request const& request, EngineLine const& line);

}  // namespace sojourn

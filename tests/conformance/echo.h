// A door that says everything again: text as text, bytes as bytes.
// The hub's thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/router.h"
#include "codec/websocket.h"
#include "core/hub.h"

namespace sojourn::conformance {

class Echo final : public Dialect {
 public:
  // `hub` outlives the door; `compression` is that of the carriers.
  Echo(Hub& hub, websocket::Compression compression) : hub_(hub), compression_(compression) {}

  static std::span<Entrance const> entrances();
  void join(Request const& request, Parameters const& parameters, Attachment via, Welcome welcome);

  // A suite takes every word it did not ask for as a fault: there is no greeting, and no event is shown.
  std::string greet(Session const&, Connection const&, Arrival const&) const override { return {}; }
  bool encode(Session const&, Event const&, std::string&) const override { return false; }
  std::string ask(Session const&, Event const&) const override { return {}; }
  void receive(ConnectionId connection, std::string_view message) override {
    say(connection, websocket::Opcode::text, message);
  }
  void receive_bytes(ConnectionId connection, std::string_view message) override {
    say(connection, websocket::Opcode::binary, message);
  }

 private:
  void say(ConnectionId connection, websocket::Opcode opcode, std::string_view message);

  Hub& hub_;
  websocket::Compression compression_;
};

}  // namespace sojourn::conformance

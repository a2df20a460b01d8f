// One Socket.IO client of the session monitor: what is known of it, and its membership of a session while it follows
// a thread. Invariant: nothing of a session is sent before its greeting. The hub's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/socket_io.h"
#include "core/hub.h"

namespace sojourn {

class Monitor;
class MonitorSocket;

// The end of a connection in the hub, which may outlive the socket until the hub has answered.
class ThreadLine final : public Outlet {
 public:
  explicit ThreadLine(MonitorSocket& socket) : socket_(&socket) {}

  MonitorSocket* socket() const { return socket_; }
  void push(Bytes bytes) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::size_t queued_bytes() const override;

  // The greeting has been said: what was held back follows.
  void open();
  // The socket is gone, or in another session.
  void cut() { socket_ = nullptr; }
  // The hub closed it before it was open.
  bool was_closed() const { return was_closed_; }

 private:
  MonitorSocket* socket_;
  std::vector<Bytes> held_;
  std::size_t held_bytes_ = 0;
  bool is_open_ = false;
  bool was_closed_ = false;
};

class MonitorSocket final : public Socket {
 public:
  struct Identity {
    std::string sid;
    std::string pid;
    Principal principal;
  };
  // What is shown of it, for people and programs that look after clients.
  struct Facts {
    std::string thread_id = {};    // as it registered
    std::string user_id = {};      // as it says
    std::string client_info = {};  // JSON
    std::int64_t connected_us = 0;
    std::int64_t active_us = 0;         // its last word
    std::int64_t active_steady_us = 0;  // the same
  };
  // Where it follows a thread.
  struct Membership {
    std::shared_ptr<ThreadLine> line = {};
    std::string session_id = {};  // empty until the hub has answered
    ConnectionId connection = 0;
    std::string_view transport = {};  // that the hub knows of
  };

  MonitorSocket(Monitor& door, Identity identity, Facts facts);

  std::string pid() const override { return identity_.pid; }
  Principal const& principal() const { return identity_.principal; }
  Facts& facts() { return facts_; }
  Facts const& facts() const { return facts_; }
  Membership& membership() { return membership_; }
  Membership const& membership() const { return membership_; }
  bool is_registered() const { return membership_.connection != 0; }
  std::string_view transport() const { return client().line().transport; }

  void open() override;
  void receive(socket_io::Packet event) override;
  void receive_ack(std::uint64_t id, socket_io::Packet ack) override;
  void move() override;
  void leave(std::string_view reason) override;

  // The hub ended its membership.
  void lose_membership(std::uint16_t code, std::string_view reason);

 private:
  Monitor& door_;
  Identity identity_;
  Facts facts_;
  Membership membership_;
};

}  // namespace sojourn

// The session monitor: Socket.IO clients register for a thread of conversation, which is a shared session under another
// name, get what they missed, say that they are still there, and are let go when they do not. A client that comes back
// after a break is in its session again and gets what came meanwhile, from the session's own log.
// Invariant: nothing is kept for a client that is gone; what it needs to come back is in what it was sent.
// The hub's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/identity.h"
#include "api/monitor_event.h"
#include "api/monitor_socket.h"
#include "api/responder.h"
#include "api/router.h"
#include "api/socket_io.h"
#include "api/stream.h"
#include "api/tools.h"
#include "base/log.h"
#include "core/hub.h"

namespace sojourn {

class Monitor final : public SocketIo, public Dialect {
 public:
  struct Rules {
    std::int64_t warn_us = std::int64_t{900} * 1'000'000;   // without a word after which a client is asked for one
    std::int64_t drop_us = std::int64_t{1800} * 1'000'000;  // and after which it is let go
    std::int64_t sweep_us = std::int64_t{60} * 1'000'000;   // how often that is looked at
    std::string pid_key;                                    // a secret
  };
  struct Parts {
    Hub& hub;
    Tools& tools;
    Responder& responder;
    Stream const& stream;
    Identity const& identity;
    Log& log;
    Rules rules;
  };

  // The references outlive the door.
  Monitor(World world, Parts parts);

  static std::span<Entrance const> entrances();

  // Something is done for a thread of the principal's: whoever follows it is not idle.
  void touch(Principal const& principal, std::string const& thread_id);
  // Those that are connected, in no order.
  std::vector<MonitorSocket const*> sockets() const;

  std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const override;
  void receive(ConnectionId, std::string_view) override {}
  bool encode(Session const& session, Event const& event, std::string& out) const override;
  std::string ask(Session const& session, Event const& call) const override;

  // For its sockets.
  void on_open(MonitorSocket& socket);
  void on_event(MonitorSocket& socket, socket_io::Packet event);
  void on_ack(MonitorSocket& socket, std::uint64_t id, socket_io::Packet ack);
  void on_move(MonitorSocket& socket);
  void on_leave(MonitorSocket& socket, std::string_view reason);
  void on_lost(MonitorSocket& socket, std::uint16_t code, std::string_view reason);

 private:
  // The same for clients that can't come back: nothing is said of places.
  class Placeless final : public Dialect {
   public:
    explicit Placeless(Monitor const& monitor) : monitor_(monitor) {}
    std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const override {
      return monitor_.greet(session, connection, arrival);
    }
    void receive(ConnectionId, std::string_view) override {}
    bool encode(Session const& session, Event const& event, std::string& out) const override {
      return monitor_.encode(session, event, Places::untold, out);
    }
    std::string ask(Session const& session, Event const& call) const override { return monitor_.ask(session, call); }

   private:
    Monitor const& monitor_;
  };

  // An event of a client: its first argument if that is an object, and how it wants to be answered.
  struct Message {
    MonitorSocket& socket;
    std::string_view name;
    json::object const& fields;
    std::optional<std::uint64_t> id;
  };
  struct AskedCall {
    std::string request_id;
    bool is_query = false;
  };
  struct Room {
    std::vector<MonitorSocket*> sockets;
    std::int64_t shown_us = 0;  // steady; the last event that was shown to it
  };

  void connect(SocketIoClient& client, std::string const& nsp, json::value auth) override;
  bool encode(Session const& session, Event const& event, Places places, std::string& out) const;
  Attachment to_attachment(SocketIoClient const& client, ThreadLine& line);
  void come_back(SocketIoClient& client, std::unique_ptr<MonitorSocket> socket, std::string const& offset);
  std::string to_pid(std::string_view sid, Principal const& principal) const;
  std::string find_sid(std::string_view pid, Principal const& principal) const;
  std::unique_ptr<MonitorSocket> make(SocketIoClient const& client, std::string sid, Principal const& principal);

  void register_session(Message const& message);
  void ping(Message const& message);
  void take_pong(Message const& message);
  void give_missed(Message const& message);
  void force_room_join(Message const& message);
  void tell_status(Message const& message);
  void set_state(Message const& message);
  void get_state(Message const& message);
  void take_offer(Message const& message);
  void take_result(Message const& message);
  void say(MonitorSocket& socket, socket_io::Packet const& event);

  using Entered = std::function<void(MonitorSocket& socket, Result<Opened> const& opened)>;
  void enter(MonitorSocket& socket, std::string thread_id, Entered entered);
  void settle(MonitorSocket& socket, Opened const& opened);
  void leave_session(MonitorSocket& socket);
  void tell_registered(MonitorSocket& socket);

  void answer(MonitorSocket& socket, std::optional<std::uint64_t> id, std::string const& object);
  void fail(MonitorSocket& socket, std::optional<std::uint64_t> id, Error const& why);
  void tell(MonitorSocket& socket, std::string_view name, std::string const& object);
  // Later, if it is still there.
  MonitorSocket* find_socket(std::string const& sid) const;
  // Gives `then` what the hub says, with the socket that asked, unless that has gone.
  template <typename Then> Reply heard_by(MonitorSocket const& socket, Then then) {
    return [this, sid = socket.sid(), then = std::move(then)](Result<Outcome> const& outcome) {
      if (auto* const present = find_socket(sid)) then(*present, outcome);
    };
  }
  // Answers a message by what `write` makes of the hub's T, or says why there is none.
  template <typename T, typename Write>
  Reply answering(MonitorSocket const& socket, std::optional<std::uint64_t> id, Write write) {
    return heard_by(socket, [this, id, write](MonitorSocket& present, Result<Outcome> const& outcome) {
      outcome ? answer(present, id, write(std::get<T>(*outcome))) : fail(present, id, outcome.error());
    });
  }

  void note_use(MonitorSocket& socket);
  void trace(std::string_view what, MonitorSocket const& socket, std::string_view detail = {}) const;
  void sweep();
  void look_again();

  Parts parts_;
  Placeless placeless_{*this};
  std::unordered_map<std::string, MonitorSocket*> sockets_;  // by sid
  mutable std::unordered_map<std::string, Room> rooms_;      // by session
  mutable std::map<std::uint64_t, AskedCall> asked_;         // that wait for an answer, by the id of the packet
  mutable std::uint64_t last_asked_ = 0;
};

}  // namespace sojourn

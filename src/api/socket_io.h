// A Socket.IO server (protocol revision 5; 4 for clients of Engine.IO 3) above Engine.IO sessions: namespaces, packets,
// acknowledgements, refusals. What a namespace means is its door's, which makes a Socket for each client that comes in.
//
//   WebSocket, or requests     net/engine_socket, net/http      bytes
//   Engine                     net/engine                       one Engine.IO session, whatever carries it
//   SocketIoClient             here                             its packets
//   Socket                     here, api/monitor_socket         the client in one namespace
//   a door (Monitor)           api/monitor                      what its events mean
//
// Invariant: a client that breaks the protocol is closed; before it has come in it may send little and not wait long.
// The hub's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/engine.h"
#include "api/responder.h"
#include "api/router.h"
#include "base/id.h"
#include "base/random.h"
#include "base/time.h"
#include "codec/socket_io.h"

namespace sojourn {

class SocketIo;
class SocketIoClient;

// One client in one namespace; owned by the client. A door derives from it.
class Socket {
 public:
  // `sid` is what the client calls itself.
  explicit Socket(std::string sid) : sid_(std::move(sid)) {}
  virtual ~Socket() = default;
  Socket(Socket const&) = delete;
  Socket& operator=(Socket const&) = delete;

  std::string const& sid() const { return sid_; }
  // By which the client may come back as the same; empty = it can't.
  virtual std::string pid() const { return {}; }

  // The client knows that it is in.
  virtual void open() {}
  // An event; with an id it is to be answered by client().acknowledge().
  virtual void receive(socket_io::Packet event) = 0;
  // The answer to an event of ours that had this id.
  virtual void receive_ack(std::uint64_t /*id*/, socket_io::Packet /*ack*/) {}
  // Another transport carries it from now on; see client().
  virtual void move() {}
  // It is over; the last call. `reason` as in EngineClient::leave, or "client namespace disconnect".
  virtual void leave(std::string_view /*reason*/) {}

  SocketIoClient& client() const { return *client_; }
  std::string const& nsp() const { return nsp_; }

 private:
  friend class SocketIoClient;
  SocketIoClient* client_ = nullptr;  // while it is in
  std::string sid_;
  std::string nsp_;
};

class SocketIoClient final : public EngineClient {
 public:
  using Id = std::uint64_t;  // never reused

  // Who it is, as far as its first request says.
  struct Visitor {
    Principal principal;
    std::optional<Error> refusal;  // why its token is none
    std::string user_agent;
    std::string address;
    bool can_return = true;  // and gives back what it was told of its place

    bool operator==(Visitor const& other) const;
  };

  SocketIoClient(SocketIo& door, Id id, EngineLine const& line, std::shared_ptr<Visitor const> visitor);
  ~SocketIoClient() override;

  Id id() const { return id_; }
  EngineLine const& line() const { return line_; }
  Visitor const& visitor() const { return *visitor_; }

  // Lets it into the namespace that it asked for, or says why not.
  void accept(std::string const& nsp, std::unique_ptr<Socket> socket);
  void refuse(std::string const& nsp, Error const& why);

  // A payload: packets as of codec/engine_io.
  void send(std::string_view payload);
  void acknowledge(Socket const& socket, std::uint64_t id, std::string_view arguments);
  // Sends it out of the namespace: it does not come back by itself.
  void disconnect(Socket& socket, std::string_view reason);
  // Ends the whole connection, after which a client comes back. 1000 and 1008 let it fetch what is left first.
  void close(std::uint16_t code, std::string_view reason);

  void open() override;
  bool has_come_in() const override { return was_in_; }
  void receive(std::string_view text) override;
  void receive_bytes(std::string_view bytes) override;
  void move(Framing framing, std::string_view transport) override;
  void leave(std::string_view reason) override;

 private:
  bool may_send(std::size_t bytes);
  void take(Result<std::optional<socket_io::Packet>> packet);
  void take_packet(socket_io::Packet packet);
  void connect(std::string const& nsp, json::value auth);
  void drop(Socket& socket, std::string_view reason);
  Socket* find(std::string_view nsp) const;

  SocketIo& door_;
  Id id_;
  EngineLine line_;
  std::shared_ptr<Visitor const> visitor_;
  socket_io::Reader reader_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<Socket>> left_;  // of this call
  std::vector<std::string> asked_;             // namespaces that the door has not decided about yet
  bool was_in_ = false;                        // some namespace, once
  bool is_closed_ = false;
  std::size_t prelude_bytes_ = 0;  // what came before that
  std::uint64_t unfinished_ = 0;   // changes with each packet that waits for attachments

  friend class SocketIo;
};

class SocketIo {
 public:
  struct Settings {
    std::int64_t connect_us = 10'000'000;   // to come into some namespace, and for the attachments of a packet
    std::size_t prelude_bytes = 16 * 1024;  // of messages before that
    std::size_t message_bytes = 1'000'000;  // of the attachments of one packet together
  };
  struct World {
    Random random;
    Clock clock;
    Later later;
    Settings settings = {};
  };

  explicit SocketIo(World world) : world_(std::move(world)) {}
  virtual ~SocketIo() = default;
  SocketIo(SocketIo const&) = delete;
  SocketIo& operator=(SocketIo const&) = delete;

  std::unique_ptr<EngineClient> attach(Request const& request, EngineLine const& line);

  // The client, or null when it has gone.
  SocketIoClient* find(SocketIoClient::Id id) const;

  std::string mint_sid() { return make_socket_id(world_.random); }

 protected:
  // A client asks to be let into a namespace, with what it says of itself (an object, or null): the door lets it in or
  // refuses it, now or later.
  virtual void connect(SocketIoClient& client, std::string const& nsp, json::value auth) = 0;

  World& world() { return world_; }
  World const& world() const { return world_; }

 private:
  friend class SocketIoClient;
  // What a client owes: to come into some namespace (0), or the attachments of its packet of that number.
  struct Due {
    SocketIoClient::Id client;
    std::uint64_t unfinished;
    std::int64_t until_us;
  };
  std::shared_ptr<SocketIoClient::Visitor const> describe(Request const& request);
  void expect(SocketIoClient::Id client, std::uint64_t unfinished);
  void turn_late_away();
  void look_later();

  World world_;
  std::unordered_map<SocketIoClient::Id, SocketIoClient*> clients_;
  SocketIoClient::Id last_id_ = 0;
  std::shared_ptr<SocketIoClient::Visitor const> last_visitor_;  // the next is often of the same sort
  std::deque<Due> expected_;                                     // in the order of their deadlines; also what has come
  bool looks_ = false;
};

// The payload of an event: `arguments` are JSON texts with commas between them; with an id an answer is asked for.
std::string to_event(std::string_view nsp, std::string_view name, std::string_view arguments,
                     std::optional<std::uint64_t> id = {});
// The payload of any packet.
std::string to_payload(socket_io::Packet const& packet);

}  // namespace sojourn

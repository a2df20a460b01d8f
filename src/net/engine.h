// One Engine.IO session as a carrier: what goes out waits for a poll or goes to the WebSocket, what comes in goes to
// the client object above. The rules are those of codec/engine_session. Invariant: has a socket exactly while its
// transport is one; what is queued is a payload for a poll. Freed by Engines, never while it is at work. The loop's
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/engine.h"
#include "api/router.h"
#include "base/timer_wheel.h"
#include "codec/engine_session.h"
#include "codec/websocket.h"
#include "net/bucket.h"

namespace sojourn {

class EngineSocket;
class Engines;

class Engine final : public Outlet {
 public:
  struct Terms {
    std::string sid;
    engine_io::Revision revision = engine_io::Revision::v4;
    engine_io::Transport transport = engine_io::Transport::polling;
  };

  Engine(Engines& engines, Terms terms);
  ~Engine() override;
  Engine(Engine const&) = delete;
  Engine& operator=(Engine const&) = delete;

  std::string const& sid() const { return sid_; }
  engine_io::Session const& session() const { return session_; }

  // Once, before anything else: who is above.
  void join(Request const& request, Router::EngineDoor const& door);
  // The handshake goes out, and what the client above says first.
  void start();

  // A request to it; `peer` is answered by `respond`, at once or when there is something to say.
  void poll(std::uint64_t peer, Respond respond);
  void post(Request const& request, Respond respond);
  // The peer whose poll waits has gone.
  void lose_poll();

  // A WebSocket is open: it is the transport, or a candidate for it. False when it is not wanted.
  bool attach(EngineSocket& socket);
  // Whether one is the transport.
  bool has_socket() const { return socket_ != nullptr; }
  void receive(EngineSocket& socket, websocket::Item const& item);
  void lose(EngineSocket& socket);

  void push(Bytes bytes) override;
  void append(Framing framing, std::string_view message) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::size_t queued_bytes() const override;

  // The end of a loop iteration: answers the poll, if there is one and something to say.
  void flush();
  bool is_listed() const { return listed_; }
  // Polls, and has not come in yet: the first to give way.
  bool is_newcomer() const;
  // Too much waits for a client that does not poll: drops it.
  void cut_off();
  // What waits for a poll.
  std::size_t waiting_bytes() const { return polling_ ? polling_->queued_bytes : 0; }
  // Ends it now. `reason` as of engine_io::Session::end.
  void end(std::string_view reason);
  // The same of a client that broke the rules.
  void fail(std::string_view reason);
  // Whose path it was opened at.
  void const* door() const { return door_; }

 private:
  struct Poll {
    std::uint64_t peer;
    Respond respond;
  };
  // What only polling needs.
  struct Polling {
    std::optional<Poll> poll = {};  // that waits
    std::vector<Bytes> queue = {};
    std::size_t queued_bytes = 0;
    bool is_flooded = false;  // got more in one iteration than may wait
    Bucket bucket = {};       // of what is posted
  };

  void run(engine_io::Steps steps);
  void deliver(engine_io::Packet const& packet);
  bool limit(std::vector<engine_io::Packet>& packets);
  void say(std::string text);
  void queue(Bytes bytes);
  bool is_over_limit() const;
  std::vector<Bytes> take_queue();
  std::optional<Poll> take_poll();
  void answer();
  void take_over();
  void leave(std::string_view reason);
  void list();
  void arm();
  void on_timer();
  std::int64_t now_us() const;

  Engines& engines_;
  engine_io::Session session_;
  std::unique_ptr<EngineClient> client_;
  void const* door_ = nullptr;
  EngineSocket* socket_ = nullptr;
  EngineSocket* candidate_ = nullptr;
  std::unique_ptr<Polling> polling_;  // null = it has a socket
  bool listed_ = false;
  bool as_text_ = false;  // bytes of revision 3
  Timer timer_;
  std::string sid_;
};

}  // namespace sojourn

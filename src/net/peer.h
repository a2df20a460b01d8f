// One client's socket: reads, writes, deadlines, and the protocol it speaks at present, HTTP first and WebSocket after
// an upgrade. Invariant: bytes go out only at the end of an iteration, all of them at once; a peer that does not read
// is closed at the limit. The loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/router.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/timer_wheel.h"
#include "codec/deflate.h"
#include "core/hub.h"
#include "net/departure.h"
#include "net/outbox.h"

namespace sojourn {

class Exchange;
class Peer;
class Peers;
class SendBatch;
class Live;

// Of Engine.IO.
struct EngineSettings {
  bool eio3 = false;  // also revision 3, that of Socket.IO 2
  std::int64_t ping_ms = 25'000;
  std::int64_t pong_ms = 20'000;
  std::int64_t message_bytes = 1'000'000;  // of what is posted at once, and of a message
};

// What every peer needs from outside; outlives them.
struct NetWorld {
  Loop& loop;
  TimerWheel& wheel;
  Router& router;
  Hub& hub;
  Log& log;
  Limits limits;
  EngineSettings engines = {};
  websocket::Compression compression = websocket::Compression::off;  // of WebSockets whose clients offer it
};

class Peer {
 public:
  struct Origin {
    std::string address;
    ListenerDialect listener = ListenerDialect::extension;
  };

  Peer(Peers& peers, std::uint64_t id, int fd, Origin origin);
  ~Peer();
  Peer(Peer const&) = delete;
  Peer& operator=(Peer const&) = delete;

  std::uint64_t id() const { return id_; }
  Origin const& origin() const { return *origin_; }
  NetWorld& world();
  Peers& peers() { return peers_; }
  // What waits to be sent, as it counts against the limits.
  std::size_t queued_bytes() const { return outbox_.cost_bytes(); }
  // Speaks HTTP and waits for a request: the first to give way when sockets run out.
  bool is_idle_http() const;
  bool is_closed() const { return watch_.fd() < 0; }
  // Its object may be freed: closed, and nobody is about to call back.
  bool is_gone() const;

  // Queues bytes for the end of this iteration.
  void push(Bytes bytes);
  // The same of a message that nobody else gets.
  void append(Framing framing, std::string_view message);
  // After the queue is empty: no more from us. The socket closes when the peer closes its side, or at `deadline_us`.
  void finish(std::int64_t deadline_us);
  // Now, without another word.
  void close();
  void arm(std::int64_t deadline_us);
  void pause_reading(bool paused);
  // The hub has caught up.
  void release();
  // Closes when the peer's machine has confirmed nothing of what was sent for so long.
  void set_unheard_timeout_ms(std::int64_t ms);

  // Brings what a flush touches into the cache.
  void fetch() const {
    __builtin_prefetch(&outbox_);
    __builtin_prefetch(&live_);
  }
  // What a flush would send, if the kernel takes it.
  std::size_t sendable_bytes() const { return blocked_ ? 0 : outbox_.bytes(); }
  // The end of an iteration, in two steps, so that nobody is closed while another's bytes are in the batch.
  // Adds what is queued; false when there is nothing to add or more than a batch should hold: then flush() follows.
  // From here on it isn't listed any more.
  bool load(SendBatch& batch);
  // What came of it: bytes sent or -errno.
  void on_sent(std::int64_t result);
  // Writes what is queued, by itself.
  void flush();
  bool is_listed() const { return listed_; }
  // Too much is queued for a peer that does not read: drops it and says so if a word still fits in.
  void cut_off();

  // HTTP hands over: once its session is there, bytes go to `live`.
  Live& become(std::unique_ptr<Live> live);
  Exchange* exchange() { return exchange_.get(); }
  Live* live() { return live_.get(); }
  // Ends the HTTP side after an upgrade; `rest` are bytes that came behind the handshake.
  void end_exchange(std::string rest);
  // The server ends: what is being answered is answered, everybody else hears goodbye.
  void drain(Farewell const& farewell);

 private:
  void guard(std::uint32_t events);
  void on_ready(std::uint32_t events);
  void read();
  void take(std::span<char> bytes);
  void on_end();
  void on_timer();
  void update_interest();
  // In this iteration, or in a later one `behind` what goes to fewer.
  void list(bool behind);
  bool write_some();
  // Whether more may be queued. When it may not, the flush cuts it off: what is not queued is never missed.
  bool has_room();
  // Whether what it gets has no end that it waits for.
  bool is_endless() const;
  // Takes a result of sending in; false when the socket is broken.
  bool note_sent(std::int64_t result);
  // Tells the others how much more or less waits here than `before`.
  void count_since(std::size_t before);

  // What a flush touches stands together.
  Watch watch_;
  Outbox outbox_;
  bool listed_ = false;     // stands in a list of peers to flush
  bool blocked_ = false;    // the kernel takes no more at present
  bool paused_ = false;     // reads nothing for now
  bool held_ = false;       // nor while the hub is behind
  bool ended_ = false;      // the peer sends no more
  bool finishing_ = false;  // we send no more once the queue is empty
  bool flooded_ = false;    // got more in one iteration than may wait
  bool shut_ = false;       // our side is closed
  Peers& peers_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Live> live_;
  std::unique_ptr<Origin> origin_;
  std::uint64_t id_;
  Timer timer_;
};

}  // namespace sojourn

// All client sockets: who there is, who has something to send, and what happens when there are too many or too much
// waits. A flush goes out in slices: what many share waits behind what few share, so that a broadcast to thousands
// does not hold up a small session for as long as it takes. Invariant: a peer is freed only in turn(), and never while
// it is listed. The loop's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/batch.h"
#include "net/engines.h"
#include "net/peer.h"

namespace sojourn {

class Peers {
 public:
  explicit Peers(NetWorld world, Sending sending = Sending::fastest)
      : world_(std::move(world)), batch_(sending), engines_(*this) {}
  ~Peers();
  Peers(Peers const&) = delete;
  Peers& operator=(Peers const&) = delete;

  NetWorld& world() { return world_; }
  std::size_t size() const { return peers_.size(); }
  // How bytes go out: "io_uring" or "send".
  std::string_view sending() const { return batch_.name(); }

  // Takes over a connected, non-blocking socket. When the limit is reached the longest idle HTTP connection gives way,
  // or the newcomer if there is none.
  void add(int fd, Peer::Origin origin);

  // The peer, or null when it is gone.
  Peer* find(std::uint64_t id);

  // Ends an iteration: sends what is queued, a slice of it if it is much, keeps all queues within their limit and frees
  // the closed. True when there should be another turn at once: something waits, or somebody was closed.
  bool turn();

  // Says goodbye to everybody: to live connections one after another over at most `window_us`, and when to come back.
  void drain(std::string_view reason, std::int64_t window_us = 0);
  // When the last one was told, as planned. After drain() only.
  std::int64_t drained_us() const { return departure_->end_us(); }
  // Whether a request waits for its answer.
  bool is_answering() const;
  // When turn() has more to do for drain(); INT64_MAX = never.
  std::int64_t next_us() const;

  Engines& engines() { return engines_; }
  // What it says now; nothing before.
  std::optional<Farewell> farewell();

  // For peers. Bytes that more queues than this hold go out behind those that fewer do.
  static constexpr long few = 32;
  // To be flushed at the end of this iteration, or a later one behind what `few` share; each peer once, until unlisted.
  void list(Peer& peer, bool behind) { (behind ? many_ : few_).push_back(&peer); }
  // Reads nothing until the hub has caught up.
  void hold(std::uint64_t id) { held_.push_back(id); }
  // To be freed.
  void bury(std::uint64_t id) { dead_.push_back(id); }
  // `more` bytes wait in some queue (fewer if negative).
  void count_queued(std::int64_t more) { queued_bytes_ += more; }
  // What waits for everybody together.
  std::int64_t queued_bytes() const { return queued_bytes_; }

  // The ways back from the doors; `exchange` is a peer's id.
  static void respond(void* peers, std::uint64_t exchange, Response response);
  static bool add_piece(void* peers, std::uint64_t exchange, std::uint32_t answer, Piece piece);
  static void welcome(void* peers, std::uint64_t exchange, Result<Opened> opened);

 private:
  void make_room();
  void look_for_idle();
  std::size_t flush(std::deque<Peer*>& listed, std::size_t budget);
  void limit_queues();
  void shed();
  void free_dead();
  void send_off();
  void release_held();

  NetWorld world_;
  SendBatch batch_;
  std::vector<Peer*> unsent_;  // of a batch: with nothing to add to it
  std::deque<Peer*> few_;      // listed with bytes that few share
  std::deque<Peer*> many_;
  std::uint64_t last_id_ = 0;
  std::int64_t queued_bytes_ = 0;
  std::vector<std::uint64_t> held_;
  std::vector<std::uint64_t> dead_;
  std::vector<std::uint64_t> idle_;       // could give way when somebody last looked; the oldest stands last
  std::int64_t looked_for_idle_us_ = -1;  // the iteration in which that was
  std::optional<Departure> departure_;
  Engines engines_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Peer>> peers_;  // goes first: they speak to the rest
};

}  // namespace sojourn

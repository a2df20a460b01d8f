// All client sockets: who there is, who has something to send, and what happens when there are too many or too much
// waits. The loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/peer.h"

namespace sojourn {

class Peers {
 public:
  explicit Peers(NetWorld world) : world_(std::move(world)) {}
  ~Peers();
  Peers(Peers const&) = delete;
  Peers& operator=(Peers const&) = delete;

  NetWorld& world() { return world_; }
  std::size_t size() const { return peers_.size(); }

  // Takes over a connected, non-blocking socket. When the limit is reached the longest idle HTTP connection gives way,
  // or the newcomer if there is none.
  void add(int fd, Peer::Origin origin);

  // The peer, or null when it is gone.
  Peer* find(std::uint64_t id);

  // Ends an iteration: frees the closed, sends what is queued, keeps all queues within their limit.
  // True when it closed somebody, who has to be freed in another turn.
  bool turn();

  // Says goodbye to everybody.
  void drain(std::string reason);
  // What it said; empty before.
  std::string_view farewell() const { return farewell_; }

  // For peers: to be flushed in this turn; to be freed in the next.
  void list(std::uint64_t id) { listed_.push_back(id); }
  void bury(std::uint64_t id) { dead_.push_back(id); }
  // `more` bytes wait in some queue (fewer if negative).
  void count_queued(std::int64_t more) { queued_bytes_ += more; }

  // The ways back from the doors; `exchange` is a peer's id.
  static void respond(void* peers, std::uint64_t exchange, Response response);
  static void welcome(void* peers, std::uint64_t exchange, Result<Opened> opened);

 private:
  void make_room();
  void look_for_idle();
  void shed();

  NetWorld world_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Peer>> peers_;
  std::uint64_t last_id_ = 0;
  std::int64_t queued_bytes_ = 0;
  std::vector<std::uint64_t> listed_;
  std::vector<std::uint64_t> dead_;
  std::vector<std::uint64_t> idle_;       // could give way when somebody last looked; the oldest stands last
  std::int64_t looked_for_idle_us_ = -1;  // the iteration in which that was
  std::string farewell_;
};

}  // namespace sojourn

// All Engine.IO sessions, and the way to them for HTTP requests and upgrades (the protocol's revision 4; 3 where it is
// switched on). Invariant: every request is answered; a session is freed only in turn(). The loop's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/engine.h"
#include "net/live.h"
#include "net/peer.h"

namespace sojourn {

// Why a request is refused, as servers of the protocol say it.
enum class EngineRefusal : std::uint8_t {
  unknown_transport = 0,
  unknown_sid = 1,
  bad_method = 2,
  bad_request = 3,
  unsupported_version = 5,
};

class Engines {
 public:
  explicit Engines(Peers& peers) : peers_(peers) {}
  ~Engines();
  Engines(Engines const&) = delete;
  Engines& operator=(Engines const&) = delete;

  NetWorld& world() const;
  std::size_t size() const { return engines_.size(); }

  // A request that is no upgrade. False when it is for something else than an engine.
  bool serve(Request& request, std::uint64_t peer, Respond respond);

  // A well-formed upgrade: the carrier it becomes, or why not; nothing when it is for something else.
  struct Upgrade {
    std::unique_ptr<Live> live;
    Response refusal = {};
  };
  std::optional<Upgrade> upgrade(Request& request, Peer& peer);

  // A request whose header came, but not the rest of it: the session that it was for is over.
  void fail(Request const& request);

  // The peer is gone, or sends no more.
  void lose_poll(std::uint64_t peer);

  Engine* find(std::string_view sid) const;

  // The end of an iteration: answers polls, frees what is over.
  void turn();
  // Whether another one should follow at once.
  bool has_more() const { return !listed_.empty(); }
  // Everybody hears goodbye.
  void drain();
  // The one for which most waits, to make room; null = nothing waits.
  Engine* longest() const;

  // For engines.
  static Response refuse(EngineRefusal why);
  void list(Engine& engine) { listed_.push_back(&engine); }
  void bury(Engine& engine) { dead_.push_back(engine.sid()); }
  void watch(std::uint64_t peer, Engine& engine) { polls_[peer] = &engine; }
  void unwatch(std::uint64_t peer) { polls_.erase(peer); }
  void count_queued(std::int64_t more);

 private:
  std::optional<Response> check(Request const& request, bool is_upgrade) const;
  Engine* find(Request const& request) const;
  std::optional<engine_io::Revision> revision_of(Request const& request) const;
  Engine& open(Request const& request, engine_io::Transport transport);
  bool is_full() const;
  void make_room(Request const& request);

  Peers& peers_;
  Random random_;
  std::unordered_map<std::string_view, std::unique_ptr<Engine>> engines_;  // by sid
  std::unordered_map<std::uint64_t, Engine*> polls_;                       // those that wait, by peer
  std::deque<std::string> newcomers_;  // sids in the order of coming, the first of one that has not come in yet
  std::vector<Engine*> listed_;
  std::vector<std::string> dead_;
};

}  // namespace sojourn

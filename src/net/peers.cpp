#include "net/peers.h"

#include <algorithm>
#include <utility>

#include "net/exchange.h"
#include "net/websocket.h"

namespace sojourn {

Peers::~Peers() = default;

void Peers::add(int fd, Peer::Origin origin) {
  if (peers_.size() >= static_cast<std::size_t>(world_.limits.connections)) make_room();
  auto const id = ++last_id_;
  auto peer = std::make_unique<Peer>(*this, id, fd, std::move(origin));
  if (peers_.size() >= static_cast<std::size_t>(world_.limits.connections) + dead_.size()) {
    world_.log.write(Level::warn, "peer.refused",
                     {{"reason", "too many connections"}, {"limit", world_.limits.connections}});
    return;  // closes it
  }
  peers_.emplace(id, std::move(peer));
}

Peer* Peers::find(std::uint64_t id) {
  auto const place = peers_.find(id);
  return place == peers_.end() ? nullptr : place->second.get();
}

// Looks at everybody at most once in an iteration, however many newcomers there are.
void Peers::make_room() {
  for (bool looked = false;; looked = true) {
    while (!idle_.empty()) {
      auto* const oldest = find(idle_.back());
      idle_.pop_back();
      if (oldest != nullptr && oldest->is_idle_http()) return oldest->close();
    }
    if (looked || looked_for_idle_us_ == world_.loop.now().steady_us) return;
    look_for_idle();
  }
}

// Ids grow with time, so the smallest is the oldest.
void Peers::look_for_idle() {
  looked_for_idle_us_ = world_.loop.now().steady_us;
  for (auto const& [id, peer] : peers_) {
    if (peer->is_idle_http()) idle_.push_back(id);
  }
  std::ranges::sort(idle_, std::greater<>());
}

bool Peers::turn() {
  for (auto const id : std::exchange(dead_, {})) {
    auto const place = peers_.find(id);
    if (place != peers_.end() && place->second->is_gone()) peers_.erase(place);
  }
  // Flushing may list others again: they wait for the next turn.
  for (auto const id : std::exchange(listed_, {})) {
    if (auto* peer = find(id)) peer->flush();
  }
  while (queued_bytes_ > world_.limits.queues_bytes) shed();
  return !dead_.empty() || !listed_.empty();
}

void Peers::shed() {
  auto const longest =
      std::ranges::max_element(peers_, {}, [](auto const& entry) { return entry.second->queued_bytes(); });
  auto const before = queued_bytes_;
  if (longest != peers_.end()) longest->second->cut_off();
  // What has begun to go can't be taken back; then there is no last word.
  if (queued_bytes_ >= before && longest != peers_.end()) longest->second->close();
  if (queued_bytes_ >= before)
    queued_bytes_ = 0;  // nothing to take: the count was wrong, which must not hang the server
}

void Peers::drain(std::string reason) {
  farewell_ = std::move(reason);
  for (auto const& [id, peer] : peers_) peer->drain(farewell_);
}

void Peers::respond(void* peers, std::uint64_t exchange, Response response) {
  auto* peer = static_cast<Peers*>(peers)->find(exchange);
  if (peer != nullptr && !peer->is_closed() && peer->exchange() != nullptr)
    peer->exchange()->answer(std::move(response));
}

void Peers::welcome(void* peers, std::uint64_t exchange, Result<Opened> opened) {
  auto& all = *static_cast<Peers*>(peers);
  auto* peer = all.find(exchange);
  if (peer == nullptr) return;
  if (!peer->is_closed()) return peer->exchange()->welcome(std::move(opened));
  // It went away while the hub let it in.
  if (opened)
    peer->websocket()->open(*opened, {});
  else
    peer->websocket()->refuse();
  all.bury(exchange);
}

}  // namespace sojourn

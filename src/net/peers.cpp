#include "net/peers.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "net/exchange.h"
#include "net/live.h"

namespace sojourn {
namespace {

// What a turn may send, counted in sends; a long one counts as several. A send takes about 5 us: that is how long
// somebody waits, at worst, behind what many share. But of everything many get a third.
constexpr std::size_t few_each_turn = 4096;
constexpr std::size_t many_each_turn = 64;
constexpr std::size_t send_bytes = 8192;
// Few enough that what loading touched is still in the cache when the results come.
constexpr std::size_t batch_sends = 128;
// So far ahead a peer is fetched into the cache: among thousands none is in it.
constexpr std::size_t fetched_ahead = 8;

}  // namespace

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
  if (departure_) send_off();
  if (!held_.empty() && !world_.hub.is_behind()) release_held();
  engines_.turn();
  auto const used = flush(few_, few_each_turn);
  flush(many_, std::max(many_each_turn - std::min(used, many_each_turn), used / 2));
  limit_queues();
  bool const has_closed = !dead_.empty();
  free_dead();
  return has_closed || !few_.empty() || !many_.empty() || engines_.has_more();
}

// Sends what those who are listed now have queued, as far as `budget` goes; returns how much of it was used. What came
// of a batch is told only when all of it has gone: it may close anybody, and list anybody for another turn.
std::size_t Peers::flush(std::deque<Peer*>& listed, std::size_t budget) {
  std::size_t used = 0;
  for (auto left = listed.size(); left > 0 && used < budget;) {
    unsent_.clear();
    for (auto room = batch_sends; room > 0 && left > 0 && used < budget; --room, --left) {
      auto* const peer = listed.front();
      listed.pop_front();
      if (left > fetched_ahead) listed[fetched_ahead - 1]->fetch();
      used += 1 + peer->sendable_bytes() / send_bytes;
      if (!peer->load(batch_)) unsent_.push_back(peer);
    }
    for (auto const& [peer, result] : batch_.submit()) static_cast<Peer*>(peer)->on_sent(result);
    for (auto* const peer : unsent_) peer->flush();
  }
  return used;
}

// What only waits for its slice is not too much: it goes out before anybody is cut off.
void Peers::limit_queues() {
  if (queued_bytes_ <= world_.limits.queues_bytes) return;
  for (auto* const listed : {&few_, &many_}) flush(*listed, std::numeric_limits<std::size_t>::max());
  while (queued_bytes_ > world_.limits.queues_bytes) shed();
}

void Peers::shed() {
  auto const longest =
      std::ranges::max_element(peers_, {}, [](auto const& entry) { return entry.second->queued_bytes(); });
  auto const before = queued_bytes_;
  auto* const engine = engines_.longest();
  if (engine != nullptr && (longest == peers_.end() || engine->waiting_bytes() > longest->second->queued_bytes()))
    return engine->cut_off();
  if (longest != peers_.end()) longest->second->cut_off();
  // What has begun to go can't be taken back; then there is no last word.
  if (queued_bytes_ >= before && longest != peers_.end()) longest->second->close();
  if (queued_bytes_ >= before)
    queued_bytes_ = 0;  // nothing to take: the count was wrong, which must not hang the server
}

void Peers::free_dead() {
  std::vector<std::uint64_t> listed;
  for (auto const id : std::exchange(dead_, {})) {
    auto const place = peers_.find(id);
    if (place == peers_.end() || !place->second->is_gone()) continue;
    if (place->second->is_listed())
      listed.push_back(id);
    else
      peers_.erase(place);
  }
  // Freeing may have buried others.
  dead_.insert(dead_.end(), listed.begin(), listed.end());
}

void Peers::drain(std::string_view reason, std::int64_t window_us) {
  engines_.drain();
  std::vector<std::uint64_t> leaving;
  for (auto const& [id, peer] : peers_) {
    if (peer->exchange() == nullptr) leaving.push_back(id);
  }
  departure_.emplace(reason, std::move(leaving), world_.loop.now().steady_us, window_us);
  for (auto const& [id, peer] : peers_) {
    if (peer->exchange() != nullptr) peer->drain(*farewell());
  }
  send_off();
}

void Peers::send_off() {
  for (auto const id : departure_->take_due(world_.loop.now().steady_us)) {
    if (auto* const peer = find(id)) peer->drain(*farewell());
  }
}

void Peers::release_held() {
  for (auto const id : std::exchange(held_, {})) {
    if (auto* const peer = find(id); peer != nullptr && !peer->is_closed()) peer->release();
  }
}

std::optional<Farewell> Peers::farewell() { return departure_ ? std::optional(departure_->farewell()) : std::nullopt; }

bool Peers::is_answering() const {
  return std::ranges::any_of(peers_, [](auto const& entry) {
    auto* const exchange = entry.second->exchange();
    return exchange != nullptr && exchange->is_answering();
  });
}

std::int64_t Peers::next_us() const {
  return departure_ ? departure_->next_us() : std::numeric_limits<std::int64_t>::max();
}

void Peers::respond(void* peers, std::uint64_t exchange, Response response) {
  auto* peer = static_cast<Peers*>(peers)->find(exchange);
  if (peer != nullptr && !peer->is_closed() && peer->exchange() != nullptr)
    peer->exchange()->answer(std::move(response));
}

bool Peers::add_piece(void* peers, std::uint64_t exchange, std::uint32_t answer, Piece piece) {
  auto* peer = static_cast<Peers*>(peers)->find(exchange);
  bool const is_there = peer != nullptr && !peer->is_closed() && peer->exchange() != nullptr;
  return is_there && peer->exchange()->add(answer, std::move(piece));
}

void Peers::welcome(void* peers, std::uint64_t exchange, Result<Opened> opened) {
  auto& all = *static_cast<Peers*>(peers);
  auto* peer = all.find(exchange);
  if (peer == nullptr) return;
  if (!peer->is_closed()) return peer->exchange()->welcome(std::move(opened));
  // It went away while the hub let it in.
  if (opened)
    peer->live()->open(*opened, {});
  else
    peer->live()->refuse();
  all.bury(exchange);
}

}  // namespace sojourn

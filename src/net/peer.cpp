#include "net/peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include "net/batch.h"
#include "net/exchange.h"
#include "net/live.h"
#include "net/peers.h"

namespace sojourn {
namespace {

// How long a peer that was cut off has to take its last word.
constexpr std::int64_t last_word_us = 5'000'000;
// When one that is not read is looked at again.
constexpr std::int64_t held_us = 1'000'000;
constexpr std::size_t parts_max = 64;
// More than this for one socket gains nothing from a batch.
constexpr std::size_t batch_bytes_max = 64 * 1024;

}  // namespace

Peer::Peer(Peers& peers, std::uint64_t id, int fd, Origin origin)
    : watch_(peers.world().loop, fd, EPOLLIN, [this](std::uint32_t events) { guard(events); }),
      peers_(peers),
      origin_(std::make_unique<Origin>(std::move(origin))),
      id_(id),
      timer_([](void* owner) { static_cast<Peer*>(owner)->on_timer(); }, this) {
  exchange_ = std::make_unique<Exchange>(*this);
}

Peer::~Peer() {
  live_.reset();  // leaves the hub while the peer still stands
}

NetWorld& Peer::world() { return peers_.world(); }

bool Peer::is_idle_http() const {
  return exchange_ != nullptr && live_ == nullptr && exchange_->is_idle() && outbox_.empty() && !is_closed();
}

bool Peer::is_gone() const { return is_closed() && (live_ == nullptr || !live_->is_joining()); }

void Peer::push(Bytes bytes) {
  if (is_closed() || !has_room()) return;
  bool const behind = bytes.use_count() > Peers::few;
  peers_.count_queued(static_cast<std::int64_t>(outbox_.push(std::move(bytes))));
  list(behind);
}

void Peer::append(Framing framing, std::string_view message) {
  if (is_closed() || !has_room()) return;
  auto const grown = outbox_.append([&](std::string& out) { framing(out, message); });
  peers_.count_queued(static_cast<std::int64_t>(grown));
  list(false);
}

bool Peer::is_endless() const { return live_ || (exchange_ && exchange_->is_open()); }

// A thousand short questions that came at once may have long answers: what the kernel takes goes at once then.
bool Peer::has_room() {
  auto const limit = static_cast<std::size_t>(world().limits.queue_bytes);
  if (queued_bytes() <= limit || !is_endless() || finishing_) return true;
  while (!flooded_ && !blocked_ && queued_bytes() > limit && write_some()) {
  }
  flooded_ = flooded_ || queued_bytes() > limit;
  return !flooded_;
}

void Peer::list(bool behind) {
  if (!std::exchange(listed_, true)) peers_.list(*this, behind);
}

void Peer::finish(std::int64_t deadline_us) {
  finishing_ = true;
  arm(deadline_us);
  list(false);
}

void Peer::close() {
  if (is_closed()) return;
  auto const before = queued_bytes();
  outbox_ = Outbox();
  count_since(before);
  timer_.disarm();
  watch_.close();
  if (live_ && !live_->is_joining()) live_->leave();
  peers_.engines().lose_poll(id_);
  peers_.bury(id_);
}

void Peer::arm(std::int64_t deadline_us) {
  if (!is_closed()) peers_.world().wheel.arm(timer_, deadline_us);
}

void Peer::pause_reading(bool paused) {
  paused_ = paused;
  update_interest();
}

void Peer::release() {
  held_ = false;
  update_interest();
}

bool Peer::load(SendBatch& batch) {
  listed_ = false;
  if (is_closed() || blocked_ || outbox_.empty() || outbox_.bytes() > batch_bytes_max) return false;
  std::array<iovec, parts_max> parts;
  batch.add(watch_.fd(), std::span(parts).first(outbox_.peek(parts)), this);
  return true;
}

void Peer::on_sent(std::int64_t result) {
  if (is_closed()) return;
  if (!note_sent(result)) return close();
  flush();  // the rest of a short send, and what has to follow
}

void Peer::flush() {
  if (is_closed()) return;
  while (!blocked_ && !outbox_.empty()) {
    if (!write_some()) return close();
  }
  auto const limit = static_cast<std::size_t>(world().limits.queue_bytes);
  if (is_endless() && !finishing_ && (flooded_ || queued_bytes() > limit)) return cut_off();
  if (outbox_.empty() && exchange_) exchange_->on_drained();
  if (!outbox_.empty() || !finishing_) return;
  if (!std::exchange(shut_, true)) shutdown(watch_.fd(), SHUT_WR);
  if (ended_) close();
}

bool Peer::write_some() {
  std::array<iovec, parts_max> parts;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = outbox_.peek(parts);
  auto const sent = sendmsg(watch_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno == EINTR) return true;
  return note_sent(sent < 0 ? -errno : sent);
}

bool Peer::note_sent(std::int64_t result) {
  if (result < 0) {
    blocked_ = result == -EAGAIN;
    if (blocked_) update_interest();
    return blocked_;
  }
  auto const before = queued_bytes();
  outbox_.drop(static_cast<std::size_t>(result));
  count_since(before);
  return true;
}

void Peer::count_since(std::size_t before) {
  peers_.count_queued(static_cast<std::int64_t>(queued_bytes()) - static_cast<std::int64_t>(before));
}

void Peer::cut_off() {
  world().log.write(Level::warn, "peer.too_slow",
                    {{"address", origin_->address}, {"queued_bytes", static_cast<std::int64_t>(queued_bytes())}});
  if (!live_ || live_->is_joining()) return close();
  auto const before = queued_bytes();
  outbox_.drop_unsent();
  count_since(before);
  live_->leave();
  finish(world().loop.now().steady_us + last_word_us);
  push(std::make_shared<std::string const>(live_->cut_off_word()));
}

Live& Peer::become(std::unique_ptr<Live> live) {
  live_ = std::move(live);
  return *live_;
}

void Peer::set_unheard_timeout_ms(std::int64_t ms) {
  auto const value = static_cast<unsigned>(ms);
  setsockopt(watch_.fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value));
}

void Peer::end_exchange(std::string rest) {
  exchange_.reset();
  pause_reading(false);
  if (!rest.empty() && !is_closed()) live_->take(rest);
  if (ended_ && !is_closed()) on_end();
}

// Whatever goes wrong with one connection ends that connection only.
void Peer::guard(std::uint32_t events) {
  try {
    on_ready(events);
  } catch (std::exception const& bug) {
    world().log.write(Level::error, "peer.bug", {{"what", bug.what()}, {"address", origin_->address}});
    close();
  }
}

void Peer::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    blocked_ = false;
    update_interest();
    list(false);
  }
  if ((events & EPOLLIN) != 0 && !paused_ && !held_ && !ended_) {
    // A request waits for its answer by itself; what speaks without waiting is held.
    if (!live_ || !world().hub.is_behind()) return read();
    held_ = true;
    peers_.hold(id_);
    update_interest();
  }
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) close();
}

void Peer::read() {
  auto const buffer = world().loop.read_buffer();
  auto const count = recv(watch_.fd(), buffer.data(), buffer.size(), 0);
  if (count > 0) return take(buffer.first(static_cast<std::size_t>(count)));
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return close();
  ended_ = true;
  update_interest();
  flush();  // a last word may be queued
  if (!is_closed()) on_end();
}

void Peer::take(std::span<char> bytes) {
  if (exchange_)
    exchange_->take({bytes.data(), bytes.size()});
  else if (live_)
    live_->take(bytes);
}

void Peer::on_end() {
  if (finishing_ && (shut_ || outbox_.empty())) return close();
  if (exchange_)
    exchange_->on_end();
  else if (live_)
    live_->on_end();
}

void Peer::on_timer() {
  if (finishing_) return close();
  // It may have said long ago that it is there.
  if (held_) return arm(world().loop.now().steady_us + held_us);
  if (exchange_)
    exchange_->on_timer();
  else if (live_)
    live_->on_timer();
}

void Peer::drain(Farewell const& farewell) {
  // What has come by now is answered too: whoever sent it could not know.
  if (!is_closed() && exchange_ && exchange_->is_idle()) read();
  if (is_closed() || finishing_) return;
  if (exchange_)
    exchange_->drain();
  else if (live_)
    live_->drain(farewell);
}

void Peer::update_interest() {
  std::uint32_t const in = paused_ || held_ || ended_ ? 0U : static_cast<std::uint32_t>(EPOLLIN);
  watch_.want(in | (blocked_ ? static_cast<std::uint32_t>(EPOLLOUT) : 0U));
}

}  // namespace sojourn

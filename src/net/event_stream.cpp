#include "net/event_stream.h"

#include <utility>

#include "base/json.h"
#include "codec/websocket.h"
#include "net/peers.h"

namespace sojourn {
namespace {

// How long the reader has to take our last block.
constexpr std::int64_t last_word_us = 5'000'000;

// The standard has no close codes: an event says what a WebSocket's close frame would.
std::string to_last_block(std::uint16_t code, std::string_view reason) {
  std::string out = "event: session.close\ndata: {\"code\":" + std::to_string(code) + ",\"reason\":";
  json::append_string(out, reason);
  return out += "}\n\n";
}

}  // namespace

void EventStream::open(Opened const& opened, std::string handshake) {
  if (state_ == State::closed) return peer_.close();  // its session ended meanwhile
  connection_ = opened.connection;
  auto const held = std::exchange(held_, nullptr);
  state_ = State::open;
  if (peer_.is_closed()) return leave();
  auto const& limits = peer_.world().limits;
  peer_.set_unheard_timeout_ms(limits.pong_ms);
  handshake += opened.greeting;
  peer_.push(std::make_shared<std::string const>(std::move(handshake)));
  for (auto& bytes : held->bytes) peer_.push(std::move(bytes));
  peer_.arm(peer_.world().loop.now().steady_us + limits.ping_ms * 1000);
  if (held->close_code != 0) close(held->close_code, held->close_reason);
}

void EventStream::push(Bytes bytes) {
  if (state_ == State::joining)
    held_->push(std::move(bytes));
  else if (state_ == State::open)
    peer_.push(std::move(bytes));
}

void EventStream::close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::joining) {
    held_->close_code = code;
    held_->close_reason = reason;
    return;
  }
  connection_ = 0;  // the hub has forgotten it
  if (std::exchange(state_, State::closed) != State::open) return;
  peer_.push(std::make_shared<std::string const>(to_last_block(code, reason)));
  peer_.finish(peer_.world().loop.now().steady_us + last_word_us);
}

std::size_t EventStream::queued_bytes() const {
  return state_ == State::joining ? held_->byte_count : peer_.queued_bytes();
}

void EventStream::on_end() {
  leave();
  peer_.close();
}

void EventStream::on_timer() {
  if (state_ != State::open) return on_end();
  peer_.push(std::make_shared<std::string const>(": ping\n\n"));
  peer_.arm(peer_.world().loop.now().steady_us + peer_.world().limits.ping_ms * 1000);
}

void EventStream::leave() {
  if (connection_ != 0) peer_.world().hub.submit({}, Leave{std::exchange(connection_, 0)});
  if (state_ != State::joining) state_ = State::closed;
}

void EventStream::drain(Farewell const& farewell) {
  if (state_ != State::open) return;
  auto const connection = std::exchange(connection_, 0);
  if (farewell.retry_ms != 0)
    peer_.push(std::make_shared<std::string const>("retry: " + std::to_string(farewell.retry_ms) + "\n"));
  close(websocket::close_restart, farewell.reason);
  peer_.world().hub.submit({}, Leave{connection});
}

}  // namespace sojourn

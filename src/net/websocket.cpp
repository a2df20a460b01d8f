#include "net/websocket.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/peers.h"

namespace sojourn {
namespace {

// How long a peer that broke the rules has to hear why.
constexpr std::int64_t last_word_us = 2'000'000;

// A framing is a plain function: everybody who agreed on the same window has the same one and shares its bytes.
template <int WindowBits> void frame_text(std::string& out, std::string_view message) {
  websocket::append_message(out, websocket::Opcode::text, message, WindowBits);
}

}  // namespace

WebSocket::WebSocket(Peer& peer, websocket::Agreement agreement)
    : WebSocket(peer, agreement, static_cast<std::size_t>(peer.world().limits.message_bytes)) {}

WebSocket::WebSocket(Peer& peer, websocket::Agreement agreement, std::size_t message_bytes_max)
    : peer_(peer),
      decoder_(message_bytes_max, agreement ? websocket::Compression::deflate : websocket::Compression::off),
      held_(std::make_unique<HeldBack>()),
      heard_us_(peer.world().loop.now().steady_us) {}

WebSocket::~WebSocket() { leave(); }

void WebSocket::frame(std::string& out, std::string_view message) {
  websocket::append_frame(out, websocket::Opcode::text, message);
}

Framing WebSocket::framing(websocket::Agreement agreement) {
  static constexpr std::array<Framing, 7> by_window{frame_text<9>,  frame_text<10>, frame_text<11>, frame_text<12>,
                                                    frame_text<13>, frame_text<14>, frame_text<15>};
  if (!agreement) return &WebSocket::frame;
  return by_window.at(static_cast<std::size_t>(agreement.window_bits - websocket::window_bits_min));
}

void WebSocket::open(Opened const& opened, std::string handshake) {
  if (state_ == State::closed) return peer_.close();  // its session ended meanwhile
  dialect_ = opened.dialect;
  connection_ = opened.connection;
  if (peer_.is_closed()) {
    state_ = State::leaving;
    return leave();
  }
  if (!opened.greeting.empty()) frame(handshake, opened.greeting);
  start(std::move(handshake));
}

void WebSocket::start(std::string handshake) {
  auto const held = std::exchange(held_, nullptr);
  state_ = State::open;
  peer_.push(std::make_shared<std::string const>(std::move(handshake)));
  for (auto& bytes : held->bytes) peer_.push(std::move(bytes));
  heard_us_ = peer_.world().loop.now().steady_us;
  peer_.arm(heard_us_ + peer_.world().limits.ping_ms * 1000);
  if (held->close_code == 0) return;
  bool const was_let_in = connection_ != 0;
  close(held->close_code, held->close_reason);
  // One that was never let in has no claim to our patience.
  if (was_let_in) return;
  state_ = State::leaving;
  peer_.finish(heard_us_ + last_word_us);
}

void WebSocket::push(Bytes bytes) {
  if (state_ == State::joining)
    held_->push(std::move(bytes));
  else if (state_ == State::open || state_ == State::ending)
    peer_.push(std::move(bytes));
}

void WebSocket::append(Framing with, std::string_view message) {
  if (state_ == State::joining)
    Outlet::append(with, message);
  else if (state_ == State::open || state_ == State::ending)
    peer_.append(with, message);
}

std::size_t WebSocket::queued_bytes() const {
  return state_ == State::joining ? held_->byte_count : peer_.queued_bytes();
}

void WebSocket::close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::joining) {
    held_->close_code = code;
    held_->close_reason = reason;
    return;
  }
  connection_ = 0;  // the hub has forgotten it
  if (state_ != State::open) return;
  auto bytes = std::make_shared<std::string>();
  websocket::append_close(*bytes, code, reason);
  peer_.push(std::move(bytes));
  state_ = State::closing;
  peer_.arm(peer_.world().loop.now().steady_us + peer_.world().limits.close_ms * 1000);
}

std::string WebSocket::cut_off_word() const {
  std::string word;
  websocket::append_close(word, websocket::close_policy, "too slow: messages were not read in time");
  return word;
}

void WebSocket::take(std::span<char> bytes) {
  heard_us_ = peer_.world().loop.now().steady_us;
  pinged_ = false;
  while (state_ == State::open || state_ == State::closing) {
    switch (decoder_.next(bytes)) {
      case websocket::Decoder::Status::need_more:
        return;
      case websocket::Decoder::Status::failed:
        return end_after_turn(decoder_.failure().close_code, decoder_.failure().reason);
      case websocket::Decoder::Status::item:
        on_item(decoder_.item());
    }
  }
}

void WebSocket::on_item(websocket::Item const& item) {
  switch (item.opcode) {
    case websocket::Opcode::text:
    case websocket::Opcode::binary:
      if (state_ != State::open) return;  // said before it heard our close
      if (!bucket_.take(peer_.world().limits, heard_us_)) return end_after_turn(websocket::close_policy, "rate limit");
      return receive(item);
    case websocket::Opcode::ping:
      if (state_ == State::open) send_frame(websocket::Opcode::pong, item.payload);
      return;
    case websocket::Opcode::close:
      return on_close_frame(item);
    default:
      return;
  }
}

void WebSocket::on_close_frame(websocket::Item const& item) {
  if (state_ == State::closing) {
    state_ = State::leaving;
    return peer_.finish(peer_.world().loop.now().steady_us + last_word_us);
  }
  peer_said_close_ = true;
  end_after_turn(item.close_code, {});
}

void WebSocket::end_after_turn(std::uint16_t code, std::string_view reason) {
  last_code_ = code;
  last_reason_ = reason;
  if (state_ == State::open) {
    state_ = State::ending;
    peer_.world().loop.post([peers = &peer_.peers(), id = peer_.id()] {
      auto* peer = peers->find(id);
      if (peer != nullptr && peer->live() != nullptr) static_cast<WebSocket*>(peer->live())->say_last_word();
    });
  } else {
    leave();
    peer_.finish(peer_.world().loop.now().steady_us + last_word_us);
  }
}

void WebSocket::say_last_word() {
  if (state_ != State::ending) return;
  auto& world = peer_.world();
  auto const& limits = world.limits;
  auto bytes = std::make_shared<std::string>();
  websocket::append_close(*bytes, last_code_, last_reason_);
  peer_.push(std::move(bytes));
  if (peer_said_close_) {
    // Until its socket closes the session is there, but not connected.
    part();
    state_ = State::leaving;
    return peer_.finish(world.loop.now().steady_us + limits.close_ms * 1000);
  }
  world.log.write(Level::info, "websocket.failed",
                  {{"code", std::int64_t{last_code_}}, {"reason", last_reason_}, {"address", peer_.origin().address}});
  leave();
  peer_.finish(world.loop.now().steady_us + last_word_us);
}

void WebSocket::drain(Farewell const& farewell) {
  if (state_ == State::open) end_after_turn(websocket::close_restart, farewell.reason);
}

void WebSocket::on_end() {
  if (state_ == State::ending) return;  // the last word is about to be said, and closes
  leave();
  peer_.close();
}

void WebSocket::leave() {
  if (state_ == State::joining || state_ == State::closed) return;
  state_ = State::closed;
  forsake();
}

void WebSocket::receive(websocket::Item const& item) {
  if (item.opcode == websocket::Opcode::text) return dialect_->receive(connection_, item.payload);
  dialect_->receive_bytes(connection_, item.payload);
}

void WebSocket::part() { peer_.world().hub.submit({}, SayGoodbye{connection_}); }

void WebSocket::forsake() {
  if (connection_ != 0) peer_.world().hub.submit({}, Leave{std::exchange(connection_, 0)});
}

void WebSocket::on_timer() {
  auto const& limits = peer_.world().limits;
  auto const now_us = peer_.world().loop.now().steady_us;
  if (state_ != State::open) return on_end();
  auto const silent_us = now_us - heard_us_;
  if (pinged_ && silent_us >= (limits.ping_ms + limits.pong_ms) * 1000) return on_end();
  if (!pinged_ && silent_us >= limits.ping_ms * 1000) {
    send_frame(websocket::Opcode::ping, {});
    pinged_ = true;
  }
  peer_.arm(heard_us_ + (limits.ping_ms + (pinged_ ? limits.pong_ms : 0)) * 1000);
}

void WebSocket::send_frame(websocket::Opcode opcode, std::string_view payload) {
  auto bytes = std::make_shared<std::string>();
  websocket::append_frame(*bytes, opcode, payload);
  peer_.push(std::move(bytes));
}

}  // namespace sojourn

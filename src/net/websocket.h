// A WebSocket connection (RFC 6455) as a carrier: frames to messages for its dialect, and the hub's outlet.
// Invariant: the dialect sees only whole, valid messages, and only while its connection is in the hub; after a close
// was sent nothing else is. The loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "codec/websocket.h"
#include "core/connection.h"
#include "net/bucket.h"
#include "net/live.h"
#include "net/peer.h"

namespace sojourn {

class WebSocket : public Live {
 public:
  // Joining: nothing is sent or understood before open().
  explicit WebSocket(Peer& peer, websocket::Agreement agreement = {});
  ~WebSocket() override;

  // The framing of text messages, to be given to the hub.
  static Framing framing(websocket::Agreement agreement);
  // The same without compression, which everybody understands.
  static void frame(std::string& out, std::string_view message);

  void push(Bytes bytes) override;
  void append(Framing with, std::string_view message) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::size_t queued_bytes() const override;

  void open(Opened const& opened, std::string handshake) override;
  void refuse() override { state_ = State::closed; }
  bool is_joining() const override { return state_ == State::joining; }
  void take(std::span<char> bytes) override;
  void on_end() override;
  void on_timer() override;
  void leave() override;
  void drain(Farewell const& farewell) override;
  std::string cut_off_word() const override;

 protected:
  WebSocket(Peer& peer, websocket::Agreement agreement, std::size_t message_bytes_max);

  Peer& peer() { return peer_; }
  bool is_open() const { return state_ == State::open; }
  // The handshake and everything held back go out; from now on messages come in.
  void start(std::string handshake);
  // From now on nothing is understood; the last word follows once this turn's answers are out. `reason` is static.
  void end_after_turn(std::uint16_t code, std::string_view reason);

  // Who is above: the connection in the hub and its dialect.
  virtual void receive(websocket::Item const& item);
  // The peer said goodbye; its socket is still there.
  virtual void part();
  // Nothing will come any more; once, and only after a start.
  virtual void forsake();

 private:
  enum class State : std::uint8_t {
    joining,  // the hub has not answered yet
    open,
    closing,  // we said close first and wait for the peer's
    ending,   // the peer said close first or broke the rules: what it said before is still answered, in this turn
    leaving,  // nothing more to say
    closed,
  };

  void on_item(websocket::Item const& item);
  void on_close_frame(websocket::Item const& item);
  void say_last_word();
  void send_frame(websocket::Opcode opcode, std::string_view payload);

  Peer& peer_;
  websocket::Decoder decoder_;
  Dialect* dialect_ = nullptr;
  ConnectionId connection_ = 0;
  std::unique_ptr<HeldBack> held_;  // while joining
  std::string_view last_reason_;    // static, or of a farewell
  std::uint16_t last_code_ = 0;     // while ending
  bool peer_said_close_ = false;
  std::int64_t heard_us_;
  Bucket bucket_;
  State state_ = State::joining;
  bool pinged_ = false;
};

}  // namespace sojourn

// An HTTP answer that does not end, as a carrier (server-sent events, the WHATWG HTML standard, section 9.2): what the
// hub pushes goes out, nothing comes in. A comment now and then keeps it open; the kernel tells when the reader is
// gone. The loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/live.h"
#include "net/peer.h"

namespace sojourn {

class EventStream final : public Live {
 public:
  explicit EventStream(Peer& peer) : peer_(peer), held_(std::make_unique<HeldBack>()) {}
  ~EventStream() override { leave(); }

  // The dialect makes whole blocks: nothing is added to them.
  static void frame(std::string& out, std::string_view block) { out += block; }

  void push(Bytes bytes) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::size_t queued_bytes() const override;

  void open(Opened const& opened, std::string handshake) override;
  void refuse() override { state_ = State::closed; }
  bool is_joining() const override { return state_ == State::joining; }
  void take(std::span<char>) override {}
  void on_end() override;
  void on_timer() override;
  void leave() override;
  void drain(Farewell const& farewell) override;
  std::string cut_off_word() const override { return {}; }

 private:
  enum class State : std::uint8_t { joining, open, closed };

  Peer& peer_;
  std::unique_ptr<HeldBack> held_;  // while joining
  ConnectionId connection_ = 0;
  State state_ = State::joining;
};

}  // namespace sojourn

#include "net/engine_socket.h"

#include "net/engine.h"
#include "net/engines.h"
#include "net/peers.h"

namespace sojourn {

Framing EngineSocket::framing(engine_io::Revision revision, bool as_text) {
  if (revision == engine_io::Revision::v4) return &engine_io::append_frames;
  if (as_text)
    return [](std::string& out, std::string_view payload) { engine_io::append_frames_v3(out, payload, true); };
  return [](std::string& out, std::string_view payload) { engine_io::append_frames_v3(out, payload, false); };
}

void EngineSocket::open(Opened const&, std::string handshake) {
  if (peer().is_closed()) return refuse();
  auto* const engine = engines_.find(sid_);
  start(std::move(handshake));
  sid_ = std::string();
  if (engine != nullptr && engine->attach(*this))
    engine_ = engine;
  else
    close(websocket::close_normal, {});
  if (engine_ != nullptr && engine_->session().transport() == engine_io::Transport::websocket) engine_->start();
}

// A session that was made for this socket ends with it.
void EngineSocket::refuse() {
  WebSocket::refuse();
  auto* const engine = engines_.find(sid_);
  bool const is_carried = engine == nullptr || engine->has_socket();
  if (!is_carried && engine->session().transport() == engine_io::Transport::websocket)
    engine->end(engine_io::transport_close);
}

void EngineSocket::say(std::string_view text) {
  auto bytes = std::make_shared<std::string>();
  websocket::append_frame(*bytes, websocket::Opcode::text, text);
  push(std::move(bytes));
}

void EngineSocket::dismiss() {
  engine_ = nullptr;
  close(websocket::close_normal, {});
}

void EngineSocket::receive(websocket::Item const& item) {
  if (engine_ != nullptr) engine_->receive(*this, item);
}

void EngineSocket::forsake() {
  if (engine_ != nullptr) std::exchange(engine_, nullptr)->lose(*this);
}

// The session has a heartbeat of its own.
void EngineSocket::on_timer() {
  if (!is_open()) WebSocket::on_timer();
}

}  // namespace sojourn

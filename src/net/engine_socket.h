// A WebSocket that carries an Engine.IO session, or is about to. The loop's thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "net/websocket.h"

namespace sojourn {

class Engine;
class Engines;

class EngineSocket final : public WebSocket {
 public:
  // Of the session of that id.
  EngineSocket(Peer& peer, Engines& engines, std::string sid)
      : WebSocket(peer, {}, static_cast<std::size_t>(peer.world().engines.message_bytes)),
        engines_(engines),
        sid_(std::move(sid)) {}
  ~EngineSocket() override { leave(); }

  // The framing of payloads for a session of that revision; `as_text` is for bytes of revision 3.
  static Framing framing(engine_io::Revision revision, bool as_text);

  void say(std::string_view text);
  // The session is gone, or wants this one no more.
  void dismiss();

  void open(Opened const& opened, std::string handshake) override;
  void refuse() override;
  void on_timer() override;

 private:
  void receive(websocket::Item const& item) override;
  void part() override { forsake(); }
  void forsake() override;

  Engines& engines_;
  Engine* engine_ = nullptr;  // while it wants this one
  std::string sid_;
};

}  // namespace sojourn

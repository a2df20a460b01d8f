// The far end of Engine.IO sessions without a socket: what a client says goes straight to its EngineClient, what it is
// sent is kept, packet by packet. Time stands still until it is moved. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/engine.h"
#include "api/responder.h"
#include "codec/engine_io.h"
#include "support/hub_stage.h"

namespace sojourn::test {

using Words = std::vector<std::string>;

// What a poll is answered with: the payload as it stands.
inline void frame_poll(std::string& out, std::string_view payload) { engine_io::append_payload(out, payload); }
// A WebSocket's messages: each packet is a line of its own.
inline void frame_packets(std::string& out, std::string_view payload) {
  for (std::size_t at = 0; at <= payload.size();) {
    auto const end = std::min(payload.find('\x1e', at), payload.size());
    out.append(payload.substr(at, end - at)).append("\n");
    at = end + 1;
  }
}

// What is to run when the clock has been moved that far.
class Alarms {
 public:
  explicit Alarms(ManualClock const& clock) : clock_(clock) {}

  Later later() {
    return [this](std::int64_t us, std::function<void()> function) {
      alarms_.emplace(clock_.now().steady_us + us, std::move(function));
    };
  }
  void ring() {
    while (!alarms_.empty() && alarms_.begin()->first <= clock_.now().steady_us)
      alarms_.extract(alarms_.begin()).mapped()();
  }

 private:
  ManualClock const& clock_;
  std::multimap<std::int64_t, std::function<void()>> alarms_;
};

struct EngineEnd {
  RecordingOutlet outlet;
  std::unique_ptr<EngineClient> client;

  // As a socket's buffers are, a message is gone after the call.
  void say(std::string text) const {
    client->receive(text);
    std::string().swap(text);
  }
  void send_bytes(std::string bytes) const {
    client->receive_bytes(bytes);
    std::string().swap(bytes);
  }
  // Packets that came since this was called last, whatever they were framed as.
  Words hear() {
    Words packets;
    for (; heard_ < outlet.pushed.size(); ++heard_) {
      std::string packet;
      for (auto const c : *outlet.pushed[heard_]) {
        bool const ends = c == '\x1e' || c == '\n';
        if (!ends) packet += c;
        if (ends) packets.push_back(std::exchange(packet, {}));
      }
      if (!packet.empty()) packets.push_back(std::move(packet));
    }
    return packets;
  }
  bool is_closed() const { return outlet.closes > 0; }
  // The carrier's part: it is over.
  void go(std::string_view reason = "transport close") {
    client->leave(reason);
    client.reset();
  }

 private:
  std::size_t heard_ = 0;
};

}  // namespace sojourn::test

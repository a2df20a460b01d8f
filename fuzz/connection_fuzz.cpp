// The data is a script for a few clients of a server in memory: they connect, send bytes, requests and frames, read
// or don't, leave in every way, while time passes and the store keeps them waiting. Nothing may be used after it was
// freed, and in the end nobody may be left over.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "support/net_client.h"
#include "support/net_stage.h"

namespace {

using namespace sojourn;
using test::NetClient;
using test::NetStage;

void require(bool holds) {
  if (!holds) std::abort();
}

class Script {
 public:
  Script(std::uint8_t const* data, std::size_t size) : rest_(reinterpret_cast<char const*>(data), size) {}

  bool is_over() const { return rest_.empty(); }
  unsigned take() {
    if (rest_.empty()) return 0;
    auto const byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  std::string_view take_bytes(std::size_t count) {
    auto const bytes = rest_.substr(0, count);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

 private:
  std::string_view rest_;
};

Limits tight_limits() {
  Limits limits;
  limits.message_bytes = 4096;
  limits.queue_bytes = 16 * 1024;
  limits.queues_bytes = 64 * 1024;
  limits.connections = 6;
  limits.messages_per_s = 50;
  limits.message_burst = 20;
  limits.log_bytes = 8192;
  return limits;
}

class Play {
 public:
  explicit Play(Script script) : script_(script), stage_(tight_limits(), 3) {}

  void run() {
    while (!script_.is_over()) act();
    for (auto& client : clients_) client.reset();
    stage_.store.release();
    while (!stage_.door.waiting.empty()) stage_.door.answer(stage_.door.waiting.begin()->first, "late");
    // Enough for every hang-up to be seen and every commit to be done.
    stage_.steps(40);
    require(stage_.peers.size() == 0);
    require(stage_.hub.connection_count() == 0);
  }

 private:
  void act() {
    auto const choice = script_.take();
    auto& client = clients_.at(choice >> 6U);
    if (!client) {
      client = std::make_unique<NetClient>(stage_, (choice & 1U) != 0 ? 4096 : 0);
      return;
    }
    switch (choice & 15U) {
      case 0:
        return send(*client, script_.take_bytes(script_.take()));
      case 1:
        return send(*client, NetClient::handshake("/ws"));
      case 2:
        return send(*client, NetClient::handshake("/kept"));
      case 3: {
        auto const opcode = static_cast<int>(script_.take() & 15U);
        return send(*client, NetClient::frame_of(opcode, script_.take_bytes(script_.take())));
      }
      case 4:
        return send(*client, NetClient::frame_of(1, R"({"type":"ping"})"));
      case 5:
        return send(*client, "GET /later/a HTTP/1.1\r\nHost: localhost:5409\r\n\r\n");
      case 6:
        return send(*client, "GET /big/9999 HTTP/1.1\r\nHost: localhost:5409\r\n\r\n");
      case 7:
        return send(*client, "POST /echo HTTP/1.1\r\nHost: localhost:5409\r\nContent-Length: 9\r\n\r\n");
      case 8:
        return client->half_close();
      case 9:
        return client.reset();
      case 10:
        return client->poll(script_.take() * 64);
      case 11:
        stage_.wheel.advance(stage_.loop.now().steady_us + script_.take() * std::int64_t{400'000});
        return;
      case 12:
        stage_.door.answer("a", std::string(script_.take() * 32, 'a'));
        return;
      case 13:
        return post(script_.take() * 32);
      case 14:
        (script_.take() & 1U) != 0 ? stage_.store.hold() : stage_.store.release();
        return;
      default:
        return stage_.steps(static_cast<int>(1 + (script_.take() & 3U)));
    }
  }

  // Whether it fits in is the server's business.
  void send(NetClient& client, std::string_view bytes) { client.send_some(bytes); }

  // A message to every session of an extension, and sometimes the end of one.
  void post(std::size_t bytes) {
    stage_.hub.submit(local_principal(), ListSessions{SessionKind::extension}, [this, bytes](Result<Outcome> outcome) {
      if (!outcome) return;
      for (auto const& session : std::get<std::vector<SessionInfo>>(*outcome)) {
        stage_.hub.submit(local_principal(),
                          PostMessage{SessionKind::extension, session.id, "m", "\"" + std::string(bytes, 'm') + "\""});
        if (bytes == 32) stage_.hub.submit(local_principal(), CloseSession{SessionKind::extension, session.id});
      }
    });
  }

  Script script_;
  NetStage stage_;
  std::array<std::unique_ptr<NetClient>, 4> clients_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  Play(Script(data, size)).run();
  return 0;
}

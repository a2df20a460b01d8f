#include "net/engines.h"

#include <algorithm>

#include "base/id.h"
#include "net/engine_socket.h"
#include "net/peers.h"

namespace sojourn {
namespace {

using engine_io::Revision;
using engine_io::Transport;

// So often a turn goes over those that have something to say.
constexpr int rounds_max = 8;

std::string_view to_text(EngineRefusal why) {
  switch (why) {
    case EngineRefusal::unknown_transport:
      return "Transport unknown";
    case EngineRefusal::unknown_sid:
      return "Session ID unknown";
    case EngineRefusal::bad_method:
      return "Bad handshake method";
    case EngineRefusal::bad_request:
      return "Bad request";
    case EngineRefusal::unsupported_version:
      return "Unsupported protocol version";
  }
  return {};
}

}  // namespace

Engines::~Engines() {
  // They speak to this while they go.
  for (auto& [sid, engine] : std::exchange(engines_, {})) engine.reset();
}

NetWorld& Engines::world() const { return peers_.world(); }

Response Engines::refuse(EngineRefusal why) {
  auto const code = std::to_string(static_cast<int>(why));
  return json_response("{\"code\":" + code + ",\"message\":\"" + std::string(to_text(why)) + "\"}", 400);
}

Engine* Engines::find(std::string_view sid) const {
  auto const place = engines_.find(sid);
  return place == engines_.end() ? nullptr : place->second.get();
}

// The one that the request is for, if it is one of the same door.
Engine* Engines::find(Request const& request) const {
  auto* const engine = find(request.parameter("sid"));
  bool const is_its_own = engine != nullptr && engine->door() == world().router.find_engines(request).door;
  return is_its_own ? engine : nullptr;
}

std::optional<Revision> Engines::revision_of(Request const& request) const {
  auto const version = request.parameter("EIO");
  if (version == "4") return Revision::v4;
  if (world().engines.eio3 && (version == "3" || version.empty())) return Revision::v3;
  return std::nullopt;
}

// What is wrong with a request, if anything is.
std::optional<Response> Engines::check(Request const& request, bool is_upgrade) const {
  auto const transport = request.parameter("transport");
  if (transport != "polling" && transport != "websocket") return refuse(EngineRefusal::unknown_transport);
  if (is_upgrade != (transport == "websocket")) return refuse(EngineRefusal::bad_request);
  if (!request.parameter("sid").empty()) {
    auto const* const engine = find(request);
    if (engine == nullptr) return refuse(EngineRefusal::unknown_sid);
    bool const is_there = engine->session().is_open() || engine->session().is_lingering();
    if (!is_there) return refuse(EngineRefusal::unknown_sid);
    if (is_upgrade) return std::nullopt;
    bool const is_its_own = engine->session().transport() == Transport::polling;
    bool const is_used = request.method == "GET" || (request.method == "POST" && engine->session().is_open());
    if (is_its_own && is_used) return std::nullopt;
    return refuse(EngineRefusal::bad_request);
  }
  if (request.method != "GET") return refuse(EngineRefusal::bad_method);
  if (!revision_of(request)) return refuse(EngineRefusal::unsupported_version);
  // Answers as scripts can be read by any page.
  if (!request.parameter("j").empty()) return refuse(EngineRefusal::bad_request);
  if (!is_full()) return std::nullopt;
  auto response = error_response(error(Code::unavailable, "there are too many connections; try again later"));
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

bool Engines::is_full() const {
  return engines_.size() >= static_cast<std::size_t>(world().limits.connections) + dead_.size();
}

// A handshake costs its client nothing: who has not come in yet gives way to the next, the oldest first.
void Engines::make_room(Request const& request) {
  if (!request.parameter("sid").empty()) return;
  while (!newcomers_.empty()) {
    auto* const engine = find(newcomers_.front());
    bool const is_newcomer = engine != nullptr && engine->is_newcomer();
    if (is_newcomer && !is_full()) return;
    newcomers_.pop_front();
    if (is_newcomer) engine->fail(engine_io::transport_close);
  }
}

Engine& Engines::open(Request const& request, Transport transport) {
  auto made = std::make_unique<Engine>(*this, Engine::Terms{make_socket_id(random_), *revision_of(request), transport});
  auto& engine = *made;
  engines_.emplace(engine.sid(), std::move(made));
  if (transport == Transport::polling) newcomers_.push_back(engine.sid());
  engine.join(request, world().router.find_engines(request));
  return engine;
}

bool Engines::serve(Request& request, std::uint64_t peer, Respond respond) {
  if (request.method == "OPTIONS" || world().router.find_engines(request).joiner == nullptr) return false;
  if (auto const entered = world().router.enter(request); !entered) {
    auto refused = refusal(request, entered.error());
    refused.is_last = true;
    respond(std::move(refused));
    return true;
  }
  make_room(request);
  if (auto wrong = check(request, false)) {
    respond(*std::move(wrong));
    return true;
  }
  auto const sid = request.parameter("sid");
  if (sid.empty()) {
    auto& engine = open(request, Transport::polling);
    engine.poll(peer, respond);
    engine.start();
  } else if (request.method == "GET") {
    find(sid)->poll(peer, respond);
  } else {
    find(sid)->post(request, respond);
  }
  return true;
}

std::optional<Engines::Upgrade> Engines::upgrade(Request& request, Peer& peer) {
  if (world().router.find_engines(request).joiner == nullptr) return std::nullopt;
  if (auto const entered = world().router.enter(request); !entered)
    return Upgrade{{}, refusal(request, entered.error())};
  make_room(request);
  if (auto wrong = check(request, true)) return Upgrade{{}, *std::move(wrong)};
  auto sid = request.parameter("sid");
  if (sid.empty()) sid = open(request, Transport::websocket).sid();
  return Upgrade{std::make_unique<EngineSocket>(peer, *this, std::move(sid))};
}

void Engines::fail(Request const& request) {
  auto* const engine = find(request);
  if (engine != nullptr && engine->session().transport() == Transport::polling)
    engine->fail(engine_io::transport_error);
}

void Engines::lose_poll(std::uint64_t peer) {
  auto const place = polls_.find(peer);
  if (place == polls_.end()) return;
  auto& engine = *place->second;
  polls_.erase(place);
  engine.lose_poll();
}

void Engines::turn() {
  // An answer lets the next request of its connection in, which may have something to be answered, too.
  for (int rounds = 0; rounds < rounds_max && !listed_.empty(); ++rounds) {
    for (auto* const engine : std::exchange(listed_, {})) engine->flush();
  }
  for (auto const& sid : std::exchange(dead_, {})) {
    auto const place = engines_.find(sid);
    if (place == engines_.end()) continue;
    std::erase(listed_, place->second.get());
    engines_.erase(place);
  }
}

void Engines::drain() {
  // Whoever is answered may open another.
  std::vector<std::string> sids;
  for (auto const& [sid, engine] : engines_) sids.emplace_back(sid);
  for (auto const& sid : sids) {
    auto* const engine = find(sid);
    if (engine != nullptr && engine->session().transport() == Transport::polling) engine->end(engine_io::shutting_down);
  }
}

Engine* Engines::longest() const {
  auto const place =
      std::ranges::max_element(engines_, {}, [](auto const& entry) { return entry.second->waiting_bytes(); });
  return place == engines_.end() || place->second->waiting_bytes() == 0 ? nullptr : place->second.get();
}

void Engines::count_queued(std::int64_t more) { peers_.count_queued(more); }

}  // namespace sojourn

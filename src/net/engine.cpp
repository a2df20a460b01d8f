#include "net/engine.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "net/engine_socket.h"
#include "net/engines.h"
#include "net/peers.h"

namespace sojourn {
namespace {

using engine_io::Revision;
using engine_io::Step;
using engine_io::Transport;

void frame_payload(std::string& out, std::string_view payload) { engine_io::append_payload(out, payload); }

engine_io::Timing to_timing(EngineSettings const& settings) {
  engine_io::Timing timing;
  timing.ping_us = settings.ping_ms * 1000;
  timing.pong_us = settings.pong_ms * 1000;
  return timing;
}

// Whoever is sent away may know why; whoever only loses its connection has to find out, and comes back.
bool is_final(std::uint16_t code) { return code == websocket::close_normal || code == websocket::close_policy; }

// What was posted; text has to be UTF-8, as it is on a WebSocket.
Result<std::vector<engine_io::Packet>> read_posted(Request const& request, Revision revision, bool is_binary) {
  auto packets =
      revision == Revision::v4 ? engine_io::read_body(request.body) : engine_io::read_body_v3(request.body, is_binary);
  auto const is_good = [](engine_io::Packet const& packet) { return packet.is_binary || is_utf8(packet.data); };
  if (packets && !std::ranges::all_of(*packets, is_good)) return error(Code::invalid, "not UTF-8");
  return packets;
}

Response text_response(std::string body, std::string_view type) {
  Response response;
  response.body = std::move(body);
  response.content_type = type;
  return response;
}

}  // namespace

Engine::Engine(Engines& engines, Terms terms)
    : engines_(engines),
      session_(terms.revision, terms.transport, to_timing(engines.world().engines),
               engines.world().loop.now().steady_us),
      timer_([](void* engine) { static_cast<Engine*>(engine)->on_timer(); }, this),
      sid_(std::move(terms.sid)) {
  if (terms.transport == Transport::polling) polling_ = std::make_unique<Polling>();
}

Engine::~Engine() {
  leave(engine_io::shutting_down);
  for (auto* const socket : {socket_, candidate_}) {
    if (socket != nullptr) socket->dismiss();
  }
  take_queue();
}

std::int64_t Engine::now_us() const { return engines_.world().loop.now().steady_us; }

// Whose words are not read may have said long ago that it is there.
void Engine::on_timer() {
  constexpr std::int64_t behind_us = 1'000'000;
  auto const now = now_us();
  if (socket_ != nullptr && engines_.world().hub.is_behind())
    engines_.world().wheel.arm(timer_, now + behind_us);
  else
    run(session_.tick(now));
}

void Engine::join(Request const& request, Router::EngineDoor const& door) {
  door_ = door.door;
  as_text_ = !request.parameter("b64").empty();
  bool const polls = session_.transport() == Transport::polling;
  client_ = door.joiner(door.door, request,
                        EngineLine{*this, polls ? &frame_payload : EngineSocket::framing(session_.revision(), as_text_),
                                   to_word(session_.transport()), session_.revision(), sid_});
}

void Engine::start() {
  auto const& settings = engines_.world().engines;
  std::string handshake = "0{\"sid\":\"" + sid_ + "\",\"upgrades\":[";
  if (session_.transport() == Transport::polling) handshake += "\"websocket\"";
  handshake +=
      "],\"pingInterval\":" + std::to_string(settings.ping_ms) + ",\"pingTimeout\":" + std::to_string(settings.pong_ms);
  if (session_.revision() == Revision::v4) handshake += ",\"maxPayload\":" + std::to_string(settings.message_bytes);
  say(handshake + "}");
  client_->open();
  arm();
}

void Engine::poll(std::uint64_t peer, Respond respond) {
  if (session_.is_open() && session_.has_poll()) {
    run(session_.poll());
    return respond(Engines::refuse(EngineRefusal::bad_request));
  }
  polling_->poll.emplace(Poll{peer, respond});
  engines_.watch(peer, *this);
  run(session_.poll());
  list();
}

void Engine::post(Request const& request, Respond respond) {
  bool const is_binary = request.header("content-type") == "application/octet-stream";
  if (is_binary && session_.revision() == Revision::v4) {
    fail(engine_io::transport_error);
    return respond(Engines::refuse(EngineRefusal::bad_request));
  }
  auto packets = read_posted(request, session_.revision(), is_binary);
  bool const is_within = !packets || limit(*packets);
  bool const is_good = packets.has_value() && is_within;
  run(session_.post(packets, now_us()));
  if (!is_within) fail(engine_io::forced_close);
  respond(is_good ? text_response("ok", "text/html") : Engines::refuse(EngineRefusal::bad_request));
}

// Leaves out what is beyond the limit of messages; false when that is something.
bool Engine::limit(std::vector<engine_io::Packet>& packets) {
  auto const is_beyond = [&](engine_io::Packet const& packet) {
    return packet.type == engine_io::Type::message && !polling_->bucket.take(engines_.world().limits, now_us());
  };
  auto const first = std::ranges::find_if(packets, is_beyond);
  if (first == packets.end()) return true;
  engines_.world().log.write(Level::info, "engine.failed",
                             {{"reason", "rate limit"}, {"messages", static_cast<std::int64_t>(packets.size())}});
  packets.erase(first, packets.end());
  return false;
}

void Engine::lose_poll() {
  auto const poll = take_poll();
  if (!poll) return;
  run(session_.lose_poll());
  poll->respond(Engines::refuse(EngineRefusal::bad_request));  // to one that only sends no more
}

bool Engine::attach(EngineSocket& socket) {
  if (session_.is_open() && session_.transport() == Transport::websocket && socket_ == nullptr) {
    socket_ = &socket;
    return true;
  }
  if (!session_.takes_candidate()) return false;
  candidate_ = &socket;
  session_.add_candidate(now_us());
  arm();
  return true;
}

void Engine::receive(EngineSocket& socket, websocket::Item const& item) {
  bool const is_text = item.opcode == websocket::Opcode::text;
  if (&socket == socket_ && is_text && session_.is_plain(item.payload)) return client_->receive(item.payload.substr(1));
  bool const is_old = session_.revision() == Revision::v3;
  auto packet = !is_text ? engine_io::read_bytes(item.payload, session_.revision())
                : is_old ? engine_io::read_text_v3(item.payload)
                         : engine_io::read_text(item.payload);
  if (&socket == socket_)
    run(session_.take(std::move(packet), now_us()));
  else if (&socket == candidate_)
    run(session_.take_probed(packet));
}

void Engine::lose(EngineSocket& socket) {
  if (&socket == candidate_) {
    candidate_ = nullptr;
    run(session_.lose_candidate());
  } else if (&socket == socket_) {
    socket_ = nullptr;
    run(session_.lose_socket());
  }
}

void Engine::run(engine_io::Steps steps) {
  for (auto& step : steps) {
    switch (step.what) {
      case Step::Do::deliver:
        deliver(step.packet);
        break;
      case Step::Do::send:
        say(std::move(step.text));
        break;
      case Step::Do::send_probed:
        if (candidate_ != nullptr) candidate_->say(step.text);
        break;
      case Step::Do::answer:
        answer();
        break;
      case Step::Do::drop_probed:
        if (candidate_ != nullptr) std::exchange(candidate_, nullptr)->dismiss();
        break;
      case Step::Do::move:
        take_over();
        break;
      case Step::Do::end:
        leave(step.reason);
        break;
      case Step::Do::close:
        if (socket_ != nullptr) std::exchange(socket_, nullptr)->dismiss();
        break;
      case Step::Do::bury:
        engines_.bury(*this);
        break;
    }
  }
  arm();
}

void Engine::deliver(engine_io::Packet const& packet) {
  if (client_ == nullptr) return;
  if (packet.is_binary)
    client_->receive_bytes(packet.data);
  else
    client_->receive(packet.data);
}

void Engine::leave(std::string_view reason) {
  if (auto const client = std::exchange(client_, nullptr)) client->leave(reason);
}

// A packet of text.
void Engine::say(std::string text) {
  if (polling_) return queue(std::make_shared<std::string const>(std::move(text)));
  if (socket_ != nullptr) socket_->say(text);
}

void Engine::push(Bytes bytes) {
  if (!session_.is_open()) return;
  if (polling_)
    queue(std::move(bytes));
  else if (socket_ != nullptr)
    socket_->push(std::move(bytes));
}

void Engine::append(Framing framing, std::string_view message) {
  if (session_.is_open() && socket_ != nullptr) return socket_->append(framing, message);
  Outlet::append(framing, message);
}

void Engine::queue(Bytes bytes) {
  constexpr std::size_t buffer_cost_bytes = 64;
  list();
  // The flush cuts it off then: what is not queued is never missed.
  if (is_over_limit()) polling_->is_flooded = true;
  if (polling_->is_flooded) return;
  auto const cost = bytes->size() + buffer_cost_bytes;
  polling_->queued_bytes += cost;
  engines_.count_queued(static_cast<std::int64_t>(cost));
  polling_->queue.push_back(std::move(bytes));
}

bool Engine::is_over_limit() const {
  return waiting_bytes() > static_cast<std::size_t>(engines_.world().limits.queue_bytes);
}

std::optional<Engine::Poll> Engine::take_poll() {
  return polling_ ? std::exchange(polling_->poll, std::nullopt) : std::nullopt;
}

void Engine::answer() {
  auto const poll = take_poll();
  if (!poll) return;
  engines_.unwatch(poll->peer);
  std::string payload;
  payload.reserve(waiting_bytes());
  for (auto const& bytes : take_queue()) engine_io::append_payload(payload, *bytes);
  session_.answered();
  bool const is_old = session_.revision() == Revision::v3;
  bool const as_bytes = is_old && !as_text_ && engine_io::has_bytes(payload);
  if (is_old) payload = engine_io::to_body_v3(payload, as_text_);
  poll->respond(text_response(std::move(payload), as_bytes ? "application/octet-stream" : "text/plain; charset=UTF-8"));
}

void Engine::take_over() {
  socket_ = std::exchange(candidate_, nullptr);
  auto const framing = EngineSocket::framing(session_.revision(), as_text_);
  auto frames = std::make_shared<std::string>();
  for (auto const& bytes : take_queue()) framing(*frames, *bytes);
  polling_.reset();
  if (!frames->empty()) socket_->push(std::move(frames));
  client_->move(framing, to_word(Transport::websocket));
}

void Engine::close(std::uint16_t code, std::string_view) {
  auto const reason = is_final(code) ? engine_io::forced_close : engine_io::transport_close;
  // Whoever asks is at work in the hub, or above.
  engines_.world().loop.post([engines = &engines_, sid = sid_, reason] {
    if (auto* const engine = engines->find(sid)) engine->end(reason);
  });
}

std::size_t Engine::queued_bytes() const { return socket_ != nullptr ? socket_->queued_bytes() : waiting_bytes(); }

void Engine::end(std::string_view reason) { run(session_.end(reason, now_us())); }

void Engine::fail(std::string_view reason) { run(session_.fail(reason)); }

void Engine::list() {
  if (!std::exchange(listed_, true)) engines_.list(*this);
}

void Engine::flush() {
  listed_ = false;
  bool const is_flooded = session_.is_open() && polling_ && polling_->is_flooded;
  if (session_.has_poll() && polling_ && !polling_->queue.empty() && !is_flooded) answer();
  if (session_.is_open() && (is_flooded || is_over_limit())) cut_off();
}

std::vector<Bytes> Engine::take_queue() {
  if (!polling_) return {};
  engines_.count_queued(-static_cast<std::int64_t>(std::exchange(polling_->queued_bytes, 0)));
  return std::exchange(polling_->queue, {});
}

bool Engine::is_newcomer() const {
  return session_.is_open() && polling_ && client_ != nullptr && !client_->has_come_in();
}

void Engine::cut_off() {
  auto& log = engines_.world().log;
  log.write(Level::warn, "engine.too_slow", {{"queued_bytes", static_cast<std::int64_t>(waiting_bytes())}});
  take_queue();
  if (polling_) polling_->is_flooded = false;
  fail(engine_io::transport_error);
}

void Engine::arm() {
  auto const next_us = session_.next_us();
  if (next_us == std::numeric_limits<std::int64_t>::max())
    timer_.disarm();
  else
    engines_.world().wheel.arm(timer_, next_us);
}

}  // namespace sojourn

#include "net/exchange.h"

#include <chrono>
#include <utility>

#include "codec/websocket.h"
#include "net/chunked.h"
#include "net/event_stream.h"
#include "net/peers.h"
#include "net/websocket.h"

namespace sojourn {
namespace {

// What may wait behind a request that is being answered; the rest stays in the kernel.
constexpr std::size_t pending_bytes_max = 64 * 1024;
// Answers that wait for a peer to read them, before its next request is looked at.
constexpr std::size_t unread_bytes_max = 256 * 1024;
// How long the peer has to read our last answer, and then to close.
constexpr std::int64_t last_answer_us = 30'000'000;
constexpr std::int64_t last_word_us = 2'000'000;
// A door answers within its own deadlines; this only keeps the timer alive meanwhile.
constexpr std::int64_t answering_ms = 60'000;

}  // namespace

Exchange::Exchange(Peer& peer) : peer_(peer), parser_(peer.world().limits) { arm(peer.world().limits.header_ms); }

void Exchange::arm(std::int64_t within_ms) { peer_.arm(peer_.world().loop.now().steady_us + within_ms * 1000); }

void Exchange::take(std::string_view bytes) {
  if (last_ && !busy_) return;  // after the last answer nobody listens
  if (may_advance() && pending_.empty()) return advance(bytes);
  pending_ += bytes;
  if (pending_.size() >= pending_bytes_max) peer_.pause_reading(true);
}

void Exchange::advance(std::string_view input) {
  advancing_ = true;
  while (may_advance() && !last_ && !input.empty()) {
    bool const was_idle = parser_.is_idle();
    bool const had_header = parser_.has_header();
    auto const status = parser_.feed(input);
    if (status == HttpParser::Status::failed) {
      refuse(parser_.failure());
    } else if (status == HttpParser::Status::request) {
      dispatch();
    } else {
      if (was_idle && !parser_.is_idle()) arm(peer_.world().limits.header_ms);
      if (!had_header && parser_.has_header()) arm(peer_.world().limits.body_ms);
      if (parser_.wants_continue()) peer_.push(std::make_shared<std::string const>("HTTP/1.1 100 Continue\r\n\r\n"));
    }
  }
  advancing_ = false;
  if (!last_) pending_.assign(input);
  end_if_done();
}

// A peer that sends no more and has all its answers.
void Exchange::end_if_done() {
  if (ended_ && !busy_ && !last_ && pending_.empty()) end();
}

// Nothing will be said any more but what is queued.
void Exchange::end() {
  last_ = true;
  peer_.finish(peer_.world().loop.now().steady_us + last_answer_us);
}

void Exchange::dispatch() {
  fill();
  request_.pieces = Pieces(&Peers::add_piece, &peer_.peers(), peer_.id(), ++number_);
  busy_ = true;
  if (!parser_.keeps_alive()) last_ = true;
  if (parser_.is_upgrade()) return start_upgrade();
  if (peer_.world().router.is_event_stream(request_)) {
    last_ = false;
    return start_live(std::make_unique<EventStream>(peer_), &EventStream::frame);
  }
  arm(answering_ms);
  Respond const respond(&Peers::respond, &peer_.peers(), peer_.id());
  if (!peer_.peers().engines().serve(request_, peer_.id(), respond)) peer_.world().router.handle(request_, respond);
}

void Exchange::fill() {
  request_ = Request{};
  parser_.fill(request_);
  request_.remote_address = peer_.origin().address;
  request_.listener = peer_.origin().listener;
  request_.at = peer_.world().loop.now();
}

void Exchange::start_upgrade() {
  last_ = false;
  auto const wrong = parser_.is_http_1_0() ? "a WebSocket handshake needs HTTP/1.1" : check_handshake(request_);
  if (!wrong.empty()) {
    last_ = true;
    request_.envelope = peer_.world().router.make_envelope(request_);
    auto response = error_response(400, wrong);
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    return answer(std::move(response));
  }
  auto engine = peer_.peers().engines().upgrade(request_, peer_);
  if (!engine) {
    agreement_ = agree_on_compression(request_, peer_.world().compression);
    return start_live(std::make_unique<WebSocket>(peer_, agreement_), WebSocket::framing(agreement_));
  }
  if (engine->live == nullptr) {
    last_ = true;
    return answer(std::move(engine->refusal));
  }
  peer_.become(std::move(engine->live));
  arm(answering_ms);
  welcome(Opened());
}

void Exchange::start_live(std::unique_ptr<Live> live, Framing framing) {
  Attachment via;
  via.outlet = &peer_.become(std::move(live));
  via.framing = framing;
  arm(answering_ms);
  peer_.world().router.join(request_, std::move(via), Welcome(&Peers::welcome, &peer_.peers(), peer_.id()));
}

void Exchange::welcome(Result<Opened> opened) {
  // A door may answer at once; but this object ends with the answer, and advance() is still at work in it.
  if (advancing_) {
    auto later = [peers = &peer_.peers(), id = peer_.id(), opened = std::move(opened)] {
      Peers::welcome(peers, id, opened);
    };
    return peer_.world().loop.post(std::move(later));
  }
  auto& live = *peer_.live();
  if (!opened) {
    live.refuse();
    last_ = true;
    return answer(refusal(request_, opened.error()));
  }
  log_answer(parser_.is_upgrade() ? 101 : 200);
  std::string handshake;
  if (parser_.is_upgrade())
    append_switching(handshake, request_.envelope,
                     {websocket::accept_key(request_.header("sec-websocket-key")), choose_protocol(request_),
                      agreement_ ? websocket::to_extension(agreement_) : std::string()});
  else
    append_stream_head(handshake, request_.envelope, peer_.world().loop.now().utc_us);
  live.open(*opened, std::move(handshake));
  auto const farewell = peer_.peers().farewell();
  if (last_ && farewell) live.drain(*farewell);  // the server began to end meanwhile
  peer_.end_exchange(std::move(pending_));       // ends this object
}

void Exchange::log_answer(int status) {
  auto& world = peer_.world();
  if (!world.log.shows(Level::info) || request_.method.empty()) return;
  using std::chrono::duration_cast;
  auto const now = std::chrono::steady_clock::now().time_since_epoch();  // that of the loop stands still in a turn
  auto const now_us = std::int64_t{duration_cast<std::chrono::microseconds>(now).count()};
  world.log.write(Level::info, "request",
                  {{"method", request_.method},
                   {"path", request_.path},
                   {"status", status},
                   {"us", now_us - request_.at.steady_us},
                   {"user", request_.principal.name},
                   {"request_id", request_.envelope.request_id},
                   {"correlation_id", request_.envelope.correlation_id}});
}

void Exchange::answer(Response response) {
  log_answer(response.status);
  bool const is_head = request_.method == "HEAD";
  open_ = response.is_open && !is_head;
  chunked_ = response.is_open && !parser_.is_http_1_0();
  if (response.is_last || (open_ && !chunked_)) last_ = true;
  auto bytes = std::make_shared<std::string>();
  Answer const whole{
      std::move(response), std::move(request_.envelope), peer_.world().loop.now().utc_us, !last_, is_head, chunked_};
  append_answer(*bytes, whole);
  peer_.push(std::move(bytes));
  if (!open_) conclude();
}

bool Exchange::add(std::uint32_t answer, Piece piece) {
  if (!open_ || answer != number_) return false;
  auto bytes = std::make_shared<std::string>();
  if (chunked_) {
    append_chunk(*bytes, piece.bytes);
    if (piece.is_last) *bytes += last_chunk;
  } else {
    *bytes = std::move(piece.bytes);
  }
  peer_.push(std::move(bytes));
  if (piece.is_last) conclude();
  return true;
}

// The answer is whole.
void Exchange::conclude() {
  busy_ = false;
  open_ = false;
  if (last_) {
    pending_.clear();
    peer_.pause_reading(false);
    return end();
  }
  parser_.reset();
  arm(peer_.world().limits.keep_alive_ms);
  if (advancing_) return;
  on_drained();
  end_if_done();
}

void Exchange::on_drained() {
  if (last_ && !busy_) return peer_.arm(peer_.world().loop.now().steady_us + last_word_us);
  if (pending_.empty() || !may_advance() || last_) return;
  auto const waiting = std::exchange(pending_, {});
  advance(waiting);
  // One small request that is done makes no room for another read.
  if (pending_.size() < pending_bytes_max) peer_.pause_reading(false);
}

bool Exchange::may_advance() const { return !busy_ && peer_.queued_bytes() < unread_bytes_max; }

void Exchange::refuse(HttpFailure failure) {
  peer_.world().log.write(
      Level::info, "request.malformed",
      {{"status", failure.status}, {"reason", failure.reason}, {"address", peer_.origin().address}});
  last_ = true;
  if (parser_.has_target()) {
    fill();
    peer_.peers().engines().fail(request_);
  }
  request_ = Request{};
  request_.envelope = peer_.world().router.make_envelope(request_);
  answer(error_response(failure.status, failure.reason));
}

void Exchange::on_end() {
  ended_ = true;
  peer_.peers().engines().lose_poll(peer_.id());
  end_if_done();
}

void Exchange::on_timer() {
  if (busy_) return arm(answering_ms);
  if (last_ || is_idle()) return peer_.close();
  refuse({408, "the request did not arrive in time"});
}

void Exchange::drain() {
  if (busy_)
    last_ = true;
  else if (!last_)
    peer_.queued_bytes() == 0 ? peer_.close() : end();
}

}  // namespace sojourn

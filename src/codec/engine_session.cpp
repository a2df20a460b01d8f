#include "codec/engine_session.h"

#include <algorithm>
#include <utility>

namespace sojourn::engine_io {
namespace {

constexpr auto never = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view probe = "probe";

std::string to_text(Type type, std::string_view data = {}) { return engine_io::to_text({type, std::string(data)}); }

}  // namespace

std::string_view to_word(Transport transport) { return transport == Transport::polling ? "polling" : "websocket"; }

Session::Session(Revision revision, Transport transport, Timing timing, std::int64_t now_us)
    : timing_(timing),
      beat_us_(now_us + timing.ping_us + (revision == Revision::v3 ? timing.pong_us : 0)),
      revision_(revision),
      transport_(transport) {}

Steps Session::poll() {
  Steps steps;
  if (phase_ == Phase::lingering) {
    steps.push_back({Step::Do::answer});
    phase_ = Phase::over;
    steps.push_back({Step::Do::bury});
  } else if (polled_) {
    steps.push_back({Step::Do::send, to_text(Type::close)});
    finish(transport_error, steps);
  } else {
    polled_ = true;
    // One that changes over is not kept waiting.
    if (is_probed_) {
      steps.push_back({Step::Do::send, to_text(Type::noop)});
      steps.push_back({Step::Do::answer});
    }
  }
  return steps;
}

Steps Session::lose_poll() {
  Steps steps;
  if (!std::exchange(polled_, false) || !is_open()) return steps;
  finish(transport_close, steps);
  return steps;
}

Steps Session::post(Result<std::vector<Packet>> const& packets, std::int64_t now_us) {
  Steps steps;
  if (!is_open()) return steps;
  if (!packets) {
    finish(parse_error, steps);
    return steps;
  }
  for (auto const& packet : *packets) {
    if (!is_open()) break;
    take_packet(packet, now_us, steps);
  }
  return steps;
}

void Session::add_candidate(std::int64_t now_us) {
  has_candidate_ = true;
  is_probed_ = false;
  until_us_ = now_us + timing_.upgrade_us;
}

Steps Session::take_probed(Result<Packet> const& packet) {
  Steps steps;
  if (!is_open()) return steps;
  if (packet && packet->type == Type::ping && packet->data == probe && !is_probed_) {
    is_probed_ = true;
    steps.push_back({Step::Do::send_probed, to_text(Type::pong, probe)});
    if (!polled_) return steps;
    steps.push_back({Step::Do::send, to_text(Type::noop)});
    steps.push_back({Step::Do::answer});
  } else if (packet && packet->type == Type::upgrade && is_probed_) {
    if (polled_) {
      steps.push_back({Step::Do::send, to_text(Type::noop)});
      steps.push_back({Step::Do::answer});
    }
    has_candidate_ = is_probed_ = false;
    until_us_ = never;
    transport_ = Transport::websocket;
    steps.push_back({Step::Do::move});
  } else {
    drop_candidate(steps);
  }
  return steps;
}

Steps Session::lose_candidate() {
  Steps steps;
  if (!has_candidate_) return steps;
  has_candidate_ = is_probed_ = false;
  if (is_open()) until_us_ = never;
  return steps;
}

Steps Session::take(Result<Packet> packet, std::int64_t now_us) {
  Steps steps;
  if (!is_open()) return steps;
  if (packet)
    take_packet(*std::move(packet), now_us, steps);
  else
    finish(parse_error, steps);
  return steps;
}

Steps Session::lose_socket() {
  Steps steps;
  if (is_open()) finish(transport_close, steps);
  return steps;
}

void Session::take_packet(Packet packet, std::int64_t now_us, Steps& steps) {
  bool const client_pings = revision_ == Revision::v3;
  switch (packet.type) {
    case Type::message:
      steps.push_back({Step::Do::deliver, {}, std::move(packet)});
      return;
    case Type::ping:
      if (!client_pings) return finish(transport_error, steps);
      beat_us_ = now_us + timing_.ping_us + timing_.pong_us;
      steps.push_back({Step::Do::send, to_text(Type::pong, packet.data)});
      return;
    case Type::pong:
      if (client_pings) return finish(transport_error, steps);
      if (std::exchange(pinged_, false)) beat_us_ = now_us + timing_.ping_us;
      return;
    case Type::close:
      if (polled_) steps.push_back({Step::Do::send, to_text(Type::noop)});
      return finish(transport_close, steps);
    default:
      return;  // of no meaning from a client, and harmless
  }
}

Steps Session::tick(std::int64_t now_us) {
  Steps steps;
  if (phase_ == Phase::lingering && now_us >= until_us_) {
    phase_ = Phase::over;
    steps.push_back({Step::Do::bury});
  }
  if (!is_open()) return steps;
  if (has_candidate_ && now_us >= until_us_) drop_candidate(steps);
  if (now_us < beat_us_) return steps;
  if (pinged_ || revision_ == Revision::v3) {
    if (polled_) steps.push_back({Step::Do::send, to_text(Type::close)});
    finish(ping_timeout, steps);
  } else {
    pinged_ = true;
    beat_us_ = now_us + timing_.pong_us;
    steps.push_back({Step::Do::send, to_text(Type::ping)});
  }
  return steps;
}

std::int64_t Session::next_us() const {
  if (phase_ == Phase::over) return never;
  return is_open() ? std::min(beat_us_, until_us_) : until_us_;
}

Steps Session::end(std::string_view reason, std::int64_t now_us) {
  Steps steps;
  if (!is_open()) return steps;
  bool const lingers = transport_ == Transport::polling && !polled_;
  if (transport_ == Transport::polling) steps.push_back({Step::Do::send, to_text(Type::close)});
  if (!lingers) {
    finish(reason, steps);
    return steps;
  }
  drop_candidate(steps);
  phase_ = Phase::lingering;
  until_us_ = now_us + timing_.linger_us;
  steps.push_back({Step::Do::end, {}, {}, reason});
  return steps;
}

Steps Session::fail(std::string_view reason) {
  Steps steps;
  if (!is_open()) return steps;
  if (polled_) steps.push_back({Step::Do::send, to_text(Type::close)});
  finish(reason, steps);
  return steps;
}

void Session::finish(std::string_view reason, Steps& steps) {
  if (polled_) steps.push_back({Step::Do::answer});
  drop_candidate(steps);
  phase_ = Phase::over;
  steps.push_back({Step::Do::end, {}, {}, reason});
  steps.push_back({Step::Do::close});
  steps.push_back({Step::Do::bury});
}

void Session::drop_candidate(Steps& steps) {
  if (!std::exchange(has_candidate_, false)) return;
  is_probed_ = false;
  until_us_ = never;
  steps.push_back({Step::Do::drop_probed});
}

}  // namespace sojourn::engine_io

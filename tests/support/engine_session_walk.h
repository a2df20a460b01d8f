// One Engine.IO session and a naive model of it, walked by bytes: each is something that happens, and after each what
// was promised is looked at. For seeded tests and the fuzzer.
// Invariant: does only what a carrier may do: polls and posts while it may be reached so, speaks for a candidate or a
// socket while there is one. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "codec/engine_session.h"

namespace sojourn::test {

class EngineSessionWalk {
 public:
  static constexpr std::size_t kinds = static_cast<std::size_t>(engine_io::Step::Do::bury) + 1;

  // The first byte says how it is opened.
  explicit EngineSessionWalk(unsigned char how)
      : revision_((how & 1U) != 0 ? engine_io::Revision::v3 : engine_io::Revision::v4),
        session_(revision_, (how & 2U) != 0 ? engine_io::Transport::websocket : engine_io::Transport::polling,
                 engine_io::Timing(), 0),
        has_socket_((how & 2U) != 0) {}

  // What is wrong after it; empty = nothing.
  std::string step(unsigned char byte) {
    auto const detail = static_cast<unsigned char>(byte / doings);
    switch (byte % doings) {
      case 0:
        return poll(detail);
      case 1:
        return post(detail);
      case 2:
        return try_candidate(detail);
      case 3:
        return has_socket_ ? say(detail) : "";
      case 4:
        return pass((detail % 8) * 3'000'000);
      default:
        return lose(detail);
    }
  }

  // Nobody says anything any more: it has to end by itself.
  std::string fall_silent() {
    for (int ticks = 0; ticks < 8 && session_.next_us() != never; ++ticks) {
      now_us_ = session_.next_us();
      if (auto wrong = check(session_.tick(now_us_)); !wrong.empty()) return wrong;
    }
    return is_buried_ ? "" : "it goes on for ever";
  }

  // How often each kind of step was taken.
  std::array<std::size_t, kinds> const& seen() const { return seen_; }

 private:
  using Do = engine_io::Step::Do;
  using Type = engine_io::Type;
  using Packets = std::vector<engine_io::Packet>;
  static constexpr auto never = std::numeric_limits<std::int64_t>::max();
  static constexpr unsigned char doings = 6;

  std::string poll(unsigned char detail) {
    bool const may = session_.is_open() ? !has_socket_ : session_.is_lingering();
    // Most clients ask once at a time.
    if (!may || (is_polled_ && detail % 8 != 0)) return "";
    if (std::exchange(is_polled_, true)) {
      auto wrong = check(session_.poll());
      return !has_ended_ || is_polled_ ? "two polls at a time" : wrong;
    }
    return check(session_.poll());
  }

  std::string post(unsigned char detail) {
    if (has_socket_) return "";
    if (detail == 7) return check(session_.post(error(Code::invalid, "none"), now_us_));
    Packets const packets{make(detail), make(static_cast<unsigned char>(detail / 2))};
    expect(packets);
    return check(session_.post(packets, now_us_));
  }

  std::string try_candidate(unsigned char detail) {
    if (!has_candidate_) {
      if (session_.takes_candidate() != (!has_ended_ && !has_socket_)) return "it takes a candidate when it may not";
      if (!session_.takes_candidate()) return "";
      session_.add_candidate(now_us_);
      has_candidate_ = true;
      is_probed_ = false;
      return "";
    }
    if (session_.takes_candidate()) return "two candidates at a time";
    // Mostly in the right order.
    bool const upgrades = detail % 16 == 3 ? !is_probed_ : is_probed_;
    switch (detail % 16) {
      case 0:
        return check(session_.take_probed(error(Code::invalid, "none")));
      case 1:
        return check(session_.take_probed(make(detail)));
      case 2:
        has_candidate_ = false;
        return check(session_.lose_candidate());
      default:
        is_probed_ = true;
        return check(session_.take_probed(upgrades ? engine_io::Packet{Type::upgrade, {}}
                                                   : engine_io::Packet{Type::ping, "probe"}));
    }
  }

  std::string say(unsigned char detail) {
    if (detail == 15) return check(session_.take(error(Code::invalid, "none"), now_us_));
    auto const packet = make(detail);
    expect({packet});
    return check(session_.take(packet, now_us_));
  }

  std::string pass(std::int64_t us) {
    now_us_ += us;
    auto wrong = check(session_.tick(now_us_));
    return wrong.empty() && session_.next_us() <= now_us_ ? "its time has passed already" : wrong;
  }

  std::string lose(unsigned char detail) {
    switch (detail % 32) {
      case 0:
        return check(session_.end(engine_io::forced_close, now_us_));
      case 1:
        return check(session_.fail(engine_io::transport_error));
      case 2:
        if (!std::exchange(is_polled_, false)) return "";
        return check(session_.lose_poll());
      case 3:
        if (!std::exchange(has_socket_, false)) return "";
        return check(session_.lose_socket());
      default:
        return "";
    }
  }

  engine_io::Packet make(unsigned char detail) {
    static constexpr std::array types{Type::message, Type::message, Type::noop,    Type::message,
                                      Type::message, Type::pong,    Type::message, Type::message,
                                      Type::message, Type::message, Type::noop,    Type::message,
                                      Type::message, Type::ping,    Type::message, Type::close};
    engine_io::Packet packet{types.at(detail % types.size()), {}};
    if (packet.type == Type::message) packet.data = std::to_string(++said_);
    return packet;
  }

  // The messages up to what ends it are what has to be delivered.
  void expect(Packets const& packets) {
    if (has_ended_) return;
    auto const wrong_way = revision_ == engine_io::Revision::v4 ? Type::ping : Type::pong;
    for (auto const& packet : packets) {
      if (packet.type == Type::close || packet.type == wrong_way) return;
      if (packet.type == Type::message) awaited_.push_back(packet.data);
    }
  }

  std::string check(engine_io::Steps const& steps) {
    for (auto const& step : steps) {
      ++seen_.at(static_cast<std::size_t>(step.what));
      if (auto wrong = follow(step); !wrong.empty()) return wrong;
    }
    if (!std::exchange(awaited_, {}).empty()) return "a message is not delivered";
    if (session_.is_open() == has_ended_) return "it is open, or not, and does not say so";
    if (session_.has_poll() != is_polled_) return "a poll is forgotten";
    if ((session_.transport() == engine_io::Transport::websocket) != has_socket_ && !has_ended_)
      return "two transports, or none";
    if ((session_.next_us() == never) != is_buried_) return "it waits for nothing, or not for its end";
    bool const leaves_something = is_polled_ || has_candidate_ || has_socket_;
    return is_buried_ && leaves_something ? "it leaves something behind" : "";
  }

  std::string follow(engine_io::Step const& step) {
    if (is_buried_) return "something is done after the end of all";
    switch (step.what) {
      case Do::deliver:
        if (has_ended_) return "a message is delivered after the end";
        if (awaited_.empty() || awaited_.front() != step.packet.data) return "a message comes out of order";
        awaited_.erase(awaited_.begin());
        return "";
      case Do::send:
        return has_ended_ ? "something is sent after the end" : "";
      case Do::send_probed:
        return has_candidate_ ? "" : "something is sent to no candidate";
      case Do::answer:
        if (!std::exchange(is_polled_, false)) return "an answer without a poll";
        session_.answered();
        return "";
      case Do::drop_probed:
        return std::exchange(has_candidate_, false) ? "" : "no candidate is dropped";
      case Do::move:
        if (!std::exchange(has_candidate_, false) || std::exchange(has_socket_, true)) return "a move of nothing";
        return is_polled_ ? "a poll is left behind" : "";
      case Do::end:
        return std::exchange(has_ended_, true) ? "it ends twice" : "";
      case Do::close:
        has_socket_ = false;
        return "";
      case Do::bury:
        is_buried_ = true;
        return has_ended_ ? "" : "it is buried alive";
    }
    return "an unknown step";
  }

  engine_io::Revision revision_;
  engine_io::Session session_;
  std::int64_t now_us_ = 0;
  int said_ = 0;
  std::vector<std::string> awaited_;  // of this step
  bool has_socket_;
  bool has_candidate_ = false;
  bool is_probed_ = false;  // as far as the candidate knows
  bool is_polled_ = false;
  bool has_ended_ = false;
  bool is_buried_ = false;
  std::array<std::size_t, kinds> seen_{};
};

}  // namespace sojourn::test

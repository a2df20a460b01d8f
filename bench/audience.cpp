#include "audience.h"

#include <algorithm>
#include <utility>

namespace bench {
namespace {

constexpr int opcode_text = 1;
constexpr int opcode_close = 8;
constexpr int opcode_ping = 9;
constexpr std::size_t joining_max = 64;
constexpr std::int64_t silence_max_ns = 20'000'000'000;

}  // namespace

Member::Member(std::uint16_t port, std::string_view target, Wire::Room room) : wire(port, room) {
  wire.send(handshake_request(port, target));
}

void Audience::begin(std::size_t session) {
  members_.push_back(std::make_unique<Member>(target_.port, target_.requests[session], Wire::Room::usual));
  members_.back()->session = session;
  members_.back()->received = sessions_[session].sent_ns.size();
  sessions_[session].members.push_back(members_.size() - 1);
  poller_.add(members_.back()->wire.fd(), members_.size() - 1);
  ++joining_;
}

void Audience::join(std::vector<std::size_t> const& sessions) {
  std::size_t next = 0;
  while (next < sessions.size() || joining_ > 0) {
    while (next < sessions.size() && joining_ < joining_max) begin(sessions[next++]);
    read(-1);
  }
}

void Audience::join_stalled(std::size_t session, std::size_t count) {
  Poller poller;
  for (std::size_t i = 0; i < count; ++i) {
    auto member = std::make_unique<Member>(target_.port, target_.requests[session], Wire::Room::little);
    member->session = session;
    poller.add(member->wire.fd(), 0);
    while (member->state != Member::State::open) {
      poller.wait(-1, [](std::uint64_t) {});
      read_at_ns_ = now_ns();
      if (!member->wire.receive()) fail("a stalled member's connection ended early");
      take_frames(*member);
    }
    poller.remove(member->wire.fd());
    stalled_.push_back(std::move(member));
  }
}

void Audience::publish(std::size_t session, std::size_t count, std::int64_t since_ns) {
  Session& it = sessions_[session];
  std::string frames;
  for (std::size_t i = 0; i < count; ++i) {
    frames += message_frame(*target_.dialect, it.sent_ns.size(), target_.size);
    it.sent_ns.push_back(since_ns);
  }
  expected_ += count * it.members.size();
  members_[it.members.front()]->wire.send(frames);
}

void Audience::ping(std::size_t member) { members_[member]->wire.send(text_frame(target_.dialect->ping)); }

void Audience::read(int timeout_ms) {
  poller_.wait(timeout_ms, [this](std::uint64_t number) { read_member(number); });
}

void Audience::rest(int duration_ms) {
  std::int64_t const until_ns = now_ns() + std::int64_t{duration_ms} * 1'000'000;
  for (std::int64_t left = until_ns - now_ns(); left > 0; left = until_ns - now_ns()) {
    read(static_cast<int>(left / 1'000'000) + 1);
  }
}

void Audience::read_all() {
  std::int64_t progress_ns = now_ns();
  while (!is_complete()) {
    std::size_t const before = delivered_;
    read(0);
    std::int64_t const now = now_ns();
    if (delivered_ > before) progress_ns = now;
    if (now - progress_ns > silence_max_ns) {
      fail(std::to_string(expected_ - delivered_) + " deliveries did not come");
    }
  }
}

std::vector<std::int64_t> Audience::take_latencies() { return std::exchange(latencies_ns_, {}); }

void Audience::read_member(std::size_t number) {
  Member& member = *members_[number];
  bool const was_open = member.state == Member::State::open;
  bool const more = member.wire.receive();
  read_at_ns_ = now_ns();
  take_frames(member);
  if (!more) fail("a member's connection ended");
  if (!was_open && member.state == Member::State::open) --joining_;
}

void Audience::take_frames(Member& member) {
  if (member.state == Member::State::upgrading) {
    auto const answer = member.wire.take_answer();
    if (!answer) return;
    if (answer->status != 101) fail("a handshake was refused: " + std::to_string(answer->status));
    member.state = target_.dialect->ready.empty() ? Member::State::open : Member::State::greeting;
  }
  while (auto const frame = member.wire.take_frame()) {
    if (frame->opcode == opcode_text) {
      take_text(member, frame->payload);
    } else if (frame->opcode == opcode_ping) {
      ++pings_;
      member.wire.send(pong_frame(frame->payload));
    } else if (frame->opcode == opcode_close) {
      fail("the server closed: " + std::string(frame->payload.substr(std::min(frame->payload.size(), std::size_t{2}))));
    } else {
      fail("an unexpected opcode: " + std::to_string(frame->opcode));
    }
  }
}

void Audience::take_text(Member& member, std::string_view text) {
  Dialect const& dialect = *target_.dialect;
  if (!dialect.heartbeat.empty() && text == dialect.heartbeat) {
    ++pings_;
    member.wire.send(text_frame(dialect.heartbeat_answer));
  } else if (member.state == Member::State::greeting) {
    if (text.starts_with(dialect.ready)) {
      member.state = Member::State::open;
    } else if (!dialect.hello.empty()) {
      member.wire.send(text_frame(dialect.hello));
    } else {
      fail("not a welcome: " + std::string(text));
    }
  } else if (!dialect.pong.empty() && text.starts_with(dialect.pong)) {
    ++pongs_;
  } else if (std::size_t const number = find_number(text); number != none) {
    take_broadcast(member, number);
  } else if (text.starts_with(R"({"type":"error")")) {
    fail("an error: " + std::string(text));
  } else {
    ++others_;
  }
}

void Audience::take_broadcast(Member& member, std::size_t number) {
  Session const& session = sessions_[member.session];
  if (number != member.received || number >= session.sent_ns.size()) {
    fail("message " + std::to_string(number) + " came where " + std::to_string(member.received) + " was due");
  }
  latencies_ns_.push_back(read_at_ns_ - session.sent_ns[number]);
  ++member.received;
  ++delivered_;
}

}  // namespace bench

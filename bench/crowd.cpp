#include "crowd.h"

#include <poll.h>
#include <unistd.h>

#include <array>

namespace bench {
namespace {

constexpr int opcode_text = 1;
constexpr int opcode_close = 8;
constexpr int opcode_ping = 9;

void refuse_text(std::string_view text) { fail("an unexpected message: " + std::string(text)); }

}  // namespace

Extension::Extension(std::uint16_t port) : wire(port), began_ns(now_ns()) { wire.send(handshake_request(port)); }

void Extension::read(std::function<void(std::string_view)> const& on_text) {
  bool const more = wire.receive();
  if (state == State::upgrading) {
    if (auto const answer = wire.take_answer()) {
      if (answer->status != 101) fail("a handshake was refused: " + std::to_string(answer->status));
      state = State::greeting;
    }
  }
  while (state == State::greeting || state == State::open) {
    auto const frame = wire.take_frame();
    if (!frame) break;
    if (frame->opcode == opcode_ping) {
      wire.send(pong_frame(frame->payload));
    } else if (frame->opcode == opcode_close) {
      state = State::ended;
    } else if (frame->opcode != opcode_text) {
      fail("an unexpected opcode: " + std::to_string(frame->opcode));
    } else if (state == State::greeting) {
      if (find_member(frame->payload, "type") != "connected") fail("the first frame is not `connected`");
      id = find_member(frame->payload, "sessionId");
      state = State::open;
    } else {
      on_text(frame->payload);
    }
  }
  if (!more) state = State::ended;
}

void Crowd::open(std::size_t total) {
  std::size_t opening = 0;
  while (extensions_.size() < total || opening > 0) {
    while (extensions_.size() < total && opening < window_) {
      extensions_.push_back(std::make_unique<Extension>(port_));
      poller_.add(extensions_.back()->wire.fd(), extensions_.size() - 1);
      ++opening;
    }
    poller_.wait(-1, [&](std::uint64_t index) {
      Extension& extension = at(index);
      bool const was_open = extension.state == Extension::State::open;
      extension.read(refuse_text);
      if (extension.state == Extension::State::ended) fail("a connection ended early");
      if (!was_open && extension.state == Extension::State::open) --opening;
    });
  }
}

void Crowd::serve(int timeout_ms) {
  poller_.wait(timeout_ms, [this](std::uint64_t index) {
    at(index).read(refuse_text);
    if (at(index).state == Extension::State::ended) fail("an idle connection ended");
  });
}

void Crowd::rest(int duration_ms) {
  std::int64_t const until_ns = now_ns() + std::int64_t{duration_ms} * 1'000'000;
  for (std::int64_t left = until_ns - now_ns(); left > 0; left = until_ns - now_ns()) {
    serve(static_cast<int>(left / 1'000'000) + 1);
  }
}

void Crowd::hold() {
  std::array<pollfd, 2> both{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{poller_.fd(), POLLIN, 0}};
  std::array<char, 64> ignored;
  for (;;) {
    if (::poll(both.data(), both.size(), -1) < 0) continue;
    if (both[1].revents != 0) serve(0);
    if (both[0].revents != 0 && ::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
  }
}

std::vector<std::int64_t> Crowd::churn(std::size_t total) {
  std::vector<std::int64_t> latencies_ns;
  std::vector<std::unique_ptr<Extension>> slots(window_);
  Poller poller;
  std::size_t begun = 0;
  std::size_t ended = 0;
  auto const begin = [&](std::size_t slot) {
    slots[slot].reset();
    if (begun == total) return;
    slots[slot] = std::make_unique<Extension>(port_);
    poller.add(slots[slot]->wire.fd(), slot);
    ++begun;
  };
  for (std::size_t slot = 0; slot < window_; ++slot) begin(slot);
  while (ended < total) {
    poller.wait(-1, [&](std::uint64_t slot) {
      Extension& extension = *slots[slot];
      bool const was_open = extension.state == Extension::State::open;
      extension.read(refuse_text);
      if (!was_open && extension.state == Extension::State::open) {
        latencies_ns.push_back(now_ns() - extension.began_ns);
        extension.wire.send(close_frame());
      }
      if (extension.state != Extension::State::ended) return;
      if (!was_open) fail("a connection ended before it was open");
      ++ended;
      begin(slot);
    });
  }
  return latencies_ns;
}

}  // namespace bench

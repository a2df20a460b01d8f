#include "api/monitor_socket.h"

#include <utility>

#include "api/monitor.h"

namespace sojourn {

void ThreadLine::push(Bytes bytes) {
  if (socket_ == nullptr) return;
  if (is_open_) return socket_->client().line().outlet.push(std::move(bytes));
  held_bytes_ += bytes->size();
  held_.push_back(std::move(bytes));
}

// Never from within a call of the hub's own: the socket's door is told in an iteration of its own.
void ThreadLine::close(std::uint16_t code, std::string_view reason) {
  was_closed_ = true;
  if (socket_ != nullptr) socket_->lose_membership(code, reason);
}

std::size_t ThreadLine::queued_bytes() const {
  return socket_ == nullptr || !is_open_ ? held_bytes_ : socket_->client().line().outlet.queued_bytes();
}

// Its transport may have changed meanwhile, from polls to a WebSocket: what was framed for a poll is a payload.
void ThreadLine::open() {
  is_open_ = true;
  auto& client = socket_->client();
  bool const has_moved = socket_->membership().transport != client.line().transport;
  for (auto const& bytes : std::exchange(held_, {})) {
    if (has_moved)
      client.send(*bytes);
    else
      client.line().outlet.push(bytes);
  }
  held_bytes_ = 0;
}

MonitorSocket::MonitorSocket(Monitor& door, Identity identity, Facts facts)
    : Socket(identity.sid), door_(door), identity_(std::move(identity)), facts_(std::move(facts)) {}

void MonitorSocket::open() { door_.on_open(*this); }
void MonitorSocket::receive(socket_io::Packet event) { door_.on_event(*this, std::move(event)); }
void MonitorSocket::receive_ack(std::uint64_t id, socket_io::Packet ack) { door_.on_ack(*this, id, std::move(ack)); }
void MonitorSocket::move() { door_.on_move(*this); }
void MonitorSocket::leave(std::string_view reason) { door_.on_leave(*this, reason); }
void MonitorSocket::lose_membership(std::uint16_t code, std::string_view reason) { door_.on_lost(*this, code, reason); }

}  // namespace sojourn

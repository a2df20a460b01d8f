// A language for tests: each event is one line of words, so that what a connection was shown reads like a script.
// Invariant: shows every event. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/connection.h"
#include "core/session.h"

namespace sojourn {

class PlainDialect final : public Dialect {
 public:
  using OnMessage = std::function<void(ConnectionId, std::string_view)>;

  explicit PlainDialect(OnMessage on_message = {}) : on_message_(std::move(on_message)) {}

  std::string greet(Session const& session, Connection const& connection) const override {
    return "welcome " + std::to_string(connection.id) + " to " + session.id;
  }
  void receive(ConnectionId connection, std::string_view message) override {
    if (on_message_) on_message_(connection, message);
  }
  // "2 message 7 chat {}": seq, type, who caused it, name, data, request id; what is empty is left out.
  bool encode(Session const&, Event const& event, std::string& out) const override {
    ++encoded_;
    out += std::to_string(event.seq);
    out.append(" ").append(to_word(event.type)).append(" ").append(std::to_string(event.from));
    for (auto const* word : {&event.name, &event.data, &event.request_id}) {
      if (!word->empty()) out.append(" ").append(*word);
    }
    return true;
  }

  // How many events were encoded.
  int encoded() const { return encoded_; }

 private:
  OnMessage on_message_;
  mutable int encoded_ = 0;
};

// The framing that goes with it: one message, one line.
inline void frame_line(std::string& out, std::string_view message) { out.append(message).append("\n"); }

}  // namespace sojourn

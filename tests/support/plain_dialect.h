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

  // "welcome 7 to ID", then " instead of OTHER (invalid)" if that could not be joined, then " after CURSOR" if
  // everything after it follows; else " with a gap after CURSOR" if one was named, and " at 12 with {}": last seq and
  // state, and " missed a b": names.
  std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const override {
    std::string out = "welcome " + std::to_string(connection.id) + " to " + session.id;
    if (!arrival.requested_id.empty())
      out.append(" instead of ").append(arrival.requested_id).append(" (").append(arrival.reason).append(")");
    if (arrival.resumes) return out.append(" after ").append(arrival.since);
    if (!arrival.since.empty()) out.append(" with a gap after ").append(arrival.since);
    out.append(" at ").append(std::to_string(session.journal.last_seq())).append(" with ");
    session.state.append(out);
    if (!arrival.missed.empty()) out += " missed";
    for (auto const& event : arrival.missed) out.append(" ").append(event->name);
    return out;
  }
  void receive(ConnectionId connection, std::string_view message) override {
    if (on_message_) on_message_(connection, message);
  }
  // "2 message 7 chat {}": seq, type, who caused it, name, data, request id; what is empty is left out. Several that
  // are shown as one begin with "2-5", what is volatile with "0".
  bool encode(Session const&, Event const& event, std::string& out) const override {
    ++encoded_;
    if (event.first_seq != 0) out.append(std::to_string(event.first_seq)).append("-");
    out += std::to_string(event.seq);
    out.append(" ").append(to_word(event.type)).append(" ").append(std::to_string(event.from));
    append_words(event, out);
    return true;
  }
  // "run 7 quote {} 1a2b3c4d": who asks, name, data, request id.
  std::string ask(Session const&, Event const& call) const override {
    std::string out = "run " + std::to_string(call.from);
    append_words(call, out);
    return out;
  }

  // How many events were encoded.
  int encoded() const { return encoded_; }

 private:
  static void append_words(Event const& event, std::string& out) {
    for (auto const* word : {&event.name, &event.data, &event.request_id}) {
      if (!word->empty()) out.append(" ").append(*word);
    }
  }

  OnMessage on_message_;
  mutable int encoded_ = 0;
};

// The framing that goes with it: one message, one line.
inline void frame_line(std::string& out, std::string_view message) { out.append(message).append("\n"); }

}  // namespace sojourn

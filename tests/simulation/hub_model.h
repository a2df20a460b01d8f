// What a hub is believed to do, in the plainest way: lists, and texts to compare with. It knows neither batches nor
// flushes, only what must be told, to whom, and what has to be kept by the store before.
// Invariant: a value without a hub; the simulation feeds both. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/hub.h"
#include "support/recording_outlet.h"

namespace sojourn {

struct ModelSession;

// A command that waits for its reply, and what the reply has to say.
struct Ticket {
  int number = 0;
  std::string expected;  // see render(); ending in ~: only the beginning counts
  std::vector<std::pair<ModelSession const*, std::uint64_t>> needs;  // what has to be kept before
  bool is_prompt = true;                                             // false: nobody promises when
  bool waits = false;                                                // a call without an answer yet
  std::uint64_t turn = 0;                                            // in which it was settled
  std::int64_t deadline_us = 0;
  std::string request_id;
  int runs = 0;
};
using TicketRef = std::shared_ptr<Ticket>;

// What a member has to be shown; a call's text lacks the request id, which the hub chooses.
struct Frame {
  std::uint64_t seq = 0;
  std::string text;
  TicketRef call;
};

struct ModelSession {
  int index = 0;
  SessionKind kind = SessionKind::extension;
  std::string owner;
  std::string id;  // empty until it was told
  std::uint64_t last_seq = 1;
  bool is_ended = false;   // durable, and its end is not kept yet
  bool is_buried = false;  // gone
  RecordingOutlet outlet;
  ConnectionId connection = 0;  // 0 until it was told
  bool has_member = false;
  bool is_open = false;
  std::int64_t last_seen_us = 0;
  std::deque<Frame> frames;
  std::vector<TicketRef> calls;

  bool is_durable() const { return kind == SessionKind::shared; }
  bool is_there() const { return !is_ended && !is_buried; }
  std::string info() const {
    // Of a shared session, and of a peer that said goodbye, nobody promises when it was seen.
    auto const text = "session " + std::to_string(index) + " seen ";
    return is_durable() || !is_open ? text + "~" : text + std::to_string(last_seen_us);
  }
};

// An outcome as a text to compare with Ticket::expected.
class Render {
 public:
  explicit Render(std::map<std::string, ModelSession*> const& by_id) : by_id_(by_id) {}

  std::string operator()(Result<Outcome> const& outcome) const {
    if (!outcome) return failure(outcome.error().code);
    return std::visit(*this, *outcome);
  }
  static std::string failure(Code code) { return "error " + std::string(row(code).word); }

  std::string operator()(std::monostate) const { return "done"; }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(SessionInfo const& info) const {
    return "session " + index_of(info.id) + " seen " + std::to_string(info.last_seen_us);
  }
  std::string operator()(std::vector<SessionInfo> const& list) const {
    std::string text = "list";
    for (auto const& info : list) text += " " + index_of(info.id);
    return text;
  }
  std::string operator()(Opened const&) const { return "opened"; }
  std::string operator()(Posted const& posted) const {
    return "posted " + std::to_string(posted.seq) + " at " + std::to_string(posted.at_us);
  }
  std::string operator()(Answered const& answered) const { return "answered " + answered.request_id + answered.data; }

 private:
  std::string index_of(std::string const& id) const {
    auto const place = by_id_.find(id);
    return place == by_id_.end() ? "?" + id : std::to_string(place->second->index);
  }

  std::map<std::string, ModelSession*> const& by_id_;
};

inline bool agrees(std::string const& expected, std::string const& got) {
  if (!expected.ends_with('~')) return expected == got;
  return got.starts_with(std::string_view(expected).substr(0, expected.size() - 1));
}

inline bool model_can(Principal const& principal, ModelSession const& session) {
  return principal.role != Role::user || principal.name == session.owner;
}

}  // namespace sojourn

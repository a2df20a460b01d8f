// What a hub is believed to do, in the plainest way: lists, and texts to compare with. It knows neither batches nor
// flushes, only what must be told, to whom, and what has to be kept by the store before.
// Invariant: a value without a hub; the simulation feeds both. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "core/hub.h"
#include "support/recording_outlet.h"

namespace sojourn {

struct ModelSession;
struct Reader;

using StateMap = std::map<std::string, json::value>;

// A command that waits for its reply, and what the reply has to say.
struct Ticket {
  int number = 0;
  std::string expected;  // see Render
  // Looks closer at a success: what is wrong with it, or nothing.
  std::function<std::string(Outcome const&)> judge = {};
  std::vector<std::pair<ModelSession const*, std::uint64_t>> needs;  // what has to be kept before
  bool waits = false;                                                // a call without an answer yet
  std::uint64_t turn = 0;                                            // in which it was settled
  std::int64_t deadline_us = 0;
  std::string request_id;
  ModelSession* opened = nullptr;  // which session it is let into
  Reader* newcomer = nullptr;      // who comes in with it
  Reader* to = nullptr;            // who has to answer it
  std::string tool = {};           // how the answer to a tool call begins
  int runs = 0;
};
using TicketRef = std::shared_ptr<Ticket>;

// An event as the plain dialect shows it, without its seq; ending in ~ only the beginning counts.
struct ModelEvent {
  std::string words;
  TicketRef call = {};  // whose request id stands at its end
  bool changes_state = false;
};

struct ModelToken {
  std::string id;  // empty until it was told
  Scope scope = Scope::read;
  std::int64_t expires_us = 0;
  bool single_use = false;
  bool used = false;
};

// One connection, and what it has heard.
struct Reader {
  int number = 0;
  ModelSession* session = nullptr;
  Principal principal;
  RecordingOutlet outlet;
  ConnectionId id = 0;
  bool is_in = true;          // the hub knows it
  bool is_open = true;        // has not said goodbye
  bool is_greeted = false;    // its first message was told
  bool is_live = true;        // has caught up with what it missed before it came
  bool is_disturbed = false;  // began or ceased to read in this iteration
  std::string close_reason;   // with which it was sent away; empty = it left by itself
  std::uint64_t place = 0;    // of the last durable event it heard
  StateMap state;             // as it knows it
  std::size_t fleeting = 0;   // how many volatile events it has heard or missed
  bool heard_end = false;
  std::int64_t last_seen_us = 0;
  std::int64_t ends_us = 0;  // when its token runs out; 0 = never
  std::vector<std::string> tools;
  std::deque<TicketRef> asked;  // calls it will be asked to run
  // What the greeting has to be.
  std::string since, instead;
  std::uint64_t greeted_at = 0;
  bool may_resume = false, must_resume = false, is_opener = false;
};

struct ModelSession {
  int index = 0;
  SessionKind kind = SessionKind::extension;
  std::string owner, client_id;
  std::string id;  // empty until it was told
  std::uint32_t epoch = 0;
  std::vector<ModelEvent> log;  // that of seq 1 first
  StateMap state;
  std::map<std::string, std::uint64_t> revisions;
  std::uint64_t revision = 0;
  std::map<std::uint64_t, StateMap> history{{0, {}}};  // the state from that seq on
  std::vector<std::string> fleeting;                   // volatile events, all there ever were
  std::vector<Reader*> members;                        // in the order they came
  Reader* host = nullptr;
  std::vector<ModelToken> tokens;
  std::vector<TicketRef> calls;
  std::vector<TicketRef> functions;  // that run in its browser
  std::int64_t ends_us = 0;          // of a browser session: at the latest
  std::int64_t news_second = 0;
  int news_count = 0;
  std::int64_t opened_us = 0, active_us = 0, idle_us = 0;
  std::uint64_t cleaned_seq = 0;  // nothing before it is there any more, or soon will not be
  std::uint64_t heartbeats = 0;
  bool is_ended = false;   // durable, and its end is not kept yet
  bool is_buried = false;  // gone
  bool is_expired = false;

  bool is_durable() const { return kind != SessionKind::extension; }
  bool has_browser() const { return kind == SessionKind::browser; }
  bool is_there() const { return !is_ended && !is_buried; }
  // A browser session is not kept by just any use.
  void use(std::int64_t now_us) {
    if (!has_browser()) active_us = now_us;
  }
  // When it is over if nothing happens; INT64_MAX = never.
  std::int64_t over_us() const {
    if (!is_durable() || !is_there()) return INT64_MAX;
    if (!has_browser()) return members.empty() ? active_us + idle_us : INT64_MAX;
    return functions.empty() ? std::min(active_us + idle_us, ends_us) : ends_us;
  }
  std::uint64_t last_seq() const { return log.size(); }
  StateMap const& state_at(std::uint64_t seq) const { return std::prev(history.upper_bound(seq))->second; }
  std::string info() const {
    auto const seen_us = host == nullptr ? active_us : std::max(opened_us, host->last_seen_us);
    return "session " + std::to_string(index) + " with " + std::to_string(members.size()) + " at " +
           std::to_string(last_seq()) + " revision " + std::to_string(revision) + " seen " + std::to_string(seen_us);
  }
};

inline std::string to_text(StateMap const& state) {
  json::object members;
  for (auto const& [key, value] : state) members[key] = value;
  return json::to_text(members);
}
inline StateMap to_state(json::object const& members) {
  StateMap state;
  for (auto const& [key, value] : members) state[std::string(key)] = value;
  return state;
}
// The inverse of to_text, whatever the order of members inside.
inline StateMap to_state(std::string_view text) {
  auto const parsed = json::parse(text);
  return parsed && parsed->is_object() ? to_state(parsed->get_object()) : StateMap{{"not an object", nullptr}};
}

inline bool agrees(std::string const& expected, std::string const& got) {
  if (!expected.ends_with('~')) return expected == got;
  return got.starts_with(std::string_view(expected).substr(0, expected.size() - 1));
}

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
    return "session " + index_of(info.id) + " with " + std::to_string(info.connections) + " at " +
           std::to_string(info.cursor.seq) + " revision " + std::to_string(info.revision) + " seen " +
           std::to_string(info.last_seen_us);
  }
  std::string operator()(SessionPage const& page) const {
    auto text = "page of " + std::to_string(page.total);
    for (auto const& info : page.sessions) text += " " + index_of(info.id);
    return text;
  }
  std::string operator()(Opened const& opened) const {
    return "opened " + index_of(opened.session.id) + (opened.resumed ? " again" : "");
  }
  std::string operator()(Posted const& posted) const {
    return "posted " + std::to_string(posted.seq) + " at " + std::to_string(posted.at_us);
  }
  std::string operator()(Told const& told) const {
    return "told " + std::to_string(told.sessions) + " at " + std::to_string(told.at_us);
  }
  std::string operator()(Answered const& answered) const { return "answered " + answered.request_id + answered.data; }
  std::string operator()(ToolAnswer const& answer) const {
    auto const asked = "tool of " + index_of(answer.session_id) + " for " + answer.by.name;
    return asked + (answer.failure ? " failed " + std::string(row(answer.failure->code).word) : " gave" + answer.data);
  }
  std::string operator()(StateView const& view) const {
    return "state " + std::to_string(view.revision) + " at " + std::to_string(view.cursor.seq);
  }
  std::string operator()(Changed const& changed) const {
    return "changed " + std::to_string(changed.revision) + " at " + std::to_string(changed.at_us);
  }
  std::string operator()(EventPage const&) const { return "events"; }
  std::string operator()(QueryAnswer const& answer) const { return "query of " + index_of(answer.session_id); }
  std::string operator()(ConnectionId connection) const { return "asked " + std::to_string(connection); }
  std::string operator()(UseView const& view) const {
    return "used " + std::to_string(view.use.count(Use::heartbeat)) + " of " + (*this)(view.session);
  }
  std::string operator()(Cleaned const& cleaned) const { return "cleaned at " + std::to_string(cleaned.at_us); }
  std::string operator()(Swept const& swept) const { return "swept " + std::to_string(swept.sessions); }
  std::string operator()(std::vector<ConnectionInfo> const& list) const {
    std::string text = "connections";
    for (auto const& info : list) text += " " + std::to_string(info.id) + " " + info.user;
    return text;
  }
  std::string operator()(FunctionAnswer const& answer) const {
    return "function of " + index_of(answer.session.id) + " gave " + answer.output;
  }
  std::string operator()(Minted const&) const { return "minted"; }
  std::string operator()(std::vector<SessionToken> const& list) const {
    std::string text = "tokens";
    for (auto const& token : list) {
      text.append(" ").append(to_word(token.scope)).append(" ").append(std::to_string(token.expires_us));
      if (token.used) text += " used";
    }
    return text;
  }

 private:
  std::string index_of(std::string const& id) const {
    auto const place = by_id_.find(id);
    return place == by_id_.end() ? "?" + id : std::to_string(place->second->index);
  }

  std::map<std::string, ModelSession*> const& by_id_;
};

// Whether `principal` may; without a session: at all.
inline bool model_can(Principal const& principal, Action action, ModelSession const* session) {
  bool const reads = action == Action::read, writes = action == Action::write || action == Action::call;
  bool const may_write = principal.scope != Scope::read;
  switch (principal.role) {
    case Role::local:
    case Role::admin:
      return true;
    case Role::user:
      if (session == nullptr) return action == Action::list || may_write;
      return principal.name == session->owner && (reads || may_write);
    case Role::guest:
      if (session == nullptr || principal.grant->session_id != session->id) return false;
      if (std::ranges::find(session->tokens, principal.grant->token_id, &ModelToken::id) == session->tokens.end())
        return false;
      return reads || (writes && may_write);
  }
  return false;
}

}  // namespace sojourn

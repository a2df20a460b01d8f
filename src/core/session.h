// A session: identity, owner, a small state and a bounded log of events, with the connections that are in it.
// A value that the hub keeps; all the rules are the hub's. The hub's thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "core/event.h"
#include "core/journal.h"
#include "core/principal.h"
#include "core/state.h"

namespace sojourn {

struct Connection;

enum class SessionKind : std::uint8_t {
  extension,  // ext_ and 12 hex; lives as long as its one connection; kept in memory only
  shared,     // a UUID; outlives its connections; durable
  browser,    // sess_ and 26 characters; owns a page of a browser; durable, as far as its log goes
};
inline constexpr std::size_t session_kinds = 3;

std::string_view to_word(SessionKind kind);

// Of a session of which its owner says nothing else.
inline constexpr std::string_view default_session_type = "troubleshooting";

// A key to one session that its owner handed out. The record; the token itself is nowhere.
struct SessionToken {
  std::string id;
  Scope scope = Scope::read;
  std::int64_t expires_us = 0;  // UTC
  bool single_use = false;
  bool used = false;  // of a single-use one; who came in with it stays
};

// What a session was used for, as far as somebody wants to know it later.
enum class Use : std::uint8_t { heartbeat, stats, query, case_opened, cleanup, restore };
inline constexpr std::size_t uses = 6;

std::string_view to_word(Use use);

struct SessionUse {
  static constexpr std::size_t recent_max = 20;
  struct Entry {
    Use use;
    std::int64_t at_us;
  };

  std::array<std::uint64_t, uses> counts{};
  std::vector<Entry> recent;              // the newest last
  std::optional<double> confidence;       // of the latest answer that said it
  std::vector<std::string> open_queries;  // asked, and not answered in the log yet; they end with the server

  std::uint64_t count(Use use) const { return counts[static_cast<std::size_t>(use)]; }
};

// What a browser session has beside what every session has.
struct BrowserSeat {
  std::string url;  // of its page, as last told
  std::string title;
  std::int64_t width = 0;  // of its viewport when it was opened
  std::int64_t height = 0;
  std::uint64_t calls = 0;  // that came to an end
  std::int64_t last_call_us = 0;
  std::int64_t life_us = 0;               // it ends that long after its opening, whatever happens; 0 = never
  std::int64_t ends_us = 0;               // that moment, of the steady clock; INT64_MAX = never
  std::int64_t checkpoint_us = 0;         // when what it can be made of again changed last; 0 = never
  std::vector<std::uint64_t> open_calls;  // numbers of those that run or wait for their turn
  std::int64_t news_second = 0;           // what was told by itself in this second of the steady clock
  std::uint32_t news_count = 0;
};

// What its owner says of a session.
struct SessionTraits {
  std::string client_id;       // by which its owner finds it again; empty = only by id
  std::string type;            // the owner's word; empty = default_session_type
  std::string metadata;        // the owner's JSON object; empty = {}
  std::string thread_id = {};  // by which its owner finds it again if it is a thread
};

struct Session {
  Session(std::string session_id, SessionKind session_kind, std::uint32_t epoch)
      : id(std::move(session_id)), kind(session_kind), journal(epoch) {}

  std::string id;
  SessionKind kind;
  std::string owner;
  std::unique_ptr<SessionTraits> traits;  // null = its owner said nothing of it
  std::unique_ptr<BrowserSeat> seat;      // null = it has no browser
  std::unique_ptr<SessionUse> use;        // null = it was used for nothing that is counted
  std::int64_t opened_us = 0;
  std::int64_t idle_us = 0;  // it ends after that long without anybody; 0 = never
  Moment active;             // the last use; of a browser session the last that keeps it alive
  Journal journal;
  State state;
  std::vector<Connection*> members;
  ConnectionId host = 0;             // of an extension session: the connection that it stands for
  std::vector<std::string> calls;    // request ids of those that wait for an answer
  std::vector<SessionToken> tokens;  // that live
  std::vector<EventRef> fleeting;    // volatile events of this turn, not shown yet
  std::uint64_t last_fleeting = 0;   // how many volatile events there ever were
  std::uint64_t visible_seq = 0;     // events after it wait for their commit
  std::uint64_t shown_seq = 0;       // every member has been given the events up to here
  std::uint64_t followed_seq =
      0;  // of a thread: those who followed it, if nobody does, were shown the events up to here
  std::uint64_t cleaned_seq = 0;  // what is before this event is forgotten once everybody has been shown it
  std::unique_ptr<std::unordered_map<std::string, std::uint64_t>> said;  // what may be said again: its place in the log
  std::uint64_t batch = 0;              // the last batch with a change of this session; 0 = none
  std::int64_t saved_us = 0;            // UTC; the last use that is kept
  bool dirty = false;                   // has events that no flush has seen
  bool unsaved = false;                 // what need not be kept at once has changed
  bool ended = false;                   // its end waits for its commit; until then it is not there for anybody new
  std::list<Session*>::iterator shelf;  // where Shelves keep it
  std::list<Session*>::iterator owner_shelf;
  std::multimap<std::int64_t, Session*>::iterator expiry;  // when the hub looks whether it is over; of idle_us only

  std::string client_id() const { return traits ? traits->client_id : std::string(); }
  std::string thread_id() const { return traits ? traits->thread_id : std::string(); }
  std::string_view type() const { return traits && !traits->type.empty() ? traits->type : default_session_type; }
  std::string_view metadata() const {
    return traits && !traits->metadata.empty() ? std::string_view(traits->metadata) : "{}";
  }
  bool is_durable() const { return kind != SessionKind::extension; }
  // A browser costs memory: to look at its session, or to talk in it, does not keep it.
  bool is_kept_by_any_use() const { return kind != SessionKind::browser; }
  SessionToken const* find_token(std::string_view token_id) const {
    for (auto const& token : tokens)
      if (token.id == token_id) return &token;
    return nullptr;
  }
};

// What a door may show of a session.
struct SessionInfo {
  std::string id;
  SessionKind kind = SessionKind::extension;
  std::int64_t opened_us = 0;
  std::int64_t last_seen_us = 0;
  std::string user_agent;  // of an extension
  std::string address;     // of an extension
  std::string device;      // of an extension
  std::string owner;
  std::string client_id;
  std::string thread_id;
  std::string type;
  std::string metadata;  // JSON object
  std::int64_t idle_us = 0;
  std::int64_t expires_us = 0;  // UTC, if nothing happens; 0 = never
  std::size_t connections = 0;
  std::uint64_t cases = 0;  // opened in it and not cleaned up
  std::string url;          // of a browser session's page, as what follows
  std::string title;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::uint64_t calls = 0;
  std::int64_t last_call_us = 0;   // UTC; 0 = never
  std::int64_t checkpoint_us = 0;  // UTC; 0 = never
  std::int64_t life_us = 0;        // 0 = without end
  Cursor cursor;                   // of the last event
  std::uint64_t revision = 0;
  std::string state;  // JSON object, where it was asked for
};

// What a door may show of a connection.
struct ConnectionInfo {
  ConnectionId id = 0;
  std::string user;
  std::string transport;
  std::int64_t connected_us = 0;
  std::int64_t last_seen_us = 0;
  std::string user_agent;
  std::string address;
};

}  // namespace sojourn

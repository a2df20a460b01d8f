// A session: identity, owner and a bounded log of events, with the connections that are in it.
// A value that the hub keeps; all the rules are the hub's. The hub's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/journal.h"

namespace sojourn {

enum class SessionKind : std::uint8_t {
  extension,  // ext_ and 12 hex; lives as long as its one connection; kept in memory only
  shared,     // a UUID; outlives its connections; durable
};

struct Session {
  Session(std::string session_id, SessionKind session_kind, std::uint32_t epoch)
      : id(std::move(session_id)), kind(session_kind), journal(epoch) {}

  std::string id;
  SessionKind kind;
  std::string owner;
  std::int64_t opened_us = 0;
  Journal journal;
  std::vector<ConnectionId> members;
  std::vector<std::string> calls;  // request ids of those that wait for an answer
  std::uint64_t visible_seq = 0;   // events after it wait for their commit
  std::uint64_t shown_seq = 0;     // every member has been given the events up to here
  std::uint64_t batch = 0;         // the last batch with a change of this session; 0 = none
  bool dirty = false;              // has events that no flush has seen
  bool ended = false;              // its end waits for its commit; until then it is not there for anybody new

  bool is_durable() const { return kind != SessionKind::extension; }
};

// What a door may show of a session.
struct SessionInfo {
  std::string id;
  SessionKind kind = SessionKind::extension;
  std::int64_t opened_us = 0;
  std::int64_t last_seen_us = 0;
  std::string user_agent;
  std::string address;
  std::string device;
};

}  // namespace sojourn

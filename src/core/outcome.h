// What the hub answers to its commands (command.h): plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/connection.h"
#include "core/session.h"

namespace sojourn {

struct Opened {
  SessionInfo session = {};
  ConnectionId connection = 0;
  Dialect* dialect = nullptr;  // of the connection
  std::string greeting = {};   // the first message to it
  bool resumed = false;        // it was there before
};

struct SessionPage {
  std::vector<SessionInfo> sessions;
  std::size_t total = 0;  // that the filters let through
};

struct Posted {
  std::uint64_t seq = 0;  // 0 of a volatile one
  std::int64_t at_us = 0;
  Cursor cursor = {};
  std::size_t connections = 0;  // in the session
};

struct Told {
  std::size_t sessions = 0;
  std::int64_t at_us = 0;
};

struct Answered {
  std::string request_id;
  std::string data;  // JSON text
  std::int64_t at_us = 0;
};

struct ToolAnswer {
  std::string data;  // JSON text; empty = nobody offered the tool
  std::string session_id;
  Principal by;                       // who asked
  std::optional<Error> failure = {};  // whoever offered it did not answer
};

struct QueryAnswer {
  std::string data;  // JSON text of what the connection said; empty = nobody offered to answer
  std::string session_id;
  Principal by;  // who asked
  std::vector<EventRef> history =
      {};                             // messages, questions and answers before it, the oldest first; only if nobody did
  std::optional<Error> failure = {};  // whoever offered did not answer
};

struct UseView {
  SessionInfo session;
  SessionUse use;
};

struct Cleaned {
  std::string session_id;
  std::uint64_t cases = 0;
  std::uint64_t events = 0;  // that the log does not tell of any more
  std::int64_t at_us = 0;
};

struct Swept {
  std::size_t sessions = 0;
  std::int64_t at_us = 0;
};

struct FunctionAnswer {
  std::string output;        // JSON object
  SessionInfo session = {};  // as it was afterwards; of one that had ended before only the id
};

struct Missed {
  std::string session_id;
  std::uint32_t epoch = 0;
  std::vector<EventRef> events;
};

struct MissedCount {
  std::string thread_id;
  std::size_t messages = 0;
};

struct StateView {
  std::shared_ptr<std::string const> value;  // JSON text of the key's value, or of the map; never null
  std::uint64_t revision = 0;
  Cursor cursor = {};
};

struct Changed {
  std::uint64_t revision = 0;
  Cursor cursor = {};
  std::int64_t at_us = 0;
};

struct EventPage {
  std::vector<EventRef> events;
  Cursor cursor = {};          // of the last of them, or where they would begin
  std::uint64_t last_seq = 0;  // of the log
  bool gap = false;            // something after `since` is no longer there
};

struct Minted {
  SessionToken token;
  std::string session_id;
  std::string owner;
};

using Outcome =
    std::variant<std::monostate, bool, SessionInfo, SessionPage, Opened, Posted, Told, Answered, ToolAnswer, StateView,
                 Changed, EventPage, std::vector<ConnectionInfo>, Minted, std::vector<SessionToken>, QueryAnswer,
                 ConnectionId, UseView, Cleaned, Swept, FunctionAnswer, Missed, std::vector<MissedCount>>;
using Reply = std::function<void(Result<Outcome>)>;

}  // namespace sojourn

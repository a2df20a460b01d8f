// Everything that can be asked of the hub, and what it answers: plain values, so that a command can be forwarded
// to another node as it stands.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/connection.h"
#include "core/session.h"

namespace sojourn {

// A new session; an extension session needs `via.outlet`. -> Opened
struct OpenSession {
  SessionKind kind = SessionKind::extension;
  Attachment via;
};

// -> std::vector<SessionInfo>, in the order of opening
struct ListSessions {
  SessionKind kind = SessionKind::extension;
};

// -> SessionInfo
struct GetSession {
  SessionKind kind = SessionKind::extension;
  std::string id;
};

// Ends it for everybody in it. -> SessionInfo
struct CloseSession {
  SessionKind kind = SessionKind::extension;
  std::string id;
};

// A message to everybody in the session. -> Posted
struct PostMessage {
  SessionKind kind = SessionKind::extension;
  std::string id;
  std::string name;
  std::string data;  // JSON text; empty = none
};

// Asks the session's other end to do something; answered when it has, or at the deadline. -> Answered
struct CallSession {
  SessionKind kind = SessionKind::extension;
  std::string id;
  std::string name;
  std::string data;  // JSON text; empty = none
  std::int64_t timeout_us = 30'000'000;
};

// Something came in on a connection, whatever it was. -> std::monostate
struct Touch {
  ConnectionId connection = 0;
};

// A connection says something into its session. -> Posted
struct Say {
  ConnectionId connection = 0;
  std::string name;
  std::string data;
};

// A connection answers a call. -> bool: whether somebody was waiting for it
struct AnswerCall {
  ConnectionId connection = 0;
  std::string request_id;
  bool success = false;
  std::string data;   // JSON text of the result
  std::string error;  // what went wrong, for people
};

// The peer said goodbye; its socket is still there. -> std::monostate
struct SayGoodbye {
  ConnectionId connection = 0;
};

// The socket is gone. The outlet is not used afterwards. -> std::monostate
struct Leave {
  ConnectionId connection = 0;
};

using Command = std::variant<OpenSession, ListSessions, GetSession, CloseSession, PostMessage, CallSession, Touch, Say,
                             AnswerCall, SayGoodbye, Leave>;

struct Opened {
  SessionInfo session;
  ConnectionId connection = 0;
  Dialect* dialect = nullptr;  // of the connection
  std::string greeting;        // the first message to it
};

struct Posted {
  std::uint64_t seq = 0;
  std::int64_t at_us = 0;
};

struct Answered {
  std::string request_id;
  std::string data;  // JSON text
  std::int64_t at_us = 0;
};

using Outcome = std::variant<std::monostate, bool, SessionInfo, std::vector<SessionInfo>, Opened, Posted, Answered>;
using Reply = std::function<void(Result<Outcome>)>;

}  // namespace sojourn

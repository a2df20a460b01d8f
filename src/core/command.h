// Everything that can be asked of the hub: plain values, so that a command can be forwarded to another node as it
// stands. What it answers is in outcome.h. Where a command names a session, no `kind` means any. A command with a
// `connection` is that connection's own, with the rights it came in with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "core/browser.h"
#include "core/connection.h"
#include "core/outcome.h"
#include "core/session.h"

namespace sojourn {

using AnyKind = std::optional<SessionKind>;

// What a new session is to be.
struct SessionWish {
  std::string owner = {};      // for an admin to say; empty = the principal
  std::string client_id = {};  // finds the owner's session of that name again; empty = always a new one
  std::string thread_id = {};  // the same by a name of another sort; not both
  std::string type = {};
  std::string metadata = {};  // JSON object
  std::string state = {};     // JSON object
  std::int64_t idle_us = 0;   // 0 = the default
  std::int64_t life_us = 0;   // of a browser session; 0 = the default, which none exceeds
  BrowserWish browser = {};   // of a browser session
};

// A new session, or the one its client_id finds; an extension session needs `via.outlet`. A browser session waits for
// its turn when there are as many as there may be. -> Opened
struct OpenSession {
  SessionKind kind = SessionKind::extension;
  Attachment via = {};
  SessionWish wish = {};
};

// A connection comes in. -> Opened
struct JoinSession {
  AnyKind kind = {};
  std::string id = {};  // empty = a new session, if `opens`
  Attachment via = {};
  std::string since = {};       // a cursor; what came after it follows
  ConnectionId takes_over = 0;  // of the same principal in the same session: closed
  bool opens = false;           // a session that can't be joined becomes a new one
  SessionWish wish = {};        // of a new one; instead of it, the one that its names find
};

// -> SessionPage, in the order of opening
struct ListSessions {
  AnyKind kind = {};
  std::string owner = {};  // for an admin: only this one's
  std::string type = {};
  std::string label = {};  // a member of the metadata that has to be
  std::string label_value = {};
  std::optional<bool> connected = {};
  std::size_t limit = SIZE_MAX;
  std::size_t offset = 0;
  bool with_state = false;
};

// -> SessionInfo
struct GetSession {
  AnyKind kind = {};
  std::string id = {};
};

// Ends it for everybody in it. -> SessionInfo
struct CloseSession {
  AnyKind kind = {};
  std::string id = {};
};

// A message to everybody in the session. -> Posted
struct PostMessage {
  AnyKind kind = {};
  std::string id = {};
  std::string name = {};
  std::string data = {};  // JSON text; empty = none
  bool is_volatile = false;
  std::string request_id = {};
};

// The same to every session that the principal may write to and somebody is in. -> Told
struct PostToAll {
  std::string name = {};
  std::string data = {};
  std::string request_id = {};
};

// Asks an extension session's other end to do something; answered when it has, or at the deadline. -> Answered
struct CallSession {
  AnyKind kind = {};
  std::string id = {};
  std::string name = {};
  std::string data = {};  // JSON text; empty = none
  std::int64_t timeout_us = 30'000'000;
};

// A connection asks whoever in its session offered the tool. -> ToolAnswer
struct CallTool {
  ConnectionId connection = 0;
  std::string name = {};
  std::string data = {};  // JSON text of the parameters
  std::int64_t timeout_us = 10'000'000;
};

// What came of a tool call, for the log. -> Posted
struct RecordResult {
  std::string id = {};
  ConnectionId connection = 0;  // that asked; it may have gone meanwhile
  std::string name = {};
  std::string data = {};        // {"result":...,"is_error":...}
  std::string request_id = {};  // the caller's name of the call
};

// -> StateView
struct GetState {
  AnyKind kind = {};
  std::string id = {};
  std::optional<std::string> key = {};
  ConnectionId connection = 0;  // instead of the id
};

// -> Changed
struct ChangeState {
  AnyKind kind = {};
  std::string id = {};
  StateEdit edit = {};
  ConnectionId connection = 0;  // instead of the id
  std::string request_id = {};
};

// The log after `since` (a cursor or a seq; empty = from its beginning). -> EventPage
struct ReadEvents {
  AnyKind kind = {};
  std::string id = {};
  std::string since = {};
  std::size_t limit = 100;
  std::string request_id = {};  // only events with it; empty = all
};

// Lets a browser session's browser do something; close also ends the session, and does so only once. -> FunctionAnswer
struct CallFunction {
  AnyKind kind = {};
  std::string id = {};
  Function function = Function::snapshot;
  json::object input = {};  // as of FunctionCall
  std::string note = {};    // JSON object: what the log may tell of the input; empty = nothing
  std::int64_t timeout_us = 60'000'000;
  std::string request_id = {};
};

// A question to whoever answers those of the session: a connection that offered to. -> QueryAnswer
struct AskQuery {
  AnyKind kind = {};
  std::string id = {};
  std::string request_id = {};  // names the query, in the log and when it is answered; not in use
  std::string data = {};        // {"query",...}
  std::int64_t timeout_us = 120'000'000;
};

// A piece of an answer that is not whole yet: from the connection that was asked, or from outside. -> bool
struct ReportProgress {
  std::string id = {};
  ConnectionId connection = 0;  // instead of the id
  std::string request_id = {};
  std::string data = {};  // {"text"}
};

// The answer to a query, for the log. -> Posted
struct RecordAnswer {
  std::string id = {};
  std::string data = {};  // {"result":...,"is_error":...}
  std::string request_id = {};
  std::optional<double> confidence = {};
};

// A query that waits for a connection's answer need not wait any more: it fails as Code::conflict.
// -> ConnectionId that was asked; 0 = none
struct CancelQuery {
  AnyKind kind = {};
  std::string id = {};
  std::string request_id = {};
};

// Counts what a session is used for, which is a use. -> UseView
struct NoteUse {
  AnyKind kind = {};
  std::string id = {};
  Use use = Use::heartbeat;
};

// Forgets what the log says; the state stays. -> Cleaned
struct CleanSession {
  AnyKind kind = {};
  std::string id = {};
};

// Ends what has expired, without waiting until it is looked at. -> Swept
struct SweepSessions {};

// -> std::vector<ConnectionInfo>
struct ListConnections {
  AnyKind kind = {};
  std::string id = {};
};

// -> std::monostate
struct KickConnection {
  AnyKind kind = {};
  std::string id = {};
  ConnectionId connection = 0;
};

// -> Minted
struct MintToken {
  AnyKind kind = {};
  std::string id = {};
  Scope scope = Scope::read;
  std::int64_t lifetime_us = 0;
  bool single_use = false;
};

// Closes what came in with it. -> std::monostate
struct RevokeToken {
  AnyKind kind = {};
  std::string id = {};
  std::string token_id = {};
};

// -> std::vector<SessionToken>
struct ListTokens {
  AnyKind kind = {};
  std::string id = {};
};

// Messages that were said in a thread while nobody followed it, the last 50; they count as followed then.
// -> Missed
struct TakeMissed {
  std::string thread_id = {};  // of the principal
};

// Threads with messages that nobody has followed yet, of everybody; for an admin. -> std::vector<MissedCount>
struct ListMissed {};

// A connection goes on over another carrier. -> std::monostate
struct MoveConnection {
  ConnectionId connection = 0;
  Framing framing = nullptr;
  std::string_view transport = {};  // static
};

// A connection offers to do something for the others of its session; replaces what it offered before.
// -> std::monostate
struct MakeOffer {
  ConnectionId connection = 0;
  Offer offer = {};
};

// Something came in on a connection, whatever it was. -> std::monostate
struct Touch {
  ConnectionId connection = 0;
};

// A connection says something into its session. -> Posted
struct Say {
  ConnectionId connection = 0;
  std::string name = {};
  std::string data = {};
  bool is_volatile = false;
  std::string request_id = {};
  bool is_once = false;  // its user's second one of that request_id in the log is the first
};

// A connection answers a call. -> bool: whether somebody was waiting for it
struct AnswerCall {
  ConnectionId connection = 0;
  std::string request_id = {};
  bool success = false;
  std::string data = {};   // JSON text of the result
  std::string error = {};  // what went wrong, for people
};

// The peer said goodbye; its socket is still there. -> std::monostate
struct SayGoodbye {
  ConnectionId connection = 0;
};

// The socket is gone. The outlet is not used afterwards. -> std::monostate
struct Leave {
  ConnectionId connection = 0;
  bool is_unheard = false;  // it was told nothing: whatever it was to hear is missed
};

using Command = std::variant<OpenSession, JoinSession, ListSessions, GetSession, CloseSession, PostMessage, PostToAll,
                             CallSession, CallTool, RecordResult, GetState, ChangeState, ReadEvents, ListConnections,
                             KickConnection, MintToken, RevokeToken, ListTokens, MakeOffer, Touch, Say, AnswerCall,
                             SayGoodbye, Leave, AskQuery, ReportProgress, RecordAnswer, CancelQuery, NoteUse,
                             CleanSession, SweepSessions, CallFunction, TakeMissed, ListMissed, MoveConnection>;

}  // namespace sojourn

// One live attachment of a client to a session, and the two ports it is made of: Outlet (a carrier's end, in net)
// and Dialect (a door's language, in api). The hub's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/principal.h"

namespace sojourn {

struct Session;
struct Connection;
struct Arrival;

// Bytes ready for the wire, made once and shared by every queue they stand in.
using Bytes = std::shared_ptr<std::string const>;

// A carrier's framing of one message, appended to `out`.
using Framing = void (*)(std::string& out, std::string_view message);

// Where a connection's bytes go. Never blocks and never calls back into the hub.
class Outlet {
 public:
  virtual ~Outlet() = default;
  // Queues `bytes` for the end of this loop iteration.
  virtual void push(Bytes bytes) = 0;
  // The same of a message that nobody else gets.
  virtual void append(Framing framing, std::string_view message) {
    auto bytes = std::make_shared<std::string>();
    framing(*bytes, message);
    push(std::move(bytes));
  }
  // Sends what is queued, then closes; `code` and `reason` as RFC 6455, section 7.4.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  // What waits to be sent, in bytes.
  virtual std::size_t queued_bytes() const = 0;
};

// How one door speaks to its live connections. One object serves all of them; it outlives them.
class Dialect {
 public:
  virtual ~Dialect() = default;
  // The first message to a new connection. `connection.session` and the log stand as they are at the arrival.
  virtual std::string greet(Session const& session, Connection const& connection, Arrival const& arrival) const = 0;
  // A message came in; `message` lives during the call.
  virtual void receive(ConnectionId connection, std::string_view message) = 0;
  // One of bytes rather than text; most dialects make no difference.
  virtual void receive_bytes(ConnectionId connection, std::string_view message) { receive(connection, message); }
  // Appends the message that shows `event`; false when this dialect does not show it.
  virtual bool encode(Session const& session, Event const& event, std::string& out) const = 0;
  // The message that asks a connection which offered a tool to run it; `call` has name, data and request_id.
  virtual std::string ask(Session const& session, Event const& call) const = 0;
};

// How a connection came in.
struct Arrival {
  bool is_new = false;            // the session was opened for it
  std::string requested_id = {};  // of a session that could not be joined, so that another was opened
  std::string_view reason = {};   // why not: invalid, expired, not_owner
  std::string since = {};         // the cursor that the client named
  bool resumes = false;           // everything after `since` follows
  // Of one that follows the session's thread: what was said since somebody last did, at most the last 50 messages.
  std::vector<EventRef> missed = {};
};

// What a newcomer brings to a session. The pointers outlive the connection.
struct Attachment {
  Outlet* outlet = nullptr;
  Dialect* dialect = nullptr;
  Framing framing = nullptr;
  std::string user_agent = {};
  std::string address = {};
  std::string device = {};                   // of an extension: the browser profile it runs in; empty = unknown
  std::string_view transport = "websocket";  // static
  bool follows = false;                      // the session's thread: what it was shown, nobody has missed
};

// What a connection does for the others of its session.
struct Offer {
  std::vector<std::string> tools;
  bool queries = false;
};

struct Connection {
  ConnectionId id = 0;
  Session* session = nullptr;
  Principal principal;
  Attachment via;
  std::int64_t connected_us = 0;
  std::int64_t last_seen_us = 0;
  std::uint64_t shown_seq = 0;            // every event up to here has been shown or was before its time
  std::uint64_t shown_fleeting = 0;       // the same of volatile events
  std::unique_ptr<Offer> offer;           // null = none
  std::int64_t ends_us = 0;               // steady; when the token that let it in runs out; 0 = it does not
  std::unique_ptr<std::string> snapshot;  // of one that fell off the log, until what it tells of is committed
  bool open = true;                       // false: the peer said goodbye, its socket is not closed yet
  bool behind = false;                    // reads the log at its own pace until it has caught up
};

// "c7", as clients see it; and back, 0 for anything else.
std::string to_text(ConnectionId connection);
ConnectionId to_connection_id(std::string_view text);

// Frames `message` for the connection and queues it.
void send(Connection const& connection, std::string_view message);

}  // namespace sojourn

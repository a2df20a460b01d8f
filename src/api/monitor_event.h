// How a session's events look to Socket.IO clients: names, arguments, and behind them where in the log they stand.
// A message is said as it was meant: its type is the name, its data the argument, {"$args":[...]} several of them, and
// {"$bytes":"base64"} anywhere in it bytes. Everything else is shown as the native stream shows it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/socket_io.h"
#include "core/session.h"

namespace sojourn {

// The place of `cursor` in the log of a session, which clients give back when they return: "session/epoch.seq".
std::string to_offset(std::string_view session_id, Cursor cursor);

struct Offset {
  std::string session_id;
  std::string cursor;
};
std::optional<Offset> read_offset(std::string_view text);

// Whether events end with their place in the log.
enum class Places : std::uint8_t {
  told,
  none,    // they have none, as far as the client is to know
  untold,  // the client looks for none, and gets exactly the arguments
};

// The payload that shows an event of the session.
std::string to_session_event(std::string_view session_id, std::uint32_t epoch, Event const& event,
                             Places places = Places::told);
inline std::string to_session_event(Session const& session, Event const& event, Places places = Places::told) {
  return to_session_event(session.id, session.journal.epoch(), event, places);
}

// The payload of an event of the server's own; `argument` is a JSON object. With an offset it counts as shown.
std::string to_server_event(std::string_view name, std::string_view argument, std::string_view offset = {});

// A value with its attachments in it, each as {"$bytes":"base64"}.
json::value with_bytes(json::value const& v, std::vector<std::string> const& attachments);

// What a client said, as the data of a message; empty = nothing. `event.data` is its list of name and arguments.
std::string to_message_data(socket_io::Packet const& event);

// An object without members, for clients that sent none.
json::object const& no_fields();

// Adds a member of text to a JSON object that is being written.
void append_member(std::string& object, std::string_view name, std::string_view value);

// A moment as the documented monitor writes it: UTC, microseconds, no zone.
std::string to_plain_iso(std::int64_t utc_us);

}  // namespace sojourn

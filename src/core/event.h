// One entry of a session's log. Immutable once appended and shared by everybody who shows it.
// Its data is JSON text, made once, so that forwarding it costs no second pass.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sojourn {

// Names one live attachment in this process; never reused. 0 is nobody.
using ConnectionId = std::uint64_t;

enum class EventType : std::uint8_t {
  opened,          // the session begins
  joined,          // a connection came
  left,            // a connection went
  message,         // somebody says something: name and data
  state,           // keys changed: data = {"set":{...},"removed":[...]}
  call,            // somebody asks the other end to do something: name, data, request_id
  answer,          // the other end did it, or failed: name, data, request_id
  query,           // somebody asks a question: data = {"query",...}, request_id
  query_progress,  // a piece of the answer to come: data = {"text"}, request_id; volatile
  query_result,    // the answer, or why there is none: data = {"result","is_error"}, request_id
  called,          // a function of the session's browser ran: name, data = {"input","success","ms"}, request_id
  browser,         // something happened to its browser: name, data
  cleaned,         // what the log said before is forgotten: data = {"cases","events"}
  token_minted,    // a session token was handed out: data = {"id","scope","expires_at","single_use"}
  token_used,      // a single-use token was used up: data = {"id"}
  token_revoked,   // a session token was taken back: data = {"id"}
  closed,          // the session ends: data = {"reason"}
};

std::string_view to_word(EventType type);

struct Event {
  std::uint64_t seq = 0;        // its place in the log, without gaps from 1; 0 = volatile, not in the log
  std::uint64_t first_seq = 0;  // of several that are shown as one, the first; 0 = it is one
  std::int64_t at_us = 0;
  EventType type = EventType::message;
  ConnectionId from = 0;        // the connection that caused it; 0 = a request without one
  std::string name = {};        // of a message or a call
  std::string data = {};        // JSON text; empty = none
  std::string request_id = {};  // what the client calls it, or of a call and its answer
  std::string user = {};        // who caused it; empty = the server
};

using EventRef = std::shared_ptr<Event const>;

// What the log is charged for keeping it.
std::size_t bytes_of(Event const& event);

}  // namespace sojourn

// The frames of session tracking as text: compact JSON, in which each has timestamp (ms), requestId, session_id and
// user. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/connection.h"
#include "core/session.h"

namespace sojourn {

// {"type":"..." without the end.
std::string frame_start(std::string_view type);

struct FrameEnd {
  std::int64_t at_us = 0;
  std::string_view request_id;
  std::string_view session_id;
  std::string_view user;
};
void append_end(std::string& out, FrameEnd const& end);

// The envelope of an event that no client named: a UUID that is the same however often it is shown.
std::string to_request_id(Cursor place, std::int64_t at_us);

// An event of type message or state.
std::string to_tracking_frame(Session const& session, Event const& event);

// The first frame to a connection.
std::string to_welcome_frame(Session const& session, Connection const& connection, Arrival const& arrival);

// What asks a connection to run a tool that it offered.
std::string to_tool_call_frame(Session const& session, Event const& call);

// What asks a connection that offered to answer, and what tells it that nobody waits for the answer any more.
std::string to_query_frame(Session const& session, Event const& query);
std::string to_query_end_frame(Session const& session, Event const& query);

}  // namespace sojourn

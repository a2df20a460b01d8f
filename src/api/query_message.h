// What a responder is sent: the question, and what was said in the session before it. The same for a connection that
// offered to answer and for an endpoint, which also gets it in the words of chat completions.
// Invariant: what was said is bounded: the last 20 messages, questions and answers, 64 KiB of them. Pure functions; any
// thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/session.h"

namespace sojourn {

// [{"role":"user"|"assistant","content":"..."}], the oldest first. Of a message the content is "type: text"; long ones
// are cut. Questions that were answered by an error stand without it.
std::string to_history(std::span<EventRef const> events);

// What the members of `query` are for a connection: "query_id":...,"query":...,"history":[...], without brackets.
std::string to_query_members(Session const& session, Event const& query);

// What a query is to be called by an endpoint.
struct QueryCall {
  std::string_view id;
  std::string_view query;  // the text
  std::string_view data;   // the JSON object of the event: query, context, priority, case_id
  std::string_view session_id;
  std::string_view user;
  std::string_view model;  // empty = none
};

// The JSON object of the call.
std::string to_query_call(QueryCall const& call, std::span<EventRef const> before);

}  // namespace sojourn

// How the doors of shared sessions answer a command: its outcome shaped as JSON, or the error with the session's id.
// The hub's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/api.h"
#include "core/command.h"

namespace sojourn {

// The same error, with the session named where it is about that there is none.
Error naming(Error error, std::string_view session_id);

// 404 names the session; of one that has expired or ended its owner is told so.
Response session_refusal(Error const& error, std::string_view session_id);

// `shape` makes the Response of an outcome of type T.
template <typename T, typename Shape> Reply answer_with(Respond respond, std::string session_id, Shape shape) {
  return [respond, id = std::move(session_id), shape = std::move(shape)](Result<Outcome> outcome) {
    if (!outcome) return respond(session_refusal(outcome.error(), id));
    respond(shape(std::get<T>(*outcome)));
  };
}

// 204.
Response empty_response();

// A text, and a time, as JSON; a time of 0 is null.
std::string json_text(std::string_view text);
std::string json_time(std::int64_t utc_us);

// "name":"text"; commas are the caller's.
void append_text_member(std::string& out, std::string_view name, std::string_view text);

}  // namespace sojourn

// The one error table: what can go wrong, and how each protocol says it.
// Every refusal anywhere is a Code; doors and carriers translate it by row() and invent no status of their own.
// Plain values, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sojourn {

enum class Code : std::uint8_t {
  invalid,              // the request can't be understood
  unauthenticated,      // no or wrong credentials
  forbidden,            // known, but not allowed
  not_found,            // not there, or not yours
  expired,              // was there, for as long as it may
  ended,                // was there, until somebody ended it
  conflict,             // somebody else was faster
  precondition_failed,  // not at the revision that was named
  unprocessable,        // understood, but can't be meant
  too_large,            // over a size limit
  too_many,             // over a rate or count limit
  header_too_large,     // over the header limits
  unsupported,          // not spoken here
  not_connected,        // the session is known, its other end is not
  timeout,              // no answer in time
  failed,               // the other end says that it failed
  stale_ref,            // what was named is not on the page any more, or not for certain
  crashed,              // the browser or its page is gone
  storage_full,         // no room to keep it
  unavailable,          // can't be served now
  usage,                // a command line that makes no sense
  configuration,        // a configuration that makes no sense
  cannot_create,        // a file or folder can't be written
  damaged,              // what was kept can't be read
  internal,             // a bug of ours
};

struct ErrorRow {
  Code code;
  std::string_view word;  // stable, for programs
  int http_status;
  std::uint16_t close_code;  // RFC 6455, section 7.4
  int json_rpc_code;
  int exit_code;  // sysexits.h
  bool retryable;
};

// The whole table, in the order of Code.
std::span<ErrorRow const> error_table();

ErrorRow const& row(Code code);

// A failure with a sentence for people: what happened, and where it helps, what to do.
struct Error {
  Code code = Code::internal;
  std::string message;
  std::uint64_t revision = 0;  // of precondition_failed: the present one
  std::string field = {};      // what it is about, where that has a name: "body.client_id", "query.limit"
  std::int64_t retry_s = 0;    // when trying again may help; 0 = nobody knows
};

}  // namespace sojourn

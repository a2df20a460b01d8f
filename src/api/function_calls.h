// Browser functions asked of the hub: in a session that is there, in a new one, or in one that is gone afterwards; and
// the native door to them. Invariant: a new session whose first page can't be opened does not stay.
// The hub's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "api/functions.h"
#include "api/router.h"
#include "core/hub.h"

namespace sojourn {

struct FunctionWish {
  Function function = Function::snapshot;
  json::object input = {};  // valid, with every default filled in
  AnyKind kind = {};        // of the session
  std::string session_id = {};
  std::int64_t idle_us = 0;  // of a new session; 0 = as configured
  std::string request_id = {};
};

using OnFunctionAnswer = std::function<void(Result<FunctionAnswer> answer)>;

// `done` runs once. `hub` outlives it.
void run_function(Hub& hub, Principal const& principal, FunctionWish wish, OnFunctionAnswer done);

// In a new session, which only open begins; whatever else fails as in one where nothing was opened yet.
void run_in_new_session(Hub& hub, Principal const& principal, FunctionWish wish, OnFunctionAnswer done);

// The same in a session that is closed before it is answered; the answer is followed by what the close gave.
using OnOneShot = std::function<void(Result<FunctionAnswer> answer, std::string closed)>;
void run_one_shot(Hub& hub, Principal const& principal, FunctionWish wish, OnOneShot done);

// {"session_id":...} as one more member of the output, which is a JSON object.
std::string with_session_id(std::string output, std::string_view session_id);

// A whole number of seconds in a member that says how long a new session stays unused; 0 = it is not given.
// Code::unprocessable.
Result<std::int64_t> read_session_timeout(json::object const& body);

// Such a number in a session that is there already makes no sense.
Error timeout_of_old_session();

class FunctionCalls {
 public:
  // `hub` outlives the door.
  explicit FunctionCalls(Hub& hub) : hub_(hub) {}

  static std::span<Route const> routes();

  void list(Request const& request, Parameters const& parameters, Respond respond);
  void call(Function function, Request const& request, Parameters const& parameters, Respond respond);
  void call_by_name(Request const& request, Parameters const& parameters, Respond respond);

 private:
  Hub& hub_;
};

}  // namespace sojourn

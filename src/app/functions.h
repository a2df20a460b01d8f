// Calls of browser functions for commands: of any session, a new one, or one that is gone afterwards; and the command
// `app run agent-browser`, whose grammar and answers other programs rely on.
// Invariant: a session that is not there is always "session not found: ID", lower case, and Code::not_found.
// Thread: the command's, which waits.
#pragma once

#include <string>

#include "app/question.h"
#include "app/terminal.h"
#include "base/json.h"
#include "base/result.h"
#include "core/browser.h"

namespace sojourn {

struct FunctionQuestion {
  Function function = Function::snapshot;
  std::string session = {};  // an id; "new" = a session that stays; empty = one that is closed afterwards
  json::object input = {};
  std::string timeout_s = {};  // how long a new session stays unused; empty = as the server likes
};

// The function's output and session_id. A server is started when there is none and the session is to be new; without
// one there is no session by any id.
[[nodiscard]] Result<json::object> call_function(Target const& target, FunctionQuestion question, Terminal& terminal);

struct AppCommand {
  std::string app;
  std::string function;
  std::string session = {};  // as in FunctionQuestion
  std::string input = {};    // a JSON object, @FILE with one, or - for standard input; empty = {}
  std::string timeout_s = {};
};

// Prints the output and session_id as one JSON object: on one line, unless a person looks at it.
[[nodiscard]] Result<> run_app(Target const& target, AppCommand const& command, Terminal& terminal);

}  // namespace sojourn

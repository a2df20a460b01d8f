#pragma once
// The commands about whole sessions: which there are, one of them, its end, a word to it, its browser's tabs.
// Invariant: nothing the server says reaches a terminal unescaped. Thread: the caller's, which they block.

#include <string>

#include "app/question.h"
#include "app/terminal.h"
#include "base/result.h"

namespace sojourn {

// Which sessions are asked for; empty means any.
struct SessionFilter {
  std::string kind;   // browser, extension, shared
  std::string owner;  // the name of a user
};

// Everything that matches, however many pages that takes. Code::usage for a kind that there is none of.
[[nodiscard]] Result<> list_sessions(Target const& target, SessionFilter const& filter, Terminal& terminal);

[[nodiscard]] Result<> show_session(Target const& target, std::string const& id, Terminal& terminal);
[[nodiscard]] Result<> close_session(Target const& target, std::string const& id, Terminal& terminal);

// `message` is the JSON object {"type","data"}, or "-" for one on standard input. Code::invalid for anything else,
// without asking the server.
[[nodiscard]] Result<> send_message(Target const& target, std::string const& id, std::string const& message,
                                    Terminal& terminal);

// Of the browser whose extension the session is.
[[nodiscard]] Result<> list_tabs(Target const& target, std::string const& id, Terminal& terminal);

// /api/v1/sessions/ID and what stands behind it.
[[nodiscard]] std::string session_target(std::string_view id, std::string_view rest = {});

}  // namespace sojourn

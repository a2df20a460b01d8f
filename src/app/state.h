#pragma once
// The command about a session's state: read it, set a key, delete, patch.
// Invariant: what is no JSON never leaves for the server. Thread: the caller's, which it blocks.

#include <cstdint>
#include <optional>
#include <string>

#include "app/question.h"
#include "app/terminal.h"
#include "base/json.h"
#include "base/result.h"

namespace sojourn {

// What the command line asks for; at most one of value, patch and is_deleting.
struct StateCommand {
  std::string id;
  std::optional<std::string> key;    // nothing = the whole state
  std::optional<std::string> value;  // JSON, "-" = on standard input
  std::optional<std::string> patch;  // the same, a JSON merge patch (RFC 7396)
  bool is_deleting = false;
  std::optional<std::int64_t> if_revision;  // change only what is at this revision
};

// Code::usage when the parts contradict each other, Code::invalid for what is no JSON, Code::precondition_failed when
// the revision is another by now.
[[nodiscard]] Result<> run_state(Target const& target, StateCommand const& command, Terminal& terminal);

// The value in lines of two blanks a level, harmless to terminals, ending with a line break.
[[nodiscard]] std::string to_pretty(json::value const& value);

}  // namespace sojourn

#pragma once
// The command that follows a session: every event while it happens, over broken connections, until the session ends
// or the person has had enough.
// Invariant: each event is shown once and in order; what could not be shown is said. Thread: the caller's.

#include <cstdint>
#include <string>

#include "app/question.h"
#include "app/terminal.h"
#include "base/result.h"

namespace sojourn {

struct WatchCommand {
  std::string id;
  std::string since;                  // a cursor, or a seq; empty = from now on
  std::int64_t first_pause_ms = 500;  // before the first attempt to connect again; it doubles with each
  std::int64_t pause_ms_max = 15'000;
  std::int64_t silence_ms_max = 60'000;  // a server that lives says something every 25 s
};

// Success when terminal.open_stop's descriptor says so or the session ends. Failures are those of the first attempt;
// later only refusals that trying again can't mend, and an output that can't be written.
[[nodiscard]] Result<> watch_session(Target const& target, WatchCommand const& command, Terminal& terminal);

}  // namespace sojourn

// The server of a data folder as something that commands start when they need one, and that `stop` ends.
// Invariant: of any number of commands at once only one starts a server for a folder; the folder's lock decides between
// it and whoever starts one by hand. What is started outlives the command, in a session of its own, without its
// terminal and without any file of it. Thread: the command's, which waits.
#pragma once

#include "app/question.h"
#include "app/terminal.h"
#include "base/result.h"

namespace sojourn {

// Whether a server answers that was named, or that of the data folder; false also while one is just starting or ending.
// Never waits long.
[[nodiscard]] bool has_server(Target const& target, Environment const& environment);

// Starts a server on the data folder unless one was named (--server, SOJOURN_SERVER) or answers already, waits until
// it answers, and says so on standard error. Code::unavailable with the server's own reason when it does not come up.
[[nodiscard]] Result<> ensure_server(Target const& target, Terminal& terminal);

// Ends the server of the data folder in order and waits for it; that there is none is no failure.
[[nodiscard]] Result<> stop_server(Target const& target, Terminal& terminal);

}  // namespace sojourn

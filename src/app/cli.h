#pragma once
// The command line: `sojourn COMMAND [OPTIONS]`.
// Invariant: every failure is one line on standard error, "sojourn: what happened; what to do", and an exit code of
// the error table; what was asked for goes to standard output and nothing else does.
// Thread: the main one.

#include <string>
#include <vector>

#include "app/terminal.h"

namespace sojourn {

// Runs the command that main() was started with and gives the exit code.
[[nodiscard]] int run(int argc, char const* const* argv);

// The same with `arguments` behind the program's name, in a world of the caller's.
[[nodiscard]] int run(std::vector<std::string> const& arguments, Terminal& terminal);

}  // namespace sojourn

// Flags of the commands that call browser functions, and what their help says of them, both made of the function table.
// Invariant: every field of an input can be given on the command line, as a flag or as a word of the command.
// Thread: the command's.
#pragma once

#include <string>

#include "api/functions.h"
#include "base/json.h"

namespace CLI {
class App;
}

namespace sojourn {

// Whether the field is a flag of the function's command; the others are its words, or cost more than they are worth.
[[nodiscard]] bool has_flag(Function function, FunctionField const& field);

// --user-agent of user_agent. What is true unless somebody says otherwise has a flag that says otherwise:
// --no-screenshot.
[[nodiscard]] std::string to_flag(FunctionField const& field);

// What is given goes into `input`, which must live as long as the command. A value that can't be meant is refused when
// the command line is read.
void add_flags(CLI::App& command, Function function, json::object& input);

// One line a flag, for a help text.
[[nodiscard]] std::string describe_flags(Function function);

}  // namespace sojourn

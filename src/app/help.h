#pragma once
// What --help and --version say. Invariant: every command and flag that cli knows is in its text.
// Thread: any; pure functions.

#include <string>
#include <string_view>

#include "base/version.h"

namespace sojourn {

// The help of a command, that of the program for an empty or unknown name. Ends with a line break.
[[nodiscard]] std::string get_help(std::string_view command);

}  // namespace sojourn

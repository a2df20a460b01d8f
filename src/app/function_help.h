// What --help says of the commands that call browser functions, made of the function table.
// Invariant: every field of every function is named. Thread: any; pure functions.
#pragma once

#include <string>
#include <string_view>

namespace sojourn {

// The help of open, snapshot, interact, screenshot, execute or app; empty for another command. Ends with a line break.
[[nodiscard]] std::string get_function_help(std::string_view command);

// That of the whole program where it is called by another name, under which people know `app run`.
[[nodiscard]] std::string get_guest_help(std::string_view program);

}  // namespace sojourn

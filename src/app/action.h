// What a person writes behind `sojourn interact ID`, as the input of the function: click @e1, fill @e2 some text,
// scroll down 400. Invariant: a word too many or too few is refused with the form that was meant. Thread: the
// command's, which waits for the files that are to be uploaded.
#pragma once

#include <string>
#include <vector>

#include "app/terminal.h"
#include "base/json.h"
#include "base/result.h"

namespace sojourn {

// `words` begin with the action. A text of "-" is what standard input holds, without its last line break: a password
// that nobody else on the machine should see. Files are read and sent along. Code::usage for words that make no
// action, Code::not_found and so on for files as of read_file().
[[nodiscard]] Result<json::object> to_interact_input(std::vector<std::string> const& words, Terminal& terminal);

// One line an action, for a help text.
[[nodiscard]] std::string describe_actions();

}  // namespace sojourn

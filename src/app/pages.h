// The commands that drive a browser session by hand: open a page, see it, act on it, take a picture, run a script, end
// it. What they take is what the functions take; with --json they print what those give. Invariant: nothing a page says
// reaches a terminal unescaped; an action that failed is an exit code. Thread: the command's, which waits.
#pragma once

#include <string>
#include <vector>

#include "app/functions.h"
#include "app/question.h"
#include "app/terminal.h"
#include "base/json.h"
#include "base/result.h"

namespace sojourn {

// What the command line says; each command takes what is its own.
struct PageCommand {
  std::string session = {};             // an id; of open also "new", which is the default
  std::string timeout_s = {};           // of a new session
  std::string url = {};                 // of open
  std::vector<std::string> words = {};  // of interact: see to_interact_input
  std::string code = {};                // of execute; - = standard input
  std::string file = {};                // of screenshot: where to; empty = where the server keeps it
  json::object input = {};              // the flags
};

[[nodiscard]] Result<> open_page(Target const& target, PageCommand command, Terminal& terminal);
[[nodiscard]] Result<> show_page(Target const& target, PageCommand command, Terminal& terminal);
[[nodiscard]] Result<> act_on_page(Target const& target, PageCommand command, Terminal& terminal);
[[nodiscard]] Result<> capture_page(Target const& target, PageCommand command, Terminal& terminal);
[[nodiscard]] Result<> run_in_page(Target const& target, PageCommand command, Terminal& terminal);

// Ends a browser session and tells where its video is.
[[nodiscard]] Result<> close_page(Target const& target, std::string const& id, Terminal& terminal);

}  // namespace sojourn

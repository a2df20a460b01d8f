#pragma once
// Where a command runs: its standard streams, its variables, its clock, and how it starts the server.
// Invariant: commands know the world only through this, so tests can be the world.
// Thread: the command's.

#include <cstddef>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>

#include "app/config.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace sojourn {

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Environment environment;
  Clock clock;
  int (*serve)(Config const&) = nullptr;  // runs until it is told to end; gives the exit code
  std::size_t columns = 0;                // of the screen that `out` is; 0 = it is none
  int (*open_stop)() = nullptr;           // see open_stop(); nullptr = nothing ends a command early
  int keyboard = -1;                // the terminal behind `in`, whose person read_secret() asks; -1 = there is none
  std::string program = "sojourn";  // what this program was called as
  std::string executable = {};      // what starts a server in the background; empty = nothing does
};

// Writes what was asked for. Code::storage_full when that can't be done.
[[nodiscard]] Result<> print(Terminal& terminal, std::string_view text);

// The same of an answer for programs: one line of JSON that no terminal can misunderstand.
[[nodiscard]] Result<> print_json(Terminal& terminal, json::value const& answer);

// A line for people beside the answer, on standard error.
void note(Terminal& terminal, std::string_view text);

// A descriptor that becomes readable at SIGINT or SIGTERM, which end the process no longer from now on; -1 when
// there is none to be had. The caller closes it.
[[nodiscard]] int open_stop();

// The columns of the screen behind a descriptor; 0 when it is none.
[[nodiscard]] std::size_t measure_columns(int descriptor);

// Asks at the terminal behind `descriptor` (which it must be) for a line, without showing what is typed. The screen
// is as before when a signal ends the process meanwhile. Code::invalid at the end of the input.
[[nodiscard]] Result<std::string> read_secret(int descriptor, std::string_view question);

}  // namespace sojourn

#pragma once
// Where a command runs: its standard streams, its variables, its clock, and how it starts the server.
// Invariant: commands know the world only through this, so tests can be the world.
// Thread: the command's.

#include <istream>
#include <ostream>

#include "app/config.h"
#include "base/time.h"

namespace sojourn {

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Environment environment;
  Clock clock;
  int (*serve)(Config const&) = nullptr;  // runs until it is told to end; gives the exit code
};

}  // namespace sojourn

// Which browsers this machine has: the headless shell, which is the fastest and smallest, and the full browser, which
// has everything. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace sojourn {

// Empty = there is none.
struct Executables {
  std::string shell;
  std::string full;
};

// A configured one serves as both, be it there or not: starting it says what is wrong. `path` is like PATH; empty =
// that of this process, and the places where browsers are put beside it.
Executables find_executables(std::string const& configured, std::string_view path = {});

}  // namespace sojourn

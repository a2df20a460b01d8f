// The program: everything it does is in app/cli. An exception that arrives here is a bug of ours.

#include <cstdio>
#include <exception>

#include "app/cli.h"
#include "base/error.h"

int main(int argc, char** argv) {
  try {
    return sojourn::run(argc, argv);
  } catch (std::exception const& bug) {
    std::fprintf(stderr, "sojourn: internal error: %s; this is a bug, please report it\n", bug.what());
    return sojourn::row(sojourn::Code::internal).exit_code;
  }
}

// One Engine.IO session, walked by the data: the first byte says how it is opened, each other one what happens. What is
// looked at after each step stands with the walk.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/engine_session_walk.h"

namespace {

void require_right(std::string const& wrong) {
  if (wrong.empty()) return;
  std::fprintf(stderr, "%s\n", wrong.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  sojourn::test::EngineSessionWalk walk(data[0]);
  for (std::size_t at = 1; at < size; ++at) require_right(walk.step(data[at]));
  require_right(walk.fall_silent());
  return 0;
}

// How many browser sessions this machine has memory for. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sojourn {

// What could still be given out, in KiB: of the machine, or of the container where that has less. 0 when nobody knows.
// `root` is before /proc and /sys.
std::int64_t available_kib(std::string const& root = {});

// Sessions of ordinary pages; something is kept for everybody else.
std::size_t contexts_that_fit(std::int64_t kib);

}  // namespace sojourn

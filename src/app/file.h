#pragma once
// Small files, read whole: configurations, the record of a running server, what the kernel says in /proc.
// Invariant: never more than the caller's bound is kept. Thread: the caller's, which waits for the disk.

#include <cstddef>
#include <string>

#include "base/result.h"

namespace sojourn {

// Code::not_found when nothing is there, Code::too_large over the bound, Code::forbidden when it can't be read for
// another reason. The message names the path and the reason.
[[nodiscard]] Result<std::string> read_file(std::string const& path, std::size_t bytes_max);

}  // namespace sojourn

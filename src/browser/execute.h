// A client's own script in its page: what it gives, as Python prints it. The browser thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "browser/tab.h"

namespace sojourn {

struct Executed {
  std::optional<std::string> result;  // none = nothing was given, or null
  std::optional<std::string> error;   // what was thrown, or that it took too long
  bool is_late = false;
};

inline constexpr std::size_t executed_bytes_max = 1'000'000;  // of a result; the rest is cut off

// An expression, statements (the last value counts), or the body of an async function when it returns or awaits; a
// function is called, a promise waited for. Errors are those of the page, never of the script.
Task<Result<Executed>> execute(Tab& tab, std::string code, std::int64_t timeout_ms);

}  // namespace sojourn

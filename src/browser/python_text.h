// A JSON value as Python's str() prints it once it is decoded, which is how `execute` gives its result: True, None, and
// {'a': [1, 2.5]}. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"

namespace sojourn {

// Nothing for null. A string stands for itself; inside of lists and objects it is quoted as repr() does.
std::optional<std::string> python_text(json::value const& value);

}  // namespace sojourn

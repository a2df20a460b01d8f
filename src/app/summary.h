#pragma once
// What a configuration comes to, for people and for programs.
// Invariant: no secret is in it: a key is configured or not, users are names, addresses of tools end before their
// query. Thread: any; pure functions.

#include <string>

#include "app/config.h"
#include "base/json.h"

namespace sojourn {

// A line or more for each setting; harmless to terminals.
[[nodiscard]] std::string describe_config(Config const& config);

[[nodiscard]] json::object to_json(Config const& config);

}  // namespace sojourn

// The description of everything the server answers (OpenAPI 3.1), derived from the route tables themselves.
// Pure; any thread.
#pragma once

#include <span>
#include <string>

#include "api/router.h"

namespace sojourn {

// JSON text. Entrances of live connections are described as the GET that begins them.
std::string to_openapi(std::span<Router::Door const> doors);

}  // namespace sojourn

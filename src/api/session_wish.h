// What a client may ask of a new session, of whatever kind: read and checked, or refused with the field's name.
// Pure; any thread.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "core/command.h"

namespace sojourn {

// The body of POST /api/v1/sessions. Code::unprocessable or Code::invalid names the field.
Result<OpenSession> parse_open(json::object const& body);

}  // namespace sojourn

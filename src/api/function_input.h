// What a client gives a browser function, checked against the table: complete, or refused with the field's name. And
// what is read from it: what a new session's browser is to be, what the log may tell, how long the call may take.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "api/functions.h"
#include "base/json.h"
#include "base/result.h"

namespace sojourn {

// `given` with every default filled in; what is about the session's browser and not given is null, as that stays what
// it is. Code::unprocessable with the field, "body.ref". What a page has to judge, such
// as whether an action has what it needs, is not judged here.
Result<json::object> read_input(Function function, json::object const& given);

// Of a valid input of open that begins a session.
BrowserWish to_wish(json::object const& input);

// Of the members of open's input that are about the session, all of them optional; errors name "body.browser.width".
Result<BrowserWish> read_wish(json::object const& given);

// A JSON object of what was given and may stand in a log; addresses without credentials, and shortened.
std::string note_of(Function function, json::object const& input);

// How long the hub waits for the whole call: what the function may take by itself, and time for its turn and for the
// snapshot and screenshot afterwards.
std::int64_t timeout_us_of(Function function, json::object const& input);

}  // namespace sojourn

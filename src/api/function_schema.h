// The browser functions as machines read them: JSON Schema 2020-12, made of the function table. Pure; any thread.
#pragma once

#include <string_view>

#include "api/functions.h"
#include "base/json.h"

namespace sojourn {

// Of what a function takes.
json::object input_schema(Function function);

// Of what it gives. Types that outputs share are referred to as `place` and their name.
json::object output_schema(Function function, std::string_view place = "#/$defs/");

// Those types by name, which refer to each other in the same way.
json::object shared_schemas(std::string_view place = "#/$defs/");

// The whole table: {"functions":[{"name","summary","input_schema","output_schema"}],"$defs":{...}}
json::object to_catalog();

}  // namespace sojourn

// The part of the script of hands_script.h that fills in, selects, ticks and takes files. It stands inside of that one,
// whose guard and counters it uses.
#pragma once

#include <string_view>

namespace sojourn {

// Statements that add to `hands`.
std::string_view fields_script();

}  // namespace sojourn

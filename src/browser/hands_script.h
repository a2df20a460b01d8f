// The script that acts inside a page's documents, in a world of its own. Only hands.cpp calls what it defines.
#pragma once

#include <string_view>

namespace sojourn {

// An expression for Runtime.evaluate; running it again does nothing. Defines `hands`.
std::string_view hands_script();

}  // namespace sojourn

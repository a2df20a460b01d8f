// What this program calls itself; CMakeLists.txt has the same number. Any thread.
#pragma once

#include <string_view>

namespace sojourn {

inline constexpr std::string_view version = "0.1.0";

}  // namespace sojourn

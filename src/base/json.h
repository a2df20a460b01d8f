// JSON in and out. Reading is Boost.JSON within limits and with error codes; writing is ours because clients compare
// texts: numbers come out as JavaScript prints them (12.99, not 1.299E1). Any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

#include "base/result.h"

namespace sojourn::json {

using boost::json::array;
using boost::json::object;
using boost::json::value;

inline constexpr std::size_t depth_max = 64;

// One whole JSON text, RFC 8259, UTF-8, at most `depth` deep; of double keys the last counts. Code::invalid otherwise.
// More than depth_max is for texts of our own that wrap a client's.
Result<value> parse(std::string_view text, std::size_t depth = depth_max);

// Compact text, appended.
void append(std::string& out, value const& v);
std::string to_text(value const& v);

// The quoted string. Control characters, quotes and backslashes are escaped, as JavaScript does; `text` must be UTF-8.
void append_string(std::string& out, std::string_view text);

// The member as a string, or `otherwise` when it is absent or something else. The view lives as long as `o`.
std::string_view find_string(object const& o, std::string_view key, std::string_view otherwise = {});

}  // namespace sojourn::json

// Small questions about text that the standard library leaves open. ASCII only; any thread.
#pragma once

#include <string>
#include <string_view>

namespace sojourn {

bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string lower_case(std::string_view text);

// What stands before the first `separator` (all of it if there is none); `rest` moves behind the separator.
std::string_view take_until(std::string_view& rest, char separator);

// An address without the name and password before its host: http://ann:secret@host/ is http://host/.
std::string without_credentials(std::string_view url);

// Without blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace sojourn

// Addresses of links, as the browser makes them from what a page says. Pure; total over any text; any thread.
#pragma once

#include <string>
#include <string_view>

namespace sojourn {

// What a.href gives: `written` as it stands in the page, made whole by the address of the document and with what may
// not be in an address escaped. What can't be made whole comes back as it is.
std::string whole_address(std::string_view written, std::string_view base);

// The same address as short as a person on `page` would say it: "#part" on the page itself, "/path" on its origin.
std::string_view short_address(std::string_view whole, std::string_view page);

}  // namespace sojourn

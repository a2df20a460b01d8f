// Events and changes as bytes, the way the tables of a store hold them: numbers in seven bits a byte, texts with their
// length before them. Reading is total: any bytes give what was written or nothing, in memory bounded by their size.
// Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store.h"

namespace sojourn {

void append(std::string& out, Event const& event);
void append(std::string& out, Change const& change);

// What was appended one after the other; nothing when there is anything else in it.
std::optional<std::vector<EventRef>> parse_events(std::string_view bytes);
std::optional<std::vector<Change>> parse_changes(std::string_view bytes);

}  // namespace sojourn

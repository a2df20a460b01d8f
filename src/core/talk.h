// What was said in a session, read back from its log. The rules of saying it are the hub's, in talk.cpp.
// Pure; the hub's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "core/session.h"

namespace sojourn {

// The messages, questions and answers before `seq`, the oldest first: at most 40 of the last 1,000 events. There is
// nothing behind the end of the log.
std::vector<EventRef> recent_talk(Session const& session, std::uint64_t seq);

}  // namespace sojourn

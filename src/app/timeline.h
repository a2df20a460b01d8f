#pragma once
// A session's events for people: one line each, in the order of time, and a line wherever a day begins.
// Invariant: no line is wider than the screen, and none can harm it. Thread: the command's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "app/question.h"
#include "app/terminal.h"
#include "base/json.h"
#include "base/result.h"

namespace sojourn {

class Timeline {
 public:
  // Lines are cut to so many columns; 0 = not at all.
  explicit Timeline(std::size_t columns) : columns_(columns) {}

  // time (UTC), seq, type, who, data; ends with a line break, and has one within where a day begins.
  [[nodiscard]] std::string describe(json::object const& event);

 private:
  std::size_t columns_;
  std::string day_;
};

struct EventsCommand {
  std::string id;
  std::string since;  // a cursor, or a seq; empty = the oldest that is kept
  std::int64_t count_max = 100;
};

// The log as it is kept. A note tells when events are missing before it or more follow.
[[nodiscard]] Result<> list_events(Target const& target, EventsCommand const& command, Terminal& terminal);

}  // namespace sojourn

// The port to whatever keeps sessions. It remembers; the hub decides (order, races, rights, what anything means).
// To a store a session is its log and its marks, and nothing of either is looked into.
// All calls on the hub's thread; `done` runs once, on the hub's thread, in a later loop iteration, in the order of
// commits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/event.h"

namespace sojourn {

// A value that a session has beside its log, by name; the last one counts.
struct Mark {
  std::string name;
  std::optional<std::string> value;  // none = it has it no more
};

// One durable step of one session. A batch's steps are kept together or not at all.
struct Change {
  std::string session_id;
  EventRef event = nullptr;      // follows the last one of its log; null = marks only
  std::vector<Mark> marks = {};  // of a name that is there twice the last counts
  std::uint64_t first_seq = 0;   // events before it need not be kept any longer
  bool forgets = false;          // first of all: whatever was kept of the session, its log and its marks, goes
};

struct Batch {
  std::uint64_t number = 0;
  std::vector<Change> changes;
};

// What is kept of a session but for its events.
struct Record {
  std::string session_id;
  std::uint64_t first_seq = 1;                             // of its log
  std::uint64_t last_seq = 0;                              // of its log; first_seq - 1 = there are no events
  std::vector<std::pair<std::string, std::string>> marks;  // by name
};

// Who may write: a store refuses a fence older than the newest it has seen.
using Fence = std::uint64_t;

class Store {
 public:
  virtual ~Store() = default;
  // Gives every session that something is kept of to `each`, in the order in which they were first kept. Once, before
  // anything is committed. An error names what is damaged, where, and what to do; then nothing may be served.
  virtual Result<> load(std::function<void(Record)> each) = 0;
  // At most `limit` events of a session after `since_seq`, in order, of those whose commit is done. A matter of
  // milliseconds.
  virtual Result<std::vector<EventRef>> read(std::string_view session_id, std::uint64_t since_seq,
                                             std::size_t limit) = 0;
  // Keeps the whole batch or none of it.
  virtual void commit(Batch batch, Fence fence, std::function<void(Result<>)> done) = 0;
  // Whether something more may be kept; false = what is free is a reserve, and no durable command may begin. Cheap.
  virtual bool has_room() const = 0;
};

}  // namespace sojourn

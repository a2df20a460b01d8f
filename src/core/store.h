// The port to whatever keeps sessions. It remembers; the hub decides (order, races, rights).
// All calls on the hub's thread; `done` runs once, on the hub's thread, in a later loop iteration, in the order of
// commits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/event.h"
#include "core/session.h"

namespace sojourn {

// One durable fact. `event` of type opened or closed begins or ends the session.
struct Change {
  std::string session_id;
  SessionKind kind = SessionKind::shared;
  std::string owner;
  std::uint32_t epoch = 0;
  EventRef event;
};

struct Batch {
  std::uint64_t number = 0;
  std::vector<Change> changes;
};

// Who may write: a store refuses a fence older than the newest it has seen.
using Fence = std::uint64_t;

class Store {
 public:
  virtual ~Store() = default;
  // Everything that lives, in the order of its commits.
  virtual Result<std::vector<Change>> load() = 0;
  // At most `limit` events of a session after `since_seq`, in order; also those no longer in memory.
  virtual Result<std::vector<EventRef>> read(std::string_view session_id, std::uint64_t since_seq,
                                             std::size_t limit) = 0;
  // Keeps the whole batch or none of it.
  virtual void commit(Batch batch, Fence fence, std::function<void(Result<>)> done) = 0;
};

}  // namespace sojourn

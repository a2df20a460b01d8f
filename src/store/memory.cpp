#include "store/memory.h"

#include <algorithm>

namespace sojourn {

Result<std::vector<Change>> MemoryStore::load() { return changes_; }

Result<std::vector<EventRef>> MemoryStore::read(std::string_view session_id, std::uint64_t since_seq,
                                                std::size_t limit) {
  std::vector<EventRef> events;
  for (auto const& change : changes_) {
    if (events.size() == limit) break;
    if (change.session_id == session_id && change.event->seq > since_seq) events.push_back(change.event);
  }
  return events;
}

void MemoryStore::commit(Batch batch, Fence fence, std::function<void(Result<>)> done) {
  if (fence < newest_fence_) {
    post_([done = std::move(done)] { done(error(Code::conflict, "another server owns this data now")); });
    return;
  }
  newest_fence_ = fence;
  for (auto& change : batch.changes) {
    if (memory_ == Memory::nothing) break;
    // A session that ended needs no past.
    if (change.event->type == EventType::closed)
      std::erase_if(changes_, [&](Change const& kept) { return kept.session_id == change.session_id; });
    else
      changes_.push_back(std::move(change));
  }
  post_([done = std::move(done)] { done({}); });
}

}  // namespace sojourn

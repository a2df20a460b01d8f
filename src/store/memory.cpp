#include "store/memory.h"

namespace sojourn {

Result<> MemoryStore::load(std::function<void(Record)> each) {
  for (auto const& [number, kept] : kept_) {
    Record record;
    record.session_id = kept.session_id;
    record.first_seq = kept.events.empty() ? kept.last_seq + 1 : kept.events.front()->seq;
    record.last_seq = kept.last_seq;
    record.marks.assign(kept.marks.begin(), kept.marks.end());
    each(std::move(record));
  }
  return {};
}

Result<std::vector<EventRef>> MemoryStore::read(std::string_view session_id, std::uint64_t since_seq,
                                                std::size_t limit) {
  std::vector<EventRef> events;
  auto const place = numbers_.find(std::string(session_id));
  if (place == numbers_.end()) return events;
  for (auto const& event : kept_.at(place->second).events) {
    if (events.size() == limit) break;
    if (event->seq > since_seq) events.push_back(event);
  }
  return events;
}

void MemoryStore::commit(Batch batch, Fence fence, std::function<void(Result<>)> done) {
  if (fence < newest_fence_) {
    post_([done = std::move(done)] { done(error(Code::conflict, "another server owns this data now")); });
    return;
  }
  newest_fence_ = fence;
  if (memory_ == Memory::everything) {
    for (auto& change : batch.changes) keep(change);
  }
  post_([done = std::move(done)] { done({}); });
}

void MemoryStore::keep(Change& change) {
  if (change.forgets) forget(change.session_id);
  auto const [place, is_new] = numbers_.try_emplace(change.session_id, last_number_ + 1);
  if (is_new) ++last_number_;
  auto& kept = kept_[place->second];
  if (is_new) kept.session_id = change.session_id;
  if (change.event) {
    kept.last_seq = change.event->seq;
    kept.events.push_back(std::move(change.event));
  }
  for (auto& [name, value] : change.marks) {
    if (value)
      kept.marks.insert_or_assign(name, std::move(*value));
    else
      kept.marks.erase(name);
  }
  while (!kept.events.empty() && kept.events.front()->seq < change.first_seq) kept.events.pop_front();
  if (kept.last_seq == 0 && kept.marks.empty()) forget(change.session_id);
}

void MemoryStore::forget(std::string const& session_id) {
  auto const place = numbers_.find(session_id);
  if (place == numbers_.end()) return;
  kept_.erase(place->second);
  numbers_.erase(place);
}

}  // namespace sojourn

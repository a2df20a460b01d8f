// Keeps nothing beyond the process; each commit completes a turn later, as on a disk. Where the hub holds all there is
// anyway, it need not remember either. The hub's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/store.h"

namespace sojourn {

class MemoryStore final : public Store {
 public:
  // Runs a function on the hub's thread in a later loop iteration.
  using Post = std::function<void(std::function<void()>)>;

  enum class Memory : std::uint8_t { everything, nothing };

  explicit MemoryStore(Post post, Memory memory = Memory::everything) : post_(std::move(post)), memory_(memory) {}

  Result<> load(std::function<void(Record)> each) override;
  Result<std::vector<EventRef>> read(std::string_view session_id, std::uint64_t since_seq, std::size_t limit) override;
  void commit(Batch batch, Fence fence, std::function<void(Result<>)> done) override;
  bool has_room() const override { return true; }

 private:
  struct Kept {
    std::string session_id;
    std::deque<EventRef> events;
    std::uint64_t last_seq = 0;
    std::map<std::string, std::string> marks;
  };

  void keep(Change& change);
  void forget(std::string const& session_id);

  Post post_;
  Memory memory_;
  Fence newest_fence_ = 0;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Kept> kept_;  // in the order in which they were first kept
  std::unordered_map<std::string, std::uint64_t> numbers_;
};

}  // namespace sojourn

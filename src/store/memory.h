// Keeps nothing beyond the process; each commit completes a turn later, as on a disk. Where the hub holds all there is
// anyway, it need not remember either. The hub's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
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

  Result<std::vector<Change>> load() override;
  Result<std::vector<EventRef>> read(std::string_view session_id, std::uint64_t since_seq, std::size_t limit) override;
  void commit(Batch batch, Fence fence, std::function<void(Result<>)> done) override;

 private:
  Post post_;
  Memory memory_;
  Fence newest_fence_ = 0;
  std::vector<Change> changes_;
};

}  // namespace sojourn

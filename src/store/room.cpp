#include "store/room.h"

namespace sojourn {
namespace {

constexpr std::chrono::milliseconds look_every{100};

}  // namespace

bool Room::is_there() {
  auto const now = std::chrono::steady_clock::now();
  if (now < next_look_) return is_there_;
  next_look_ = now + look_every;
  is_there_ = free_bytes_() >= reserve_bytes_;
  return is_there_;
}

}  // namespace sojourn

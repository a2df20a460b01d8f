// Whether the disk has room for more than a reserve: asked for each durable command, so that it looks only now and
// then. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace sojourn {

class Room {
 public:
  // `free_bytes` tells what is free.
  Room(std::uint64_t reserve_bytes, std::function<std::uint64_t()> free_bytes)
      : reserve_bytes_(reserve_bytes), free_bytes_(std::move(free_bytes)) {}

  bool is_there();

 private:
  std::uint64_t reserve_bytes_;
  std::function<std::uint64_t()> free_bytes_;
  std::chrono::steady_clock::time_point next_look_ = {};
  bool is_there_ = true;
};

}  // namespace sojourn

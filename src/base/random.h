// Random bytes as a value passed in: the operating system's, or a seeded stream that tests can repeat.
// Invariant: no byte of the system's is given twice; a copy fetches bytes of its own.
// One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>

namespace sojourn {

class Random {
 public:
  // The operating system's generator; fit for secrets.
  Random() = default;
  // A repeatable stream; for tests and simulation only.
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  Random(Random const& other) : engine_(other.engine_) {}
  Random& operator=(Random const& other) {
    engine_ = other.engine_;
    pooled_ = 0;
    return *this;
  }

  void fill(std::span<unsigned char> bytes);

 private:
  std::optional<std::mt19937_64> engine_;
  std::array<unsigned char, 512> pool_{};  // fetched ahead: one system call for many ids
  std::size_t pooled_ = 0;                 // bytes at the front of the pool that nobody has had
};

}  // namespace sojourn

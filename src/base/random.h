// Random bytes as a value passed in: the operating system's, or a seeded stream that tests can repeat.
// One thread at a time.
#pragma once

#include <array>
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

  void fill(std::span<unsigned char> bytes);

 private:
  std::optional<std::mt19937_64> engine_;
};

}  // namespace sojourn

#include "base/random.h"

#include <utility>

#include "base/crypto.h"

namespace sojourn {

void Random::fill(std::span<unsigned char> bytes) {
  if (engine_) {
    for (auto& byte : bytes) byte = static_cast<unsigned char>((*engine_)() >> 56U);
    return;
  }
  if (bytes.size() > pool_.size()) return fill_random(bytes);
  if (bytes.size() > pooled_) {
    fill_random(pool_);
    pooled_ = pool_.size();
  }
  for (auto& byte : bytes) byte = std::exchange(pool_[--pooled_], static_cast<unsigned char>(0));
}

}  // namespace sojourn

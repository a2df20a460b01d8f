#include "base/random.h"

#include "base/crypto.h"

namespace sojourn {

void Random::fill(std::span<unsigned char> bytes) {
  if (!engine_) return fill_random(bytes);
  for (auto& byte : bytes) byte = static_cast<unsigned char>((*engine_)() >> 56U);
}

}  // namespace sojourn

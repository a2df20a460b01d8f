// Bytes of a store's tables, whatever they are, give changes or events, or nothing. What was read is written as bytes
// that read the same again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "store/row.h"

namespace {

using namespace sojourn;

void require(bool holds) {
  if (!holds) std::abort();
}

template <typename T> std::string written(std::vector<T> const& all) {
  std::string bytes;
  for (auto const& each : all) {
    if constexpr (std::is_same_v<T, EventRef>)
      append(bytes, *each);
    else
      append(bytes, each);
  }
  return bytes;
}

template <typename T>
void read_twice(std::string_view bytes, std::optional<std::vector<T>> (*parse)(std::string_view)) {
  auto const first = parse(bytes);
  if (!first) return;
  require(first->size() <= bytes.size());
  auto const again = written(*first);
  require(again.size() <= bytes.size());  // a number has one shortest spelling
  auto const second = parse(again);
  require(second && second->size() == first->size() && written(*second) == again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  read_twice<Change>(bytes, parse_changes);
  read_twice<EventRef>(bytes, parse_events);
  return 0;
}

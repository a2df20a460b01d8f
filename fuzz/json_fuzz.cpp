// What is read can be written, and what was written reads back as the same text; nothing that is written breaks a
// line. Bytes that are no JSON are refused, whatever they are; so is what nests too deeply.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"

namespace {

using namespace sojourn;

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t depth_of(json::value const& value) {
  std::size_t deepest = 0;
  if (value.is_array()) {
    for (auto const& element : value.get_array()) deepest = std::max(deepest, depth_of(element) + 1);
    return std::max<std::size_t>(deepest, 1);
  }
  if (value.is_object()) {
    for (auto const& member : value.get_object()) deepest = std::max(deepest, depth_of(member.value()) + 1);
    return std::max<std::size_t>(deepest, 1);
  }
  return 0;
}

bool has_control(std::string_view text) {
  for (char const c : text) {
    if (static_cast<unsigned char>(c) < 0x20) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const first = json::parse(text);
  if (!first) {
    require(first.error().code == Code::invalid);
  } else {
    require(is_utf8(text));
    require(depth_of(*first) <= json::depth_max);
    auto const written = json::to_text(*first);
    require(is_utf8(written) && !has_control(written));
    auto const second = json::parse(written);
    require(second.has_value());
    require(json::to_text(*second) == written);
  }
  if (is_utf8(text)) {
    std::string quoted;
    json::append_string(quoted, text);
    require(!has_control(quoted));
    auto const back = json::parse(quoted);
    require(back && back->is_string() && std::string_view(back->get_string()) == text);
  }
  return 0;
}

// Whatever comes from a client: what is read as a packet is written and read again as the same one. The first byte of
// the data chooses between a body of polling and messages, which are texts and bytes in turn.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/engine_io.h"
#include "codec/socket_io.h"

namespace {

using namespace sojourn;

void require(bool holds) {
  if (!holds) std::abort();
}

void read_body(std::string_view body) {
  auto const packets = engine_io::read_body(body);
  if (!packets) return;
  std::string again;
  for (auto const& packet : *packets) engine_io::append_body(again, packet);
  require(again == body);
}

void read_messages(std::string_view text) {
  constexpr std::size_t attached_bytes_max = 100;
  socket_io::Reader reader({3, attached_bytes_max});
  auto packet = reader.take_text(text.substr(0, text.find('\n')));
  while (packet && !*packet) {
    auto const end = text.find('\n');
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
    packet = reader.take_bytes(std::string(text.substr(0, text.find('\n'))));
  }
  if (!packet) return;
  auto const first = socket_io::to_text(**packet);
  socket_io::Reader other({3, attached_bytes_max});
  auto again = other.take_text(first);
  require(again.has_value());
  for (auto const& attachment : (*packet)->attachments) again = other.take_bytes(attachment);
  require(again && *again && socket_io::to_text(**again) == first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
  if (data[0] % 2 == 0)
    read_body(text);
  else
    read_messages(text);
  return 0;
}

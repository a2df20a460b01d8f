// Whatever comes from a client: what is read as a packet is written and read again as the same one. The first byte of
// the data chooses between bodies of polling, of revision 4 or 3 as text or with bytes, and messages, which are texts
// and bytes in turn.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
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

bool is_same(engine_io::Packet const& one, engine_io::Packet const& other) {
  return one.type == other.type && one.data == other.data && one.is_binary == other.is_binary;
}

// What is read is written as a payload, and that as a body of the same revision.
void read_body_v3(std::string_view body, bool is_binary) {
  auto const packets = engine_io::read_body_v3(body, is_binary);
  if (!packets) return;
  std::string payload;
  for (auto const& packet : *packets) {
    constexpr char separator = '\x1e';
    bool const fits = packet.is_binary || (is_utf8(packet.data) && packet.data.find(separator) == std::string::npos);
    if (!fits) return;
    engine_io::append_body(payload, packet);
  }
  for (bool const as_text : {false, true}) {
    bool const as_bytes = !as_text && engine_io::has_bytes(payload);
    auto const again = engine_io::read_body_v3(engine_io::to_body_v3(payload, as_text), as_bytes);
    require(again && std::ranges::equal(*again, *packets, is_same));
  }
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
  switch (data[0] % 4) {
    case 0:
      read_body(text);
      break;
    case 1:
      read_messages(text);
      break;
    default:
      read_body_v3(text, data[0] % 4 == 3);
  }
  return 0;
}

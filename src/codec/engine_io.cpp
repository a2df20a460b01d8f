#include "codec/engine_io.h"

#include <utility>

#include "base/crypto.h"
#include "base/text.h"

namespace sojourn::engine_io {
namespace {

constexpr char separator = '\x1e';
constexpr char binary = 'b';

Result<Packet> read(std::string_view text) {
  if (!text.starts_with(binary)) return read_text(text);
  Packet packet{Type::message, {}, true};
  if (!base64_decode(text.substr(1), packet.data)) return error(Code::invalid, "a binary packet is not base64");
  return packet;
}

}  // namespace

Result<Packet> read_text(std::string_view text) {
  if (text.empty()) return error(Code::invalid, "a packet is empty");
  if (text.front() < '0' || text.front() > '6') return error(Code::invalid, "a packet has no known type");
  return Packet{static_cast<Type>(text.front() - '0'), std::string(text.substr(1))};
}

Result<std::vector<Packet>> read_body(std::string_view body) {
  std::vector<Packet> packets;
  bool has_more = true;
  while (has_more) {
    if (packets.size() == packets_max) return error(Code::invalid, "there are too many packets");
    auto const end = body.find(separator);
    has_more = end != std::string_view::npos;
    auto packet = read(body.substr(0, end));
    if (!packet) return packet.error();
    packets.push_back(*std::move(packet));
    if (has_more) body.remove_prefix(end + 1);
  }
  return packets;
}

std::string to_text(Packet const& packet) {
  std::string text(1, static_cast<char>('0' + static_cast<int>(packet.type)));
  return text += packet.data;
}

void append_body(std::string& body, Packet const& packet) {
  if (!body.empty()) body += separator;
  if (!packet.is_binary) {
    body += static_cast<char>('0' + static_cast<int>(packet.type));
    body += packet.data;
    return;
  }
  body += binary;
  body += base64_encode({reinterpret_cast<unsigned char const*>(packet.data.data()), packet.data.size()});
}

std::size_t body_bytes(std::string_view body, Packet const& packet) {
  auto const bytes = packet.is_binary ? (packet.data.size() + 2) / 3 * 4 : packet.data.size();
  return bytes + 1 + (body.empty() ? 0 : 1);
}

}  // namespace sojourn::engine_io

#include "codec/engine_io.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/crypto.h"
#include "base/text.h"
#include "codec/websocket.h"

namespace sojourn::engine_io {
namespace {

constexpr char separator = '\x1e';
constexpr char binary = 'b';

// Of bytes in a packet of revision 3: that they are a message.
constexpr char message_v3 = '\x04';
constexpr std::string_view text_of_bytes_v3 = "b4";

Result<Packet> read(std::string_view text) {
  if (!text.starts_with(binary)) return read_text(text);
  Packet packet{Type::message, {}, true};
  if (!base64_decode(text.substr(1), packet.data)) return error(Code::invalid, "a binary packet is not base64");
  return packet;
}

// The same of revision 3, which names the type of bytes too.
Result<Packet> read_v3(std::string_view text) {
  if (!text.starts_with(binary)) return read_text(text);
  if (!text.starts_with(text_of_bytes_v3)) return error(Code::invalid, "bytes can only be a message");
  Packet packet{Type::message, {}, true};
  if (!base64_decode(text.substr(2), packet.data)) return error(Code::invalid, "a binary packet is not base64");
  return packet;
}

// A packet behind its kind and the digits of its length.
void append_bytes_v3(std::string& out, std::string_view packet, bool is_binary) {
  std::string content(packet);
  if (is_binary && !base64_decode(packet.substr(1), content)) return;  // no payload of ours
  if (is_binary) content.insert(content.begin(), message_v3);
  out += is_binary ? '\x01' : '\0';
  for (auto const digit : std::to_string(content.size())) out += static_cast<char>(digit - '0');
  out.append("\xff").append(content);
}

// How many bytes of a character whose first one this is.
std::size_t bytes_of(char lead) {
  auto const c = static_cast<unsigned char>(lead);
  return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

// In units of UTF-16; of UTF-8.
std::size_t count_units(std::string_view text) {
  std::size_t units = 0;
  for (std::size_t at = 0; at < text.size(); at += bytes_of(text[at])) units += bytes_of(text[at]) == 4 ? 2U : 1U;
  return units;
}

// So many units of UTF-16 from the front of `text`, which has to be UTF-8; nothing when it has fewer.
std::optional<std::string_view> take_units(std::string_view& text, std::size_t units) {
  std::size_t at = 0;
  while (units > 0 && at < text.size()) {
    auto const bytes = bytes_of(text[at]);
    units -= std::min<std::size_t>(units, bytes == 4 ? 2 : 1);
    at += bytes;
  }
  if (units > 0 || at > text.size()) return std::nullopt;
  auto const taken = text.substr(0, at);
  text.remove_prefix(at);
  return taken;
}

// Takes "12:" from the front.
std::optional<std::size_t> take_length(std::string_view& text) {
  std::size_t length = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), length);
  auto const digits = static_cast<std::size_t>(end - text.data());
  if (ec != std::errc() || digits == text.size() || text[digits] != ':') return std::nullopt;
  text.remove_prefix(digits + 1);
  return length;
}

// Takes the digits of a length and the 255 behind them from the front; they are bytes of 0 to 9.
std::optional<std::size_t> take_byte_length(std::string_view& body) {
  constexpr std::size_t digits_max = 9;
  constexpr char end = '\xff';
  std::size_t length = 0;
  for (std::size_t digits = 0; digits <= digits_max && !body.empty(); ++digits) {
    auto const c = body.front();
    body.remove_prefix(1);
    if (c == end && digits > 0) return length;
    if (c < 0 || c > 9) return std::nullopt;
    length = length * 10 + static_cast<std::size_t>(c);
  }
  return std::nullopt;
}

Result<Packet> take_text_v3(std::string_view& body) {
  auto const length = take_length(body);
  auto const text = length ? take_units(body, *length) : std::nullopt;
  if (!text) return error(Code::invalid, "a packet is shorter than it says");
  return read_v3(*text);
}

Result<Packet> take_bytes_v3(std::string_view& body) {
  bool const is_text = body.front() == 0;
  if (!is_text && body.front() != 1) return error(Code::invalid, "a packet is neither text nor bytes");
  body.remove_prefix(1);
  auto const length = take_byte_length(body);
  if (!length || *length > body.size()) return error(Code::invalid, "a packet is shorter than it says");
  auto const content = body.substr(0, *length);
  body.remove_prefix(*length);
  return is_text ? read_text(content) : read_bytes(content, Revision::v3);
}

}  // namespace

Result<Packet> read_text(std::string_view text) {
  if (text.empty()) return error(Code::invalid, "a packet is empty");
  if (text.front() < '0' || text.front() > '6') return error(Code::invalid, "a packet has no known type");
  return Packet{static_cast<Type>(text.front() - '0'), std::string(text.substr(1))};
}

Result<Packet> read_text_v3(std::string_view text) { return read_v3(text); }

Result<Packet> read_bytes(std::string_view bytes, Revision revision) {
  if (revision == Revision::v4) return Packet{Type::message, std::string(bytes), true};
  if (!bytes.starts_with(message_v3)) return error(Code::invalid, "bytes can only be a message");
  return Packet{Type::message, std::string(bytes.substr(1)), true};
}

Result<std::vector<Packet>> read_body_v3(std::string_view body, bool is_binary) {
  std::vector<Packet> packets;
  if (body.empty()) return error(Code::invalid, "there are no packets");
  while (!body.empty()) {
    if (packets.size() == packets_max) return error(Code::invalid, "there are too many packets");
    auto packet = is_binary ? take_bytes_v3(body) : take_text_v3(body);
    if (!packet) return packet.error();
    packets.push_back(*std::move(packet));
  }
  return packets;
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

void append_body(std::string& payload, Packet const& packet) {
  if (!payload.empty()) payload += separator;
  if (!packet.is_binary) {
    payload += static_cast<char>('0' + static_cast<int>(packet.type));
    payload += packet.data;
    return;
  }
  payload += binary;
  payload += base64_encode({reinterpret_cast<unsigned char const*>(packet.data.data()), packet.data.size()});
}

void append_payload(std::string& out, std::string_view payload) {
  if (!out.empty() && !payload.empty()) out += separator;
  out += payload;
}

void append_frames(std::string& out, std::string_view payload) {
  while (!payload.empty()) {
    auto const packet = take_until(payload, separator);
    std::string bytes;
    if (!packet.starts_with(binary))
      websocket::append_frame(out, websocket::Opcode::text, packet);
    else if (base64_decode(packet.substr(1), bytes))
      websocket::append_frame(out, websocket::Opcode::binary, bytes);
  }
}

void append_frames_v3(std::string& out, std::string_view payload, bool as_text) {
  while (!payload.empty()) {
    auto const packet = take_until(payload, separator);
    std::string bytes;
    if (!packet.starts_with(binary))
      websocket::append_frame(out, websocket::Opcode::text, packet);
    else if (as_text)
      websocket::append_frame(out, websocket::Opcode::text, std::string(text_of_bytes_v3).append(packet.substr(1)));
    else if (base64_decode(packet.substr(1), bytes))
      websocket::append_frame(out, websocket::Opcode::binary, message_v3 + bytes);
  }
}

bool has_bytes(std::string_view payload) {
  for (auto rest = payload; !rest.empty();) {
    if (take_until(rest, separator).starts_with(binary)) return true;
  }
  return false;
}

std::string to_body_v3(std::string_view payload, bool as_text) {
  bool const as_bytes = !as_text && has_bytes(payload);
  std::string out;
  while (!payload.empty()) {
    auto const packet = take_until(payload, separator);
    bool const is_binary = packet.starts_with(binary);
    if (as_bytes) {
      append_bytes_v3(out, packet, is_binary);
      continue;
    }
    auto const units = count_units(packet) + (is_binary ? 1U : 0U);
    out.append(std::to_string(units)).append(is_binary ? ":b4" : ":").append(packet.substr(is_binary ? 1 : 0));
  }
  return out;
}

}  // namespace sojourn::engine_io

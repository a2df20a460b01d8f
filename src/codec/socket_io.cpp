#include "codec/socket_io.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sojourn::socket_io {
namespace {

constexpr std::array<std::string_view, 6> reserved{"connect",       "connect_error", "disconnect",
                                                   "disconnecting", "newListener",   "removeListener"};
constexpr int binary_event = 5;
constexpr int binary_ack = 6;

Error wrong(std::string_view what) { return error(Code::invalid, std::string(what)); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number that the text begins with, which is taken from it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string take_namespace(std::string_view& text) {
  if (!text.starts_with('/')) return "/";
  auto const comma = text.find(',');
  std::string nsp(text.substr(0, comma));
  text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  return nsp;
}

bool is_event(json::value const& data) {
  auto const* const list = data.if_array();
  if (list == nullptr || list->empty()) return false;
  auto const& name = list->front();
  if (!name.is_string()) return name.is_number();
  return std::ranges::find(reserved, std::string_view(name.get_string())) == reserved.end();
}

bool makes_sense(Packet const& packet) {
  switch (packet.type) {
    case Type::connect:
      return packet.data.is_object() || packet.data.is_null();
    case Type::disconnect:
      return packet.data.is_null();
    case Type::event:
      return is_event(packet.data);
    case Type::ack:
      return packet.data.is_array() && packet.id.has_value();
    case Type::connect_error:
      return packet.data.is_object() || packet.data.is_string();
  }
  return false;
}

bool is_placeholder(json::object const& o) {
  auto const* const mark = o.if_contains("_placeholder");
  return mark != nullptr && mark->is_bool() && mark->get_bool();
}

// Whether each placeholder names one of so many attachments. As deep as json::parse lets texts be.
bool fits(json::value const& v, std::size_t attachments) {
  if (auto const* const list = v.if_array())
    return std::ranges::all_of(*list, [&](json::value const& each) { return fits(each, attachments); });
  auto const* const o = v.if_object();
  if (o == nullptr) return true;
  if (!is_placeholder(*o))
    return std::ranges::all_of(*o, [&](auto const& member) { return fits(member.value(), attachments); });
  auto const* const number = o->if_contains("num");
  return number != nullptr && number->is_int64() && number->get_int64() >= 0 &&
         static_cast<std::uint64_t>(number->get_int64()) < attachments;
}

}  // namespace

Result<std::optional<Packet>> Reader::take_text(std::string_view text) {
  if (open_) return wrong("a text came where an attachment was awaited");
  if (text.empty() || !is_digit(text.front()) || text.front() > '6') return wrong("a packet has no known type");
  auto const type = text.front() - '0';
  text.remove_prefix(1);
  Packet packet;
  bool const is_binary = type == binary_event || type == binary_ack;
  packet.type = type == binary_event ? Type::event : type == binary_ack ? Type::ack : static_cast<Type>(type);
  std::size_t attachments = 0;
  if (is_binary) {
    auto const count = take_number(text);
    if (!count || !text.starts_with('-')) return wrong("a packet does not say how many attachments it has");
    if (*count > limits_.attachments_max) return wrong("a packet has too many attachments");
    attachments = static_cast<std::size_t>(*count);
    text.remove_prefix(1);
  }
  packet.nsp = take_namespace(text);
  if (!text.empty() && is_digit(text.front())) {
    packet.id = take_number(text);
    if (!packet.id) return wrong("the id of a packet is too large");
  }
  if (!text.empty()) {
    auto data = json::parse(text);
    if (!data) return wrong("the data of a packet is not JSON");
    packet.data = *std::move(data);
  }
  if (!makes_sense(packet)) return wrong("the data of a packet makes no sense");
  if (is_binary && !fits(packet.data, attachments)) return wrong("a packet names an attachment that it has not");
  if (attachments == 0) return std::optional(std::move(packet));
  open_ = std::make_unique<Open>(Open{std::move(packet), attachments});
  return std::optional<Packet>();
}

Result<std::optional<Packet>> Reader::take_bytes(std::string bytes) {
  if (!open_) return wrong("an attachment came where none was awaited");
  open_->held_bytes += bytes.size();
  if (open_->held_bytes > limits_.attached_bytes_max) return wrong("the attachments of a packet are too large");
  open_->packet.attachments.push_back(std::move(bytes));
  if (--open_->missing > 0) return std::optional<Packet>();
  return std::optional(std::move(std::exchange(open_, nullptr)->packet));
}

std::string to_text(Packet const& packet) {
  auto type = static_cast<int>(packet.type);
  bool const is_binary = !packet.attachments.empty();
  if (is_binary) type = packet.type == Type::event ? binary_event : binary_ack;
  auto text = std::to_string(type);
  if (is_binary) text += std::to_string(packet.attachments.size()) + '-';
  if (packet.nsp != "/") text += packet.nsp + ',';
  if (packet.id) text += std::to_string(*packet.id);
  if (!packet.data.is_null()) json::append(text, packet.data);
  return text;
}

}  // namespace sojourn::socket_io

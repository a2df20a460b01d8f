#include "api/monitor_event.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/socket_io.h"
#include "api/stream.h"
#include "base/crypto.h"

namespace sojourn {
namespace {

constexpr std::string_view args_key = "$args";
constexpr std::string_view bytes_key = "$bytes";
constexpr std::size_t wrapped_depth = 2;  // of what a client said, in the data of its message

// Names that clients keep for themselves: an event of that name breaks their connection.
bool is_clients_own(std::string_view name) {
  constexpr std::array<std::string_view, 6> names{"connect",       "connect_error", "disconnect",
                                                  "disconnecting", "newListener",   "removeListener"};
  return std::ranges::find(names, name) != names.end();
}

std::string to_base64(std::string_view bytes) {
  return base64_encode({reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size()});
}

// What clients of Socket.IO take for an attachment.
bool is_placeholder(json::object const& o) {
  auto const* const mark = o.if_contains("_placeholder");
  return mark != nullptr && mark->is_bool() && mark->get_bool();
}

// Attachments in place of what stands for them. As deep as texts may be.
json::value put_in(json::value const& v, std::vector<std::string> const& attachments) {
  if (auto const* const list = v.if_array()) {
    json::array out;
    for (auto const& each : *list) out.push_back(put_in(each, attachments));
    return out;
  }
  auto const* const o = v.if_object();
  if (o == nullptr) return v;
  json::object out;
  auto const* const number = is_placeholder(*o) ? o->if_contains("num") : nullptr;
  if (number != nullptr && number->is_int64()) {
    auto const at = static_cast<std::size_t>(number->get_int64());
    if (at < attachments.size()) out[bytes_key] = to_base64(attachments[at]);
    return out;
  }
  for (auto const& [key, value] : *o) out[key] = put_in(value, attachments);
  return out;
}

// The way back. Nothing but attachments may look like one: clients break off where they are told of one that is not.
json::value take_out(json::value const& v, std::vector<std::string>& attachments) {
  if (auto const* const list = v.if_array()) {
    json::array out;
    for (auto const& each : *list) out.push_back(take_out(each, attachments));
    return out;
  }
  auto const* const o = v.if_object();
  if (o == nullptr || is_placeholder(*o)) return o == nullptr ? v : json::value();
  json::object out;
  auto const* const text = o->size() == 1 ? o->if_contains(bytes_key) : nullptr;
  std::string bytes;
  if (text != nullptr && text->is_string() && base64_decode(std::string_view(text->get_string()), bytes)) {
    out["_placeholder"] = true;
    out["num"] = attachments.size();
    attachments.push_back(std::move(bytes));
    return out;
  }
  for (auto const& [key, value] : *o) out[key] = take_out(value, attachments);
  return out;
}

// What stands behind the arguments: a place, or nothing ("") where there is none; or whatever is there, for a client
// that looks for no place.
using Ending = std::optional<std::string>;

// A client takes a text that comes last for a place in the log, so none may stand there that is not.
void end_arguments(std::string& arguments, bool ends_in_text, Ending const& ending) {
  if (!ending || (ending->empty() && !ends_in_text)) return;
  if (!arguments.empty()) arguments += ',';
  if (ending->empty())
    arguments += "null";
  else
    arguments.append("\"").append(*ending).append("\"");
}

// The arguments of an event that has several; null = the data is its only one.
json::array const* find_several(json::value const& data) {
  auto const* const o = data.if_object();
  auto const* const several = o != nullptr && o->size() == 1 ? o->if_contains(args_key) : nullptr;
  return several == nullptr ? nullptr : several->if_array();
}

// A message whose data has several arguments, or bytes.
std::string to_rich_event(std::string const& name, json::value const& data, Ending const& ending) {
  auto const* const several = find_several(data);
  auto const arguments = several != nullptr ? *several : json::array{data};
  socket_io::Packet packet;
  auto const bare = take_out(arguments, packet.attachments);
  // Clients take no more: then they see the texts that stand for bytes.
  if (packet.attachments.size() > socket_io::Limits().attachments_max) packet.attachments.clear();
  json::array list{json::value(name)};
  for (auto const& each : packet.attachments.empty() ? arguments : bare.get_array()) list.push_back(each);
  if (ending && !ending->empty())
    list.emplace_back(*ending);
  else if (ending && list.back().is_string())
    list.push_back(nullptr);
  packet.data = std::move(list);
  return to_payload(packet);
}

std::string to_message(Event const& event, Ending const& ending) {
  if (event.data.find("\"$") != std::string::npos) {
    auto const data = json::parse(event.data, json::depth_max + wrapped_depth);
    if (data) return to_rich_event(event.name, *data, ending);
  }
  auto arguments = event.data;
  end_arguments(arguments, event.data.starts_with('"') || event.data.empty(), ending);
  return to_event("/", event.name, arguments);
}

}  // namespace

std::string to_offset(std::string_view session_id, Cursor cursor) {
  return std::string(session_id).append("/").append(to_text(cursor));
}

std::optional<Offset> read_offset(std::string_view text) {
  constexpr std::size_t offset_bytes_max = 128;
  auto const slash = text.find('/');
  if (text.size() > offset_bytes_max || slash == 0 || slash >= text.size() - 1) return std::nullopt;
  return Offset{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string to_session_event(std::string_view session_id, std::uint32_t epoch, Event const& event, Places places) {
  auto const offset = event.seq == 0 ? std::string() : to_offset(session_id, Cursor{epoch, event.seq});
  auto const ending = places == Places::told ? Ending(offset) : places == Places::none ? Ending("") : Ending();
  if (event.type == EventType::message && !is_clients_own(event.name)) return to_message(event, ending);
  std::string native;
  append_event(native, epoch, event);
  return to_server_event(event.type == EventType::message ? "session.message" : to_public_type(event), native,
                         ending.value_or(std::string()));
}

std::string to_server_event(std::string_view name, std::string_view argument, std::string_view offset) {
  std::string arguments(argument);
  end_arguments(arguments, false, std::string(offset));
  return to_event("/", name, arguments);
}

json::value with_bytes(json::value const& v, std::vector<std::string> const& attachments) {
  return attachments.empty() ? v : put_in(v, attachments);
}

std::string to_message_data(socket_io::Packet const& event) {
  json::array arguments(event.data.as_array());
  arguments.erase(arguments.begin());
  if (!event.attachments.empty()) arguments = put_in(arguments, event.attachments).as_array();
  if (arguments.empty()) return {};
  // What looks like several arguments and is one has to stay one.
  bool const is_one = arguments.size() == 1 && find_several(arguments.front()) == nullptr;
  if (is_one) return json::to_text(arguments.front());
  json::object several;
  several[args_key] = std::move(arguments);
  return json::to_text(several);
}

json::object const& no_fields() {
  static json::object const none;
  return none;
}

void append_member(std::string& object, std::string_view name, std::string_view value) {
  object.append(object.ends_with('{') ? "\"" : ",\"").append(name).append("\":");
  json::append_string(object, value);
}

std::string to_plain_iso(std::int64_t utc_us) {
  auto text = to_iso_us(utc_us);
  if (text.ends_with('Z')) text.pop_back();
  return text;
}

}  // namespace sojourn

#include "api/tracking_frame.h"

#include <array>
#include <cstdio>

#include "api/query_message.h"
#include "base/json.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

void append_member(std::string& out, std::string_view name, json::value const& value) {
  out += ',';
  json::append_string(out, name);
  out += ':';
  json::append(out, value);
}

// A contextual update has its text and data beside its type, whatever wrote it.
void append_update(std::string& out, std::string const& data) {
  auto const parsed = json::parse(data.empty() ? "null" : data);
  auto const* const fields = parsed && parsed->is_object() ? &parsed->get_object() : nullptr;
  auto const* const text = fields == nullptr ? nullptr : fields->if_contains("text");
  append_member(out, "text", text == nullptr ? json::value("") : *text);
  if (text == nullptr) {
    if (parsed) append_member(out, "data", *parsed);
  } else if (auto const* const inner = fields->if_contains("data")) {
    append_member(out, "data", *inner);
  }
}

void append_user(std::string& out, std::string_view user) {
  out += ",\"user\":";
  json::append_string(out, user);
  out += '}';
}

}  // namespace

std::string frame_start(std::string_view type) {
  std::string out = "{\"type\":";
  json::append_string(out, type);
  return out;
}

void append_end(std::string& out, FrameEnd const& end) {
  out += ",\"timestamp\":" + std::to_string(to_ms(end.at_us)) + ",\"requestId\":";
  json::append_string(out, end.request_id);
  out += ",\"session_id\":";
  json::append_string(out, end.session_id);
  append_user(out, end.user);
}

std::string to_request_id(Cursor place, std::int64_t at_us) {
  std::array<char, 40> text{};
  auto const number = (place.seq == 0 ? static_cast<std::uint64_t>(at_us) : place.seq) & 0xffffffffffffU;
  std::snprintf(text.data(), text.size(), "%08x-0000-4000-8000-%012llx", place.epoch,
                static_cast<unsigned long long>(number));
  return text.data();
}

std::string to_tracking_frame(Session const& session, Event const& event) {
  bool const is_state = event.type == EventType::state;
  auto out = frame_start(is_state ? "session_state_update" : event.name);
  if (!is_state && event.name == "contextual_update")
    append_update(out, event.data);
  else if (!event.data.empty())
    out.append(",\"payload\":").append(event.data);
  if (is_state) out += ",\"revision\":" + std::to_string(event.seq);
  auto const id =
      event.request_id.empty() ? to_request_id({session.journal.epoch(), event.seq}, event.at_us) : event.request_id;
  append_end(out, {event.at_us, id, session.id, event.user});
  return out;
}

std::string to_welcome_frame(Session const& session, Connection const& connection, Arrival const& arrival) {
  std::string out = "{\"type\":\"connected\",\"session_id\":";
  json::append_string(out, session.id);
  out += arrival.is_new ? ",\"session_resumed\":false,\"message\":\"Session created\""
                        : ",\"session_resumed\":true,\"message\":\"Session resumed\"";
  if (!arrival.reason.empty()) {
    out += ",\"requested_session_id\":";
    json::append_string(out, to_utf8(arrival.requested_id));
    out.append(",\"reason\":\"").append(arrival.reason).append("\"");
  }
  out += ",\"timestamp\":" + std::to_string(to_ms(connection.connected_us));
  append_user(out, connection.principal.name);
  return out;
}

std::string to_tool_call_frame(Session const& session, Event const& call) {
  std::string parts = "\"tool_name\":";
  json::append_string(parts, call.name);
  parts += ",\"tool_call_id\":\"" + call.request_id + "\",\"parameters\":" + call.data;
  auto out = frame_start("client_tool_call") + "," + parts + ",\"client_tool_call\":{" + parts + "}";
  auto const id = to_request_id({session.journal.epoch(), 0}, call.at_us);
  append_end(out, {call.at_us, id, session.id, call.user});
  return out;
}

std::string to_query_frame(Session const& session, Event const& query) {
  auto out = frame_start("query").append(",").append(to_query_members(session, query));
  append_end(out,
             {query.at_us, to_request_id({session.journal.epoch(), query.seq}, query.at_us), session.id, query.user});
  return out;
}

std::string to_query_end_frame(Session const& session, Event const& query) {
  auto out = frame_start("query_cancelled") + ",\"query_id\":";
  json::append_string(out, query.request_id);
  append_end(out, {query.at_us, to_request_id({session.journal.epoch(), 0}, query.at_us), session.id, query.user});
  return out;
}

}  // namespace sojourn

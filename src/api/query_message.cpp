#include "api/query_message.h"

#include <vector>

#include "api/answer_reader.h"
#include "base/json.h"
#include "core/talk.h"

namespace sojourn {
namespace {

constexpr std::size_t turns_max = 20;
constexpr std::size_t turn_bytes_max = 16 * 1024;
constexpr std::size_t history_bytes_max = 64 * 1024;

// What somebody said; empty = nothing that counts.
struct Turn {
  std::string_view role;
  std::string content;
};

json::object parse_data(Event const& event) {
  auto parsed = json::parse(event.data.empty() ? "{}" : event.data);
  return parsed && parsed->is_object() ? std::move(parsed->get_object()) : json::object();
}

std::string to_said(Event const& message) {
  auto const parsed = json::parse(message.data.empty() ? "null" : message.data);
  if (!parsed || parsed->is_null()) return message.name;
  return message.name + ": " + (parsed->is_string() ? std::string(parsed->get_string()) : message.data);
}

Turn to_turn(Event const& event) {
  // What a responder remarked on its way to an answer was said by nobody.
  if (event.type == EventType::message && event.name == "analysis_update") return {};
  if (event.type == EventType::message) return {"user", to_said(event)};
  if (event.type == EventType::query) return {"user", std::string(json::find_string(parse_data(event), "query"))};
  if (event.type != EventType::query_result) return {};
  auto const data = parse_data(event);
  auto const* const result = data.if_contains("result");
  if (result == nullptr || !result->is_object()) return {};
  return {"assistant", std::string(json::find_string(result->get_object(), "answer"))};
}

std::string to_text(Turn const& turn) {
  std::string out = "{\"role\":\"" + std::string(turn.role) + "\",\"content\":";
  bool const is_long = turn.content.size() > turn_bytes_max;
  json::append_string(out, std::string(cut_text(turn.content, turn_bytes_max)) + (is_long ? "…" : ""));
  return out += '}';
}

// The members of a JSON object's text.
std::string_view inside(std::string_view object) { return object.substr(1, object.size() - 2); }

}  // namespace

std::string to_history(std::span<EventRef const> events) {
  std::vector<std::string> turns;
  std::size_t bytes = 0;
  for (auto event = events.rbegin(); event != events.rend() && turns.size() < turns_max; ++event) {
    auto const turn = to_turn(**event);
    if (turn.content.empty()) continue;
    auto text = to_text(turn);
    bytes += text.size();
    if (bytes > history_bytes_max) break;
    turns.push_back(std::move(text));
  }
  std::string out = "[";
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) out.append(out.size() > 1 ? "," : "").append(*turn);
  return out += ']';
}

std::string to_query_members(Session const& session, Event const& query) {
  // A volatile one would have no place: then all that is there is before it.
  auto const seq = query.seq == 0 ? session.journal.last_seq() + 1 : query.seq;
  std::string out = "\"query_id\":";
  json::append_string(out, query.request_id);
  out.append(",").append(inside(query.data)).append(",\"history\":");
  return out.append(to_history(recent_talk(session, seq)));
}

std::string to_query_call(QueryCall const& call, std::span<EventRef const> before) {
  auto const history = to_history(before);
  std::string question = "{\"role\":\"user\",\"content\":";
  json::append_string(question, call.query);
  question += '}';
  std::string out = "{\"query_id\":";
  json::append_string(out, call.id);
  out.append(",").append(inside(call.data)).append(",\"session_id\":");
  json::append_string(out, call.session_id);
  out += ",\"user\":";
  json::append_string(out, call.user);
  out.append(",\"history\":").append(history).append(",\"stream\":true,\"messages\":[");
  auto const said = inside(history);
  out.append(said).append(said.empty() ? "" : ",").append(question).append("]");
  if (!call.model.empty()) {
    out += ",\"model\":";
    json::append_string(out, call.model);
  }
  return out += '}';
}

}  // namespace sojourn

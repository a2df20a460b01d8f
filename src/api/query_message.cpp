#include "api/query_message.h"

#include <algorithm>
#include <vector>

#include "api/answer_reader.h"
#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::size_t turns_max = 20;
constexpr std::size_t turn_bytes_max = 16 * 1024;
constexpr std::size_t history_bytes_max = 64 * 1024;
constexpr std::uint64_t events_looked_at_max = 1000;

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
  auto const& journal = session.journal;
  std::vector<EventRef> before;
  auto const last = query.seq == 0 ? journal.last_seq() : std::min(journal.last_seq(), query.seq - 1);
  auto const first = std::max(journal.first_seq(), last < events_looked_at_max ? 1 : last - events_looked_at_max);
  for (auto seq = last; seq >= first && before.size() < 2 * turns_max; --seq) {
    auto event = journal.at(seq);
    bool const counts =
        event->type == EventType::message || event->type == EventType::query || event->type == EventType::query_result;
    if (counts) before.push_back(std::move(event));
  }
  std::ranges::reverse(before);
  std::string out = "\"query_id\":";
  json::append_string(out, query.request_id);
  return out.append(",").append(inside(query.data)).append(",\"history\":").append(to_history(before));
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

#include "api/tracked.h"

#include <array>

#include "api/session_answer.h"
#include "api/sessions.h"
#include "api/stream.h"
#include "base/id.h"
#include "base/json.h"

namespace sojourn {
namespace {

struct Said {
  std::string name;
  std::string data;
  std::string request_id;
};

// {"type","payload"} or a contextual update's {"type","text","data"}; what has neither is its own payload.
Result<Said> parse_message(json::object const& body, Random& random) {
  Said said{std::string(json::find_string(body, "type")), {}, std::string(json::find_string(body, "requestId"))};
  if (said.name.empty()) return error(Code::unprocessable, "type has to be given");
  if (is_reserved_type(said.name)) return error(Code::unprocessable, "type is a word of the server's own");
  if (said.request_id.empty() || said.request_id.size() > 128) said.request_id = make_uuid(random);
  if (auto const* const payload = body.if_contains("payload")) {
    said.data = json::to_text(*payload);
    return said;
  }
  json::object rest(body);
  for (auto const* name : {"type", "requestId", "timestamp", "session_id"}) rest.erase(name);
  if (!rest.empty()) said.data = json::to_text(rest);
  return said;
}

std::string to_listed(SessionInfo const& info) {
  std::string out = "{";
  append_text_member(out, "session_id", info.id);
  out += ",\"user\":{";
  append_text_member(out, "username", info.owner);
  out += "},";
  append_text_member(out, "created_at", to_iso_ms(info.opened_us));
  out += ',';
  append_text_member(out, "last_active", to_iso_ms(info.last_seen_us));
  out += ',';
  append_text_member(out, "expires_at", to_iso_ms(info.expires_us));
  return out += ",\"connections\":" + std::to_string(info.connections) + ",\"state\":" + info.state + "}";
}

}  // namespace

std::span<Route const> Tracked::routes() {
  static constexpr std::array table{
      Route{"GET", "/sessions", handle<&Tracked::list>, "All shared sessions with their state; for admins"},
      Route{"DELETE", "/sessions/:id", handle<&Tracked::close>, "End it for everybody"},
      Route{"POST", "/sessions/:id/broadcast", handle<&Tracked::broadcast>, "A message to everybody in the session"},
      Route{"POST", "/send-message", handle<&Tracked::send_message>, "A message to everybody in every session"},
  };
  return table;
}

void Tracked::list(Request const& request, Parameters const&, Respond respond) {
  if (!request.principal.is_admin())
    return respond(detail_response(row(Code::forbidden).http_status, "Admin privileges required"));
  auto const limit = parse_number("limit", request.parameter("limit"), 1000, {1, 10'000});
  auto const offset = parse_number("offset", request.parameter("offset"), 0, {0, INT64_MAX});
  if (!limit || !offset) return respond(detail_response(limit ? offset.error() : limit.error()));
  ListSessions command{.kind = SessionKind::shared};
  command.with_state = true;
  command.limit = static_cast<std::size_t>(*limit);
  command.offset = static_cast<std::size_t>(*offset);
  hub_.submit(request.principal, std::move(command), answer_with<SessionPage>(respond, {}, [](SessionPage const& page) {
                std::string out = "{\"count\":" + std::to_string(page.total) + ",\"sessions\":[";
                for (auto const& info : page.sessions) out += to_listed(info) + ",";
                if (!page.sessions.empty()) out.pop_back();
                return json_response(out + "]}");
              }));
}

void Tracked::close(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  hub_.submit(request.principal, CloseSession{SessionKind::shared, id},
              answer_with<SessionInfo>(respond, id, [](SessionInfo const&) { return empty_response(); }));
}

void Tracked::broadcast(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto said = parse_message(*body, random_);
  if (!said) return respond(detail_response(said.error()));
  PostMessage command{SessionKind::shared, id, std::move(said->name), std::move(said->data)};
  command.request_id = std::move(said->request_id);
  hub_.submit(request.principal, std::move(command), answer_with<Posted>(respond, id, [id](Posted const& posted) {
                std::string out = "{\"status\":\"sent\",";
                append_text_member(out, "session_id", id);
                return json_response(out + ",\"connections\":" + std::to_string(posted.connections) + "}");
              }));
}

void Tracked::send_message(Request const& request, Parameters const&, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto said = parse_message(*body, random_);
  if (!said) return respond(detail_response(said.error()));
  hub_.submit(request.principal, PostToAll{std::move(said->name), std::move(said->data), std::move(said->request_id)},
              answer_with<Told>(respond, {}, [message = *body](Told const&) {
                return json_response("{\"status\":\"sent\",\"broadcast\":" + json::to_text(message) + "}");
              }));
}

}  // namespace sojourn

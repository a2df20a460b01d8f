#include "api/extension.h"

#include <array>

#include "base/text.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::string_view invalid_message = "Invalid message format";

// {"type":"...","sessionId":"...",  without the end
std::string frame_start(std::string_view type, std::string_view session_id) {
  std::string out = "{\"type\":";
  json::append_string(out, type);
  out += ",\"sessionId\":";
  json::append_string(out, session_id);
  return out;
}

void append_time(std::string& out, std::int64_t utc_us) {
  out += ",\"timestamp\":" + std::to_string(to_ms(utc_us)) + "}";
}

void append_session(std::string& out, SessionInfo const& session, bool with_address) {
  out += "{\"sessionId\":";
  json::append_string(out, session.id);
  out += ",\"connectedAt\":\"" + to_iso_ms(session.opened_us) + "\",\"lastSeen\":\"" + to_iso_ms(session.last_seen_us) +
         "\",\"userAgent\":";
  json::append_string(out, session.user_agent);
  if (with_address) {
    out += ",\"ip\":";
    json::append_string(out, session.address);
  }
  out += '}';
}

bool is_json(Request const& request) {
  auto type = request.header("content-type");
  return equal_ignoring_case(trimmed(take_until(type, ';')), "application/json");
}

// Runs `shape` on an outcome of type T, or answers the error.
template <typename T, typename Shape> Reply answer_with(Respond respond, Shape shape) {
  return [respond, shape = std::move(shape)](Result<Outcome> outcome) {
    if (!outcome) return respond(error_response(outcome.error()));
    Response response;
    response.body = shape(std::get<T>(*outcome));
    respond(std::move(response));
  };
}

// An answer to a command of ours, or to a message that asked for none: never echoed, or two polite ends would not stop.
bool is_answer(std::string_view type) { return type == "pong" || type.ends_with(".response"); }

}  // namespace

std::span<Route const> Extension::routes() {
  static constexpr std::array table{
      Route{"GET", "/api/websocket/sessions", handle<&Extension::list>, "Connected extension sessions"},
      Route{"GET", "/api/websocket/sessions/:id", handle<&Extension::show>, "One extension session"},
      Route{"POST", "/api/websocket/sessions/:id/message", handle<&Extension::post_message>,
            "A message to the extension"},
      Route{"DELETE", "/api/websocket/sessions/:id", handle<&Extension::close>, "End the session"},
  };
  return table;
}

std::span<Entrance const> Extension::entrances() {
  static constexpr auto is_ours = [](Request const& request) { return request.listener == ListenerDialect::extension; };
  static constexpr std::array table{
      Entrance{"/ws/extension", Carrier::websocket, nullptr, sojourn::join<&Extension::join>,
               "A browser's extension connects; it is a session until it goes"},
      Entrance{"/ws", Carrier::websocket, is_ours, sojourn::join<&Extension::join>,
               "The same, on a listener of extension sessions"},
  };
  return table;
}

Result<json::object> read_object(Request const& request) {
  if (!is_json(request)) return error(Code::invalid, std::string(invalid_message));
  auto parsed = json::parse(request.body);
  if (!parsed) return error(Code::invalid, std::string(invalid_message));
  if (!parsed->is_object()) return error(Code::conflict, std::string(invalid_message));
  return std::move(parsed->get_object());
}

void refuse_body(Hub& hub, Request const& request, std::string_view session_id, std::string message, Respond respond) {
  hub.submit(
      request.principal, GetSession{SessionKind::extension, std::string(session_id)},
      [respond, message = std::move(message)](Result<Outcome> outcome) {
        respond(outcome ? error_response(row(Code::invalid).http_status, message) : error_response(outcome.error()));
      });
}

void Extension::list(Request const& request, Parameters const&, Respond respond) {
  hub_.submit(request.principal, ListSessions{.kind = SessionKind::extension},
              answer_with<SessionPage>(respond, [](SessionPage const& page) {
                auto const& sessions = page.sessions;
                std::string body = "{\"count\":" + std::to_string(sessions.size()) + ",\"sessions\":[";
                for (auto const& session : sessions) {
                  append_session(body, session, true);
                  body += ',';
                }
                if (!sessions.empty()) body.pop_back();
                return body += "]}";
              }));
}

void Extension::show(Request const& request, Parameters const& parameters, Respond respond) {
  hub_.submit(request.principal, GetSession{SessionKind::extension, std::string(parameters.at[0])},
              answer_with<SessionInfo>(respond, [](SessionInfo const& session) {
                std::string body;
                append_session(body, session, false);
                return body;
              }));
}

void Extension::post_message(Request const& request, Parameters const& parameters, Respond respond) {
  auto body = read_object(request);
  auto const id = parameters.at[0];
  if (!body && body.error().code == Code::invalid) return respond(error_response(body.error()));
  auto const* type = body ? body->if_contains("type") : nullptr;
  if (!body || (type != nullptr && !type->is_string() && !type->is_null()))
    return refuse_body(hub_, request, id, std::string(invalid_message), respond);
  PostMessage command{SessionKind::extension, std::string(id), std::string(json::find_string(*body, "type")), {}};
  if (command.name.empty()) command.name = "message";
  if (auto const* data = body->if_contains("data")) json::append(command.data, *data);
  hub_.submit(request.principal, std::move(command),
              answer_with<Posted>(respond, [id = std::string(id)](Posted const& posted) {
                std::string out = "{\"success\":true,\"sessionId\":";
                json::append_string(out, id);
                out += ",\"message\":\"Message sent successfully\"";
                append_time(out, posted.at_us);
                return out;
              }));
}

void Extension::close(Request const& request, Parameters const& parameters, Respond respond) {
  hub_.submit(request.principal, CloseSession{SessionKind::extension, std::string(parameters.at[0])},
              answer_with<SessionInfo>(respond, [](SessionInfo const& session) {
                std::string out = "{\"success\":true,\"sessionId\":";
                json::append_string(out, session.id);
                return out += ",\"message\":\"Session closed successfully\"}";
              }));
}

void Extension::join(Request const& request, Parameters const&, Attachment via, Welcome welcome) {
  constexpr std::size_t user_agent_bytes_max = 512;
  constexpr std::size_t device_bytes_max = 64;
  via.dialect = this;
  auto const user_agent = request.header("user-agent");
  via.user_agent = user_agent.empty() ? "Unknown" : to_utf8(user_agent.substr(0, user_agent_bytes_max));
  via.address = request.remote_address.empty() ? "Unknown" : request.remote_address;
  via.device = to_utf8(request.parameter("device").substr(0, device_bytes_max));
  hub_.submit(request.principal, OpenSession{SessionKind::extension, std::move(via), {}},
              [welcome](Result<Outcome> outcome) {
                if (!outcome) return welcome(outcome.error());
                welcome(std::move(std::get<Opened>(*outcome)));
              });
}

std::string Extension::greet(Session const& session, Connection const& connection, Arrival const&) const {
  auto out = frame_start("connected", session.id);
  out += ",\"message\":\"WebSocket connection established successfully\"";
  append_time(out, connection.connected_us);
  return out;
}

// An extension offers no tools.
std::string Extension::ask(Session const&, Event const&) const { return {}; }

bool Extension::encode(Session const& session, Event const& event, std::string& out) const {
  bool const is_call = event.type == EventType::call;
  if (event.from == session.host || (!is_call && event.type != EventType::message)) return false;
  out += "{\"type\":";
  json::append_string(out, event.name);
  if (is_call) {
    out += ",\"requestId\":\"" + event.request_id + "\",\"sessionId\":";
    json::append_string(out, session.id);
  }
  if (!event.data.empty()) out.append(",\"data\":").append(event.data);
  out += ",\"from\":\"server\"";
  append_time(out, event.at_us);
  return true;
}

void Extension::receive(ConnectionId connection, std::string_view message) {
  auto const parsed = json::parse(message);
  if (!parsed || parsed->is_null())
    return answer_after(connection, Touch{connection}, "error", ",\"message\":\"Invalid JSON\"");
  if (parsed->is_object()) return receive_object(connection, parsed->get_object());
  say(connection, *parsed, true);
}

void Extension::receive_object(ConnectionId connection, json::object const& message) {
  auto const type = json::find_string(message, "type");
  auto const request_id = json::find_string(message, "requestId");
  if (type == "ping") return answer_after(connection, Touch{connection}, "pong", {});
  if (type == "pong") return hub_.submit({}, Touch{connection});
  if (!request_id.empty()) return take_answer(connection, message, request_id);
  say(connection, message, !is_answer(type));
}

void Extension::take_answer(ConnectionId connection, json::object const& message, std::string_view request_id) {
  AnswerCall answer{connection, std::string(request_id), false, {}, {}};
  auto const* success = message.if_contains("success");
  auto const* failure = message.if_contains("error");
  auto const* result = message.if_contains("result");
  // Without a word about success the presence of an error decides; nothing is ever taken for a success that says it
  // failed.
  answer.success = success != nullptr ? success->is_bool() && success->get_bool() : failure == nullptr;
  answer.data = result != nullptr ? json::to_text(*result) : "null";
  if (failure != nullptr)
    answer.error = failure->is_string() ? std::string(json::find_string(message, "error")) : json::to_text(*failure);
  if (answer.error.empty()) answer.error = "the extension reported a failure without a reason";
  bool const echoed = !is_answer(json::find_string(message, "type"));
  hub_.submit({}, std::move(answer), [this, connection, echoed, copy = json::value(message)](Result<Outcome> outcome) {
    bool const was_awaited = !outcome || std::get<bool>(*outcome);
    if (was_awaited) return;
    // Echoed here and now: a turn later it would come behind the answers to what was said after it.
    if (echoed) tell(connection, "echo", ",\"data\":" + json::to_text(copy));
    say(connection, copy, false);
  });
}

void Extension::say(ConnectionId connection, json::value const& message, bool echoed) {
  auto text = json::to_text(message);
  auto const type = message.is_object() ? json::find_string(message.get_object(), "type") : std::string_view{};
  auto tail = echoed ? ",\"data\":" + text : std::string();
  Say command{connection, std::string(type), std::move(text)};
  if (!echoed) return hub_.submit({}, std::move(command));
  answer_after(connection, std::move(command), "echo", std::move(tail));
}

void Extension::answer_after(ConnectionId connection, Command command, std::string_view type, std::string tail) {
  hub_.submit({}, std::move(command), [this, connection, type, tail = std::move(tail)](Result<Outcome> const& outcome) {
    if (outcome) tell(connection, type, tail);
  });
}

void Extension::tell(ConnectionId connection, std::string_view type, std::string const& tail) {
  hub_.whisper(connection, [&](Session const& session, Connection const&, Moment now) {
    auto out = frame_start(type, session.id);
    out += tail;
    append_time(out, now.utc_us);
    return out;
  });
}

}  // namespace sojourn

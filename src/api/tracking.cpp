#include "api/tracking.h"

#include <array>

#include "api/tracking_frame.h"
#include "base/id.h"
#include "base/text.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::uint16_t close_policy = 1008;
constexpr std::uint16_t close_try_again = 1013;
constexpr std::size_t request_id_bytes_max = 128;

bool has_parameter(Request const& request, std::string_view name) {
  auto rest = request.query;
  while (!rest.empty()) {
    auto pair = take_until(rest, '&');
    if (take_until(pair, '=') == name) return true;
  }
  return false;
}

std::string to_text_of(json::value const* value) {
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->get_string()) : json::to_text(*value);
}

std::string to_update(json::value const& text, std::string_view data) {
  std::string out = "{\"text\":" + json::to_text(text);
  if (!data.empty()) out.append(",\"data\":").append(data);
  return out += '}';
}

}  // namespace

std::span<Entrance const> Tracking::entrances() {
  // A bare /ws is this door's where it is the listener's, and wherever a token or a session is named.
  static constexpr auto is_ours = [](Request const& request) {
    return request.listener == ListenerDialect::sessions || has_parameter(request, "token") ||
           has_parameter(request, "session_id") || !find_token(request).empty();
  };
  static constexpr std::array table{
      Entrance{"/ws/session", Carrier::websocket, nullptr, sojourn::join<&Tracking::join>,
               "Join the session of session_id, or get a new one", true},
      Entrance{"/ws", Carrier::websocket, is_ours, sojourn::join<&Tracking::join>,
               "The same, when a token or a session_id is given or the listener is of sessions", true},
  };
  return table;
}

void Tracking::join(Request const& request, Parameters const&, Attachment via, Welcome welcome) {
  auto* const outlet = via.outlet;
  // Refused only after the handshake, since that is all a page's script can see.
  auto const refuse = [outlet, welcome](std::string_view reason, std::uint16_t code = close_policy) {
    outlet->close(code, reason);
    welcome(Opened{});
  };
  if (find_token(request).empty()) return refuse("Missing authentication token");
  if (request.refusal) return refuse(request.refusal->message);
  auto const& principal = request.principal;
  via.dialect = this;
  via.user_agent = to_utf8(request.header("user-agent").substr(0, 256));
  via.address = request.remote_address;
  JoinSession command{.kind = SessionKind::shared, .id = request.parameter("session_id"), .via = std::move(via)};
  command.opens = true;
  if (principal.role == Role::guest && command.id.empty()) command.id = principal.grant->session_id;
  hub_.submit(principal, std::move(command),
              [welcome, refuse, is_guest = principal.role == Role::guest](Result<Outcome> outcome) {
                if (outcome) return welcome(std::move(std::get<Opened>(*outcome)));
                if (outcome.error().code == Code::unavailable) return welcome(outcome.error());
                if (outcome.error().code == Code::storage_full) return refuse(outcome.error().message, close_try_again);
                refuse(is_guest ? "Invalid or expired token" : outcome.error().message);
              });
}

std::string Tracking::greet(Session const& session, Connection const& connection, Arrival const& arrival) const {
  return to_welcome_frame(session, connection, arrival);
}

std::string Tracking::ask(Session const& session, Event const& call) const {
  if (call.type == EventType::query) return to_query_frame(session, call);
  if (call.type == EventType::query_result) return to_query_end_frame(session, call);
  return to_tool_call_frame(session, call);
}

bool Tracking::encode(Session const& session, Event const& event, std::string& out) const {
  if (event.type != EventType::message && event.type != EventType::state) return false;
  out += to_tracking_frame(session, event);
  return true;
}

json::object const& Tracking::Message::payload() const {
  auto const* const payload = fields.if_contains("payload");
  return payload != nullptr && payload->is_object() ? payload->get_object() : fields;
}

json::value const* Tracking::Message::find(std::string_view name) const {
  auto const* const own = fields.if_contains(name);
  return own != nullptr ? own : payload().if_contains(name);
}

Tracking::Receive Tracking::find_receiver(std::string_view type) {
  struct Row {
    std::string_view type;
    Receive receive;
  };
  static constexpr std::array table{
      Row{"ping", &Tracking::on_ping},
      Row{"contextual_update", &Tracking::on_update},
      Row{"navigate", &Tracking::on_navigate},
      Row{"notification", &Tracking::on_notification},
      Row{"client_tool_call", &Tracking::on_tool_call},
      Row{"client_tool_result", &Tracking::on_tool_result},
      Row{"query_progress", &Tracking::on_query_progress},
      Row{"query_result", &Tracking::on_query_result},
      Row{"get_rates", &Tracking::on_rates},
      Row{"offer", &Tracking::on_offer},
      Row{"get_session_state", &Tracking::on_get_state},
      Row{"set_session_state", &Tracking::on_set_state},
  };
  for (auto const& row : table) {
    if (row.type == type) return row.receive;
  }
  return &Tracking::on_unknown;
}

void Tracking::receive(ConnectionId connection, std::string_view text) {
  auto const parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) {
    hub_.submit({}, Touch{connection});
    return tell(connection, "error", ",\"payload\":{\"message\":\"Invalid JSON\"}", make_uuid(random_));
  }
  auto const& fields = parsed->get_object();
  auto const given = json::find_string(fields, "requestId");
  bool const is_named = !given.empty() && given.size() <= request_id_bytes_max;
  Message const message{connection, json::find_string(fields, "type"), fields,
                        is_named ? std::string(given) : make_uuid(random_)};
  (this->*find_receiver(message.type))(message);
}

void Tracking::on_ping(Message const& message) {
  submit(message, Touch{message.connection}, [this, c = message.connection, id = message.request_id](Outcome const&) {
    tell(c, "pong", ",\"payload\":{\"message\":\"pong\"}", id);
  });
}

void Tracking::on_update(Message const& message) {
  auto const* const text = message.find("text");
  if (text == nullptr) return fail(message, "Missing required parameter: text");
  auto const* const data = message.find("data");
  std::string receipt =
      ",\"payload\":{\"message\":\"Contextual update received\",\"update_type\":" + json::to_text(*text);
  say(message, "contextual_update", to_update(*text, data == nullptr ? "" : json::to_text(*data)),
      receipt + ",\"status\":\"success\"}");
}

void Tracking::on_navigate(Message const& message) {
  auto const target = json::find_string(message.payload(), "target");
  if (target.empty()) return fail(message, "Missing required parameter: target");
  std::string receipt = ",\"payload\":{\"target\":";
  json::append_string(receipt, target);
  say(message, "navigation_update", json::to_text(message.payload()), receipt + ",\"status\":\"success\"}");
}

void Tracking::on_notification(Message const& message) {
  auto const* const payload = message.fields.if_contains("payload");
  if (payload == nullptr) return fail(message, "Missing required parameter: payload");
  say(message, "notification", json::to_text(*payload),
      ",\"payload\":{\"message\":\"Notification sent\",\"status\":\"success\"}");
}

void Tracking::say(Message const& message, std::string_view name, std::string data, std::string receipt) {
  auto receipt_name = std::string(name == "contextual_update"   ? "contextual_update_received"
                                  : name == "navigation_update" ? "navigation_processed"
                                                                : "notification_sent");
  Say command{message.connection, std::string(name), std::move(data), false, message.request_id};
  submit(message, std::move(command),
         [this, c = message.connection, id = message.request_id, receipt_name = std::move(receipt_name),
          receipt = std::move(receipt)](Outcome const&) { tell(c, receipt_name, receipt, id); });
}

void Tracking::on_tool_call(Message const& message) {
  auto const* const nested = message.find("client_tool_call");
  auto const& call = nested != nullptr && nested->is_object() ? nested->get_object() : message.payload();
  auto const* const parameters = call.if_contains("parameters");
  ToolCall asked{message.connection, std::string(json::find_string(call, "tool_name")),
                 to_text_of(call.if_contains("tool_call_id")),
                 parameters == nullptr ? json::value(json::object()) : *parameters, json::value(message.fields)};
  auto const done = [this, connection = message.connection, id = message.request_id](ToolResult const& result) {
    std::string tail = ",\"tool_call_id\":";
    json::append_string(tail, result.id);
    tail += ",\"tool_name\":";
    json::append_string(tail, result.name);
    tail += ",\"client_tool_call\":{\"tool_name\":";
    json::append_string(tail, result.name);
    tail += "},\"result\":" + result.result + ",\"is_error\":" + (result.is_error ? "true" : "false");
    tell(connection, "client_tool_result", tail, id);
    tell_updates(result);
  };
  if (!asked.name.empty()) return tools_.call(std::move(asked), done);
  std::string reason = "{\"error\":\"Missing required parameter: tool_name\",\"original_request\":";
  done({{}, asked.id, reason + json::to_text(asked.original) + "}", true, {}});
}

// What the others of the session see of a result.
void Tracking::tell_updates(ToolResult const& result) {
  if (result.name.empty()) return;
  auto const update = [&](std::string_view text, std::string_view data) {
    PostMessage command{{}, result.session_id, "contextual_update", to_update(json::value(text), data)};
    command.request_id = make_uuid(random_);
    hub_.submit(result.by, std::move(command));
  };
  if (!result.update.empty()) update(result.update, to_update_data(result.result));
  json::object const summary{
      {"message", result.is_error ? "Tool " + result.name + " failed" : "Tool " + result.name + " succeeded"},
      {"tool_name", result.name},
      {"is_error", result.is_error}};
  update(result.name + "_result", json::to_text(summary));
}

void Tracking::on_tool_result(Message const& message) {
  tools_.take_result(message.connection, message.fields, complain(message, "No tool call waits for this result"));
}

void Tracking::on_query_progress(Message const& message) {
  responder_.take_progress(message.connection, message.fields, complain(message, "No query waits for this answer"));
}

void Tracking::on_query_result(Message const& message) {
  responder_.take_result(message.connection, message.fields, complain(message, "No query waits for this answer"));
}

std::function<void(bool)> Tracking::complain(Message const& message, std::string_view what) {
  return [this, connection = message.connection, id = message.request_id, text = std::string(what)](bool was_awaited) {
    if (!was_awaited) tell(connection, "error", ",\"payload\":{\"message\":\"" + text + "\"}", id);
  };
}

void Tracking::on_rates(Message const& message) {
  auto parameters = message.payload();
  for (auto const& [from, to] : {std::pair{"origin_zip", "from_zip"}, std::pair{"destination_zip", "to_zip"}}) {
    if (auto const* const zip = parameters.if_contains(from)) {
      json::value const copy = *zip;
      parameters[to] = copy;
    }
  }
  auto const* const wants_all = message.fields.if_contains("broadcast");
  bool const is_for_all = wants_all != nullptr && wants_all->is_bool() && wants_all->get_bool();
  ToolCall asked{message.connection, "get_shipping_quotes", message.request_id, parameters,
                 json::value(message.fields)};
  tools_.call(std::move(asked), [this, connection = message.connection, id = message.request_id,
                                 is_for_all](ToolResult const& result) {
    auto const options = json::parse(result.result);
    if (result.is_error || !options || !options->is_array())
      return tell(connection, "error",
                  ",\"payload\":{\"message\":\"Rates are not available\",\"result\":" + result.result + "}", id);
    auto const& array = options->get_array();
    json::object const payload{
        {"cheapest_option", find_cheapest(array)}, {"fastest_option", find_fastest(array)}, {"all_options", array}};
    auto const text = json::to_text(payload);
    // The sender is one of all.
    if (is_for_all) return hub_.submit({}, Say{connection, "quote_ready", text, false, id});
    tell(connection, "quote_ready", ",\"payload\":" + text, id);
  });
}

void Tracking::on_offer(Message const& message) {
  Offer offer;
  json::array names;
  auto const* const tools = message.find("tools");
  if (tools != nullptr && tools->is_array()) {
    for (auto const& tool : tools->get_array()) {
      if (!tool.is_string()) return fail(message, "tools has to be a list of names");
      offer.tools.emplace_back(tool.get_string());
      names.push_back(tool);
    }
  }
  auto const* const queries = message.find("queries");
  offer.queries = queries != nullptr && queries->is_bool() && queries->get_bool();
  json::object const payload{{"tools", std::move(names)}, {"queries", offer.queries}};
  submit(message, MakeOffer{message.connection, std::move(offer)},
         [this, c = message.connection, id = message.request_id,
          tail = ",\"payload\":" + json::to_text(payload)](Outcome const&) { tell(c, "offered", tail, id); });
}

void Tracking::on_get_state(Message const& message) {
  submit(message, GetState{.connection = message.connection},
         [this, c = message.connection, id = message.request_id](Outcome const& outcome) {
           auto const& view = std::get<StateView>(outcome);
           tell(c, "session_state", ",\"state\":" + *view.value + ",\"revision\":" + std::to_string(view.revision), id);
         });
}

void Tracking::on_set_state(Message const& message) {
  auto const* const key = message.payload().if_contains("key");
  auto const* const value = message.payload().if_contains("value");
  if (key == nullptr || !key->is_string()) return fail(message, "Missing required parameter: key");
  if (value == nullptr) return fail(message, "Missing required parameter: value");
  std::string name(key->get_string());
  ChangeState command{.edit = {StateEdit::Verb::set, name, json::to_text(*value), {}}};
  command.connection = message.connection;
  command.request_id = message.request_id;
  submit(message, std::move(command),
         [this, c = message.connection, id = message.request_id, name = std::move(name)](Outcome const& outcome) {
           std::string tail = ",\"payload\":{\"key\":";
           json::append_string(tail, name);
           tail += ",\"revision\":" + std::to_string(std::get<Changed>(outcome).revision);
           tell(c, "session_state_set", tail + ",\"status\":\"success\"}", id);
         });
}

void Tracking::on_unknown(Message const& message) {
  hub_.submit({}, Touch{message.connection});
  fail(message, "Unsupported message type: " + std::string(message.type));
}

void Tracking::submit(Message const& message, Command command, std::function<void(Outcome const&)> then) {
  hub_.submit({}, std::move(command),
              [this, connection = message.connection, id = message.request_id,
               then = std::move(then)](Result<Outcome> const& outcome) {
                if (outcome) return then(*outcome);
                std::string tail = ",\"payload\":{\"message\":";
                json::append_string(tail, outcome.error().message);
                tell(connection, "error", tail.append(",\"code\":\"").append(row(outcome.error().code).word) + "\"}",
                     id);
              });
}

void Tracking::fail(Message const& message, std::string_view reason) {
  std::string tail = ",\"payload\":{\"message\":";
  json::append_string(tail, reason);
  tell(message.connection, "error", tail + ",\"original_request\":" + json::to_text(message.fields) + "}",
       message.request_id);
}

void Tracking::tell(ConnectionId connection, std::string_view type, std::string const& tail,
                    std::string const& request_id) {
  hub_.whisper(connection, [&](Session const& session, Connection const& to, Moment now) {
    auto out = frame_start(type) + tail;
    append_end(out, {now.utc_us, request_id, session.id, to.principal.name});
    return out;
  });
}

}  // namespace sojourn

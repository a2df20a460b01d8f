#include "api/stream.h"

#include <algorithm>
#include <array>

#include "api/query_message.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::size_t members_listed_max = 100;
constexpr std::size_t request_id_bytes_max = 128;

json::object const& nothing() {
  static json::object const none;
  return none;
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":");
  json::append_string(out, value);
}

std::string_view to_greeting_type(Arrival const& arrival) {
  if (arrival.resumes) return "session.resumed";
  return arrival.since.empty() ? "session.snapshot" : "session.gap";
}

void append_members(std::string& out, Session const& session) {
  out += ",\"connection_count\":" + std::to_string(session.members.size());
  if (session.members.size() > members_listed_max) return;
  out += ",\"connections\":[";
  for (auto const* member : session.members) {
    out += "{\"connection_id\":\"" + to_text(member->id) + "\"";
    append_text(out, "user", member->principal.name);
    append_text(out, "since", to_iso_us(member->connected_us));
    append_text(out, "transport", member->via.transport);
    out += "},";
  }
  out.back() = ']';
}

// A block of an event stream; without an id the reader's place stays where it was.
std::string to_block(std::string_view type, std::string_view id, std::string_view data) {
  std::string out;
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  // A client's word can't break out of its line, nor become one of ours when its line ends are taken away.
  std::string name(type);
  std::ranges::replace_if(
      name, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
}

std::string optional_id(std::string const& request_id) {
  std::string out;
  if (!request_id.empty()) append_text(out, "request_id", request_id);
  return out;
}

std::string to_ack(std::string const& request_id, std::uint64_t seq, Cursor cursor) {
  std::string out = "{\"type\":\"ack\"" + optional_id(request_id);
  if (seq == 0) return out += ",\"volatile\":true}";
  return out += ",\"seq\":" + std::to_string(seq) + ",\"cursor\":\"" + to_text(cursor) + "\"}";
}

bool is_true(json::object const& fields, std::string_view name) {
  auto const* const value = fields.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

// Whose name is not its type already.
bool has_name_of_its_own(EventType type) {
  return type == EventType::call || type == EventType::answer || type == EventType::called ||
         type == EventType::browser;
}

}  // namespace

std::string_view to_public_type(Event const& event) {
  return event.type == EventType::message ? std::string_view(event.name) : to_word(event.type);
}

bool is_reserved_type(std::string_view type) {
  constexpr std::size_t type_bytes_max = 256;
  constexpr std::array<std::string_view, 23> words{"ack",
                                                   "client_tool_call",
                                                   "client_tool_result",
                                                   "connected",
                                                   "contextual_update_received",
                                                   "debug_status",
                                                   "error",
                                                   "missed_messages_delivered",
                                                   "missed_messages_status",
                                                   "navigation_processed",
                                                   "notification_sent",
                                                   "offered",
                                                   "pong",
                                                   "query",
                                                   "query_progress",
                                                   "query_result",
                                                   "query_cancelled",
                                                   "room_joined",
                                                   "session_registered",
                                                   "session_state",
                                                   "session_state_set",
                                                   "session_state_update",
                                                   "system_ping"};
  if (type.size() > type_bytes_max || type.starts_with("session.") || type.starts_with("case.")) return true;
  return std::ranges::find(words, type) != words.end();
}

void append_event(std::string& out, Session const& session, Event const& event) {
  append_event(out, session.journal.epoch(), event);
}

void append_event(std::string& out, std::uint32_t epoch, Event const& event) {
  out += "{\"type\":";
  json::append_string(out, to_public_type(event));
  if (event.seq == 0)
    out += ",\"volatile\":true";
  else
    out += ",\"seq\":" + std::to_string(event.seq) + ",\"cursor\":\"" + to_text(Cursor{epoch, event.seq}) + "\"";
  if (event.first_seq != 0) out += ",\"first_seq\":" + std::to_string(event.first_seq);
  out += ",\"at\":\"" + to_iso_us(event.at_us) + "\"";
  if (event.from != 0) out += ",\"from\":\"" + to_text(event.from) + "\"";
  if (!event.user.empty()) append_text(out, "user", event.user);
  if (!event.request_id.empty()) append_text(out, "request_id", event.request_id);
  if (has_name_of_its_own(event.type) && !event.name.empty()) append_text(out, "name", event.name);
  if (!event.data.empty()) out.append(",\"data\":").append(event.data);
  out += '}';
}

std::span<Entrance const> Stream::entrances() {
  static constexpr std::array table{
      Entrance{"/api/v1/sessions/:id/stream", Carrier::websocket, nullptr, sojourn::join<&Stream::join>,
               "A snapshot with its cursor, then every event"},
      Entrance{"/api/v1/sessions/:id/events", Carrier::event_stream, nullptr, sojourn::join<&Stream::follow>,
               "The same as an event stream"},
  };
  return table;
}

void Stream::join(Request const& request, Parameters const& parameters, Attachment via, Welcome welcome) {
  constexpr std::size_t user_agent_bytes_max = 256;
  if (via.dialect == nullptr) via.dialect = this;
  via.user_agent = to_utf8(request.header("user-agent").substr(0, user_agent_bytes_max));
  via.address = request.remote_address;
  JoinSession command{.id = decode_segment(parameters.at[0]), .via = std::move(via)};
  command.since = request.header("last-event-id");
  if (command.since.empty()) command.since = request.parameter("since");
  command.takes_over = to_connection_id(request.parameter("takes_over"));
  auto const id = command.id;
  hub_.submit(request.principal, std::move(command), [welcome, id](Result<Outcome> outcome) {
    if (outcome) return welcome(std::move(std::get<Opened>(*outcome)));
    auto failure = outcome.error();
    if (failure.code == Code::not_found || failure.code == Code::expired) failure.message += ": " + id;
    welcome(std::move(failure));
  });
}

void Stream::follow(Request const& request, Parameters const& parameters, Attachment via, Welcome welcome) {
  via.dialect = &lines_;
  via.transport = "event_stream";
  join(request, parameters, std::move(via), welcome);
}

std::string Stream::greet(Session const& session, Connection const& connection, Arrival const& arrival) const {
  std::string out = "{\"type\":\"" + std::string(to_greeting_type(arrival)) + "\"";
  append_text(out, "session_id", session.id);
  append_text(out, "connection_id", to_text(connection.id));
  if (arrival.resumes) {
    append_text(out, "cursor", to_text(Cursor{session.journal.epoch(), connection.shown_seq}));
    return out += '}';
  }
  if (!arrival.since.empty()) append_text(out, "since", to_utf8(arrival.since));
  append_text(out, "cursor", to_text(Cursor{session.journal.epoch(), session.journal.last_seq()}));
  out += ",\"revision\":" + std::to_string(session.state.revision()) + ",\"state\":";
  session.state.append(out);
  append_members(out, session);
  return out += '}';
}

bool Stream::encode(Session const& session, Event const& event, std::string& out) const {
  append_event(out, session, event);
  return true;
}

std::string Stream::ask(Session const& session, Event const& call) const {
  if (call.type == EventType::query) {
    auto out = "{\"type\":\"query\"," + to_query_members(session, call);
    append_text(out, "session_id", session.id);
    append_text(out, "user", call.user);
    return out += '}';
  }
  if (call.type == EventType::query_result) {
    std::string out = "{\"type\":\"query_cancelled\"";
    append_text(out, "query_id", call.request_id);
    append_text(out, "session_id", session.id);
    return out += '}';
  }
  std::string parts = "\"tool_name\":";
  json::append_string(parts, call.name);
  parts += ",\"tool_call_id\":\"" + call.request_id + "\",\"parameters\":" + call.data;
  std::string out = "{\"type\":\"client_tool_call\"," + parts + ",\"client_tool_call\":{" + parts + "}";
  append_text(out, "user", call.user);
  return out += '}';
}

std::string Stream::Lines::greet(Session const& session, Connection const& connection, Arrival const& arrival) const {
  auto const cursor = arrival.resumes ? connection.shown_seq : session.journal.last_seq();
  return to_block(to_greeting_type(arrival), to_text(Cursor{session.journal.epoch(), cursor}),
                  stream_.greet(session, connection, arrival));
}

bool Stream::Lines::encode(Session const& session, Event const& event, std::string& out) const {
  std::string data;
  append_event(data, session, event);
  out += to_block(to_public_type(event),
                  event.seq == 0 ? std::string() : to_text(Cursor{session.journal.epoch(), event.seq}), data);
  return true;
}

json::value const* Stream::Message::body() const {
  auto const* const data = fields.if_contains("data");
  return data != nullptr ? data : fields.if_contains("payload");
}

Stream::Message Stream::Message::envelope() const { return {connection, {}, nothing(), request_id}; }

void Stream::receive(ConnectionId connection, std::string_view text) {
  auto const parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) {
    hub_.submit({}, Touch{connection});
    return fail({connection, {}, nothing(), {}}, error(Code::invalid, "a message is a JSON object"));
  }
  auto const& fields = parsed->get_object();
  auto const given = json::find_string(fields, "request_id");
  bool const is_long = given.size() > request_id_bytes_max;
  Message const message{connection, json::find_string(fields, "type"), fields,
                        std::string(is_long ? std::string_view() : given)};
  if (is_long) {
    hub_.submit({}, Touch{connection});
    return fail(message, error(Code::invalid, "request_id has at most 128 bytes"));
  }
  if (!receive_order(message)) receive_event(message);
}

// What is for the server and not for the session's log.
bool Stream::receive_order(Message const& message) {
  struct Row {
    std::string_view type;
    void (Stream::*receive)(Message const& message);
  };
  static constexpr std::array table{
      Row{"get_session_state", &Stream::get_state},        Row{"set_session_state", &Stream::change_state},
      Row{"patch_session_state", &Stream::change_state},   Row{"offer", &Stream::take_offer},
      Row{"client_tool_call", &Stream::call_tool},         Row{"client_tool_result", &Stream::take_result},
      Row{"query_progress", &Stream::take_query_progress}, Row{"query_result", &Stream::take_query_result},
  };
  if (message.type == "ping") {
    submit(message, Touch{message.connection},
           [id = message.request_id](Outcome const&) { return "{\"type\":\"pong\"" + optional_id(id) + "}"; });
    return true;
  }
  auto const* const row = std::ranges::find(table, message.type, &Row::type);
  if (row == table.end()) return false;
  (this->*row->receive)(message);
  return true;
}

void Stream::receive_event(Message const& message) {
  if (message.type.empty() || is_reserved_type(message.type))
    return fail(message, error(Code::invalid, std::string(type_rule)));
  auto const* const body = message.body();
  Say say{message.connection, std::string(message.type), body == nullptr ? std::string() : json::to_text(*body),
          is_true(message.fields, "volatile"), message.request_id};
  submit(message, std::move(say), [id = message.request_id](Outcome const& outcome) {
    auto const& posted = std::get<Posted>(outcome);
    return id.empty() ? std::string() : to_ack(id, posted.seq, posted.cursor);
  });
}

void Stream::get_state(Message const& message) {
  submit(message, GetState{.connection = message.connection}, [id = message.request_id](Outcome const& outcome) {
    auto const& view = std::get<StateView>(outcome);
    return "{\"type\":\"session_state\"" + optional_id(id) + ",\"state\":" + *view.value +
           ",\"revision\":" + std::to_string(view.revision) + ",\"cursor\":\"" + to_text(view.cursor) + "\"}";
  });
}

void Stream::change_state(Message const& message) {
  auto const* const payload = message.body();
  if (payload == nullptr || !payload->is_object())
    return fail(message, error(Code::invalid, "payload has to be an object"));
  auto const& fields = payload->get_object();
  ChangeState command;
  command.connection = message.connection;
  command.request_id = message.request_id;
  if (message.type == "patch_session_state") {
    command.edit = {StateEdit::Verb::merge, {}, json::to_text(*payload), {}};
  } else {
    auto const* const value = fields.if_contains("value");
    auto const* const revision = fields.if_contains("if_revision");
    if (value == nullptr) return fail(message, error(Code::invalid, "payload has to have a key and a value"));
    command.edit = {StateEdit::Verb::set, std::string(json::find_string(fields, "key")), json::to_text(*value), {}};
    if (revision != nullptr) {
      if (!revision->is_int64() || revision->get_int64() < 0)
        return fail(message, error(Code::invalid, "if_revision has to be a revision"));
      command.edit.if_revision = static_cast<std::uint64_t>(revision->get_int64());
    }
  }
  submit(message, std::move(command), [id = message.request_id](Outcome const& outcome) {
    auto const& changed = std::get<Changed>(outcome);
    return to_ack(id, changed.revision, changed.cursor);
  });
}

Result<Offer> read_offer(json::object const& message) {
  Offer offer;
  auto const* const tools = message.if_contains("tools");
  if (tools != nullptr && tools->is_array()) {
    for (auto const& tool : tools->get_array()) {
      if (!tool.is_string()) return error(Code::invalid, "tools has to be a list of names");
      offer.tools.emplace_back(tool.get_string());
    }
  }
  offer.queries = is_true(message, "queries");
  return offer;
}

void Stream::take_offer(Message const& message) {
  auto offer = read_offer(message.fields);
  if (!offer) return fail(message, offer.error());
  submit(message, MakeOffer{message.connection, *std::move(offer)},
         [id = message.request_id](Outcome const&) { return "{\"type\":\"offered\"" + optional_id(id) + "}"; });
}

void Stream::call_tool(Message const& message) {
  auto const* const nested = message.fields.if_contains("client_tool_call");
  auto const& call = nested != nullptr && nested->is_object() ? nested->get_object() : message.fields;
  auto const* const parameters = call.if_contains("parameters");
  ToolCall asked{message.connection, std::string(json::find_string(call, "tool_name")),
                 std::string(json::find_string(call, "tool_call_id")),
                 parameters == nullptr ? json::value(json::object()) : *parameters, json::value(message.fields)};
  if (asked.name.empty()) return fail(message, error(Code::invalid, "Missing required parameter: tool_name"));
  tools_.call(std::move(asked),
              [this, connection = message.connection, id = message.request_id](ToolResult const& result) {
                std::string out = "{\"type\":\"client_tool_result\"" + optional_id(id);
                append_text(out, "tool_call_id", result.id);
                append_text(out, "tool_name", result.name);
                out += ",\"result\":" + result.result + ",\"is_error\":" + (result.is_error ? "true}" : "false}");
                hub_.whisper(connection, [&](Session const&, Connection const&, Moment) { return out; });
              });
}

void Stream::take_result(Message const& message) {
  tools_.take_result(message.connection, message.fields, [this, asked = message.envelope()](bool was_awaited) {
    acknowledge(asked, was_awaited, "No tool call waits for this result");
  });
}

void Stream::take_query_progress(Message const& message) {
  responder_.take_progress(message.connection, message.fields, [this, asked = message.envelope()](bool was_awaited) {
    acknowledge(asked, was_awaited, "No query waits for this answer");
  });
}

void Stream::take_query_result(Message const& message) {
  responder_.take_result(message.connection, message.fields, [this, asked = message.envelope()](bool was_awaited) {
    acknowledge(asked, was_awaited, "No query waits for this answer");
  });
}

// An answer to the server: only who named it wants to hear that it was taken.
void Stream::acknowledge(Message const& message, bool was_awaited, std::string_view what) {
  if (!was_awaited) return fail(message, error(Code::not_found, std::string(what)));
  if (!message.request_id.empty()) tell(message, "{\"type\":\"ack\"" + optional_id(message.request_id) + "}");
}

void Stream::submit(Message const& message, Command command, std::function<std::string(Outcome const&)> answer) {
  hub_.submit({}, std::move(command),
              [this, asked = message.envelope(), answer = std::move(answer)](Result<Outcome> const& outcome) {
                outcome ? tell(asked, answer(*outcome)) : fail(asked, outcome.error());
              });
}

void Stream::fail(Message const& message, Error const& reason) {
  auto text = "{\"type\":\"error\"" + optional_id(message.request_id);
  append_text(text, "code", row(reason.code).word);
  append_text(text, "message", reason.message);
  tell(message, text + "}");
}

void Stream::tell(Message const& message, std::string text) {
  if (text.empty()) return;
  hub_.whisper(message.connection, [&](Session const&, Connection const&, Moment) { return std::move(text); });
}

}  // namespace sojourn

// What clients of the session monitor say, and what they hear in return.
#include <algorithm>
#include <array>
#include <utility>

#include "api/monitor.h"
#include "api/monitor_event.h"
#include "base/id.h"

namespace sojourn {
namespace {

constexpr std::size_t thread_id_bytes_max = 256;
constexpr std::size_t user_id_bytes_max = 256;
constexpr std::size_t client_info_bytes_max = 4096;
constexpr std::size_t message_id_bytes_max = 128;

std::string to_failure(Error const& why) {
  std::string out = "{\"status\":\"error\"";
  append_member(out, "code", row(why.code).word);
  append_member(out, "message", why.message);
  return out += '}';
}

Error not_registered() { return error(Code::not_connected, "register_session comes first"); }

// The first argument that is an object.
json::object const& first_object(json::array const& arguments) {
  if (arguments.size() < 2 || !arguments[1].is_object()) return no_fields();
  return arguments[1].get_object();
}

std::string to_end(Cursor cursor) { return ",\"cursor\":\"" + to_text(cursor) + "\"}"; }

// By which a client marks a message that it may send again.
std::string find_message_id(json::array const& arguments) {
  for (auto const& argument : arguments) {
    if (!argument.is_object()) continue;
    auto const id = json::find_string(argument.get_object(), "message_id");
    if (!id.empty() && id.size() <= message_id_bytes_max) return std::string(id);
  }
  return {};
}

}  // namespace

void Monitor::on_event(MonitorSocket& socket, socket_io::Packet event) {
  struct Row {
    std::string_view name;
    void (Monitor::*receive)(Message const& message);
  };
  static constexpr std::array table{
      Row{"ping", &Monitor::ping},
      Row{"register_session", &Monitor::register_session},
      Row{"system_ping_response", &Monitor::take_pong},
      Row{"request_missed_messages", &Monitor::give_missed},
      Row{"force_room_join", &Monitor::force_room_join},
      Row{"debug_socket_status", &Monitor::tell_status},
      Row{"set_session_state", &Monitor::set_state},
      Row{"get_session_state", &Monitor::get_state},
      Row{"offer", &Monitor::take_offer},
      Row{"client_tool_result", &Monitor::take_result},
      Row{"query_progress", &Monitor::take_result},
      Row{"query_result", &Monitor::take_result},
  };
  auto const& arguments = event.data.get_array();
  if (!arguments.front().is_string())
    return fail(socket, event.id, error(Code::invalid, "the name of an event has to be text"));
  std::string_view const name = arguments.front().get_string();
  auto const* const row = std::ranges::find(table, name, &Row::name);
  if (row == table.end()) return say(socket, event);
  (this->*row->receive)({socket, name, first_object(arguments), event.id});
}

// Which of a client's events, and whether it is still there.

void Monitor::ping(Message const& message) {
  auto& socket = message.socket;
  note_use(socket);
  if (auto const* const info = message.fields.if_contains("client_info")) {
    auto text = json::to_text(*info);
    if (text.size() <= client_info_bytes_max) socket.facts().client_info = std::move(text);
  }
  if (socket.is_registered()) parts_.hub.submit({}, Touch{socket.membership().connection});
  auto thread_id = std::string(json::find_string(message.fields, "thread_id"));
  if (thread_id.empty()) thread_id = socket.facts().thread_id;
  trace("ping received", socket, thread_id);
  auto const now = to_plain_iso(world().clock.now().utc_us);
  if (!message.id) {
    std::string out = "{";
    append_member(out, "thread_id", thread_id);
    append_member(out, "timestamp", now);
    return tell(socket, "pong", out + "}");
  }
  std::string out = "{\"pong\":true";
  append_member(out, "timestamp", now);
  append_member(out, "session_id", socket.sid());
  append_member(out, "thread_id", thread_id);
  append_member(out, "transport", socket.transport());
  answer(socket, message.id, out + "}");
}

void Monitor::take_pong(Message const& message) {
  note_use(message.socket);
  trace("system ping answered", message.socket);
  std::string out = "{\"status\":\"acknowledged\"";
  append_member(out, "timestamp", to_plain_iso(world().clock.now().utc_us));
  answer(message.socket, message.id, out + "}");
}

// Threads.

void Monitor::register_session(Message const& message) {
  auto& socket = message.socket;
  note_use(socket);
  auto const* const given = message.fields.if_contains("thread_id");
  if (given != nullptr && !given->is_null() && !given->is_string())
    return fail(socket, message.id, error(Code::invalid, "thread_id has to be text"));
  auto thread_id = std::string(json::find_string(message.fields, "thread_id"));
  auto const user_id = json::find_string(message.fields, "user_id", "thefusionlab");
  if (thread_id.size() > thread_id_bytes_max || user_id.size() > user_id_bytes_max)
    return fail(socket, message.id, error(Code::too_large, "thread_id and user_id have at most 256 bytes"));
  bool const has_name = socket.principal().role != Role::local;
  socket.facts().user_id = has_name ? socket.principal().name : user_id;
  if (thread_id.empty()) thread_id = "thread_" + make_uuid(world().random);
  if (socket.membership().line != nullptr && socket.facts().thread_id == thread_id) {
    if (socket.is_registered()) tell_registered(socket);  // else it is about to be
    return answer(socket, message.id, "{\"status\":\"ready\"}");
  }
  enter(socket, std::move(thread_id), [this, id = message.id](MonitorSocket& entered, Result<Opened> const& opened) {
    if (!opened) return fail(entered, id, opened.error());
    trace("session registered", entered, opened->session.id);
    answer(entered, id, "{\"status\":\"ready\"}");
  });
}

// Again, to one that is in already.
void Monitor::tell_registered(MonitorSocket& socket) {
  parts_.hub.whisper(socket.membership().connection, [&](Session const& session, Connection const& connection, Moment) {
    return greet(session, connection, {});
  });
}

void Monitor::give_missed(Message const& message) {
  auto& socket = message.socket;
  auto const thread_id = std::string(json::find_string(message.fields, "thread_id"));
  note_use(socket);
  if (thread_id.empty()) return answer(socket, message.id, "{\"status\":\"ok\"}");
  auto given = [this, thread_id, id = message.id](MonitorSocket& present, Result<Outcome> const& outcome) {
    answer(present, id, "{\"status\":\"ok\"}");
    auto const* const missed = outcome ? std::get_if<Missed>(&*outcome) : nullptr;
    std::string out = "{";
    if (missed == nullptr || missed->events.empty()) {
      out += "\"status\":\"none\"";
      append_member(out, "thread_id", thread_id);
      return tell(present, "missed_messages_status", out + "}");
    }
    for (auto const& event : missed->events)
      present.client().send(to_session_event(missed->session_id, missed->epoch, *event,
                                             present.pid().empty() ? Places::untold : Places::none));
    out += "\"count\":" + std::to_string(missed->events.size());
    append_member(out, "thread_id", thread_id);
    tell(present, "missed_messages_delivered", out + "}");
  };
  parts_.hub.submit(socket.principal(), TakeMissed{thread_id}, heard_by(socket, std::move(given)));
}

void Monitor::force_room_join(Message const& message) {
  auto& socket = message.socket;
  auto const thread_id = std::string(json::find_string(message.fields, "thread_id"));
  note_use(socket);
  if (thread_id.empty()) return fail(socket, message.id, error(Code::invalid, "Missing thread_id parameter"));
  if (thread_id.size() > thread_id_bytes_max)
    return fail(socket, message.id, error(Code::too_large, "thread_id has at most 256 bytes"));
  auto const joined = [this, id = message.id](MonitorSocket& present) {
    answer(present, id, "{\"status\":\"ok\"}");
    std::string out = "{";
    append_member(out, "thread_id", present.facts().thread_id);
    append_member(out, "session_id", present.sid());
    tell(present, "room_joined", out + ",\"success\":true}");
  };
  if (socket.is_registered() && socket.facts().thread_id == thread_id) return joined(socket);
  enter(socket, thread_id, [this, joined, id = message.id](MonitorSocket& entered, Result<Opened> const& opened) {
    if (!opened) return fail(entered, id, opened.error());
    joined(entered);
  });
}

void Monitor::tell_status(Message const& message) {
  auto const& socket = message.socket;
  std::map<std::string_view, int> counts;
  std::size_t sessions = 0;
  for (auto const& [sid, other] : sockets_) {
    bool const is_visible = socket.principal().is_admin() || is_same(other->principal(), socket.principal());
    if (!is_visible || !other->is_registered()) continue;
    ++sessions;
    ++counts[other->facts().thread_id];
  }
  std::string out = "{";
  append_member(out, "session_id", socket.sid());
  out += ",\"thread_id\":";
  if (socket.is_registered())
    json::append_string(out, socket.facts().thread_id);
  else
    out += "null";
  out += ",\"session_count\":" + std::to_string(sessions) + ",\"thread_counts\":{";
  for (auto const& [thread_id, count] : counts) {
    json::append_string(out, thread_id);
    out += ':' + std::to_string(count) + ',';
  }
  if (out.back() == ',') out.pop_back();
  out += std::string("},\"is_registered\":") + (socket.is_registered() ? "true" : "false");
  append_member(out, "timestamp", to_plain_iso(world().clock.now().utc_us));
  answer(message.socket, message.id, "{\"status\":\"ok\"}");
  tell(message.socket, "debug_status", out + "}");
}

// The session.

void Monitor::say(MonitorSocket& socket, socket_io::Packet const& event) {
  note_use(socket);
  auto const& arguments = event.data.get_array();
  std::string name(arguments.front().get_string());
  if (!socket.is_registered()) return fail(socket, event.id, not_registered());
  if (name.empty() || is_reserved_type(name))
    return fail(socket, event.id, error(Code::invalid, std::string(type_rule)));
  auto message_id = find_message_id(arguments);
  bool const is_once = !message_id.empty();
  Say command{socket.membership().connection, std::move(name), to_message_data(event), false,
              std::move(message_id),          is_once};
  parts_.hub.submit({}, std::move(command), answering<Posted>(socket, event.id, [](Posted const& posted) {
                      return "{\"status\":\"ok\",\"seq\":" + std::to_string(posted.seq) + to_end(posted.cursor);
                    }));
}

void Monitor::set_state(Message const& message) {
  auto& socket = message.socket;
  if (!socket.is_registered()) return fail(socket, message.id, not_registered());
  auto const* const value = message.fields.if_contains("value");
  if (value == nullptr) return fail(socket, message.id, error(Code::invalid, "there has to be a key and a value"));
  ChangeState command;
  command.connection = socket.membership().connection;
  command.edit = {
      StateEdit::Verb::set, std::string(json::find_string(message.fields, "key")), json::to_text(*value), {}};
  parts_.hub.submit({}, std::move(command), answering<Changed>(socket, message.id, [](Changed const& changed) {
                      return "{\"status\":\"ok\",\"revision\":" + std::to_string(changed.revision) +
                             to_end(changed.cursor);
                    }));
}

void Monitor::get_state(Message const& message) {
  auto& socket = message.socket;
  if (!socket.is_registered()) return fail(socket, message.id, not_registered());
  GetState command;
  command.connection = socket.membership().connection;
  auto told = [this, id = message.id](MonitorSocket& present, Result<Outcome> const& outcome) {
    if (!outcome) return fail(present, id, outcome.error());
    auto const& view = std::get<StateView>(*outcome);
    auto const object = "{\"status\":\"ok\",\"state\":" + *view.value +
                        ",\"revision\":" + std::to_string(view.revision) + to_end(view.cursor);
    id ? answer(present, id, object) : tell(present, "session_state", object);
  };
  parts_.hub.submit({}, std::move(command), heard_by(socket, std::move(told)));
}

// Tools and questions.

void Monitor::take_offer(Message const& message) {
  auto& socket = message.socket;
  if (!socket.is_registered()) return fail(socket, message.id, not_registered());
  auto offer = read_offer(message.fields);
  if (!offer) return fail(socket, message.id, offer.error());
  parts_.hub.submit({}, MakeOffer{socket.membership().connection, *std::move(offer)},
                    answering<std::monostate>(socket, message.id, [](auto const&) { return "{\"status\":\"ok\"}"; }));
}

void Monitor::take_result(Message const& message) {
  auto& socket = message.socket;
  note_use(socket);
  if (!socket.is_registered()) return fail(socket, message.id, not_registered());
  auto const told = [this, sid = socket.sid(), id = message.id](bool was_awaited) {
    auto* const present = find_socket(sid);
    if (present == nullptr) return;
    was_awaited ? answer(*present, id, "{\"status\":\"ok\"}")
                : fail(*present, id, error(Code::not_found, "nobody waits for this answer"));
  };
  auto const connection = socket.membership().connection;
  if (message.name == "client_tool_result") return parts_.tools.take_result(connection, message.fields, told);
  if (message.name == "query_progress") return parts_.responder.take_progress(connection, message.fields, told);
  parts_.responder.take_result(connection, message.fields, told);
}

// The acknowledgement of a call is its result. Whose call it is the hub knows.
void Monitor::on_ack(MonitorSocket& socket, std::uint64_t id, socket_io::Packet ack) {
  auto const asked = asked_.find(id);
  if (asked == asked_.end() || !socket.is_registered()) return;
  note_use(socket);
  auto const connection = socket.membership().connection;
  auto const call = asked->second;
  auto const& arguments = ack.data.get_array();
  auto const result = arguments.empty() ? json::value() : with_bytes(arguments.front(), ack.attachments);
  auto const* const fields = result.if_object();
  auto const told = [this, id](bool was_awaited) {
    if (was_awaited) asked_.erase(id);
  };
  if (call.is_query) {
    json::object message = fields != nullptr ? *fields : json::object();
    if (fields == nullptr) message["answer"] = result;
    message["query_id"] = call.request_id;
    return parts_.responder.take_result(connection, message, told);
  }
  bool const is_whole = fields != nullptr && (fields->contains("result") || fields->contains("is_error"));
  json::object message = is_whole ? *fields : json::object();
  if (!is_whole) message["result"] = result;
  message["tool_call_id"] = call.request_id;
  parts_.tools.take_result(connection, message, told);
}

// Answers.

void Monitor::answer(MonitorSocket& socket, std::optional<std::uint64_t> id, std::string const& object) {
  if (id) socket.client().acknowledge(socket, *id, object);
}

void Monitor::fail(MonitorSocket& socket, std::optional<std::uint64_t> id, Error const& why) {
  if (id) return answer(socket, id, to_failure(why));
  std::string out = "{";
  append_member(out, "message", why.message);
  if (why.code != Code::invalid) append_member(out, "code", row(why.code).word);
  tell(socket, "error", out + "}");
}

void Monitor::tell(MonitorSocket& socket, std::string_view name, std::string const& object) {
  socket.client().send(to_server_event(name, object));
}

}  // namespace sojourn

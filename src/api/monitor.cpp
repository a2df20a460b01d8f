#include "api/monitor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/monitor_event.h"
#include "base/crypto.h"
#include "base/id.h"

namespace sojourn {
namespace {

constexpr std::int64_t thread_idle_us = std::int64_t{24} * 3600 * 1'000'000;
constexpr std::size_t asked_max = 100'000;
constexpr std::uint16_t close_policy = 1008;
constexpr std::uint16_t close_taken_over = 4001;
constexpr std::size_t mac_bytes = 18;

// Socket.IO 2 has no way to, either.
bool can_return(SocketIoClient const& client) {
  return client.visitor().can_return && client.line().revision == engine_io::Revision::v4;
}

}  // namespace

Monitor::Monitor(World world, Parts parts) : SocketIo(std::move(world)), parts_(std::move(parts)) { look_again(); }

std::span<Entrance const> Monitor::entrances() {
  static constexpr std::array table{
      Entrance{.pattern = "/socket.io",
               .carrier = Carrier::engine,
               .summary = "Socket.IO: follow a thread of conversation",
               .engine = sojourn::attach<&SocketIo::attach>},
  };
  return table;
}

// Who comes in, or comes back.

void Monitor::connect(SocketIoClient& client, std::string const& nsp, json::value auth) {
  if (nsp != "/") return client.refuse(nsp, error(Code::not_found, "Invalid namespace"));
  auto const& said = auth.is_object() ? auth.get_object() : no_fields();
  auto const token = json::find_string(said, "token");
  auto principal = client.visitor().refusal && token.empty() ? Result<Principal>(*client.visitor().refusal)
                   : token.empty()                           ? Result<Principal>(client.visitor().principal)
                                   : parts_.identity.identify(token, world().clock.now().utc_us);
  if (!principal) return client.refuse(nsp, principal.error());
  auto const sid = find_sid(json::find_string(said, "pid"), *principal);
  auto const offset = read_offset(json::find_string(said, "offset"));
  if (!sid.empty() && offset)
    return come_back(client, make(client, sid, *principal), std::string(json::find_string(said, "offset")));
  // Who has no place to come back to is not the same again, or it would take itself for being in its thread.
  if (auto* const predecessor = find_socket(sid)) predecessor->client().close(close_taken_over, "taken over");
  bool const is_old = client.line().revision == engine_io::Revision::v3;
  client.accept(nsp, make(client, is_old ? std::string(client.line().id) : mint_sid(), *principal));
}

std::unique_ptr<MonitorSocket> Monitor::make(SocketIoClient const& client, std::string sid,
                                             Principal const& principal) {
  auto const now = world().clock.now();
  MonitorSocket::Facts facts;
  facts.connected_us = facts.active_us = now.utc_us;
  facts.active_steady_us = now.steady_us;
  auto pid = can_return(client) ? to_pid(sid, principal) : std::string();
  return std::make_unique<MonitorSocket>(*this, MonitorSocket::Identity{std::move(sid), std::move(pid), principal},
                                         std::move(facts));
}

// What it follows is in its offset; if that can't be had any more it begins anew.
void Monitor::come_back(SocketIoClient& client, std::unique_ptr<MonitorSocket> socket, std::string const& offset) {
  auto const last_heard = read_offset(offset);
  JoinSession command{.id = last_heard->session_id, .since = last_heard->cursor};
  auto* const predecessor = find_socket(socket->sid());
  if (predecessor != nullptr) command.takes_over = predecessor->membership().connection;
  auto line = std::make_shared<ThreadLine>(*socket);
  socket->membership().line = line;
  socket->membership().transport = client.line().transport;
  command.via = to_attachment(client, *line);
  auto const principal = socket->principal();
  auto shared = std::make_shared<std::unique_ptr<MonitorSocket>>(std::move(socket));
  parts_.hub.submit(principal, std::move(command), [this, id = client.id(), shared, line](Result<Outcome> outcome) {
    auto comer = std::move(*shared);
    auto* const found = find(id);
    if (!outcome) {
      line->cut();
      if (found != nullptr) found->accept("/", make(*found, mint_sid(), comer->principal()));
      return;
    }
    auto const& opened = std::get<Opened>(*outcome);
    if (found == nullptr || line->was_closed()) {
      line->cut();
      parts_.hub.submit({}, Leave{opened.connection, true});
      if (found != nullptr) found->accept("/", make(*found, mint_sid(), comer->principal()));
      return;
    }
    auto& back = *comer;
    if (auto* const before = find_socket(comer->sid())) {
      back.facts().user_id = before->facts().user_id;
      back.facts().client_info = before->facts().client_info;
      before->client().close(close_taken_over, "taken over");
    }
    back.facts().thread_id = opened.session.thread_id.empty() ? opened.session.id : opened.session.thread_id;
    found->accept("/", std::move(comer));
    settle(back, opened);
    trace("session recovered", back);
  });
}

Attachment Monitor::to_attachment(SocketIoClient const& client, ThreadLine& line) {
  auto const& visitor = client.visitor();
  Attachment via;
  via.outlet = &line;
  via.dialect = can_return(client) ? static_cast<Dialect*>(this) : &placeless_;
  via.framing = client.line().framing;
  via.user_agent = visitor.user_agent;
  via.address = visitor.address;
  via.transport = client.line().transport;
  via.follows = true;
  return via;
}

std::string Monitor::to_pid(std::string_view sid, Principal const& principal) const {
  auto const mac = hmac_sha256(parts_.rules.pid_key, std::string(sid) + '\0' + to_key(principal));
  return std::string(sid) + '.' + base64url_encode(std::span(mac).first(mac_bytes));
}

// Of a pid that we gave to that principal; empty of any other.
std::string Monitor::find_sid(std::string_view pid, Principal const& principal) const {
  auto const dot = pid.find('.');
  if (dot == std::string_view::npos) return {};
  auto sid = std::string(pid.substr(0, dot));
  return equal_in_constant_time(pid, to_pid(sid, principal)) ? sid : std::string();
}

void Monitor::on_open(MonitorSocket& socket) {
  sockets_[socket.sid()] = &socket;
  trace("client connected", socket);
  std::string out = "{\"status\":\"connected\"";
  append_member(out, "session_id", socket.sid());
  append_member(out, "transport", socket.transport());
  append_member(out, "server_time", to_plain_iso(world().clock.now().utc_us));
  tell(socket, "connected", out + "}");
}

void Monitor::on_move(MonitorSocket& socket) {
  trace("transport upgraded", socket);
  auto& membership = socket.membership();
  if (membership.connection == 0) return;
  membership.transport = socket.transport();
  parts_.hub.submit({}, MoveConnection{membership.connection, socket.client().line().framing, membership.transport});
}

void Monitor::on_leave(MonitorSocket& socket, std::string_view reason) {
  trace("client disconnected", socket, reason);
  leave_session(socket);
  auto const known = sockets_.find(socket.sid());
  if (known != sockets_.end() && known->second == &socket) sockets_.erase(known);
}

// The hub is at work: it hears nothing of this.
void Monitor::on_lost(MonitorSocket& socket, std::uint16_t code, std::string_view reason) {
  auto const before = std::exchange(socket.membership().connection, 0);
  if (before == 0) return;  // whoever waits for it sees that it was closed
  leave_session(socket);
  if (code == close_policy) return socket.client().disconnect(socket, "server namespace disconnect");
  if (code == close_taken_over) return socket.client().close(code, reason);
}

// Threads.

void Monitor::enter(MonitorSocket& socket, std::string thread_id, Entered entered) {
  leave_session(socket);
  auto line = std::make_shared<ThreadLine>(socket);
  auto const& client = socket.client();
  socket.membership().line = line;
  socket.membership().transport = client.line().transport;
  socket.facts().thread_id = thread_id;
  JoinSession command{.id = thread_id, .opens = true};
  command.via = to_attachment(client, *line);
  command.wish.thread_id = std::move(thread_id);
  command.wish.type = "thread";
  command.wish.idle_us = thread_idle_us;
  parts_.hub.submit(socket.principal(), std::move(command),
                    [this, line, entered = std::move(entered)](Result<Outcome> outcome) {
                      auto* const present = line->socket();
                      auto const* const opened = outcome ? std::get_if<Opened>(&*outcome) : nullptr;
                      if (present == nullptr) {
                        if (opened != nullptr) parts_.hub.submit({}, Leave{opened->connection, true});
                        return;
                      }
                      if (opened == nullptr) {
                        leave_session(*present);
                        return entered(*present, outcome.error());
                      }
                      if (line->was_closed()) {
                        leave_session(*present);
                        return entered(*present, error(Code::ended, "Session ended"));
                      }
                      settle(*present, *opened);
                      entered(*present, *opened);
                    });
}

// It is in: what is to be said first is said, then what was held back.
void Monitor::settle(MonitorSocket& socket, Opened const& opened) {
  auto& membership = socket.membership();
  membership.connection = opened.connection;
  membership.session_id = opened.session.id;
  rooms_[membership.session_id].sockets.push_back(&socket);
  if (!opened.greeting.empty()) socket.client().send(opened.greeting);
  membership.line->open();
  if (membership.transport != socket.transport()) on_move(socket);
}

void Monitor::leave_session(MonitorSocket& socket) {
  auto membership = std::exchange(socket.membership(), {});
  if (membership.line) membership.line->cut();
  if (membership.connection != 0) parts_.hub.submit({}, Leave{membership.connection});
  auto const room = rooms_.find(membership.session_id);
  if (room == rooms_.end()) return;
  std::erase(room->second.sockets, &socket);
  if (room->second.sockets.empty()) rooms_.erase(room);
}

std::string Monitor::greet(Session const& session, Connection const& connection, Arrival const& arrival) const {
  if (arrival.resumes) return {};
  auto const places = connection.via.dialect == &placeless_ ? Places::untold : Places::told;
  auto const to_place = [&](Cursor at) { return places == Places::told ? to_offset(session.id, at) : std::string(); };
  Cursor cursor{session.journal.epoch(), arrival.since.empty() ? connection.shown_seq : session.journal.last_seq()};
  if (!arrival.since.empty()) {
    std::string out = "{\"type\":\"session.gap\"";
    append_member(out, "session_id", session.id);
    append_member(out, "cursor", to_text(cursor));
    out += ",\"revision\":" + std::to_string(session.state.revision()) + ",\"state\":";
    session.state.append(out);
    return to_server_event("session.gap", out + "}", to_place(cursor));
  }
  auto const& socket = *static_cast<ThreadLine const*>(connection.via.outlet)->socket();
  std::string out = "{\"status\":\"ready\"";
  append_member(out, "thread_id", socket.facts().thread_id);
  append_member(out, "session_id", socket.sid());
  append_member(out, "transport", socket.transport());
  append_member(out, "shared_session_id", session.id);
  out += ",\"is_in_room\":true";
  auto const& missed = arrival.missed;
  if (missed.empty()) return to_server_event("session_registered", out + "}", to_place(cursor));
  auto const count = std::to_string(missed.size());
  out += ",\"missed_messages\":{\"available\":true,\"count\":" + count + "}}";
  // Who is lost on the way gets the rest when it comes back.
  auto const before = to_place({cursor.epoch, missed.front()->seq - 1});
  auto payload = to_server_event("session_registered", out, before);
  for (auto const& event : missed) engine_io::append_payload(payload, to_session_event(session, *event, places));
  std::string last = "{\"count\":" + count;
  append_member(last, "thread_id", socket.facts().thread_id);
  engine_io::append_payload(payload, to_server_event("missed_messages_delivered", last + "}", to_place(cursor)));
  return payload;
}

bool Monitor::encode(Session const& session, Event const& event, std::string& out) const {
  return encode(session, event, Places::told, out);
}

bool Monitor::encode(Session const& session, Event const& event, Places places, std::string& out) const {
  if (auto const room = rooms_.find(session.id); room != rooms_.end())
    room->second.shown_us = world().clock.now().steady_us;
  out += to_session_event(session, event, places);
  return true;
}

// A call comes as an event that is answered by its acknowledgement.
std::string Monitor::ask(Session const& session, Event const& call) const {
  auto const object = parts_.stream.ask(session, call);
  if (call.type == EventType::query_result) return to_server_event("query_cancelled", object);
  if (asked_.size() >= asked_max) asked_.erase(asked_.begin());
  bool const is_query = call.type == EventType::query;
  asked_[++last_asked_] = {call.request_id, is_query};
  return to_event("/", is_query ? "query" : "client_tool_call", object, last_asked_);
}

// Who is there.

void Monitor::touch(Principal const& principal, std::string const& thread_id) {
  for (auto const& [sid, socket] : sockets_) {
    if (socket->facts().thread_id == thread_id && is_same(socket->principal(), principal)) note_use(*socket);
  }
}

std::vector<MonitorSocket const*> Monitor::sockets() const {
  std::vector<MonitorSocket const*> all;
  for (auto const& [sid, socket] : sockets_) all.push_back(socket);
  return all;
}

MonitorSocket* Monitor::find_socket(std::string const& sid) const {
  auto const known = sockets_.find(sid);
  return known == sockets_.end() ? nullptr : known->second;
}

void Monitor::note_use(MonitorSocket& socket) {
  auto const now = world().clock.now();
  socket.facts().active_us = now.utc_us;
  socket.facts().active_steady_us = now.steady_us;
}

void Monitor::look_again() {
  world().later(parts_.rules.sweep_us, [this] {
    sweep();
    look_again();
  });
}

void Monitor::sweep() {
  auto const now = world().clock.now();
  std::vector<MonitorSocket*> idle;
  for (auto const& [sid, socket] : sockets_) {
    auto active_us = socket->facts().active_steady_us;
    auto const room = rooms_.find(socket->membership().session_id);
    if (room != rooms_.end()) active_us = std::max(active_us, room->second.shown_us);
    auto const silent_us = now.steady_us - active_us;
    if (silent_us >= parts_.rules.drop_us) {
      idle.push_back(socket);
    } else if (silent_us >= parts_.rules.warn_us) {
      std::string out = "{";
      append_member(out, "timestamp", to_plain_iso(now.utc_us));
      append_member(out, "message", "Session activity check");
      tell(*socket, "system_ping", out + "}");
    }
  }
  for (auto* const socket : idle) {
    trace("idle session dropped", *socket);
    // It is not to come back by itself: nobody seems to be there.
    socket->client().disconnect(*socket, "server namespace disconnect");
  }
}

void Monitor::trace(std::string_view what, MonitorSocket const& socket, std::string_view detail) const {
  parts_.log.write(Level::info, std::string("[SESSION_TRACE] ").append(what),
                   {{"session_id", socket.sid()},
                    {"thread_id", socket.facts().thread_id},
                    {"transport", socket.transport()},
                    {"detail", detail}});
}

}  // namespace sojourn

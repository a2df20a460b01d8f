// Who is in a session: connections come, are seen, offer things, go or are sent away.
#include <algorithm>

#include "base/json.h"
#include "core/hub.h"

namespace sojourn {
namespace {

constexpr std::uint16_t close_policy = 1008;
// Of the range that RFC 6455, section 7.4.2, leaves to applications.
constexpr std::uint16_t close_taken_over = 4001;
constexpr std::size_t offered_tools_max = 100;
constexpr std::size_t tool_name_bytes_max = 128;

std::string to_presence(Connection const& connection) {
  std::string out = "{\"connection_id\":\"" + to_text(connection.id) + "\",\"user\":";
  json::append_string(out, connection.principal.name);
  return out += '}';
}

}  // namespace

Hub::Applied Hub::apply(Principal const& principal, JoinSession& command, Reply&) {
  Arrival arrival{.since = std::move(command.since)};
  Session* session = nullptr;
  if (!command.id.empty()) {
    auto const found = command.opens ? look_up(principal, Action::read, command.kind, command.id)
                                     : find(principal, Action::read, command.kind, command.id);
    session = found.session;
    // A key to one session opens no other.
    if (session == nullptr && (!command.opens || principal.role == Role::guest)) return found.refusal;
    // What can be called by a thread's name need be no id.
    if (session == nullptr && command.wish.thread_id.empty()) {
      arrival.requested_id = command.id;
      arrival.reason = why_not(principal, command);
      world_.log.write(Level::info, "session." + std::string(arrival.reason),
                       {{"session", command.id}, {"user", principal.name}, {"address", command.via.address}});
    }
  }
  if (session == nullptr) {
    if (!command.opens) return refuse(principal, command.kind, command.id);
    command.wish.owner = principal.name;
    session = find_alias(SessionKind::shared, command.wish);
    arrival.is_new = session == nullptr;
    bool const may = arrival.is_new ? can(principal, Action::open, nullptr)
                                    : principal.role != Role::guest && can(principal, Action::read, session);
    if (!may) return {error(Code::forbidden, "not allowed to open a session")};
    if (arrival.is_new) {
      if (auto const full = refuse_full(nullptr)) return *full;
      make_room(principal.name);
      session = &open(SessionKind::shared, principal, command.wish);
    }
    use(*session, world_.clock.now());
  }
  take_over(*session, principal, command.takes_over);
  return arrive(*session, principal, std::move(command.via), std::move(arrival));
}

// Ids can't be guessed, so saying that one is somebody else's gives nothing away.
std::string_view Hub::why_not(Principal const& principal, JoinSession const& command) const {
  auto const* const stone = find_stone(principal, command.kind, command.id);
  if (stone != nullptr && stone->expired) return "expired";
  auto const place = sessions_.find(command.id);
  bool const lives = place != sessions_.end() && !place->second->ended;
  return lives && (!command.kind || *command.kind == place->second->kind) ? "not_owner" : "invalid";
}

Hub::Applied Hub::arrive(Session& session, Principal const& principal, Attachment via, Arrival arrival) {
  if (auto const woken = wake(session); !woken) return {woken.error()};
  auto const now = world_.clock.now();
  ConnectionId const id = ++last_connection_;
  auto& connection = connections_[id];
  connection.id = id;
  connection.session = &session;
  connection.principal = principal;
  connection.principal.is_inside = true;
  connection.via = std::move(via);
  connection.connected_us = connection.last_seen_us = now.utc_us;
  connection.shown_seq = session.journal.last_seq();
  if (principal.grant && principal.grant->expires_us != 0) {
    connection.ends_us = now.steady_us + principal.grant->expires_us - now.utc_us;
    guests_.emplace(connection.ends_us, id);
  }
  auto const since = to_cursor(arrival.since, session.journal.epoch());
  if (!arrival.since.empty() && since && session.journal.has_all_since(*since)) {
    arrival.resumes = true;
    connection.shown_seq = since->seq;
    connection.behind = true;
    behind_.push_back(id);
  } else if (connection.via.follows && !is_followed(session)) {
    arrival.missed = missed(session, session.journal.last_seq());
  }
  session.members.push_back(&connection);
  save_later(session);
  if (session.kind == SessionKind::extension && session.host == 0) session.host = id;
  announce(session, EventType::joined, connection);
  connection.shown_fleeting = session.last_fleeting;
  world_.log.write(Level::info, "session.joined",
                   {{"session", session.id},
                    {"user", principal.name},
                    {"connection", to_text(id)},
                    {"address", connection.via.address}});
  auto greeting = connection.via.dialect->greet(session, connection, arrival);
  return {Outcome(Opened{describe(session), id, connection.via.dialect, std::move(greeting), !arrival.is_new}),
          session.batch};
}

void Hub::take_over(Session const& session, Principal const& principal, ConnectionId predecessor) {
  auto const place = connections_.find(predecessor);
  if (predecessor == 0 || place == connections_.end() || place->second.session != &session) return;
  auto& before = place->second;
  auto const token_of = [](Principal const& one) { return one.grant ? one.grant->token_id : std::string(); };
  bool const is_same = before.principal.name == principal.name && before.principal.role == principal.role &&
                       token_of(before.principal) == token_of(principal);
  if (is_same && before.id != session.host) send_away(before, close_taken_over, "taken over by a newer connection");
}

Hub::Applied Hub::apply(Principal const& principal, ListConnections& command, Reply&) {
  auto const found = find(principal, Action::read, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  std::vector<ConnectionInfo> list;
  // Where the others are is nothing that a guest needs.
  bool const tells_all = principal.role != Role::guest;
  for (auto const* member : found.session->members)
    list.push_back({member->id, member->principal.name, std::string(member->via.transport), member->connected_us,
                    member->last_seen_us, tells_all ? member->via.user_agent : std::string(),
                    tells_all ? member->via.address : std::string()});
  std::ranges::sort(list, {}, &ConnectionInfo::id);
  return {Outcome(std::move(list)), found.session->batch};
}

Hub::Applied Hub::apply(Principal const& principal, KickConnection& command, Reply&) {
  auto const found = find(principal, Action::share, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  auto const place = connections_.find(command.connection);
  if (place == connections_.end() || place->second.session != found.session)
    return {error(Code::not_found, "Connection not found")};
  auto const batch = found.session->batch;  // an extension session goes with its browser
  send_away(place->second, close_policy, "kicked");
  return {Outcome(), batch};
}

Hub::Applied Hub::apply(Principal const&, MakeOffer& command, Reply&) {
  auto const found = find_own(Action::write, command.connection);
  if (found.session == nullptr) return found.refusal;
  auto& offer = command.offer;
  bool const is_long =
      std::ranges::any_of(offer.tools, [](std::string const& name) { return name.size() > tool_name_bytes_max; });
  if (offer.tools.size() > offered_tools_max || is_long)
    return {error(Code::too_large, "an offer names at most 100 tools of at most 128 bytes each")};
  connections_.at(command.connection).offer = std::make_unique<Offer>(std::move(offer));
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, Touch& command, Reply&) {
  touch(command.connection);
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, SayGoodbye& command, Reply&) {
  auto* connection = touch(command.connection);
  if (connection == nullptr) return {Outcome()};
  connection->open = false;
  fail_calls(*connection->session, connection->id, 0);
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, Leave& command, Reply&) {
  auto const place = connections_.find(command.connection);
  if (place == connections_.end()) return {Outcome()};
  if (command.is_unheard) place->second.via.follows = false;
  remove(place->second, "left");
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, MoveConnection& command, Reply&) {
  auto const place = connections_.find(command.connection);
  if (place == connections_.end()) return {error(Code::not_found, "Connection not found")};
  place->second.via.framing = command.framing;
  place->second.via.transport = command.transport;
  return {Outcome()};
}

void Hub::send_away(Connection& connection, std::uint16_t code, std::string_view reason) {
  connection.via.outlet->close(code, reason);
  remove(connection, reason);
}

void Hub::remove(Connection& connection, std::string_view reason) {
  Session& session = *connection.session;
  auto const id = connection.id;
  if (connection.ends_us != 0) guests_.erase({connection.ends_us, id});
  std::erase(behind_, id);  // also of one that caught up just now
  std::erase(session.members, &connection);
  if (connection.via.follows && !is_followed(session))
    session.followed_seq = std::max(session.followed_seq, connection.shown_seq);
  fail_calls(session, id, 0);
  use(session, world_.clock.now());
  save_later(session);
  if (!session.ended) announce(session, EventType::left, connection);
  world_.log.write(
      Level::info, "session.disconnected",
      {{"session", session.id}, {"user", connection.principal.name}, {"connection", to_text(id)}, {"reason", reason}});
  connections_.erase(id);
  if (session.host == id && !session.ended) end(session, "left");
}

void Hub::announce(Session& session, EventType type, Connection const& connection) {
  auto const others = session.members.size() - (type == EventType::joined ? 1U : 0U);
  if (others == 0 || session.members.size() > static_cast<std::size_t>(world_.limits.presence_members)) return;
  append_fleeting(session, Event{.at_us = world_.clock.now().utc_us,
                                 .type = type,
                                 .from = connection.id,
                                 .data = to_presence(connection),
                                 .user = connection.principal.name});
}

Connection* Hub::touch(ConnectionId id) {
  auto const place = connections_.find(id);
  if (place == connections_.end()) return nullptr;
  auto const now = world_.clock.now();
  place->second.last_seen_us = now.utc_us;
  use(*place->second.session, now);
  return &place->second;
}

// Whether the browser that an extension session stands for is listening.
bool Hub::has_host(Session const& session) const {
  auto const place = connections_.find(session.host);
  return place != connections_.end() && place->second.open;
}

}  // namespace sojourn

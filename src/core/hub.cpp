#include "core/hub.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/id.h"

namespace sojourn {
namespace {

constexpr std::size_t request_id_digits = 8;
constexpr std::uint16_t close_normal = 1000;

Error not_found() { return error(Code::not_found, "Session not found"); }
Error not_connected() { return error(Code::not_connected, "Session is not connected"); }
Error stopped() { return error(Code::unavailable, "storage failed; the server is stopping"); }

}  // namespace

Hub::Hub(World world) : world_(std::move(world)), memory_limits_(world_.limits) {
  memory_limits_.log_bytes = std::min(world_.limits.log_bytes, world_.limits.memory_log_bytes);
  gathering_.batch.number = 1;
}

void Hub::submit(Principal const& principal, Command command, Reply reply) {
  if (stopped_) {
    // What is gone is gone: nothing may be pushed to its outlet any more.
    if (auto* const leave = std::get_if<Leave>(&command)) apply(principal, *leave, reply);
    if (reply) due_.push_back({std::move(reply), stopped()});
    return;
  }
  auto applied = std::visit([&](auto& c) { return apply(principal, c, reply); }, command);
  if (reply) reply_after(applied.after_batch, std::move(reply), std::move(applied.outcome));
}

Hub::Applied Hub::apply(Principal const& principal, OpenSession& command, Reply&) {
  if (!can(principal, Action::open, nullptr)) return {error(Code::forbidden, "not allowed to open a session")};
  auto const now = world_.clock.now();
  std::array<unsigned char, 4> epoch{};
  world_.random.fill(epoch);
  std::uint32_t const epoch_number =
      epoch[0] | (std::uint32_t{epoch[1]} << 8U) | (std::uint32_t{epoch[2]} << 16U) | (std::uint32_t{epoch[3]} << 24U);
  auto const place = sessions_.emplace(sessions_.end(), mint_id(command.kind), command.kind, epoch_number);
  index_.emplace(place->id, place);
  place->owner = principal.name;
  place->opened_us = now.utc_us;
  ConnectionId const id = command.via.outlet == nullptr ? 0 : ++last_connection_;
  append(*place,
         Event{.at_us = now.utc_us, .type = EventType::opened, .from = id, .name = {}, .data = {}, .request_id = {}});
  Opened opened;
  if (id != 0) {
    place->members.push_back(id);
    auto& connection = connections_[id];
    connection = Connection{
        id, &*place, principal, std::move(command.via), now.utc_us, now.utc_us, place->journal.last_seq(), true};
    opened.connection = id;
    opened.dialect = connection.via.dialect;
    opened.greeting = connection.via.dialect->greet(*place, connection);
  }
  opened.session = describe(*place);
  world_.log.write(Level::info, "session.opened", {{"session", place->id}, {"address", opened.session.address}});
  return {Outcome(std::move(opened)), place->batch};
}

Hub::Applied Hub::apply(Principal const& principal, ListSessions& command, Reply&) {
  if (!can(principal, Action::list, nullptr)) return {error(Code::forbidden, "not allowed to list sessions")};
  std::vector<SessionInfo> list;
  std::uint64_t after_batch = 0;
  for (auto const& session : sessions_) {
    if (session.kind != command.kind || !can(principal, Action::read, &session)) continue;
    if (!session.ended) list.push_back(describe(session));
    after_batch = std::max(after_batch, session.batch);
  }
  return {Outcome(std::move(list)), after_batch};
}

Hub::Applied Hub::apply(Principal const& principal, GetSession& command, Reply&) {
  auto const* session = find(principal, Action::read, command);
  if (session == nullptr) return unknown(command);
  return {Outcome(describe(*session)), session->batch};
}

Hub::Applied Hub::apply(Principal const& principal, CloseSession& command, Reply&) {
  auto* session = find(principal, Action::close, command);
  if (session == nullptr) return unknown(command);
  auto info = describe(*session);
  end(*session);
  return {Outcome(std::move(info)), command.kind == SessionKind::extension ? 0 : gathering_.batch.number};
}

Hub::Applied Hub::apply(Principal const& principal, PostMessage& command, Reply&) {
  auto* const found = find(principal, Action::write, command);
  if (found == nullptr) return unknown(command);
  Session& session = *found;
  if (!session.is_durable() && !has_open_member(session)) return {not_connected()};
  auto const event = append(session, Event{.at_us = world_.clock.now().utc_us,
                                           .type = EventType::message,
                                           .from = 0,
                                           .name = std::move(command.name),
                                           .data = std::move(command.data),
                                           .request_id = {}});
  return {Outcome(Posted{event->seq, event->at_us}), session.batch};
}

Hub::Applied Hub::apply(Principal const& principal, CallSession& command, Reply& reply) {
  auto* const found = find(principal, Action::call, command);
  if (found == nullptr) return unknown(command);
  Session& session = *found;
  if (!has_open_member(session)) return {not_connected()};
  if (session.calls.size() >= static_cast<std::size_t>(world_.limits.calls))
    return {error(Code::too_many, "too many calls of this session wait for an answer; try again when one is done")};
  auto const now = world_.clock.now();
  auto const request_id = mint_request_id();
  append(session, Event{.at_us = now.utc_us,
                        .type = EventType::call,
                        .from = 0,
                        .name = std::move(command.name),
                        .data = std::move(command.data),
                        .request_id = request_id});
  auto const deadline_us = now.steady_us + command.timeout_us;
  calls_.emplace(request_id, PendingCall{session.id, deadline_us, std::move(reply)});
  session.calls.push_back(request_id);
  deadlines_.emplace(deadline_us, request_id);
  reply = {};  // runs when the answer is there
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, Touch& command, Reply&) {
  touch(command.connection);
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, Say& command, Reply&) {
  auto const* connection = touch(command.connection);
  if (connection == nullptr) return {not_connected()};
  if (!can(connection->principal, Action::write, connection->session)) return {not_found()};
  if (connection->session->ended) return {not_found(), connection->session->batch};
  auto const event = append(*connection->session, Event{.at_us = world_.clock.now().utc_us,
                                                        .type = EventType::message,
                                                        .from = connection->id,
                                                        .name = std::move(command.name),
                                                        .data = std::move(command.data),
                                                        .request_id = {}});
  return {Outcome(Posted{event->seq, event->at_us}), connection->session->batch};
}

Hub::Applied Hub::apply(Principal const&, AnswerCall& command, Reply&) {
  auto const* connection = touch(command.connection);
  if (connection == nullptr) return {not_connected()};
  auto const call = calls_.find(command.request_id);
  if (call == calls_.end() || call->second.session_id != connection->session->id) return {Outcome(false)};
  auto const now_us = world_.clock.now().utc_us;
  append(*connection->session, Event{.at_us = now_us,
                                     .type = EventType::answer,
                                     .from = connection->id,
                                     .name = {},
                                     .data = command.success ? "{\"success\":true}" : "{\"success\":false}",
                                     .request_id = command.request_id});
  auto const after_batch = connection->session->batch;
  if (command.success)
    finish_call(command.request_id, Outcome(Answered{command.request_id, std::move(command.data), now_us}),
                after_batch);
  else
    finish_call(command.request_id, error(Code::failed, std::move(command.error)), after_batch);
  return {Outcome(true), after_batch};
}

Hub::Applied Hub::apply(Principal const&, SayGoodbye& command, Reply&) {
  auto* connection = touch(command.connection);
  if (connection == nullptr) return {Outcome()};
  connection->open = false;
  if (!has_open_member(*connection->session)) fail_calls(*connection->session, 0);
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, Leave& command, Reply&) {
  auto const place = connections_.find(command.connection);
  if (place == connections_.end()) return {Outcome()};
  Session& session = *place->second.session;
  connections_.erase(place);
  std::erase(session.members, command.connection);
  if (!has_open_member(session)) fail_calls(session, 0);
  if (session.kind == SessionKind::extension) end(session);
  return {Outcome()};
}

template <typename Target> Session* Hub::find(Principal const& principal, Action action, Target const& target) {
  auto const place = index_.find(target.id);
  if (place == index_.end() || place->second->kind != target.kind || place->second->ended ||
      !can(principal, action, &*place->second))
    return nullptr;
  return &*place->second;
}

// That a session has ended is as much to be committed first as that it began.
template <typename Target> Hub::Applied Hub::unknown(Target const& target) const {
  auto const place = index_.find(target.id);
  return {not_found(), place == index_.end() || !place->second->ended ? 0 : place->second->batch};
}

Connection* Hub::touch(ConnectionId id) {
  auto const place = connections_.find(id);
  if (place == connections_.end()) return nullptr;
  place->second.last_seen_us = world_.clock.now().utc_us;
  return &place->second;
}

bool Hub::has_open_member(Session const& session) const {
  return std::ranges::any_of(session.members, [&](ConnectionId id) { return connections_.at(id).open; });
}

SessionInfo Hub::describe(Session const& session) const {
  SessionInfo info;
  info.id = session.id;
  info.kind = session.kind;
  info.opened_us = session.opened_us;
  info.last_seen_us = session.opened_us;
  for (auto const id : session.members) {
    auto const& connection = connections_.at(id);
    info.last_seen_us = std::max(info.last_seen_us, connection.last_seen_us);
    info.user_agent = connection.via.user_agent;
    info.address = connection.via.address;
    info.device = connection.via.device;
  }
  return info;
}

std::string Hub::mint_id(SessionKind kind) {
  for (;;) {
    auto id = kind == SessionKind::extension ? make_extension_id(world_.random) : make_uuid(world_.random);
    if (!index_.contains(id)) return id;
  }
}

Limits const& Hub::limits_of(Session const& session) const {
  return session.is_durable() ? world_.limits : memory_limits_;
}

EventRef Hub::append(Session& session, Event event) {
  auto kept = session.journal.append(std::move(event));
  if (session.is_durable()) {
    session.batch = gathering_.batch.number;
    gathering_.batch.changes.push_back(Change{session.id, session.kind, session.owner, session.journal.epoch(), kept});
  } else {
    session.visible_seq = kept->seq;
    mark_dirty(session);
  }
  // Nobody misses what falls off: a burst beyond the limits is shown at once, or kept until it may be shown.
  session.journal.trim(limits_of(session), session.shown_seq);
  if (!session.is_durable() && session.journal.is_over(limits_of(session))) show(session);
  return kept;
}

void Hub::mark_dirty(Session& session) {
  if (session.dirty) return;
  session.dirty = true;
  dirty_.push_back(&session);
}

void Hub::end(Session& session) {
  if (!session.is_durable()) return bury(session);
  append(session, Event{.at_us = world_.clock.now().utc_us,
                        .type = EventType::closed,
                        .from = 0,
                        .name = {},
                        .data = {},
                        .request_id = {}});
  session.ended = true;
  fail_calls(session, session.batch);
}

void Hub::bury(Session& session) {
  show(session);
  for (auto const id : session.members) {
    connections_.at(id).via.outlet->close(close_normal, "Session closed");
    connections_.erase(id);
  }
  fail_calls(session, 0);
  world_.log.write(Level::info, "session.closed", {{"session", session.id}});
  std::erase(dirty_, &session);
  auto const place = index_.find(session.id);
  auto const element = place->second;
  index_.erase(place);
  sessions_.erase(element);
}

std::string Hub::mint_request_id() {
  for (;;) {
    auto id = make_hex(world_.random, request_id_digits);
    if (!calls_.contains(id)) return id;
  }
}

void Hub::fail_calls(Session& session, std::uint64_t after_batch) {
  for (auto const& request_id : std::exchange(session.calls, {})) finish_call(request_id, not_connected(), after_batch);
}

void Hub::finish_call(std::string const& request_id, Result<Outcome> outcome, std::uint64_t after_batch) {
  auto const place = calls_.find(request_id);
  std::erase(index_.find(place->second.session_id)->second->calls, request_id);
  deadlines_.erase({place->second.deadline_us, request_id});
  if (place->second.reply) reply_after(after_batch, std::move(place->second.reply), std::move(outcome));
  calls_.erase(place);
}

void Hub::expire_calls(std::int64_t now_us) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_us) {
    auto const request_id = deadlines_.begin()->second;
    finish_call(request_id, error(Code::timeout, "Operation timeout"), 0);
  }
}

}  // namespace sojourn

// What is said into a session, its state, and its log to be read again.
#include "core/talk.h"

#include <algorithm>

#include "core/hub.h"
#include "core/record.h"

namespace sojourn {
namespace {

constexpr std::size_t talk_events_max = 40;
constexpr std::uint64_t events_looked_at_max = 1000;

Error not_connected() { return error(Code::not_connected, "Session is not connected"); }

bool is_talk(Event const& event) {
  return event.type == EventType::message || event.type == EventType::query || event.type == EventType::query_result;
}

}  // namespace

std::vector<EventRef> recent_talk(Session const& session, std::uint64_t seq) {
  std::vector<EventRef> talk;
  seq = std::clamp<std::uint64_t>(seq, 1, session.journal.last_seq() + 1);
  auto const first = std::max(session.journal.first_seq(), seq - std::min(seq, events_looked_at_max));
  while (--seq >= first && talk.size() < talk_events_max) {
    auto event = session.journal.at(seq);
    if (is_talk(*event)) talk.push_back(std::move(event));
  }
  std::ranges::reverse(talk);
  return talk;
}

Hub::Applied Hub::apply(Principal const& principal, PostMessage& command, Reply&) {
  auto const found = find(principal, Action::write, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  if (!found.session->is_durable() && !has_host(*found.session)) return {not_connected()};
  return post(*found.session,
              Event{.at_us = world_.clock.now().utc_us,
                    .name = std::move(command.name),
                    .data = std::move(command.data),
                    .request_id = std::move(command.request_id),
                    .user = principal.name},
              command.is_volatile);
}

Hub::Applied Hub::apply(Principal const& principal, PostToAll& command, Reply&) {
  if (!can(principal, Action::list, nullptr) || principal.scope < Scope::write)
    return {error(Code::forbidden, "not allowed to write to sessions")};
  Told told{0, world_.clock.now().utc_us};
  auto const& all =
      principal.is_admin() ? shelves_.of(SessionKind::shared) : shelves_.of(SessionKind::shared, principal.name);
  // Each session keeps and frames its own.
  if (command.data.size() * all.size() > static_cast<std::size_t>(world_.limits.queues_bytes) / 2)
    return {error(Code::too_large, "the message is too large for so many sessions; send it to one at a time")};
  for (auto* session : all) {
    if (session->members.empty()) continue;
    post(*session,
         Event{.at_us = told.at_us,
               .name = command.name,
               .data = command.data,
               .request_id = command.request_id,
               .user = principal.name},
         false);
    ++told.sessions;
  }
  return {Outcome(told), latest_batch()};
}

Hub::Applied Hub::apply(Principal const&, Say& command, Reply&) {
  auto const found = find_own(Action::write, command.connection);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  auto const& by = connections_.at(command.connection).principal;
  auto const known = command.is_once ? to_once(to_key(by) + '\0' + command.request_id) : std::string();
  if (auto const before = find_said(session, known); before != nullptr) {
    Cursor const cursor{session.journal.epoch(), before->seq};
    return {Outcome(Posted{before->seq, before->at_us, cursor, session.members.size()}), session.batch};
  }
  auto const seq = session.journal.last_seq() + 1;
  bool const is_kept = !known.empty() && !command.is_volatile;
  auto marks = is_kept ? forget_said(session) : std::vector<Mark>();
  if (is_kept) marks.push_back(once_mark(known, seq));
  auto applied = post(session,
                      Event{.at_us = found.at_us,
                            .from = command.connection,
                            .name = std::move(command.name),
                            .data = std::move(command.data),
                            .request_id = std::move(command.request_id),
                            .user = by.name},
                      command.is_volatile, std::move(marks));
  if (is_kept && applied.outcome) (*session.said)[known] = seq;
  return applied;
}

// What was said under that name before, while the log has it.
EventRef Hub::find_said(Session const& session, std::string const& known) {
  if (known.empty() || !session.said) return nullptr;
  auto const place = session.said->find(known);
  return place == session.said->end() ? nullptr : session.journal.at(place->second);
}

// Forgets the names of what has fallen off the log, now and then.
std::vector<Mark> Hub::forget_said(Session& session) const {
  std::vector<Mark> marks;
  if (!session.said) session.said = std::make_unique<std::unordered_map<std::string, std::uint64_t>>();
  auto& said = *session.said;
  if (said.size() <= 2 * static_cast<std::size_t>(world_.limits.log_events)) return marks;
  auto const first = session.journal.first_seq();
  std::erase_if(said, [&](auto const& entry) {
    if (entry.second >= first) return false;
    marks.push_back(once_mark(entry.first, 0));
    return true;
  });
  return marks;
}

Hub::Applied Hub::post(Session& session, Event event, bool is_volatile, std::vector<Mark> marks) {
  auto const at_us = event.at_us;
  auto const epoch = session.journal.epoch();
  if (is_volatile) {
    append_fleeting(session, std::move(event));
    return {Outcome(Posted{0, at_us, {epoch, session.visible_seq}, session.members.size()})};
  }
  if (auto const full = refuse_full(&session)) return *full;
  auto const kept = append(session, std::move(event), std::move(marks));
  return {Outcome(Posted{kept->seq, at_us, {epoch, kept->seq}, session.members.size()}), session.batch};
}

Hub::Applied Hub::apply(Principal const& principal, GetState& command, Reply&) {
  auto const found = command.connection != 0 ? find_own(Action::read, command.connection)
                                             : find(principal, Action::read, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session const& session = *found.session;
  StateView view{{}, session.state.revision(), {session.journal.epoch(), session.journal.last_seq()}};
  if (!command.key) {
    view.value = session.state.text();
    return {Outcome(std::move(view)), session.batch};
  }
  auto const* const entry = session.state.find(*command.key);
  if (entry == nullptr) return {error(Code::not_found, "State key not found: " + *command.key), session.batch};
  view.value = std::make_shared<std::string const>(entry->value);
  view.revision = entry->revision;
  return {Outcome(std::move(view)), session.batch};
}

Hub::Applied Hub::apply(Principal const& principal, ChangeState& command, Reply&) {
  auto const found = command.connection != 0 ? find_own(Action::write, command.connection)
                                             : find(principal, Action::write, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  if (auto const full = refuse_full(&session)) return *full;
  auto const change = session.state.plan(command.edit, world_.limits);
  if (!change) return {change.error(), session.batch};
  auto const& by = command.connection != 0 ? connections_.at(command.connection).principal : principal;
  auto const event = change_state(session, *change,
                                  {.at_us = world_.clock.now().utc_us,
                                   .from = command.connection,
                                   .request_id = std::move(command.request_id),
                                   .user = by.name});
  return {Outcome(Changed{event->seq, {session.journal.epoch(), event->seq}, event->at_us}), session.batch};
}

EventRef Hub::change_state(Session& session, StateChange const& change, Event event) {
  event.type = EventType::state;
  event.data = to_text(change);
  auto const seq = session.journal.last_seq() + 1;
  session.state.apply(change, seq);
  return append(session, std::move(event), state_marks(change, seq));
}

Hub::Applied Hub::apply(Principal const& principal, ReadEvents& command, Reply&) {
  auto const found = find(principal, Action::read, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  auto const& journal = found.session->journal;
  Cursor from{journal.epoch(), journal.first_seq() - 1};
  EventPage page;
  if (!command.since.empty()) {
    auto const since = to_cursor(command.since, journal.epoch());
    if (!since) return {error(Code::invalid, "since is a cursor such as " + to_text(from) + ", or a seq")};
    page.gap = !journal.has_all_since(*since);
    if (!page.gap) from = *since;
  }
  page.cursor = from;
  while (page.cursor.seq < found.session->visible_seq && page.events.size() < command.limit) {
    auto event = journal.at(++page.cursor.seq);
    if (command.request_id.empty() || event->request_id == command.request_id) page.events.push_back(std::move(event));
  }
  page.last_seq = found.session->visible_seq;
  // A token that is used up by this has to be known as such first.
  auto const* const token = principal.grant ? found.session->find_token(principal.grant->token_id) : nullptr;
  bool const is_used_up = token != nullptr && token->single_use && !principal.is_inside;
  return {Outcome(std::move(page)), is_used_up ? found.session->batch : 0};
}

// The session of a connection that asks for itself.
Hub::Found Hub::find_own(Action action, ConnectionId id) {
  auto const* const connection = touch(id);
  if (connection == nullptr) return {nullptr, {not_connected()}};
  Session& session = *connection->session;
  if (session.ended) return {nullptr, {error(Code::not_found, "Session not found"), session.batch}};
  if (can(connection->principal, action, &session)) return {&session, {Outcome()}, connection->last_seen_us};
  return {nullptr,
          {error(Code::forbidden, "this token may only " + std::string(to_word(connection->principal.scope)))}};
}

}  // namespace sojourn

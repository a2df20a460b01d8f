// The upkeep of sessions: what they are used for, forgetting what they said, sweeping, room for new ones.
#include <algorithm>

#include "core/hub.h"
#include "core/record.h"

namespace sojourn {

SessionUse& Hub::note_use(Session& session, Use use) {
  if (!session.use) session.use = std::make_unique<SessionUse>();
  auto& seen = *session.use;
  ++seen.counts[static_cast<std::size_t>(use)];
  if (seen.recent.size() >= SessionUse::recent_max) seen.recent.erase(seen.recent.begin());
  seen.recent.push_back({use, world_.clock.now().utc_us});
  return seen;
}

Hub::Applied Hub::apply(Principal const& principal, NoteUse& command, Reply&) {
  // To look at it is a right of readers; the rest keeps it alive or changes it.
  auto const action = command.use == Use::stats ? Action::read : Action::write;
  auto const found = find(principal, action, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  if (command.use == Use::heartbeat) {
    found.session->active = world_.clock.now();
    save_later(*found.session);
  }
  bool const is_case = command.use == Use::case_opened;
  if (auto const full = refuse_full(found.session); is_case && full) return *full;
  auto const& use = note_use(*found.session, command.use);
  // What else it is used for may be known a little late.
  if (is_case) keep(*found.session, use_mark(*found.session));
  return {Outcome(UseView{describe(*found.session), use}), found.session->batch};
}

Hub::Applied Hub::apply(Principal const& principal, CleanSession& command, Reply&) {
  auto const found = find(principal, Action::write, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  auto& use = note_use(session, Use::cleanup);
  Cleaned cleaned{session.id, use.count(Use::case_opened), session.journal.size(), found.at_us};
  use.counts[static_cast<std::size_t>(Use::case_opened)] = 0;
  use.counts[static_cast<std::size_t>(Use::query)] = 0;
  use.confidence.reset();
  session.cleaned_seq = session.journal.last_seq() + 1;
  append(session,
         Event{.at_us = cleaned.at_us,
               .type = EventType::cleaned,
               .data = "{\"cases\":" + std::to_string(cleaned.cases) + ",\"events\":" + std::to_string(cleaned.events) +
                       "}",
               .user = principal.name},
         {use_mark(session)});
  if (!session.is_durable()) mark_dirty(session);
  return {Outcome(std::move(cleaned)), session.batch};
}

Hub::Applied Hub::apply(Principal const& principal, SweepSessions&, Reply&) {
  if (!can(principal, Action::open, nullptr)) return {error(Code::forbidden, "not allowed to sweep sessions")};
  auto const now = world_.clock.now();
  Swept const swept{expire_sessions(now), now.utc_us};
  return {Outcome(swept), latest_batch()};
}

// Before one more is opened: the least recently used of the owner's sessions that nobody is in gives way.
void Hub::make_room(std::string const& owner) {
  if (world_.sessions_per_user == 0) return;
  for (;;) {
    auto const& shelf = shelves_.of(SessionKind::shared, owner);
    if (shelf.size() < world_.sessions_per_user) return;
    Session* oldest = nullptr;
    for (auto* const session : shelf) {
      bool const is_asked = session->use && !session->use->open_queries.empty();
      bool const is_free = session->members.empty() && !is_asked;
      if (is_free && (oldest == nullptr || session->active.steady_us < oldest->active.steady_us)) oldest = session;
    }
    if (oldest == nullptr) return;
    end(*oldest, "limit");
  }
}

}  // namespace sojourn

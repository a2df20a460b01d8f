// Threads: sessions that remember what was said while nobody followed them.
#include <algorithm>

#include "core/hub.h"

namespace sojourn {
namespace {

constexpr std::size_t missed_max = 50;

}  // namespace

Hub::Applied Hub::apply(Principal const& principal, TakeMissed& command, Reply&) {
  if (!can(principal, Action::open, nullptr)) return {error(Code::forbidden, "not allowed to follow a thread")};
  auto* const session =
      find_alias(SessionKind::shared, SessionWish{.owner = principal.name, .thread_id = command.thread_id});
  if (session == nullptr || is_followed(*session)) return {Outcome(Missed())};
  if (auto const woken = wake(*session); !woken) return {woken.error()};
  // What waits for its commit is missed by whoever comes next.
  auto events = missed(*session, session->visible_seq);
  session->followed_seq = std::max(session->followed_seq, session->visible_seq);
  save_later(*session);
  return {Outcome(Missed{session->id, session->journal.epoch(), std::move(events)})};
}

Hub::Applied Hub::apply(Principal const& principal, ListMissed&, Reply&) {
  if (!principal.is_admin()) return {error(Code::forbidden, "only an admin sees everybody's threads")};
  std::vector<MissedCount> counts;
  for (auto* session : shelves_.of(SessionKind::shared)) {
    if (session->thread_id().empty() || is_followed(*session)) continue;
    if (session->followed_seq >= session->visible_seq || !wake(*session)) continue;
    auto const count = missed(*session, session->visible_seq).size();
    if (count > 0) counts.push_back({session->thread_id(), count});
  }
  return {Outcome(std::move(counts))};
}

bool Hub::is_followed(Session const& session) {
  return std::ranges::any_of(session.members, [](auto const* member) { return member->via.follows; });
}

// Messages up to `last_seq` that nobody who followed was shown.
std::vector<EventRef> Hub::missed(Session const& session, std::uint64_t last_seq) {
  std::vector<EventRef> events;
  if (session.thread_id().empty()) return events;
  auto const first = std::max(session.followed_seq + 1, session.journal.first_seq());
  for (auto seq = last_seq; seq >= first && events.size() < missed_max; --seq) {
    auto event = session.journal.at(seq);
    if (event->type == EventType::message) events.push_back(std::move(event));
  }
  std::ranges::reverse(events);
  return events;
}

}  // namespace sojourn

// Browser sessions that wait for a place: let in when another one ends, or turned away when they have waited too long.
#include <algorithm>

#include "core/hub.h"

namespace sojourn {
namespace {

constexpr std::int64_t second_us = 1'000'000;
// Nobody is told to come back later than that: sessions end at any time.
constexpr std::int64_t retry_s_max = 60;

}  // namespace

bool Hub::has_room() const {
  return world_.browser != nullptr && shelves_.of(SessionKind::browser).size() < world_.browser->capacity();
}

Hub::Applied Hub::wait_for_place(Principal const& principal, OpenSession& command, Reply& reply) {
  // A socket does not wait: it may be gone by the time.
  if (command.via.outlet != nullptr) return {too_many_browsers("a connection does not wait for a place")};
  auto const deadline_us = world_.clock.now().steady_us + world_.browsers.wait_us;
  auto const ticket = admission_.enter(command.wish.owner, deadline_us);
  if (!ticket)
    return {too_many_browsers("the queue is full: " + std::to_string(admission_.size()) + " requests wait in it")};
  waiting_.emplace(*ticket, WaitingOpen{principal, std::move(command), std::exchange(reply, {})});
  return {Outcome()};
}

void Hub::let_in_waiting() {
  while (!stopped_ && !admission_.is_empty() && has_room()) let_in(*admission_.take_next());
}

void Hub::let_in(Admission::Ticket ticket) {
  auto node = waiting_.extract(ticket);
  auto& open = node.mapped();
  auto const client_id = open.command.wish.client_id;
  auto const owner = open.command.wish.owner;
  auto applied = let_in(open.principal, open.command);
  if (open.reply) reply_after(applied.after_batch, std::move(open.reply), std::move(applied.outcome));
  if (client_id.empty()) return;
  // Who asked for the same one has it now and need not wait for a place.
  std::vector<Admission::Ticket> same;
  for (auto const& [other, each] : waiting_) {
    if (each.command.wish.client_id == client_id && each.command.wish.owner == owner) same.push_back(other);
  }
  std::ranges::sort(same);
  for (auto const other : same) {
    admission_.leave(other);
    auto again = waiting_.extract(other);
    auto found = let_in(again.mapped().principal, again.mapped().command);
    if (again.mapped().reply) reply_after(found.after_batch, std::move(again.mapped().reply), std::move(found.outcome));
  }
}

void Hub::turn_away(Admission::Ticket ticket, Error why) {
  auto node = waiting_.extract(ticket);
  if (node.mapped().reply) due_.push_back({std::move(node.mapped().reply), std::move(why)});
}

void Hub::turn_late_away(std::int64_t now_us) {
  while (auto const late = admission_.take_late(now_us)) {
    turn_away(late->ticket, too_many_browsers("after " + std::to_string(world_.browsers.wait_us / second_us) +
                                              " s in the queue this request was number " +
                                              std::to_string(late->position) + " of " + std::to_string(late->waiting)));
  }
}

Error Hub::too_many_browsers(std::string_view about_queue) const {
  auto const now = world_.clock.now();
  auto soonest_us = now.steady_us + retry_s_max * second_us;
  for (auto const* session : shelves_.of(SessionKind::browser))
    soonest_us = std::min(soonest_us, session->expiry->first);
  auto const count = std::to_string(shelves_.of(SessionKind::browser).size());
  auto refusal =
      error(Code::too_many, "as many browser sessions run as may (" + count + "), and " + std::string(about_queue) +
                                "; close one that is not needed any more, or try again");
  refusal.retry_s = std::clamp((soonest_us - now.steady_us + second_us - 1) / second_us, std::int64_t{1}, retry_s_max);
  return refusal;
}

}  // namespace sojourn

#include "core/admission.h"

#include <algorithm>
#include <limits>

namespace sojourn {

std::optional<Admission::Ticket> Admission::enter(std::string const& owner, std::int64_t deadline_us) {
  if (places_.size() >= waiting_max_) return std::nullopt;
  auto const [known, is_new] = by_owner_.try_emplace(owner);
  if (is_new) known->second = lines_.insert(lines_.end(), Line{owner, {}});
  auto const ticket = ++last_ticket_;
  known->second->tickets.push_back(ticket);
  places_.emplace(ticket, Place{known->second, deadline_us});
  deadlines_.emplace(deadline_us, ticket);
  return ticket;
}

std::optional<Admission::Ticket> Admission::take_next() {
  if (lines_.empty()) return std::nullopt;
  auto const line = lines_.begin();
  auto const ticket = line->tickets.front();
  lines_.splice(lines_.end(), lines_, line);
  take_out(ticket);
  return ticket;
}

std::optional<Admission::Late> Admission::take_late(std::int64_t now_us) {
  if (deadlines_.empty() || deadlines_.begin()->first > now_us) return std::nullopt;
  auto const ticket = deadlines_.begin()->second;
  Late const late{ticket, position(ticket), size()};
  take_out(ticket);
  return late;
}

bool Admission::leave(Ticket ticket) {
  if (!places_.contains(ticket)) return false;
  take_out(ticket);
  return true;
}

// In each round before its own every owner who still has one waiting is served once.
std::size_t Admission::position(Ticket ticket) const {
  auto const place = places_.find(ticket);
  if (place == places_.end()) return 0;
  auto const own = place->second.line;
  auto const& tickets = own->tickets;
  auto const rounds = static_cast<std::size_t>(std::ranges::find(tickets, ticket) - tickets.begin());
  std::size_t before = rounds;
  bool is_in_front = true;
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    if (line == own)
      is_in_front = false;
    else
      before += std::min(line->tickets.size(), rounds + (is_in_front ? 1U : 0U));
  }
  return before + 1;
}

std::int64_t Admission::next_deadline_us() const {
  return deadlines_.empty() ? std::numeric_limits<std::int64_t>::max() : deadlines_.begin()->first;
}

void Admission::take_out(Ticket ticket) {
  auto const place = places_.find(ticket);
  auto const line = place->second.line;
  deadlines_.erase({place->second.deadline_us, ticket});
  places_.erase(place);
  std::erase(line->tickets, ticket);
  if (!line->tickets.empty()) return;
  by_owner_.erase(line->owner);
  lines_.erase(line);
}

}  // namespace sojourn

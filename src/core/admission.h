// Who waits for a place and whose turn it is: owners take turns, and each owner's own come in the order they asked, so
// that one who asks for a hundred does not keep the others waiting for them.
// Invariant: bounded; every ticket in it leaves once, by take_next() or take_late(). A value without a clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace sojourn {

class Admission {
 public:
  using Ticket = std::uint64_t;

  // Holds at most `waiting_max`.
  explicit Admission(std::size_t waiting_max) : waiting_max_(waiting_max) {}

  // Nothing when there are too many already.
  std::optional<Ticket> enter(std::string const& owner, std::int64_t deadline_us);

  // Whose turn it is; nothing when nobody waits.
  std::optional<Ticket> take_next();

  struct Late {
    Ticket ticket = 0;
    std::size_t position = 0;  // it had: so many turns to its own, which is counted
    std::size_t waiting = 0;   // so many there were, it is counted
  };
  // One whose deadline has come, the earliest first.
  std::optional<Late> take_late(std::int64_t now_us);

  // Takes one out before its turn. False when it is not there.
  bool leave(Ticket ticket);

  // 0 = it is not there.
  std::size_t position(Ticket ticket) const;
  std::size_t size() const { return places_.size(); }
  bool is_empty() const { return places_.empty(); }
  // INT64_MAX = nobody waits.
  std::int64_t next_deadline_us() const;

 private:
  struct Line {
    std::string owner;
    std::deque<Ticket> tickets;  // never empty
  };
  using Lines = std::list<Line>;  // whose turn it is stands in front
  struct Place {
    Lines::iterator line;
    std::int64_t deadline_us;
  };

  void take_out(Ticket ticket);

  std::size_t waiting_max_;
  Ticket last_ticket_ = 0;
  Lines lines_;
  std::unordered_map<std::string, Lines::iterator> by_owner_;
  std::unordered_map<Ticket, Place> places_;
  std::set<std::pair<std::int64_t, Ticket>> deadlines_;  // soonest first
};

}  // namespace sojourn

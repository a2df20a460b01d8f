// The log of one session: events in order, with cursors "epoch.seq" that name a place in it.
// Invariant: seq counts from 1 without gaps; what falls off the front is the oldest, and a cursor before it is a gap.
// Bounded by events, bytes and age, as trim() is called; at least the newest event stays. The hub's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "core/event.h"

namespace sojourn {

struct Cursor {
  std::uint32_t epoch = 0;
  std::uint64_t seq = 0;  // of the last event seen; 0 = none

  bool operator==(Cursor const&) const = default;
};

std::string to_text(Cursor cursor);

// "epoch.seq", or a bare "seq" of `present_epoch`; anything else is nothing.
std::optional<Cursor> to_cursor(std::string_view text, std::uint32_t present_epoch);

class Journal {
 public:
  explicit Journal(std::uint32_t epoch) : epoch_(epoch) {}

  // Gives the event its seq and keeps it.
  EventRef append(Event event);

  // Whether more is kept than `limits` allow; age counts back from the newest event.
  bool is_over(Limits const& limits) const;

  // Lets the oldest go while the journal is over; what came after `settled_seq` stays all the same.
  void trim(Limits const& limits, std::uint64_t settled_seq);

  // Of a session that was kept: what its log held is elsewhere until wake(). Meanwhile last_seq() alone is right.
  void sleep(std::uint64_t first_seq, std::uint64_t last_seq);
  bool is_asleep() const { return asleep_ > 0; }
  // All of that, in order. False when it is not.
  bool wake(std::vector<EventRef> events);

  // Lets everything before `seq` go.
  void forget_before(std::uint64_t seq);

  std::uint32_t epoch() const { return epoch_; }
  // Places of before are none any more.
  void begin_epoch(std::uint32_t epoch) { epoch_ = epoch; }
  std::uint64_t last_seq() const { return next_seq_ - 1; }
  // Of the oldest event kept; last_seq() + 1 when there is none.
  std::uint64_t first_seq() const { return next_seq_ - size(); }
  std::size_t size() const { return events_.size() - head_; }
  std::size_t bytes() const { return bytes_; }

  // The event at `seq`, or null when it fell off or is not there yet.
  EventRef at(std::uint64_t seq) const;

  // Whether everything after `cursor` is still here.
  bool has_all_since(Cursor cursor) const;

 private:
  void drop_oldest();
  void close_gap();

  std::vector<EventRef> events_;
  std::size_t head_ = 0;  // entries of events_ before it are gone
  std::size_t bytes_ = 0;
  std::uint64_t next_seq_ = 1;
  std::uint64_t asleep_ = 0;  // so many events are elsewhere
  std::uint32_t epoch_;
};

}  // namespace sojourn

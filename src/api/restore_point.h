// What the state of a session was at a point of its log: the point as a client writes it, and the log read again up to
// it. Invariant: what is given back is a state that there was; where the log does not tell it, an error is.
// Values without I/O; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "core/command.h"

namespace sojourn {

// A place in a log: a cursor or a seq, a moment, or with neither its end.
struct RestorePoint {
  std::string place = {};
  std::optional<std::int64_t> at_us = {};  // UTC
};

// "latest", a cursor, a seq (also as a number), or an ISO time. Code::unprocessable names the field.
Result<RestorePoint> parse_restore_point(json::object const& body);

// What there was at a point.
struct Past {
  Cursor cursor;  // of the last event up to it
  json::object state;
  std::uint64_t cases = 0;  // opened until then, as far as the log tells
};

// A log that is read again. `present` is the state as it is now, read before the log.
class Rewind {
 public:
  Rewind(RestorePoint point, StateView present) : point_(std::move(point)), present_(std::move(present)) {}

  // The next page; the first begins where the log does. True when there is more to read.
  bool take(EventPage const& page);

  // After the last page. Code::unprocessable: no such point, seen from `now_us` (UTC); Code::conflict: it can't be
  // told.
  Result<Past> finish(std::int64_t now_us) const;

  // The state as it is now.
  Result<json::object> present() const;
  std::uint64_t revision() const { return present_.revision; }

 private:
  void take(Event const& event);
  bool is_behind(Event const& event) const;
  Result<Cursor> locate(std::int64_t now_us) const;

  RestorePoint point_;
  StateView present_;
  std::uint32_t epoch_ = 0;
  std::uint64_t seq_max_ = UINT64_MAX;  // of a place
  std::uint64_t first_seq_ = 0;         // kept; 0 = none
  std::uint64_t last_seq_ = 0;          // of the log
  std::uint64_t reached_seq_ = 0;       // the last event up to the point
  std::int64_t first_us_ = 0;
  bool has_begun_ = false;
  bool is_whole_ = false;  // nothing is missing from the first event on
  bool is_over_ = false;   // the point has been passed
  json::object state_;
  std::uint64_t cases_ = 0;
};

// The log tells everything since its first event, as far as its oldest page says.
bool is_whole(EventPage const& oldest);

}  // namespace sojourn

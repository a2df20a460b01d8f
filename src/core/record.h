// What is kept of a session beside its log, as marks of the store, and how it becomes a session again:
//   birth      as what it was opened; never changes
//   revision   of its state; state/KEY: each key's own, a space, and the value
//   tokens     those that live
//   once/HASH  what may be said again: its place in the log
//   followed   of a thread: the events up to here were shown to somebody who followed it
//   seen       when it was used last (UTC, us)
//   use        what it was used for
//   seat       of a browser session: where its page is, how often it was called, how long it may live
//   checkpoint of a browser session: what its browser can make it of again, sealed
//   stone      how it ended; then there is nothing else
// Reading is total: what is none of ours is Code::damaged. Pure; the hub's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/session.h"
#include "core/store.h"
#include "core/tombstones.h"

namespace sojourn {

// The server's own record.
inline constexpr std::string_view server_record = "server";
// When it was seen alive (UTC, us).
inline constexpr std::string_view alive_name = "alive";
// That a backup was brought back: places that were told of since it was made are others now.
inline constexpr std::string_view restored_name = "restored";
// What doors note begins so.
inline constexpr std::string_view note_prefix = "note/";

Mark birth_mark(Session const& session);
Mark tokens_mark(Session const& session);
Mark once_mark(std::string_view known, std::uint64_t seq);
Mark followed_mark(Session const& session);
Mark seen_mark(Session const& session);
// None where it was used for nothing that is counted.
Mark use_mark(Session const& session);
Mark seat_mark(Session const& session, Moment now);
Mark checkpoint_mark(std::string sealed);
Mark stone_mark(Tombstone const& tombstone);
inline constexpr std::string_view checkpoint_name = "checkpoint";
// Of what `seq` changed.
std::vector<Mark> state_marks(StateChange const& change, std::uint64_t seq);

// What a record comes to: one of the two. A session's log is asleep; `active` has UTC only, and `ends_us` of a seat
// too.
struct Restored {
  std::unique_ptr<Session> session = {};
  std::string checkpoint = {};  // of a browser session; empty = it has none
  std::optional<Tombstone> stone = {};
};
Result<Restored> read_record(Record record);

// By which what may be said again is found: nobody else's, and no longer than it has to be.
std::string to_once(std::string_view known);

}  // namespace sojourn

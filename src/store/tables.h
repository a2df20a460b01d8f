// The tables of a store as they are written: rows of the log, and what is folded out of them. Each row carries its sum.
// Invariant: what belongs together is in one transaction, begun and committed by the caller. The writer's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/database.h"
#include "store/schema.h"
#include "store/tail.h"

namespace sojourn {

class Tables {
 public:
  // `database` outlives it; `sessions` are in the tables.
  static Result<Tables> open(Database& database, std::uint64_t sessions);

  Result<> begin() { return begin_.with().finish(); }
  Result<> commit() { return commit_.with().finish(); }

  Result<> append_log(std::uint64_t seq, std::string_view body);
  // The rows from `first` on and before `end` go; the log begins with `end`.
  Result<> drop_log(std::uint64_t first, std::uint64_t end);
  Result<> set_fence(std::uint64_t fence) { return set_meta(*database_, "fence", fence); }

  // Brings what came after `row` (null = there is none) into the tables, and gives what they hold now; an id of 0 =
  // nothing. `log_seq`: the last row of the log that is in it.
  Result<Row> fold(std::string const& name, Entry const& entry, Row const* row, std::uint64_t log_seq);
  // Writes how many sessions there are after some were folded.
  Result<> count_sessions() { return set_meta(*database_, "sessions", sessions_); }

 private:
  explicit Tables(Database& database, std::uint64_t sessions) : database_(&database), sessions_(sessions) {}

  Result<> forget(Row const& row);
  Result<> trim(Row& row, std::uint64_t first_seq);
  Result<> add_events(Row& row, Entry const& entry);
  Result<std::string> open_chunk(Row const& row);
  Result<> write_chunk(Row& row, std::uint64_t last_seq, std::string const& body);
  Result<> change_marks(Row& row, Entry const& entry);

  Database* database_;
  std::uint64_t sessions_;
  Statement begin_, commit_, append_log_, drop_log_;
  Statement put_session_, drop_session_;
  Statement change_mark_, add_mark_, drop_mark_, drop_marks_;
  Statement read_chunk_, put_chunk_, trim_chunks_, drop_chunks_;
};

}  // namespace sojourn

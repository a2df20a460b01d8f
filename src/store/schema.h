// What a store's file looks like: its tables, its version, and how it comes from one version to the next.
// Invariant: a file under its own name is whole: it is made beside and then renamed, or changed in one transaction
// after it was copied. Any thread that owns the file.
//
//   meta     single numbers: fence, sessions (how many), log_first (seq of the first row that log may have)
//   log      what was committed, a row for each commit, until it is in the other tables
//   session  one row each; id counts in the order in which they were first kept; folded = the last row of log in it
//   mark     values by name
//   chunk    events, some in a row
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "store/database.h"

namespace sojourn {

// "Sjrn", in each file of ours.
inline constexpr std::uint64_t application_id = 0x536a726e;

// SQL that leads from each version to the next, from nothing on. As many as there are versions.
std::span<std::string const> schema_steps();

// Makes the file, 0600. What an interrupted attempt left goes.
[[nodiscard]] Result<> make_file(Database::Where const& where, std::span<std::string const> steps);

// The version of a file. Code::damaged when it is not ours, or newer than the steps.
Result<std::uint64_t> check_origin(Database& database, std::span<std::string const> steps);

// Code::damaged when the file is not ours, is newer than the steps or has other tables than it should. One that is
// older is copied to FILE.version-N-DATE, then changed.
[[nodiscard]] Result<> check_schema(Database& database, std::span<std::string const> steps);

// One number of meta. Code::damaged when it is not there, or is not what was written.
Result<std::uint64_t> meta(Database& database, std::string_view name);
Result<> set_meta(Database& database, std::string_view name, std::uint64_t number);

}  // namespace sojourn

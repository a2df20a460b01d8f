// Copies of a store's file: made while it is written, checked, and put in its place. Any process that may read it; none
// of them overwrites anything.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "store/database.h"

namespace sojourn {

// A copy of `file` as of one moment, 0600, on the disk when this returns. A server may be using the file: its commits
// go on. Code::conflict when there is something at `to` already; Code::damaged, Code::not_found.
[[nodiscard]] Result<> backup(std::string const& file, std::string const& to);

// Reads everything: every row, its sum, SQLite's own structure. Says what is damaged, at most `max` places; none = it
// is sound. A server may be using the file.
[[nodiscard]] std::vector<std::string> verify(std::string const& file, std::size_t max = 20);

// Puts a copy of `backup` in the place of `file`, if it is sound. What was there is kept beside it, under the name that
// is given back; empty = nothing was there. `prepare` may write to the copy before it has its name; nothing is replaced
// when that fails. What root restores belongs to the folder's owner. Code::unavailable while a server uses the file.
using Prepare = std::function<Result<>(std::string const& draft)>;
[[nodiscard]] Result<std::string> restore(std::string const& backup, std::string const& file,
                                          Prepare const& prepare = {});

// The same as backup() from an open connection.
[[nodiscard]] Result<> copy_database(Database& database, std::string const& to);

}  // namespace sojourn

// A look at the write-ahead log beside a database before SQLite has it. SQLite takes what follows a damaged frame for
// an unfinished write and goes on without it, whatever had been acknowledged; here that is told from a torn last one.
// https://www.sqlite.org/fileformat2.html#walformat. For who owns the file, while nobody has it open.
#pragma once

#include <string>

#include "base/result.h"

namespace sojourn {

// Cuts off what was torn by the last write. Code::damaged when what was acknowledged would be lost: more than one
// commit lies behind the damage. Names the file, the place and what to do.
[[nodiscard]] Result<> check_wal(std::string const& file);

}  // namespace sojourn

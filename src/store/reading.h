// The tables of a store as they are read: all of them when it begins, and pieces of a log later. Nothing is believed:
// each row has its sum, each table what says that none is missing. Code::damaged names the file and the place.
// One thread at a time for a connection.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/store.h"
#include "store/database.h"
#include "store/tail.h"

namespace sojourn {

struct LogRange {
  std::uint64_t first = 1;
  std::uint64_t last = 0;  // first - 1 = it is empty
};

// What the tables hold of each session, with the chunks of their logs, into a tail that is empty.
[[nodiscard]] Result<> read_rows(Database& database, Tail& tail);

// What was committed since into that tail. Gives the rows there are.
Result<LogRange> read_log(Database& database, Tail& tail);

// Each session with its marks, as tail and tables have it together, in the order in which they were first kept.
[[nodiscard]] Result<> read_records(Database& database, Tail const& tail, std::function<void(Record)> const& each);

// Events of a session that the tables hold, one after the other: from `first_seq` on, before `end_seq`, at most
// `limit`.
struct EventRange {
  std::uint64_t session = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t end_seq = 0;
  std::size_t limit = 0;
};
class ChunkReader {
 public:
  static Result<ChunkReader> open(Database& database);
  [[nodiscard]] Result<> read(EventRange const& range, std::vector<EventRef>& events);

 private:
  ChunkReader(std::string file, Statement statement) : file_(std::move(file)), statement_(std::move(statement)) {}

  std::string file_;
  Statement statement_;
};

}  // namespace sojourn

#include "store/tables.h"

#include <algorithm>
#include <utility>

#include "store/checksum.h"
#include "store/row.h"

namespace sojourn {
namespace {

constexpr std::uint64_t chunk_events_max = 64;
constexpr std::size_t chunk_bytes_max = 64 * 1024;
// A chunk that would not fill a page is written again with what follows it.
constexpr std::size_t open_chunk_bytes_max = 3 * 1024;

}  // namespace

Result<Tables> Tables::open(Database& database, std::uint64_t sessions) {
  Tables tables(database, sessions);
  std::pair<Statement*, char const*> const all[] = {
      {&tables.begin_, "BEGIN IMMEDIATE"},
      {&tables.commit_, "COMMIT"},
      {&tables.append_log_, "INSERT INTO log VALUES(?, ?, ?)"},
      {&tables.drop_log_, "DELETE FROM log WHERE seq >= ? AND seq < ?"},
      {&tables.put_session_, "INSERT OR REPLACE INTO session VALUES(?, ?, ?, ?, ?, ?, ?)"},
      {&tables.drop_session_, "DELETE FROM session WHERE id = ?"},
      {&tables.change_mark_, "UPDATE mark SET value = ?, crc = ? WHERE session = ? AND name = ?"},
      {&tables.add_mark_, "INSERT INTO mark VALUES(?, ?, ?, ?)"},
      {&tables.drop_mark_, "DELETE FROM mark WHERE session = ? AND name = ?"},
      {&tables.drop_marks_, "DELETE FROM mark WHERE session = ?"},
      {&tables.read_chunk_, "SELECT last_seq, body, crc FROM chunk WHERE session = ? AND first_seq = ?"},
      {&tables.put_chunk_, "INSERT OR REPLACE INTO chunk VALUES(?, ?, ?, ?, ?)"},
      {&tables.trim_chunks_, "DELETE FROM chunk WHERE session = ? AND first_seq < ? AND last_seq < ?"},
      {&tables.drop_chunks_, "DELETE FROM chunk WHERE session = ?"},
  };
  for (auto const& [statement, sql] : all) {
    auto prepared = database.prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return tables;
}

Result<> Tables::append_log(std::uint64_t seq, std::string_view body) {
  return append_log_.with(seq, body, log_checksum(seq, body)).finish();
}

Result<> Tables::drop_log(std::uint64_t first, std::uint64_t end) {
  if (auto dropped = drop_log_.with(first, end).finish(); !dropped) return dropped;
  return set_meta(*database_, "log_first", end);
}

Result<Row> Tables::fold(std::string const& name, Entry const& entry, Row const* row, std::uint64_t log_seq) {
  Row after = row == nullptr ? Row{} : *row;
  if (entry.forgets && after.id != 0) {
    if (auto forgotten = forget(after); !forgotten) return forgotten.error();
    after = Row{};
  }
  bool const is_new = after.id == 0;
  after.id = entry.id;
  if (entry.id == 0) return after;
  if (auto trimmed = trim(after, entry.first_seq); !trimmed) return trimmed.error();
  if (auto added = add_events(after, entry); !added) return added.error();
  if (auto changed = change_marks(after, entry); !changed) return changed.error();
  after.first_seq = entry.first_seq;
  after.last_seq = entry.last_seq;
  after.folded = log_seq;
  if (after.last_seq == 0 && after.marks == 0) {
    if (!is_new) {
      if (auto forgotten = forget(after); !forgotten) return forgotten.error();
    }
    return Row{};
  }
  if (is_new) ++sessions_;
  auto const sum = session_checksum(name, after);
  auto put =
      put_session_.with(after.id, name, after.first_seq, after.last_seq, after.marks, after.folded, sum).finish();
  if (!put) return put.error();
  return after;
}

Result<> Tables::forget(Row const& row) {
  --sessions_;
  for (auto* const statement : {&drop_marks_, &drop_chunks_, &drop_session_}) {
    if (auto dropped = statement->with(row.id).finish(); !dropped) return dropped;
  }
  return {};
}

Result<> Tables::trim(Row& row, std::uint64_t first_seq) {
  if (row.last_seq == 0 || first_seq <= row.first_seq) return {};
  if (first_seq > row.last_seq) row.open_chunk = 0;
  return trim_chunks_.with(row.id, first_seq, first_seq).finish();
}

Result<> Tables::add_events(Row& row, Entry const& entry) {
  auto event = std::ranges::find_if(entry.events, [&](auto const& each) { return each->seq >= entry.first_seq; });
  if (event == entry.events.end()) return {};
  std::string body;
  if (row.open_chunk != 0 && row.open_bytes < open_chunk_bytes_max &&
      row.last_seq - row.open_chunk + 1 < chunk_events_max) {
    auto open = open_chunk(row);
    if (!open) return open.error();
    body = std::move(*open);
  } else {
    row.open_chunk = (*event)->seq;
  }
  while (event != entry.events.end()) {
    auto const seq = (*event)->seq;
    append(body, **event++);
    bool const is_full = body.size() >= chunk_bytes_max || seq - row.open_chunk + 1 >= chunk_events_max;
    if (!is_full && event != entry.events.end()) continue;
    if (auto written = write_chunk(row, seq, body); !written) return written;
    if (event == entry.events.end()) break;
    body.clear();
    row.open_chunk = seq + 1;
  }
  return {};
}

Result<std::string> Tables::open_chunk(Row const& row) {
  auto const found = read_chunk_.with(row.id, row.open_chunk).next();
  if (!found) return found.error();
  std::string body;
  if (*found) body = read_chunk_.text(1);
  if (!*found || chunk_checksum(row.id, row.open_chunk, read_chunk_.number(0), body) != read_chunk_.number(2) ||
      read_chunk_.number(0) != row.last_seq)
    return damaged(database_->file(),
                   "table chunk, session " + std::to_string(row.id) + ", row " + std::to_string(row.open_chunk));
  read_chunk_.reset();
  return body;
}

Result<> Tables::write_chunk(Row& row, std::uint64_t last_seq, std::string const& body) {
  row.open_bytes = body.size();
  auto const sum = chunk_checksum(row.id, row.open_chunk, last_seq, body);
  return put_chunk_.with(row.id, row.open_chunk, last_seq, body, sum).finish();
}

Result<> Tables::change_marks(Row& row, Entry const& entry) {
  for (auto const& [name, value] : entry.marks) {
    if (!value) {
      if (auto dropped = drop_mark_.with(row.id, name).finish(); !dropped) return dropped;
      row.marks -= database_->changes();
      continue;
    }
    auto const sum = mark_checksum(row.id, name, *value);
    if (row.marks != 0) {
      if (auto changed = change_mark_.with(*value, sum, row.id, name).finish(); !changed) return changed;
      if (database_->changes() != 0) continue;
    }
    if (auto added = add_mark_.with(row.id, name, *value, sum).finish(); !added) return added;
    ++row.marks;
  }
  return {};
}

}  // namespace sojourn

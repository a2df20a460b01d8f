#include "store/reading.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "store/checksum.h"
#include "store/row.h"
#include "store/schema.h"

namespace sojourn {
namespace {

std::string place(std::string_view table, std::uint64_t row) {
  return "table " + std::string(table) + ", row " + std::to_string(row);
}

std::string place(std::string_view table, std::uint64_t session, std::string const& row) {
  return "table " + std::string(table) + ", session " + std::to_string(session) + ", row " + row;
}

// The chunks of all sessions, in their order.
class Chunks {
 public:
  explicit Chunks(Database& database) : file_(database.file()) {
    auto prepared =
        database.prepare("SELECT session, first_seq, last_seq, body, crc FROM chunk ORDER BY session, first_seq");
    if (prepared)
      statement_ = std::move(*prepared);
    else
      failure_ = prepared.error();
    step();
  }

  // Those of one session, which have to reach from the first to the last event of its log.
  Result<> take(Row& row) {
    bool const has_events = row.first_seq <= row.last_seq;
    std::uint64_t end = 0;
    for (; more_ && statement_.number(0) == row.id; step()) {
      auto const first = statement_.number(1), last = statement_.number(2);
      auto const body = statement_.text(3);
      if (first > last || chunk_checksum(row.id, first, last, body) != statement_.number(4) ||
          (end == 0 ? first > row.first_seq : first != end))
        return damaged(file_, place("chunk", row.id, std::to_string(first)));
      end = last + 1;
      row.open_chunk = first;
      row.open_bytes = body.size();
    }
    if (failure_) return *failure_;
    if (end != (has_events ? row.last_seq + 1 : 0))
      return damaged(file_, place("chunk", row.id, std::to_string(end == 0 ? row.first_seq : end)));
    return {};
  }

  Result<> finish() const {
    if (failure_) return *failure_;
    if (more_) return damaged(file_, place("session", statement_.number(0)));
    return {};
  }

 private:
  void step() {
    auto const more = failure_ ? Result<bool>(false) : statement_.next();
    if (!more) failure_ = more.error();
    more_ = more && *more;
  }

  std::string file_;
  Statement statement_;
  std::optional<Error> failure_;
  bool more_ = false;
};

Row row_of(Statement const& statement) {
  Row row;
  row.id = statement.number(0);
  row.first_seq = statement.number(2);
  row.last_seq = statement.number(3);
  row.marks = statement.number(4);
  row.folded = statement.number(5);
  return row;
}

bool is_sound(Row const& row) { return row.id != 0 && row.first_seq != 0 && row.first_seq <= row.last_seq + 1; }

// The tail's part of a record, on top of what the tables have.
void add(Record& record, Tail::Seen const& seen) {
  record.first_seq = seen.first_seq;
  record.last_seq = seen.last_seq;
  if (seen.entries.empty()) return;
  std::map<std::string, std::string> marks(std::make_move_iterator(record.marks.begin()),
                                           std::make_move_iterator(record.marks.end()));
  for (auto const* const entry : seen.entries) {
    for (auto const& [name, value] : entry->marks) {
      if (value)
        marks.insert_or_assign(name, *value);
      else
        marks.erase(name);
    }
  }
  record.marks.assign(std::make_move_iterator(marks.begin()), std::make_move_iterator(marks.end()));
}

bool is_kept(Record const& record) { return record.last_seq != 0 || !record.marks.empty(); }

// The marks of a session, which the statement stands before; `more` = it stands on a row.
Result<> take_marks(Statement& statement, std::string const& file, Row const& row, bool& more, Record& record) {
  std::uint64_t count = 0;
  record.marks.reserve(std::min<std::size_t>(row.marks, 1'000));
  while (more && statement.number(0) == row.id) {
    auto const name = statement.text(1), value = statement.text(2);
    if (mark_checksum(row.id, name, value) != statement.number(3))
      return damaged(file, place("mark", row.id, std::string(name)));
    record.marks.emplace_back(name, value);
    ++count;
    auto const next = statement.next();
    if (!next) return next.error();
    more = *next;
  }
  if (count != row.marks) return damaged(file, place("mark", row.id, "of " + std::to_string(row.marks)));
  return {};
}

}  // namespace

Result<> read_rows(Database& database, Tail& tail) {
  auto const expected = meta(database, "sessions");
  if (!expected) return expected.error();
  auto statement =
      database.prepare("SELECT id, name, first_seq, last_seq, marks, folded, crc FROM session ORDER BY id");
  if (!statement) return statement.error();
  tail.expect_rows(std::min<std::size_t>(*expected, 1'000'000));  // believed as far as that
  Chunks chunks(database);
  while (true) {
    auto const more = statement->next();
    if (!more) return more.error();
    if (!*more) break;
    auto row = row_of(*statement);
    std::string name(statement->text(1));
    if (session_checksum(name, row) != statement->number(6) || !is_sound(row))
      return damaged(database.file(), place("session", row.id));
    if (auto taken = chunks.take(row); !taken) return taken;
    if (!tail.add_row(std::move(name), row)) return damaged(database.file(), place("session", row.id));
  }
  if (tail.row_count() != *expected)
    return damaged(database.file(), "table session, which has " + std::to_string(tail.row_count()) + " rows of " +
                                        std::to_string(*expected) + ",");
  return chunks.finish();
}

Result<LogRange> read_log(Database& database, Tail& tail) {
  // A last row that went missing is seen in the bookkeeping of its page only.
  auto check = database.prepare("PRAGMA quick_check(log)");
  if (!check) return check.error();
  auto const checked = check->next();
  if (!checked) return checked.error();
  if (!*checked || check->text(0) != "ok")
    return damaged(database.file(), "table log (" + (*checked ? finding(check->text(0)) : "unreadable") + ")");
  check->reset();
  auto const first = meta(database, "log_first");
  if (!first) return first.error();
  auto statement = database.prepare("SELECT seq, body, crc FROM log ORDER BY seq");
  if (!statement) return statement.error();
  LogRange range{*first, *first - 1};
  while (true) {
    auto const more = statement->next();
    if (!more) return more.error();
    if (!*more) return range;
    auto const seq = statement->number(0);
    auto const body = statement->text(1);
    auto const changes = parse_changes(body);
    if (seq != range.last + 1 || log_checksum(seq, body) != statement->number(2) || !changes)
      return damaged(database.file(), place("log", range.last + 1));
    range.last = seq;
    for (auto const& change : *changes) {  // none in one that only raised the fence
      if (!tail.apply(change, seq, body.size() / changes->size())) return damaged(database.file(), place("log", seq));
    }
  }
}

Result<> read_records(Database& database, Tail const& tail, std::function<void(Record)> const& each) {
  auto sessions = database.prepare("SELECT id, name FROM session ORDER BY id");
  auto marks = database.prepare("SELECT session, name, value, crc FROM mark ORDER BY session, name");
  if (!sessions || !marks) return sessions ? marks.error() : sessions.error();
  auto const first = marks->next();
  if (!first) return first.error();
  bool more = *first;
  while (true) {
    auto const session = sessions->next();
    if (!session) return session.error();
    if (!*session) break;
    Record record;
    record.session_id = sessions->text(1);
    auto const seen = tail.see(record.session_id);
    if (seen.held == nullptr || seen.held->id != sessions->number(0))
      return damaged(database.file(), place("session", sessions->number(0)));
    if (auto taken = take_marks(*marks, database.file(), *seen.held, more, record); !taken) return taken;
    if (seen.row == nullptr) continue;
    add(record, seen);
    if (is_kept(record)) each(std::move(record));
  }
  if (more) return damaged(database.file(), place("session", marks->number(0)));
  for (auto const& name : tail.newcomers()) {
    Record record;
    record.session_id = name;
    add(record, tail.see(name));
    if (is_kept(record)) each(std::move(record));
  }
  return {};
}

Result<ChunkReader> ChunkReader::open(Database& database) {
  auto statement = database.prepare(
      "SELECT first_seq, last_seq, body, crc FROM chunk WHERE session = ?1 AND first_seq >= "
      "ifnull((SELECT max(first_seq) FROM chunk WHERE session = ?1 AND first_seq <= ?2), 0) AND first_seq < ?3 "
      "ORDER BY first_seq");
  if (!statement) return statement.error();
  return ChunkReader(database.file(), std::move(*statement));
}

Result<> ChunkReader::read(EventRange const& range, std::vector<EventRef>& events) {
  auto const limit = events.size() + range.limit;
  statement_.with(range.session, range.first_seq, range.end_seq);
  std::uint64_t end = 0;
  while (events.size() < limit) {
    auto const more = statement_.next();
    if (!more) return more.error();
    if (!*more) break;
    auto const first = statement_.number(0), last = statement_.number(1);
    auto const body = statement_.text(2);
    auto const found = parse_events(body);
    if (!found || chunk_checksum(range.session, first, last, body) != statement_.number(3) ||
        (end != 0 && first != end) || found->size() != last - first + 1)
      return damaged(file_, place("chunk", range.session, std::to_string(first)));
    end = last + 1;
    for (auto const& event : *found) {
      if (event->seq >= range.first_seq && event->seq < range.end_seq && events.size() < limit) events.push_back(event);
    }
  }
  statement_.reset();
  return {};
}

}  // namespace sojourn

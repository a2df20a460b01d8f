#include "store/copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/id.h"
#include "base/random.h"
#include "base/time.h"
#include "store/file.h"
#include "store/reading.h"
#include "store/row.h"
#include "store/schema.h"
#include "store/wal.h"

namespace sojourn {
namespace {

// What may stand beside a file that is used.
constexpr auto companions = {"-journal", "-wal", "-shm", ".lock"};

// A reader that finds the file as somebody's commits left it.
Result<Database> open_to_read(std::string const& file) {
  if (!has_file(file)) return error(Code::not_found, file + " is not there");
  auto database = Database::open({file}, Database::Access::read);
  if (database) sqlite3_busy_timeout(database->raw(), 5000);
  return database;
}

Result<> fill(Database& from, std::string const& draft) {
  auto to = Database::open({draft});
  if (!to) return to.error();
  auto* const run = sqlite3_backup_init(to->raw(), "main", from.raw(), "main");
  if (run == nullptr) return to->failure("backup", sqlite3_errcode(to->raw()));
  // All at once: between two steps a commit would send it back to the start.
  auto const code = sqlite3_backup_step(run, -1);
  sqlite3_backup_finish(run);
  if (code != SQLITE_DONE) return to->failure("backup", code);
  return {};
}

// A file by itself, with nothing beside it.
Result<> detach(std::string const& file) {
  {
    auto database = Database::open({file});
    if (!database) return database.error();
    if (auto changed = database->run("PRAGMA journal_mode = DELETE"); !changed) return changed;
  }
  for (auto const* const companion : companions) remove_file(file + companion);
  return {};
}

// Whoever runs the server may not be who restores.
void give_to_owner_of_folder(std::string const& file) {
  struct stat folder {};
  auto const path = std::filesystem::absolute(file).parent_path().string();
  if (::geteuid() != 0 || ::stat(path.c_str(), &folder) != 0) return;
  for (auto const* const ending : {"", ".lock"}) {
    if (::lchown((file + ending).c_str(), folder.st_uid, folder.st_gid) != 0) return;  // as root: it is not there
  }
}

// The rows of SQLite's own check that are not "ok".
void check_structure(Database& database, std::size_t max, std::vector<std::string>& damages) {
  auto check = database.prepare("PRAGMA integrity_check(" + std::to_string(max) + ")");
  if (!check) return damages.push_back(check.error().message);
  while (true) {
    auto const more = check->next();
    if (!more) damages.push_back(more.error().message);
    if (!more || !*more) return;
    if (check->text(0) != "ok") damages.push_back(database.file() + ": " + finding(check->text(0)));
  }
}

// Every chunk can be read, too.
Result<> check_events(Database& database, Tail const& tail, std::vector<Record> const& records) {
  auto reader = ChunkReader::open(database);
  if (!reader) return reader.error();
  for (auto const& record : records) {
    auto const* const row = tail.row(record.session_id);
    if (row == nullptr) continue;
    for (auto seq = row->first_seq; seq <= row->last_seq;) {
      std::vector<EventRef> events;
      if (auto read = reader->read({row->id, seq, row->last_seq + 1, 1000}, events); !read) return read;
      if (events.empty() || events.front()->seq != seq)
        return damaged(database.file(),
                       "table chunk, session " + std::to_string(row->id) + ", row " + std::to_string(seq));
      seq = events.back()->seq + 1;
    }
  }
  return {};
}

// What was acknowledged last, as far as its server noted it: it has to be there. A server that runs looked for itself.
Result<std::uint64_t> look_beside(std::string const& file) {
  auto const lock_file = file + ".lock";
  if (!has_file(lock_file)) return std::uint64_t{0};
  auto const lock = FileLock::take(lock_file);
  if (!lock) return std::uint64_t{0};
  if (auto checked = check_wal(file); !checked) return checked.error();
  return lock->noted();
}

Result<> check_rows(Database& database, std::uint64_t noted) {
  // One moment for all tables.
  if (auto begun = database.run("BEGIN"); !begun) return begun;
  auto const version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version != schema_steps().size()) return {};
  Tail tail;
  std::vector<Record> records;
  if (auto read = read_rows(database, tail); !read) return read;
  auto const log = read_log(database, tail);
  if (!log) return log.error();
  if (log->last < noted)
    return damaged(database.file(), "table log, row " + std::to_string(noted) + ", which was acknowledged,");
  auto const keep = [&](Record record) { records.push_back(std::move(record)); };
  if (auto read = read_records(database, tail, keep); !read) return read;
  return check_events(database, tail, records);
}

Result<> rename_file(std::string const& from, std::string const& to) {
  std::error_code failed;
  std::filesystem::rename(from, to, failed);
  if (failed) return error(Code::cannot_create, "can't rename " + from + ": " + failed.message());
  return {};
}

}  // namespace

Result<> copy_database(Database& database, std::string const& to) {
  if (has_file(to)) return error(Code::conflict, to + " is there already, and is not overwritten");
  Random random;
  auto const draft = to + "." + make_hex(random, 8) + ".new";
  if (auto made = make_private_file(draft); !made) return made;
  auto filled = fill(database, draft);
  if (filled) filled = detach(draft);
  if (filled) filled = publish_file(draft, to);
  if (!filled) remove_file(draft);
  return filled;
}

Result<> backup(std::string const& file, std::string const& to) {
  // One that nobody uses is only worth a copy if it is whole; a server that runs has seen to that.
  if (has_file(file + ".lock") && FileLock::take(file + ".lock")) {
    if (auto const damages = verify(file, 1); !damages.empty()) return error(Code::damaged, damages.front());
  }
  auto database = open_to_read(file);
  if (!database) return database.error();
  if (auto origin = check_origin(*database, schema_steps()); !origin) return origin.error();
  return copy_database(*database, to);
}

std::vector<std::string> verify(std::string const& file, std::size_t max) {
  std::vector<std::string> damages;
  if (!has_file(file)) return {file + " is not there"};
  auto const noted = look_beside(file);
  if (!noted) return {noted.error().message};
  auto database = open_to_read(file);
  if (!database) return {database.error().message};
  if (auto origin = check_origin(*database, schema_steps()); !origin) return {origin.error().message};
  check_structure(*database, max, damages);
  if (auto checked = check_rows(*database, *noted); !checked) damages.push_back(checked.error().message);
  if (damages.size() > max) damages.resize(max);
  return damages;
}

Result<std::string> restore(std::string const& backup, std::string const& file, Prepare const& prepare) {
  auto const lock = FileLock::take(file + ".lock");
  if (!lock) return lock.error();
  if (auto const damages = verify(backup, 1); !damages.empty())
    return error(Code::damaged, "the backup is not sound, and nothing was changed: " + damages.front());
  auto const draft = file + ".restored";
  for (auto const* const companion : companions) remove_file(draft + companion);
  remove_file(draft);
  if (auto copied = sojourn::backup(backup, draft); !copied) return copied.error();
  auto prepared = prepare ? prepare(draft) : Result<>();
  if (prepared) prepared = detach(draft);
  if (!prepared) remove_file(draft);
  if (!prepared) return prepared.error();
  std::string kept;
  // The log goes first: a file without its log is an older one, a log with another's file is nonsense.
  for (auto const* const ending : {"-shm", "-wal", ""}) {
    if (!has_file(file + ending)) continue;
    if (kept.empty()) kept = file + ".before-" + to_iso_ms(Clock().now().utc_us);
    if (auto renamed = rename_file(file + ending, kept + ending); !renamed) return renamed.error();
  }
  lock->note(0);  // it goes back to what was acknowledged before
  if (auto published = publish_file(draft, file); !published) return published.error();
  give_to_owner_of_folder(file);
  return kept;
}

}  // namespace sojourn

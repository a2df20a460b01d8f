#include "store/schema.h"

#include <array>
#include <vector>

#include "base/time.h"
#include "store/checksum.h"
#include "store/copy.h"
#include "store/file.h"

namespace sojourn {
namespace {

std::array<std::string, 1> const present_steps{
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER, crc INTEGER) WITHOUT ROWID;"
    "CREATE TABLE log(seq INTEGER PRIMARY KEY, body BLOB, crc INTEGER);"
    "CREATE TABLE session(id INTEGER PRIMARY KEY, name BLOB, first_seq INTEGER, last_seq INTEGER, marks INTEGER, "
    "folded INTEGER, crc INTEGER);"
    "CREATE TABLE mark(session INTEGER, name BLOB, value BLOB, crc INTEGER, PRIMARY KEY(session, name)) WITHOUT ROWID;"
    "CREATE TABLE chunk(session INTEGER, first_seq INTEGER, last_seq INTEGER, body BLOB, crc INTEGER, "
    "PRIMARY KEY(session, first_seq)) WITHOUT ROWID;",
};

Error refuse(Database const& database, std::string const& what) {
  return error(Code::damaged, database.file() + ": " + what + "; restore a backup with `sojourn restore BACKUP`");
}

// Each table's name and its SQL.
Result<std::string> tables_of(Database& database) {
  auto statement = database.prepare("SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema ORDER BY rowid");
  if (!statement) return statement.error();
  std::string text;
  while (true) {
    auto const more = statement->next();
    if (!more) return more.error();
    if (!*more) return text;
    for (int column = 0; column < 4; ++column) text += std::string(statement->text(column)) + "\n";
  }
}

// One transaction from version `from` to the last.
Result<> climb(Database& database, std::uint64_t from, std::span<std::string const> steps) {
  std::string sql = "BEGIN IMMEDIATE;";
  for (auto const& step : steps.subspan(from)) sql += step;
  sql += "PRAGMA user_version = " + std::to_string(steps.size()) + ";";
  sql += "PRAGMA application_id = " + std::to_string(application_id) + ";";
  return database.run(sql + "COMMIT");
}

Result<> migrate(Database& database, std::uint64_t from, std::span<std::string const> steps) {
  auto const now = to_iso_ms(Clock().now().utc_us);
  auto copied = copy_database(database, database.file() + ".version-" + std::to_string(from) + "-" + now);
  if (!copied) return copied;
  return climb(database, from, steps);
}

Result<> fill(Database::Where const& where, std::span<std::string const> steps) {
  auto database = Database::open(where);
  if (!database) return database.error();
  if (auto climbed = climb(*database, 0, steps); !climbed) return climbed;
  for (auto const* const name : {"fence", "sessions"}) {
    if (auto set = set_meta(*database, name, 0); !set) return set;
  }
  return set_meta(*database, "log_first", 1);
}

}  // namespace

std::span<std::string const> schema_steps() { return present_steps; }

Result<> make_file(Database::Where const& where, std::span<std::string const> steps) {
  auto const draft = where.file + ".new";
  for (auto const* const ending : {"", "-journal", "-wal", "-shm"}) remove_file(draft + ending);
  if (auto made = make_private_file(draft); !made) return made;
  if (auto filled = fill({draft, where.vfs}, steps); !filled) return filled;
  return publish_file(draft, where.file);
}

Result<std::uint64_t> check_origin(Database& database, std::span<std::string const> steps) {
  auto const application = database.number("PRAGMA application_id");
  auto const version = database.number("PRAGMA user_version");
  if (!application || !version) return application ? version.error() : application.error();
  if (*application != application_id) return refuse(database, "is no file of Sojourn, or its first page is damaged");
  if (*version > steps.size())
    return refuse(database, "was written by a newer version (its format is " + std::to_string(*version) +
                                ", this one reads up to " + std::to_string(steps.size()) + "); start that version");
  return *version;
}

Result<> check_schema(Database& database, std::span<std::string const> steps) {
  auto const version = check_origin(database, steps);
  if (!version) return version.error();
  if (*version < steps.size()) {
    if (auto migrated = migrate(database, *version, steps); !migrated) return migrated;
  }
  auto pattern = Database::open({":memory:"});
  if (!pattern) return pattern.error();
  if (auto climbed = climb(*pattern, 0, steps); !climbed) return climbed;
  auto const expected = tables_of(*pattern);
  auto const found = tables_of(database);
  if (!expected || !found) return found ? expected.error() : found.error();
  if (*expected != *found) return refuse(database, "its table of tables (page 1) is not as this version writes it");
  return {};
}

Result<> set_meta(Database& database, std::string_view name, std::uint64_t number) {
  auto statement = database.prepare("INSERT OR REPLACE INTO meta VALUES(CAST(? AS TEXT), ?, ?)");
  if (!statement) return statement.error();
  return statement->with(name, number, meta_checksum(name, number)).finish();
}

Result<std::uint64_t> meta(Database& database, std::string_view name) {
  auto statement = database.prepare("SELECT value, crc FROM meta WHERE name = CAST(? AS TEXT)");
  if (!statement) return statement.error();
  auto const found = statement->with(name).next();
  if (!found) return found.error();
  if (!*found || meta_checksum(name, statement->number(0)) != statement->number(1))
    return damaged(database.file(), "table meta, row " + std::string(name));
  return statement->number(0);
}

}  // namespace sojourn

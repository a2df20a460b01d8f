#include "store/database.h"

#include <utility>

namespace sojourn {
namespace {

Code code_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
    case SQLITE_ERROR:  // a table or a column is not there
    case SQLITE_SCHEMA:
      return Code::damaged;
    case SQLITE_FULL:
      return Code::storage_full;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Code::cannot_create;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::unavailable;
    default:
      return Code::internal;
  }
}

Error describe(std::string const& file, std::string_view doing, int code, char const* why) {
  auto message = file + ": " + std::string(doing) + ": " + why;
  if (code_of(code) == Code::damaged)
    message += " (" + std::string(sqlite3_errstr(code)) + "); restore a backup with `sojourn restore BACKUP`";
  return error(code_of(code), std::move(message));
}

}  // namespace

Error damaged(std::string const& file, std::string const& place) {
  return error(Code::damaged,
               file + ": " + place + " is damaged or missing; restore a backup with `sojourn restore BACKUP`");
}

std::string finding(std::string_view said) {
  constexpr std::string_view head = "*** in database main ***\n";
  if (said.starts_with(head)) said.remove_prefix(head.size());
  std::string line;
  for (char const c : said) {
    if (c == '\n')
      line += "; ";
    else
      line += c;
  }
  return line;
}

Result<Database> Database::open(Where const& where, Access access) {
  sqlite3* raw = nullptr;
  int const flags = (access == Access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
  auto const code = sqlite3_open_v2(where.file.c_str(), &raw, flags, where.vfs.empty() ? nullptr : where.vfs.c_str());
  Database database(where.file, raw);
  if (code != SQLITE_OK) return database.failure("can't be opened", code);
  // What is kept is never trusted to call anything, and a cell beyond its page is seen at once.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto set = database.run("PRAGMA cell_size_check = ON"); !set) return set.error();
  return database;
}

Error Database::failure(std::string_view doing, int code) const {
  return describe(file_, doing, code, raw_ ? sqlite3_errmsg(raw_.get()) : sqlite3_errstr(code));
}

Result<> Database::run(std::string const& sql) {
  auto const code = sqlite3_exec(raw_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(sql, code);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  Statement statement;
  sqlite3_stmt* raw = nullptr;
  auto const code = sqlite3_prepare_v3(raw_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                       &raw, nullptr);
  statement.raw_.reset(raw);
  statement.file_ = file_;
  if (code != SQLITE_OK) return failure(sql, code);
  return statement;
}

Result<std::uint64_t> Database::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  auto const found = statement->next();
  if (!found) return found.error();
  return *found ? statement->number(0) : 0;
}

Result<bool> Statement::next() {
  auto const code = sqlite3_step(raw_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  auto failure = describe(file_, sqlite3_sql(raw_.get()), code, sqlite3_errmsg(sqlite3_db_handle(raw_.get())));
  sqlite3_reset(raw_.get());
  return failure;
}

Result<> Statement::finish() {
  auto const more = next();
  if (!more) return more.error();
  reset();
  return {};
}

std::string_view Statement::text(int column) const {
  auto const* const bytes = static_cast<char const*>(sqlite3_column_blob(raw_.get(), column));
  auto const size = static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), column));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

// A view without bytes would be NULL instead of an empty blob.
void Statement::bind(int at, std::string_view bytes) {
  sqlite3_bind_blob64(raw_.get(), at, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
}

void Statement::bind(int at, std::uint64_t number) {
  sqlite3_bind_int64(raw_.get(), at, static_cast<sqlite3_int64>(number));
}

}  // namespace sojourn

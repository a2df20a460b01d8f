// SQLite in the words of the house: a connection to a file, and statements that were prepared once. Every failure is
// an Error that says what was being done, to which file, and why it did not work.
// Code::damaged: what is in the file is not as it should be, or the disk can't give it. Code::storage_full: no room.
// Code::cannot_create: the file can't be written here. One thread at a time for a connection and its statements.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sojourn {

class Statement;

// Says that something in a file is not what was written there, and what to do about it.
Error damaged(std::string const& file, std::string const& place);
// What a check of SQLite found, on one line.
std::string finding(std::string_view said);

class Database {
 public:
  struct Where {
    std::string file;
    std::string vfs = {};  // empty = SQLite's own
  };

  enum class Access : std::uint8_t { write, read };

  // The file is there already, or FILE ":memory:".
  static Result<Database> open(Where const& where, Access access = Access::write);

  // Runs statements that give nothing.
  Result<> run(std::string const& sql);
  Result<Statement> prepare(std::string_view sql);
  // The first value that a statement gives; 0 when it gives none.
  Result<std::uint64_t> number(std::string_view sql);
  // Rows that the last statement changed.
  std::uint64_t changes() const { return static_cast<std::uint64_t>(sqlite3_changes64(raw_.get())); }

  std::string const& file() const { return file_; }
  sqlite3* raw() const { return raw_.get(); }
  // What `code` of SQLite means for what was being done.
  Error failure(std::string_view doing, int code) const;

 private:
  struct Close {
    void operator()(sqlite3* raw) const { sqlite3_close_v2(raw); }
  };

  Database(std::string file, sqlite3* raw) : file_(std::move(file)), raw_(raw) {}

  std::string file_;
  std::unique_ptr<sqlite3, Close> raw_;
};

class Statement {
 public:
  Statement() = default;

  // Begins anew with these values, numbers and texts (as bytes) in the order of the parameters. A text stays as it is
  // until the statement was finished or begun again.
  template <typename... Values> Statement& with(Values const&... values) {
    sqlite3_reset(raw_.get());
    int at = 0;
    (bind(++at, values), ...);
    return *this;
  }
  // Whether there is another row.
  Result<bool> next();
  // To the end, for a statement that gives nothing.
  Result<> finish();
  // Lets go of what it reads, so that nobody waits for it.
  void reset() { sqlite3_reset(raw_.get()); }

  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(raw_.get(), column));
  }
  // Until the next row.
  std::string_view text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* raw) const { sqlite3_finalize(raw); }
  };

  void bind(int at, std::uint64_t number);
  void bind(int at, std::string_view bytes);

  std::string file_;
  std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

}  // namespace sojourn

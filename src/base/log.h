// Structured log: one event is one JSON line with a time, a level, a name and fields.
// Values are escaped and cut at 4 KiB, so that no input can forge a line; fields that carry secrets are never given to
// it. Lines wait for the next flush, or for a warning; then a thread of the log's own writes them. When that falls
// behind the oldest give way. Any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/time.h"

namespace sojourn {

enum class Level : std::uint8_t { debug, info, warn, error };

std::optional<Level> to_level(std::string_view word);

struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool> value;

  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, std::string const& v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, char const* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, std::int64_t v) : name(n), value(v) {}
  Field(std::string_view n, int v) : name(n), value(std::int64_t{v}) {}
  Field(std::string_view n, bool v) : name(n), value(v) {}
};

class Log {
 public:
  // Writes lines of `level` and above to standard error.
  explicit Log(Level level);
  // Writes nothing; for tests.
  Log();
  ~Log();
  Log(Log const&) = delete;
  Log& operator=(Log const&) = delete;

  bool shows(Level level) const { return sink_ != nullptr && level >= level_; }
  void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
  // Hands on what waits: to be called at the end of each loop iteration.
  void flush();

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
  Level level_ = Level::error;
  Clock clock_;
};

// The line of one event, without its line end.
std::string to_log_line(Moment at, Level level, std::string_view event, std::initializer_list<Field> fields);

}  // namespace sojourn

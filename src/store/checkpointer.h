// Brings the write-ahead log into the database on a thread of its own, so that a commit never waits for it. What was
// written meanwhile is little; the writer brings that in itself, and the log begins anew.
// Invariant: two never do it at once. The writer's thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "store/database.h"

namespace sojourn {

class Checkpointer {
 public:
  // `database` is a connection of its own.
  explicit Checkpointer(Database database);
  ~Checkpointer();
  Checkpointer(Checkpointer const&) = delete;
  Checkpointer& operator=(Checkpointer const&) = delete;

  // Before a commit. `writer` is the connection that commits, its log `pages` long. An error means that nothing may be
  // committed any more: what the disk took is not known.
  [[nodiscard]] Result<> look(Database& writer, std::uint64_t pages);

 private:
  enum class Stage : std::uint8_t { idle, asked, done };

  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  Stage stage_ = Stage::idle;     // under mutex_
  bool ending_ = false;           // under mutex_
  std::optional<Error> failure_;  // under mutex_
  std::uint64_t begun_pages_ = 0;
  Database database_;
  std::thread thread_;
};

// All of it that nobody reads. Somebody else's reading or checkpoint is no error.
[[nodiscard]] Result<> checkpoint(Database& database);

}  // namespace sojourn

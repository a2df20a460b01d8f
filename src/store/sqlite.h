// Keeps sessions in one SQLite file, log-structured: a commit appends one row for all the batches that wait, and is
// done when that is on the disk; in the background the log is folded into tables, and its beginning dropped. Invariant:
// `done` without an error means that a power cut does not lose it; after the first failure of the disk nothing is
// written any more. Writes on a thread of its own; all calls on the hub's.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/store.h"
#include "store/checkpointer.h"
#include "store/database.h"
#include "store/file.h"
#include "store/reading.h"
#include "store/room.h"
#include "store/schema.h"
#include "store/tables.h"
#include "store/tail.h"

namespace sojourn {

class SqliteStore final : public Store {
 public:
  // Runs a function on the hub's thread in a later loop iteration; called from any thread.
  using Post = std::function<void(std::function<void()>)>;

  // When what was committed is folded into the tables, and how much of it at a time.
  struct Pace {
    std::size_t changes_max = 50'000;
    std::size_t bytes_max = std::size_t{16} * 1024 * 1024;
    std::chrono::milliseconds age_max{5'000};
    std::size_t slice = 128;  // changes in one commit
  };

  struct Settings {
    std::string file;
    std::uint64_t reserve_bytes = std::uint64_t{64} * 1024 * 1024;
    std::function<std::uint64_t()> free_bytes = {};  // in the file's folder; empty = asks the system
    Pace pace = {};
    std::string vfs = {};  // SQLite's name of what it does its writing with
    std::span<std::string const> schema = schema_steps();
  };

  // Makes the file when there is none. Code::damaged, Code::unavailable (another one has it), Code::cannot_create, all
  // saying which file, why, and what to do.
  static Result<std::unique_ptr<SqliteStore>> open(Settings settings, Post post);
  // What waits is committed first.
  ~SqliteStore() override;
  SqliteStore(SqliteStore const&) = delete;
  SqliteStore& operator=(SqliteStore const&) = delete;

  Result<> load(std::function<void(Record)> each) override;
  // It may have events already whose `done` is on its way.
  Result<std::vector<EventRef>> read(std::string_view session_id, std::uint64_t since_seq, std::size_t limit) override;
  void commit(Batch batch, Fence fence, std::function<void(Result<>)> done) override;
  bool has_room() const override;

 private:
  struct Waiting {
    Batch batch;
    Fence fence;
    std::function<void(Result<>)> done;
  };
  // What goes into one transaction.
  struct Group {
    std::string body;
    std::vector<std::pair<Change, std::size_t>> changes;  // and how large each is
    std::vector<std::pair<std::function<void(Result<>)>, Result<>>> done;
    Fence fence = 0;
  };
  struct Opened {
    FileLock lock;
    Database writer, reader, checkpointer;
  };

  SqliteStore(Settings settings, Post post, Opened opened);
  static Result<Opened> open_file(Settings const& settings);
  Result<> begin();

  void work();
  bool has_work() const;
  bool is_tail_full() const;
  std::deque<Waiting> wait_for_work();
  void write(std::deque<Waiting>& waiting);
  Group gather(std::deque<Waiting>& waiting);
  void add(Group& group, Waiting waiting);
  bool is_news(Group const& group) const;
  Result<> write(Group const& group);
  Result<> fold_slice();
  Result<> drop_slice();
  void keep(Group const& group);
  void tell(Group group);
  void fail(Error const& why, Group& group);

  Settings settings_;
  Post post_;
  FileLock lock_;
  Database writer_, reader_;  // the writer is the last to close
  std::optional<Tables> tables_;
  std::optional<ChunkReader> chunks_;
  mutable Room room_;

  std::mutex writing_;  // held while tables and tail may tell different things; taken before mutex_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;  // under mutex_
  bool ending_ = false;          // under mutex_
  Tail tail_;                    // changed under mutex_ by the writer, read under mutex_ by others

  // The writer's.
  Fence newest_fence_ = 0;
  LogRange log_;
  std::uint64_t log_kept_from_ = 1;  // what is before it can be dropped
  std::vector<Row> slice_;
  std::uint64_t wal_pages_ = 0;
  std::chrono::steady_clock::time_point fold_at_ = {};
  std::optional<Error> failure_;
  std::atomic<bool> failed_ = false;

  std::unique_ptr<Checkpointer> checkpointer_;
  std::thread thread_;
};

}  // namespace sojourn

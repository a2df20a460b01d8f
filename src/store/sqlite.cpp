#include "store/sqlite.h"

#include <algorithm>
#include <filesystem>

#include "store/row.h"
#include "store/wal.h"

namespace sojourn {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t group_bytes_max = std::size_t{1024} * 1024;
// Rows of the log that go in one commit.
constexpr std::uint64_t drop_rows = 32;
// While the tail grows faster than it is folded.
constexpr std::size_t hurry = 8;

constexpr char const* settings_sql =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 5000";

int note_pages(void* pages, sqlite3* /*database*/, char const* /*name*/, int count) {
  *static_cast<std::uint64_t*>(pages) = static_cast<std::uint64_t>(count);
  return SQLITE_OK;
}

Result<> check_file(std::string const& file) {
  if (has_file(file)) {
    std::error_code failed;
    if (std::filesystem::file_size(file, failed) != 0 || failed) return {};
    return damaged(file, "the whole file, which is empty,");
  }
  if (has_file(file + "-wal")) return damaged(file, "the file, whose log " + file + "-wal is there,");
  return {};
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(Settings settings, Post post) {
  if (!settings.free_bytes) settings.free_bytes = [file = settings.file] { return free_bytes_beside(file); };
  auto opened = open_file(settings);
  if (!opened) return opened.error();
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(settings), std::move(post), std::move(*opened)));
  if (auto begun = store->begin(); !begun) return begun.error();
  return store;
}

Result<SqliteStore::Opened> SqliteStore::open_file(Settings const& settings) {
  auto const& file = settings.file;
  auto lock = FileLock::take(file + ".lock");
  if (!lock) return lock.error();
  Database::Where const where{file, settings.vfs};
  if (has_file(file + ".restored"))
    return error(Code::damaged, file +
                                    ": bringing back a backup was interrupted; do it again with sojourn restore. "
                                    "Or, to go on with what was there, give " +
                                    file +
                                    ".before-* (with -wal and -shm, if they are there) these names again, and "
                                    "remove " +
                                    file + ".restored");
  if (auto checked = check_file(file); !checked) return checked.error();
  if (!has_file(file)) {
    lock->note(0);
    if (auto made = make_file(where, settings.schema); !made) return made.error();
  }
  if (auto checked = check_wal(file); !checked) return checked.error();
  auto writer = Database::open(where);
  if (!writer) return writer.error();
  if (auto checked = check_schema(*writer, settings.schema); !checked) return checked.error();
  if (auto set = writer->run("PRAGMA journal_mode = WAL"); !set) return set.error();
  auto reader = Database::open(where, Database::Access::read);
  if (!reader) return reader.error();
  auto checkpointer = Database::open(where);
  if (!checkpointer) return checkpointer.error();
  for (auto* const database : {&*writer, &*reader, &*checkpointer}) {
    if (auto set = database->run(settings_sql); !set) return set.error();
  }
  return Opened{std::move(*lock), std::move(*writer), std::move(*reader), std::move(*checkpointer)};
}

SqliteStore::SqliteStore(Settings settings, Post post, Opened opened)
    : settings_(std::move(settings)),
      post_(std::move(post)),
      lock_(std::move(opened.lock)),
      writer_(std::move(opened.writer)),
      reader_(std::move(opened.reader)),
      room_(settings_.reserve_bytes, settings_.free_bytes),
      checkpointer_(std::make_unique<Checkpointer>(std::move(opened.checkpointer))) {}

Result<> SqliteStore::begin() {
  auto const fence = meta(writer_, "fence");
  if (!fence) return fence.error();
  newest_fence_ = *fence;
  if (auto read = read_rows(writer_, tail_); !read) return read;
  auto const log = read_log(writer_, tail_);
  if (!log) return log.error();
  log_ = *log;
  if (auto const noted = lock_.noted(); log_.last < noted)
    return damaged(settings_.file, "table log, row " + std::to_string(noted) + ", which was acknowledged,");
  log_kept_from_ = log_.first;
  auto tables = Tables::open(writer_, tail_.row_count());
  if (!tables) return tables.error();
  tables_.emplace(std::move(*tables));
  auto chunks = ChunkReader::open(reader_);
  if (!chunks) return chunks.error();
  chunks_.emplace(std::move(*chunks));
  sqlite3_wal_hook(writer_.raw(), note_pages, &wal_pages_);
  fold_at_ = steady_clock::now() + settings_.pace.age_max;
  thread_ = std::thread([this] { work(); });
  return {};
}

SqliteStore::~SqliteStore() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
  checkpointer_.reset();
  tables_.reset();
  chunks_.reset();
  // The last one to close brings the log in and removes it; what it can't bring in stays in it.
  if (!failed_) sqlite3_db_config(writer_.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

Result<> SqliteStore::load(std::function<void(Record)> each) {
  std::lock_guard const still(writing_);
  return read_records(reader_, tail_, each);
}

Result<std::vector<EventRef>> SqliteStore::read(std::string_view session_id, std::uint64_t since_seq,
                                                std::size_t limit) {
  std::vector<EventRef> late;  // not in the tables
  EventRange range;
  {
    std::lock_guard const lock(mutex_);
    auto const seen = tail_.see(std::string(session_id));
    range.first_seq = std::max(since_seq + 1, seen.first_seq);
    for (auto const* const entry : seen.entries) {
      for (auto const& event : entry->events) {
        if (event->seq >= range.first_seq && late.size() < limit) late.push_back(event);
      }
    }
    if (seen.row != nullptr) {
      range.session = seen.row->id;
      range.end_seq = seen.row->last_seq + 1;
    }
  }
  std::vector<EventRef> events;
  range.limit = limit;
  if (limit > 0 && range.first_seq < range.end_seq) {
    if (auto read = chunks_->read(range, events); !read) return read.error();
  }
  late.resize(std::min(late.size(), limit - events.size()));
  events.insert(events.end(), std::make_move_iterator(late.begin()), std::make_move_iterator(late.end()));
  return events;
}

void SqliteStore::commit(Batch batch, Fence fence, std::function<void(Result<>)> done) {
  {
    std::lock_guard const lock(mutex_);
    waiting_.push_back({std::move(batch), fence, std::move(done)});
  }
  changed_.notify_one();
}

bool SqliteStore::has_room() const { return !failed_ && room_.is_there(); }

// The writer's thread.

void SqliteStore::work() {
  while (true) {
    auto waiting = wait_for_work();
    do write(waiting);
    while (!waiting.empty());
    std::lock_guard const lock(mutex_);
    if (ending_ && waiting_.empty()) return;
  }
}

bool SqliteStore::has_work() const {
  if (!waiting_.empty() || ending_) return true;
  return !failed_ && (tail_.is_folding() || log_.first < log_kept_from_ || is_tail_full());
}

bool SqliteStore::is_tail_full() const {
  return tail_.changes() >= settings_.pace.changes_max || tail_.bytes() >= settings_.pace.bytes_max;
}

std::deque<SqliteStore::Waiting> SqliteStore::wait_for_work() {
  std::unique_lock lock(mutex_);
  auto const is_ready = [this] { return has_work(); };
  if (tail_.changes() == 0 || failed_)
    changed_.wait(lock, is_ready);
  else
    changed_.wait_until(lock, fold_at_, is_ready);
  return std::exchange(waiting_, {});
}

void SqliteStore::write(std::deque<Waiting>& waiting) {
  auto group = gather(waiting);
  if (!failure_) {
    std::lock_guard const lock(writing_);
    if (auto written = write(group); !written)
      fail(written.error(), group);
    else
      keep(group);
  }
  tell(std::move(group));
}

SqliteStore::Group SqliteStore::gather(std::deque<Waiting>& waiting) {
  Group group;
  group.fence = newest_fence_;
  while (!waiting.empty() && group.body.size() < group_bytes_max) {
    add(group, std::move(waiting.front()));
    waiting.pop_front();
  }
  tail_.forget_checked();
  return group;
}

void SqliteStore::add(Group& group, Waiting waiting) {
  Result<> result;
  if (failure_)
    result = *failure_;
  else if (waiting.fence < group.fence)
    result = error(Code::conflict, "another server owns this data now");
  else
    result = tail_.check(waiting.batch.changes);
  group.done.emplace_back(std::move(waiting.done), result);
  if (!result) return;
  group.fence = waiting.fence;
  for (auto& change : waiting.batch.changes) {
    auto const size = group.body.size();
    append(group.body, change);
    group.changes.emplace_back(std::move(change), group.body.size() - size);
  }
}

bool SqliteStore::is_news(Group const& group) const { return !group.changes.empty() || group.fence != newest_fence_; }

// One transaction: what is committed, and a little of what was committed before on its way into the tables.
Result<> SqliteStore::write(Group const& group) {
  bool const is_due = tail_.changes() != 0 && (is_tail_full() || steady_clock::now() >= fold_at_);
  if (is_due && !tail_.is_folding() && log_.first == log_kept_from_) {
    std::lock_guard const lock(mutex_);
    tail_.begin_folding();
  }
  bool const drops = !tail_.is_folding() && log_.first < log_kept_from_;
  if (!is_news(group) && !tail_.is_folding() && !drops) return {};
  if (auto looked = checkpointer_->look(writer_, wal_pages_); !looked) return looked;
  if (auto begun = tables_->begin(); !begun) return begun;
  if (is_news(group)) {
    if (auto appended = tables_->append_log(log_.last + 1, group.body); !appended) return appended;
  }
  if (group.fence != newest_fence_) {
    if (auto set = tables_->set_fence(group.fence); !set) return set;
  }
  if (tail_.is_folding()) {
    if (auto folded = fold_slice(); !folded) return folded;
  }
  if (drops) {
    if (auto dropped = drop_slice(); !dropped) return dropped;
  }
  return tables_->commit();
}

Result<> SqliteStore::fold_slice() {
  auto const enough = is_tail_full() ? settings_.pace.slice * hurry : settings_.pace.slice;
  for (std::size_t size = 0; size < enough;) {
    auto const* const next = tail_.to_fold(slice_.size());
    if (next == nullptr) break;
    auto const& [name, entry] = *next;
    auto const row = tables_->fold(name, entry, tail_.row(name), tail_.folding_log_seq());
    if (!row) return row.error();
    slice_.push_back(*row);
    size += 1 + entry.events.size() + entry.marks.size();
  }
  return tables_->count_sessions();
}

Result<> SqliteStore::drop_slice() {
  return tables_->drop_log(log_.first, std::min(log_.first + drop_rows, log_kept_from_));
}

// What was committed is there for everybody, before anybody is told.
void SqliteStore::keep(Group const& group) {
  std::lock_guard const lock(mutex_);
  bool const folds = tail_.is_folding();
  if (folds) {
    tail_.folded(slice_);
    slice_.clear();
    if (!tail_.is_folding()) log_kept_from_ = tail_.folding_log_seq() + 1;
  } else if (log_.first < log_kept_from_) {
    log_.first = std::min(log_.first + drop_rows, log_kept_from_);
  }
  if (!is_news(group)) return;
  newest_fence_ = group.fence;
  if (tail_.changes() == 0) fold_at_ = steady_clock::now() + settings_.pace.age_max;
  lock_.note(++log_.last);
  for (auto const& [change, size] : group.changes) static_cast<void>(tail_.apply(change, log_.last, size));
}

void SqliteStore::tell(Group group) {
  if (group.done.empty()) return;
  post_([told = std::make_shared<decltype(group.done)>(std::move(group.done))] {
    for (auto& [done, result] : *told) done(std::move(result));
  });
}

// What the disk has of this transaction is not known, nor whether it takes another: nothing is tried again.
void SqliteStore::fail(Error const& why, Group& group) {
  failure_ = error(Code::storage_full, "nothing more can be kept: " + why.message);
  failed_ = true;
  for (auto& [done, result] : group.done) {
    if (result) result = *failure_;
  }
}

}  // namespace sojourn

#include "store/checkpointer.h"

#include <utility>

namespace sojourn {
namespace {

// It begins when so many pages wait, and again when so many more do, if somebody's reading kept the log from beginning
// anew.
constexpr std::uint64_t pages_min = 4096;
constexpr std::uint64_t pages_more = 2048;

}  // namespace

Result<> checkpoint(Database& database) {
  auto const code = sqlite3_wal_checkpoint_v2(database.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) return database.failure("checkpoint", code);
  return {};
}

Checkpointer::Checkpointer(Database database) : database_(std::move(database)), thread_([this] { work(); }) {}

Checkpointer::~Checkpointer() {
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Result<> Checkpointer::look(Database& writer, std::uint64_t pages) {
  {
    std::lock_guard const lock(mutex_);
    if (failure_) return *failure_;
    if (stage_ == Stage::asked) return {};
    if (stage_ == Stage::idle) {
      if (pages < begun_pages_) begun_pages_ = 0;
      if (pages < pages_min || pages < begun_pages_ + pages_more) return {};
      begun_pages_ = pages;
      stage_ = Stage::asked;
      changed_.notify_one();
      return {};
    }
    stage_ = Stage::idle;
  }
  return checkpoint(writer);
}

void Checkpointer::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || stage_ == Stage::asked; });
    if (ending_) return;
    lock.unlock();
    auto const run = checkpoint(database_);
    lock.lock();
    if (!run) failure_ = run.error();
    stage_ = Stage::done;
  }
}

}  // namespace sojourn

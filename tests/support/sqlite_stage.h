// A SqliteStore on its stage: a folder of its own, a loop that is turned by hand, commits that are waited for.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite.h"
#include "support/posts.h"

namespace sojourn {

// Gone at the end, with all that is in it.
class StoreFolder {
 public:
  StoreFolder() {
    // In memory where there is such a folder: what a real disk takes for a sync is not the subject.
    std::filesystem::path const memory = "/dev/shm";
    auto const parent = access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    auto pattern = (parent / "sojourn-store-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~StoreFolder() { std::filesystem::remove_all(path_); }
  StoreFolder(StoreFolder const&) = delete;
  StoreFolder& operator=(StoreFolder const&) = delete;

  std::string operator/(std::string const& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Everything is folded into the tables as soon as it is committed, one change at a time.
inline SqliteStore::Pace eager_pace() {
  return {.changes_max = 1, .age_max = std::chrono::milliseconds(0), .slice = 1};
}
// Nothing ever is.
inline SqliteStore::Pace lazy_pace() {
  return {.changes_max = 1'000'000'000, .bytes_max = 1'000'000'000, .age_max = std::chrono::hours(1)};
}

class SqliteStage {
 public:
  explicit SqliteStage(SqliteStore::Pace pace = {}, std::string vfs = {}) {
    settings.file = folder / "sojourn.db";
    settings.pace = pace;
    settings.vfs = std::move(vfs);
  }

  // Another life of the same file; its failure is in `refusal`.
  bool open() {
    store.reset();
    auto opened = SqliteStore::open(settings, posts.post());
    refusal = opened ? Error{} : opened.error();
    if (opened) store = std::move(*opened);
    return store != nullptr;
  }

  // Commits and waits for the end.
  Result<> commit(std::vector<Change> changes, Fence fence = 0) {
    std::optional<Result<>> end;
    store->commit({++number, std::move(changes)}, fence, [&](Result<> result) { end = std::move(result); });
    for (int i = 0; i < 10'000 && !end; ++i) posts.turn();
    return end.value_or(error(Code::timeout, "no end in ten seconds"));
  }

  // "a1-3 x=1, b1-0", or why not.
  std::string loaded() {
    std::string text;
    auto const result = store->load([&](Record const& record) {
      text += (text.empty() ? "" : ", ") + record.session_id + std::to_string(record.first_seq) + "-" +
              std::to_string(record.last_seq);
      for (auto const& [name, value] : record.marks) text += " " + name + "=" + value;
    });
    return result ? text : result.error().message;
  }
  // "1 2 3 ", or why not.
  std::string read(std::string_view id, std::uint64_t since_seq, std::size_t limit) {
    auto const events = store->read(id, since_seq, limit);
    if (!events) return events.error().message;
    std::string text;
    for (auto const& event : *events) text += std::to_string(event->seq) + " ";
    return text;
  }
  // Until everything that was committed is in the tables, and the log is empty; false when that takes too long.
  bool wait_for_tables() {
    for (int i = 0; i < 5'000; ++i) {
      auto database = Database::open({settings.file, {}}, Database::Access::read);
      auto const rows = database ? database->number("SELECT count(*) FROM log") : database.error();
      if (rows && *rows == 0) return true;
      posts.turn();
    }
    return false;
  }

  StoreFolder folder;
  SqliteStore::Settings settings;
  Posts posts;
  std::unique_ptr<SqliteStore> store;
  Error refusal;
  std::uint64_t number = 0;
};

inline EventRef stored_event(std::uint64_t seq, std::string data = "{}") {
  Event event;
  event.seq = seq;
  event.at_us = 1000 + static_cast<std::int64_t>(seq);
  event.type = EventType::message;
  event.name = "name";
  event.data = std::move(data);
  return std::make_shared<Event const>(std::move(event));
}

}  // namespace sojourn

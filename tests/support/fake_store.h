// A store for tests: commits take a seeded random number of turns, and fail on demand or at random. What it kept can
// be asked at any time, so that a test sees whether something was told too early.
// Invariant: commits complete in order, whole or not at all, and only inside turn(). One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/store.h"
#include "store/memory.h"

namespace sojourn {

class FakeStore final : public Store {
 public:
  // A commit completes in one of the first `turns_max` turns after it, at least one turn later.
  explicit FakeStore(std::uint64_t seed = 1, unsigned turns_max = 1) : random_(seed), turns_max_(turns_max) {}

  Result<> load(std::function<void(Record)> each) override { return kept_.load(std::move(each)); }
  Result<std::vector<EventRef>> read(std::string_view session_id, std::uint64_t since_seq, std::size_t limit) override {
    ++reads_;
    if (loses_events_) return std::vector<EventRef>();
    return kept_.read(session_id, since_seq, limit);
  }
  void commit(Batch batch, Fence fence, std::function<void(Result<>)> done) override {
    batches_.push_back(batch);
    auto const turns = 1 + static_cast<unsigned>(random_() % turns_max_);
    waiting_.push_back({std::move(batch), fence, std::move(done), turns});
  }
  bool has_room() const override { return has_room_; }

  // Part of a loop iteration: completes the commits whose time has come.
  void turn() {
    if (held_ || waiting_.empty() || --waiting_.front().turns > 0) return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    if (failure_ || (failures_per_1000_ != 0 && random_() % 1000 < failures_per_1000_))
      return next.done(failure_.value_or(error(Code::storage_full, "no space left")));
    bool kept = false;
    kept_.commit(next.batch, next.fence, [&](Result<> result) {
      kept = result.has_value();
      for (auto const& change : next.batch.changes) {
        if (kept) note(change);
      }
      next.done(std::move(result));
    });
  }

  // How often a log was read.
  int reads() const { return reads_; }
  // From now on logs are empty when they are read.
  void lose_events() { loses_events_ = true; }

  // The process dies: what has not been committed never is, and nobody is told.
  void crash() {
    waiting_.clear();
    held_ = false;
  }

  // No commit completes until release().
  void hold() { held_ = true; }
  void release() { held_ = false; }
  // Every later commit fails with this.
  void fail(Error failure) { failure_ = std::move(failure); }
  void fail_at_random(unsigned per_1000) { failures_per_1000_ = per_1000; }

  // Whether something more may be kept.
  void set_room(bool has_room) { has_room_ = has_room; }

  // Everything that is kept of everything, but for the events.
  std::vector<Record> records() {
    std::vector<Record> all;
    static_cast<void>(load([&](Record record) { all.push_back(std::move(record)); }));
    return all;
  }
  // The last seq that was kept of a session, or need not be any more; also of one that ended. 0 = nothing.
  std::uint64_t committed_seq(std::string const& session_id) const {
    auto const place = committed_.find(session_id);
    return place == committed_.end() ? 0 : place->second;
  }
  bool is_busy() const { return !waiting_.empty(); }
  // Everything that was ever asked to be kept, in order.
  std::vector<Batch> const& batches() const { return batches_; }

 private:
  struct Waiting {
    Batch batch;
    Fence fence = 0;
    std::function<void(Result<>)> done;
    unsigned turns = 0;
  };

  void note(Change const& change) {
    auto const seq = change.event ? change.event->seq : change.first_seq == 0 ? 0 : change.first_seq - 1;
    auto& committed = committed_[change.session_id];
    committed = std::max(committed, seq);
  }

  std::mt19937_64 random_;
  unsigned turns_max_;
  unsigned failures_per_1000_ = 0;
  bool held_ = false;
  bool loses_events_ = false;
  int reads_ = 0;
  bool has_room_ = true;
  std::optional<Error> failure_;
  std::deque<Waiting> waiting_;
  std::vector<Batch> batches_;
  std::map<std::string, std::uint64_t> committed_;
  MemoryStore kept_{[](std::function<void()> const& function) { function(); }};
};

}  // namespace sojourn

// Keeps the checkpoint of one session fresh: reads it from the page after what may have changed something, and once
// more for what follows that, at most every two seconds, beside the calls and without holding one up; tells it, sealed,
// when it differs from the last. Invariant: what it knows stays when the page is gone, which then is made of it. The
// browser thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/timers.h"
#include "browser/checkpoint.h"
#include "browser/fleet.h"
#include "browser/settings.h"
#include "core/browser.h"

namespace sojourn {

struct AutosaveWorld {
  Timers& timers;
  BrowserSettings const& settings;
  Browser::OnCheckpoint const& on_checkpoint;
};

class Autosave : public std::enable_shared_from_this<Autosave> {
 public:
  static constexpr std::int64_t pause_us = 2'000'000;    // from one reading to the next
  static constexpr std::int64_t reading_us = 2'000'000;  // with a page that does not answer
  static constexpr int attempts_max = 3;                 // until something changes again

  // What the world refers to outlives it.
  Autosave(AutosaveWorld world, std::string session_id, Checkpoint known);
  ~Autosave();
  Autosave(Autosave const&) = delete;
  Autosave& operator=(Autosave const&) = delete;

  Checkpoint const& checkpoint() const { return known_; }
  // What is known without the page; told at once.
  void put(Checkpoint next);
  void tell() const;

  // Its page from now on; null = there is none.
  void watch(std::shared_ptr<Fleet::Berth> berth);
  // The page may have changed.
  void touch();
  // Reads now what has not been read; `done` when it is told, or can't be had.
  void save(std::function<void()> done);

 private:
  static Task<Result<>> read(std::shared_ptr<Autosave> self, std::shared_ptr<Fleet::Berth> berth);
  void plan();
  void begin();
  void end(Result<Checkpoint> read, std::shared_ptr<Fleet::Berth> const& from);

  AutosaveWorld world_;
  std::string session_id_;
  Checkpoint known_;
  std::shared_ptr<Fleet::Berth> berth_;
  std::vector<std::function<void()>> savers_;
  TimerId timer_ = 0;
  std::int64_t begun_us_;  // the last reading
  int attempts_ = 0;
  int readings_due_ = 0;
  bool is_reading_ = false;
};

}  // namespace sojourn

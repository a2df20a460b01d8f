// One browser session as the room keeps it: its page, what that is made of again, and its queue of calls.
// Invariant: a job is answered once, then its `done` is empty. The browser thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "browser/autosave.h"
#include "browser/fleet.h"
#include "browser/recorder.h"
#include "core/browser.h"

namespace sojourn {

struct Job {
  FunctionCall call;
  std::int64_t deadline_us = 0;
  Browser::Done done;  // empty = answered
  TimerId guard = 0;
};

struct Seat {
  std::string id;
  std::shared_ptr<Autosave> autosave;   // and what the page is made of again
  std::shared_ptr<Fleet::Berth> berth;  // null = not there
  std::shared_ptr<Page> coming;         // that is being made the session's
  std::optional<Error> failure;         // why there is no page and will be none
  std::unique_ptr<Recorder> recorder;
  std::deque<std::shared_ptr<Job>> waiting;
  std::shared_ptr<Job> running;
  std::optional<json::array> lost;  // for the next output: what is not as it was
  int rebuilds = 0;                 // since a call came to something
  bool is_being_made = false;
  bool is_of_before = false;  // of a server before this one, and not made again yet
  bool is_over = false;

  Checkpoint const& checkpoint() const { return autosave->checkpoint(); }
  bool is_lost() const { return !is_over && !berth && !failure && !is_being_made; }
  bool may_run() const { return !is_being_made && (berth || failure); }
  // What it is asked first.
  Function next() const {
    auto const place = std::ranges::find_if(waiting, [](auto const& job) { return bool(job->done); });
    return place == waiting.end() ? Function::snapshot : (*place)->call.function;
  }
};

using SeatRef = std::shared_ptr<Seat>;

}  // namespace sojourn

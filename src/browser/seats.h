// The browser sessions that live: each with its page, and one queue of calls. Calls of one session run in order, those
// of different sessions side by side; a close waits for none of them. Invariant: every call is answered once, at the
// latest a little after its deadline. The browser thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "browser/files.h"
#include "browser/fleet.h"
#include "browser/recorder.h"
#include "core/browser.h"

namespace sojourn {

class Seats {
 public:
  // The references outlive it. `on_news` may be told inside any call.
  Seats(Loop& loop, Timers& timers, BrowserSettings const& settings, Browser::OnNews on_news);
  ~Seats();
  Seats(Seats const&) = delete;
  Seats& operator=(Seats const&) = delete;

  // As in core/browser.h; `done` may run inside the call.
  void open(std::string const& session_id, BrowserWish wish);
  void call(FunctionCall call, Browser::Done done);
  void close(std::string const& session_id, Browser::Done done);

  std::size_t size() const { return seats_.size(); }

 private:
  struct Job;
  struct Seat;
  using SeatRef = std::shared_ptr<Seat>;

  Task<Result<>> prepare(SeatRef seat);
  Task<Result<>> move_in(SeatRef seat, Fleet::Berth berth);
  Task<Result<>> begin_recording(SeatRef seat);
  Task<Result<json::object>> work(SeatRef seat, std::shared_ptr<Job> job);
  Task<Result<json::object>> end(SeatRef seat);
  void run_next(SeatRef const& seat);
  void answer(Job& job, Result<std::string> result);
  void empty(SeatRef const& seat, Error const& why);
  void on_browser_gone(SeatRef const& seat, std::string const& reason);
  void tell(std::string const& session_id, std::string name, json::object data);
  void sweep();

  Loop& loop_;
  Timers& timers_;
  BrowserSettings const& settings_;
  Browser::OnNews on_news_;
  Files files_;
  Fleet fleet_;
  std::map<std::string, SeatRef> seats_;
  std::size_t running_ = 0;  // calls
  TimerId sweep_timer_ = 0;
};

}  // namespace sojourn

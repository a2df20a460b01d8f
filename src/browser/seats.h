// The browser sessions that live: each with its page, and one queue of calls. Calls of one session run in order, those
// of different sessions side by side; a close waits for none of them. A session that lost its page, with its browser or
// with the server before, gets it again with its next call. Invariant: every call is answered once, at the latest a
// little after its deadline. The browser thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "browser/files.h"
#include "browser/fleet.h"
#include "browser/seat.h"
#include "core/browser.h"

namespace sojourn {

class Seats {
 public:
  struct Listener {
    Browser::OnNews on_news;
    Browser::OnCheckpoint on_checkpoint;
  };

  // The references outlive it. The listener may be told inside any call.
  Seats(Loop& loop, Timers& timers, BrowserSettings const& settings, Listener listener);
  ~Seats();
  Seats(Seats const&) = delete;
  Seats& operator=(Seats const&) = delete;

  // As in core/browser.h; `done` may run inside the call.
  void open(std::string const& session_id, BrowserWish wish);
  void resume(std::string const& session_id, std::string const& sealed);
  void save(std::function<void()> const& done);
  void call(FunctionCall call, Browser::Done done);
  void close(std::string const& session_id, Browser::Done done);

  std::size_t size() const { return seats_.size(); }

 private:
  // So often in a row a session is made again without a call that comes to something.
  static constexpr int rebuilds_max = 3;

  SeatRef add(std::string const& session_id, Checkpoint checkpoint);
  Task<Result<>> begin_recording(SeatRef seat);
  Task<Result<json::object>> work(SeatRef seat, std::shared_ptr<Job> job);
  Task<Result<json::object>> end(SeatRef seat);
  void run_next(SeatRef const& seat);
  void finish(SeatRef const& seat, Job& job, Result<json::object> output);
  void answer(Job& job, Result<std::string> result);
  void answer_all(SeatRef const& seat, Error const& why);
  void empty(SeatRef const& seat, Error const& why);
  void on_browser_gone(SeatRef const& seat, std::string const& reason);
  void fail(SeatRef const& seat, std::string name, std::string const& reason);
  void tell(std::string const& session_id, std::string name, json::object data);
  void sweep();

  // rebuild.cpp: how a session gets its page, the first time and again
  void make(SeatRef const& seat);
  Task<Result<>> prepare(SeatRef seat);
  Task<Result<>> regain(SeatRef seat, Fleet::Berth berth);
  Task<Result<>> come_back(SeatRef seat);
  Task<Result<>> move_in(SeatRef seat, Fleet::Berth berth);
  void on_not_made(SeatRef const& seat, Error const& why);

  Loop& loop_;
  Timers& timers_;
  BrowserSettings const& settings_;
  Listener listener_;
  Files files_;
  Fleet fleet_;
  std::map<std::string, SeatRef> seats_;
  std::size_t running_ = 0;  // calls
  TimerId sweep_timer_ = 0;
};

}  // namespace sojourn

// The browser processes that run, and contexts of theirs: prepared ahead, taken, given back. One browser serves many
// contexts; who asks for a browser alone, or the whole browser instead of its headless shell, has another.
// Invariant: a browser that nobody uses ends after a while, and one that served many is replaced. The browser thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "base/timers.h"
#include "browser/chromium.h"
#include "browser/page.h"
#include "browser/settings.h"
#include "core/browser.h"

namespace sojourn {

class Fleet {
 public:
  struct Ship;

  // A context with its page; what it knows of its browser stays as long, also when that has ended.
  struct Berth {
    std::shared_ptr<Ship> ship;
    std::string context_id;
    std::shared_ptr<Page> page;
  };

  // The references outlive it.
  Fleet(Loop& loop, Timers& timers, BrowserSettings const& settings);
  ~Fleet();
  Fleet(Fleet const&) = delete;
  Fleet& operator=(Fleet const&) = delete;

  // A context as wished for; the page is prepared, not furnished. `on_gone` runs once if its browser ends by itself.
  // Code::unavailable (no browser can be started, and what to do), Code::crashed, Code::timeout.
  Task<Result<Berth>> take(BrowserWish wish, std::function<void(std::string reason)> on_gone);
  // Another page in place of one that is of no use any more, in the same context: what it keeps stays.
  Task<Result<Berth>> renew(Berth berth, BrowserWish wish);
  // Its page is not used any more.
  void give_back(Berth berth);
  // Nobody is being served just now: contexts are prepared for those to come. To do so earlier would hold up a page
  // that is being opened, as both want a new renderer.
  void use_pause();

  static Chromium& browser_of(Berth const& berth);
  std::size_t size() const { return ships_.size(); }

 private:
  static constexpr std::size_t served_max = 1000;           // contexts of one browser
  static constexpr std::int64_t pause_us = 1'000'000;       // after which it is a pause in any case
  static constexpr std::int64_t beat_us = 10'000'000;       // how often a browser is asked whether it lives
  static constexpr std::int64_t beat_late_us = 10'000'000;  // a browser that says nothing for that long is killed

  std::shared_ptr<Ship> find(BrowserWish const& wish) const;
  Result<std::shared_ptr<Ship>> launch(BrowserWish const& wish);
  Task<Result<Berth>> make_or_wait(std::shared_ptr<Ship> ship, BrowserWish wish);
  Task<Result<Berth>> make(std::shared_ptr<Ship> ship, BrowserWish wish);
  Task<Result<Berth>> board(std::shared_ptr<Ship> ship, std::string context_id, BrowserWish wish);
  void warm_up(std::shared_ptr<Ship> const& ship);
  void beat(std::shared_ptr<Ship> const& ship);
  void rest(std::shared_ptr<Ship> const& ship);
  void sink(std::shared_ptr<Ship> ship, std::string const& reason);

  Loop& loop_;
  Timers& timers_;
  BrowserSettings const& settings_;
  std::list<std::shared_ptr<Ship>> ships_;
  TimerId pause_timer_ = 0;
};

}  // namespace sojourn

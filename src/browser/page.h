// One page of one browser session: what its functions do, over the DevTools session that is attached to its target.
// Invariant: calls run one after the other (whoever owns it queues them); after give_up() every one has come back, and
// later ones fail as Code::ended. A page whose renderer is gone or hangs answers Code::crashed until it is opened
// again. The browser thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "base/timers.h"
#include "browser/checkpoint.h"
#include "browser/wire.h"
#include "core/browser.h"

namespace sojourn {

class Files;

// Where a page lives in its browser: the ids that DevTools gave.
struct PageAddress {
  std::string context_id;   // of its browser context; empty = the browser's own
  std::string target_id;    // of the page
  std::string cdp_session;  // attached flat to the target
};

class Page {
 public:
  // News of a session: navigated {url,title}, dialog {type,message,url,action}, page_crashed {reason}, hung {function}.
  using Tell = std::function<void(std::string name, json::object data)>;
  using OnEvent = std::function<void(json::object const& params)>;

  // All outlive it. It belongs to no session yet, and can be prepared and furnished ahead of time.
  Page(Wire& wire, Loop& loop, Timers& timers, PageAddress address);
  // Gives up first.
  ~Page();
  Page(Page const&) = delete;
  Page& operator=(Page const&) = delete;

  // Once: what has to be switched on in its target.
  Task<Result<>> prepare();
  // Once: it belongs to this session from now on. `files` outlives it; `tell` runs inside whatever happens.
  void settle_in(Files& files, std::string session_id, Tell tell);
  // Makes the page what the session wished: viewport, user agent, locale, time zone, and what it says to its proxy.
  // Nothing is sent for what is as before.
  Task<Result<>> furnish(BrowserWish wish);

  // What it is made of again if it is lost: `known` with what is there now. Beside a call.
  Task<Result<Checkpoint>> remember(Checkpoint known, std::int64_t deadline_us);
  // Before settle_in(): its context gets what the checkpoint has of cookies and storage, without a request to anybody.
  // Sentences say what could not be put back.
  Task<Result<std::vector<std::string>>> regain(Checkpoint checkpoint, std::int64_t deadline_us);
  // After settle_in(): to the page that was open, and to the place in it.
  Task<Result<>> come_back(Checkpoint checkpoint, std::int64_t deadline_us);

  // Every function but close, after settle_in(). `input` is as documented, with defaults filled in or not.
  // `deadline_us` of the steady clock. Errors are those of Browser::call.
  Task<Result<json::object>> call(Function function, json::object input, std::int64_t deadline_us);

  // The session ends: every wait ends inside this call, as Code::ended, without the page's help.
  void give_up();

  // Events of the page's own DevTools session by their method, for whoever records it; an empty function ends it.
  void listen(std::string method, OnEvent on_event);

  // Something was opened in it. / Its renderer is gone, until it is opened again.
  bool is_open() const;
  bool has_crashed() const;
  // The highest number that an element was given.
  std::int64_t last_ref() const;
  PageAddress const& address() const;
  std::string const& cdp_session() const { return address().cdp_session; }
  // Of the viewport, in CSS pixels.
  std::int64_t width() const;
  std::int64_t height() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sojourn

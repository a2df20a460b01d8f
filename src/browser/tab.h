// How the parts of a page speak with it: commands with deadlines, what its events say, and waits that end with them.
// Invariant: nothing waits here after give_up() or a crash; what is asked then fails at once.
// The browser thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "base/timers.h"
#include "browser/dialogs.h"
#include "browser/frames.h"
#include "browser/page.h"
#include "browser/traffic.h"
#include "browser/wire.h"

namespace sojourn {

class Tab {
 public:
  using Answer = Wire::Answer;
  using Condition = std::function<bool()>;

  Tab(Wire& wire, Loop& loop, Timers& timers, PageAddress address);
  ~Tab();
  Tab(Tab const&) = delete;
  Tab& operator=(Tab const&) = delete;

  // Hears the page from now on.
  void listen();
  void listen(std::string method, Page::OnEvent on_event);
  // Events of every process of the page, for as long as this is; an empty function ends it.
  using OnEvent = std::function<void(std::string const& session, json::object const& params)>;
  void hear_everywhere(std::string method, OnEvent on_event);
  void give_up();
  // The page is lost until it is opened again: what waits for it fails.
  void crash(std::string const& reason);
  // It has a renderer again.
  void revive();

  bool is_over() const { return is_over_; }
  bool has_crashed() const { return has_crashed_; }
  // Why nothing can be asked of it: Code::ended, Code::crashed.
  Result<> state() const;
  // The same where there is a reason, or else what the error says itself.
  Error judge(Error error) const;

  // Sends at once; may be awaited or not. `session`: of a frame, or session().
  Later<Answer> send(std::string const& session, std::string_view method, json::object const& params,
                     std::int64_t deadline_us);
  Later<Result<std::string>> send_for_text(std::string const& session, std::string_view method,
                                           json::object const& params, std::int64_t deadline_us);
  // True when the condition holds, which is looked at now and after each event; false at the deadline or when the page
  // is lost.
  Task<bool> wait_until(Condition condition, std::int64_t deadline_us);
  // What a condition asks for has changed without an event.
  void stir();
  // False when the page is lost meanwhile.
  Task<bool> sleep_until(std::int64_t deadline_us);
  // Until a later iteration, crashed or not.
  Task<bool> turn();
  // It is on its way to another document, whose server has to answer first. The browser keeps what the page is asked
  // until then.
  bool is_leaving() const;
  // Whether the renderer answers, or why it can't is known.
  Task<bool> ping(std::int64_t within_us);
  // The same, or the page is on its way elsewhere.
  Task<bool> answers(std::int64_t within_us);
  // Asks whether the renderer answers; if it does not, stops its scripts and asks again. False: the page is lost.
  Task<bool> rouse();

  std::int64_t now_us() const { return Clock().now().steady_us; }
  std::string const& session() const { return address_.cdp_session; }
  PageAddress const& address() const { return address_; }

  Frames frames;
  Traffic traffic;
  Dialogs dialogs;
  // News; does nothing until the page belongs to a session.
  Page::Tell tell = [](std::string const&, json::object const&) {};
  // What every process of the page is told, by method.
  std::map<std::string, json::object> furniture;
  // The function that runs, for the news of a page that hangs.
  std::string function;
  bool is_looked_at = true;  // by whoever called it, after the action: tasks that it left behind are waited for
  // What else the page did that its caller would not see; empty = nothing. Cleared by each call.
  std::string aside;
  // The viewport.
  std::int64_t width = 1280;
  std::int64_t height = 720;

 private:
  struct Waiter {
    std::uint64_t id = 0;
    Condition condition;
    TimerId timer = 0;
    Later<bool> done;
  };

  void listen_to(std::string const& session);
  void hear(std::string const& session, std::string_view method, std::string_view text);
  void take(std::string const& session, std::string_view method, json::object const& params);
  void on_attached(std::string const& session, json::object const& params);
  void on_elsewhere(std::string_view method, json::object const& params);
  void on_dialog(std::string const& session, json::object const& params);
  Later<bool> wait(Condition condition, std::int64_t deadline_us);
  void end_wait(std::uint64_t id, bool value);
  void end_waits();
  Task<bool> tell_where();

  Wire& wire_;
  Loop& loop_;
  Timers& timers_;
  PageAddress address_;
  std::vector<std::string> children_;  // sessions of other processes
  std::map<std::string, Page::OnEvent, std::less<>> listeners_;
  std::map<std::string, OnEvent, std::less<>> everywhere_;
  std::vector<std::unique_ptr<Waiter>> waiters_;
  std::uint64_t last_waiter_ = 0;
  std::int64_t told_second_ = 0;  // in which there was news of a navigation
  int told_ = 0;                  // how many in it
  bool is_over_ = false;
  bool has_crashed_ = false;
};

// What every process of the page has to have switched on, sent to one of them at once; the last answer is the one to
// wait for.
Later<Tab::Answer> switch_on(Tab& tab, std::string const& session);

}  // namespace sojourn

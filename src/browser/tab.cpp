#include "browser/tab.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "browser/params.h"

namespace sojourn {
namespace {

// Events that are read, sorted; all others are only passed on to whoever listens to them.
constexpr std::array<std::string_view, 18> heard{"Inspector.detached",           "Inspector.targetCrashed",
                                                 "Network.loadingFailed",        "Network.loadingFinished",
                                                 "Network.requestWillBeSent",    "Page.downloadWillBegin",
                                                 "Page.frameAttached",           "Page.frameDetached",
                                                 "Page.frameNavigated",          "Page.frameRequestedNavigation",
                                                 "Page.frameStartedNavigating",  "Page.frameStoppedLoading",
                                                 "Page.javascriptDialogOpening", "Page.lifecycleEvent",
                                                 "Page.navigatedWithinDocument", "Page.windowOpen",
                                                 "Target.attachedToTarget",      "Target.detachedFromTarget"};

static_assert(std::ranges::is_sorted(heard));

constexpr std::int64_t answer_us = 1'000'000;
constexpr std::size_t children_max = 200;
constexpr int told_max = 5;  // navigations in a second, as news

}  // namespace

Tab::Tab(Wire& wire, Loop& loop, Timers& timers, PageAddress address)
    : wire_(wire), loop_(loop), timers_(timers), address_(std::move(address)) {}

Tab::~Tab() { give_up(); }

void Tab::listen() { listen_to(session()); }

void Tab::listen_to(std::string const& session) {
  wire_.listen(session,
               [this, session](std::string_view method, std::string_view text) { hear(session, method, text); });
}

void Tab::listen(std::string method, Page::OnEvent on_event) {
  if (on_event)
    listeners_[std::move(method)] = std::move(on_event);
  else
    listeners_.erase(method);
}

void Tab::hear_everywhere(std::string method, OnEvent on_event) {
  if (on_event)
    everywhere_[std::move(method)] = std::move(on_event);
  else
    everywhere_.erase(method);
}

void Tab::give_up() {
  if (std::exchange(is_over_, true)) return;
  for (auto const& child : std::exchange(children_, {})) wire_.forget(child);
  wire_.forget(session());
  end_waits();
}

void Tab::crash(std::string const& reason) {
  if (is_over_ || std::exchange(has_crashed_, true)) return;
  frames.crash();
  traffic.forget_all();
  tell("page_crashed", only("reason", reason));
  std::vector<std::uint64_t> waiting;
  for (auto const& waiter : waiters_) waiting.push_back(waiter->id);
  for (auto const& child : std::exchange(children_, {})) wire_.forget(child);
  wire_.forget(session());
  if (is_over_) return;
  listen();
  for (auto const id : waiting) end_wait(id, false);
}

void Tab::revive() { has_crashed_ = false; }

Result<> Tab::state() const {
  if (is_over_) return error(Code::ended, "the session was closed");
  if (has_crashed_) return error(Code::crashed, "the page crashed; open a URL to go on");
  return {};
}

Error Tab::judge(Error error) const {
  if (auto const now = state(); !now) return now.error();
  return error;
}

Later<Tab::Answer> Tab::send(std::string const& session, std::string_view method, json::object const& params,
                             std::int64_t deadline_us) {
  if (auto const now = state(); !now) {
    Later<Answer> refused;
    refused.give(now.error());
    return refused;
  }
  return wire_.send(session, method, params, std::max<std::int64_t>(deadline_us - now_us(), 1000));
}

Later<Result<std::string>> Tab::send_for_text(std::string const& session, std::string_view method,
                                              json::object const& params, std::int64_t deadline_us) {
  if (auto const now = state(); !now) {
    Later<Result<std::string>> refused;
    refused.give(now.error());
    return refused;
  }
  return wire_.send_for_text(session, method, params, std::max<std::int64_t>(deadline_us - now_us(), 1000));
}

Later<bool> Tab::wait(Condition condition, std::int64_t deadline_us) {
  auto waiter = std::make_unique<Waiter>();
  auto const done = waiter->done;
  auto const id = waiter->id = ++last_waiter_;
  waiter->condition = std::move(condition);
  waiter->timer = timers_.set(deadline_us, [this, id] { end_wait(id, false); });
  waiters_.push_back(std::move(waiter));
  return done;
}

Task<bool> Tab::wait_until(Condition condition, std::int64_t deadline_us) {
  if (!state()) co_return false;
  if (condition()) co_return true;
  if (deadline_us <= now_us()) co_return false;
  auto const done = wait(std::move(condition), deadline_us);
  co_return co_await done;
}

Task<bool> Tab::turn() {
  if (is_over_) co_return false;
  Condition never = [] { return false; };
  auto const done = wait(std::move(never), now_us());
  co_await done;
  co_return !is_over_;
}

Task<bool> Tab::sleep_until(std::int64_t deadline_us) {
  Condition const never = [] { return false; };
  co_await wait_until(never, deadline_us);
  co_return state().has_value();
}

bool Tab::is_leaving() const {
  auto const* const main = frames.main();
  return main != nullptr && traffic.is_navigating(main->id, 0);
}

Task<bool> Tab::ping(std::int64_t within_us) {
  auto const expression = only("expression", "1");
  auto const answer = co_await send(session(), "Runtime.evaluate", expression, now_us() + within_us);
  co_return answer || answer.error().code != Code::timeout;
}

Task<bool> Tab::answers(std::int64_t within_us) {
  bool const has_answered = co_await ping(within_us);
  co_return has_answered || is_leaving();
}

Task<bool> Tab::rouse() {
  if (co_await answers(answer_us / 2)) co_return state().has_value();
  tell("hung", only("function", function));
  send(session(), "Runtime.terminateExecution", {}, now_us() + answer_us);
  if (co_await answers(answer_us)) co_return state().has_value();
  // Its process is of no use to anybody; without it the next page gets another one.
  send(session(), "Page.crash", {}, now_us() + answer_us);
  Condition crashed = [this] { return has_crashed_; };
  co_await wait_until(std::move(crashed), now_us() + answer_us / 2);
  crash("it did not answer");
  co_return false;
}

// After a navigation: where the page is now, once its title is known.
Task<bool> Tab::tell_where() {
  if (auto const second = now_us() / 1'000'000; second != told_second_) {
    told_second_ = second;
    told_ = 0;
  }
  if (++told_ > told_max) co_return false;
  auto const title =
      co_await send(session(), "Runtime.evaluate", only("expression", "document.title"), now_us() + answer_us);
  auto const* const main = frames.main();
  if (!state() || main == nullptr) co_return false;
  auto data = only("url", without_credentials(main->url));
  data["title"] = title ? json::find_string(find_object(*title, "result"), "value") : std::string_view();
  tell("navigated", std::move(data));
  co_return true;
}

void Tab::hear(std::string const& session, std::string_view method, std::string_view text) {
  bool const is_main = session == this->session();
  auto const place = is_main ? listeners_.find(method) : listeners_.end();
  auto const wide = everywhere_.find(method);
  bool const is_read = std::ranges::binary_search(heard, method);
  if (is_over_ || (!is_read && place == listeners_.end() && wide == everywhere_.end())) return;
  auto const parsed = json::parse(text.empty() ? "{}" : text, 512);
  if (!parsed || !parsed->is_object()) return;
  auto const& params = parsed->get_object();
  if (wide != everywhere_.end()) wide->second(session, params);
  if (place != listeners_.end()) {
    auto const listener = place->second;  // it may stop to listen
    listener(params);
  }
  if (is_read && !is_over_) take(session, method, params);
}

void Tab::take(std::string const& session, std::string_view method, json::object const& params) {
  bool const is_main = session == this->session();
  if (method == "Inspector.targetCrashed" && is_main) return crash("its renderer ended");
  if (method == "Inspector.detached" && is_main) return crash("it was closed");
  if (method == "Page.javascriptDialogOpening") return on_dialog(session, params);
  if (method == "Page.windowOpen" || method == "Page.downloadWillBegin") return on_elsewhere(method, params);
  frames.hear(session, method, params);
  traffic.hear(session, method, params);
  if (method == "Target.attachedToTarget") on_attached(session, params);
  if (method == "Target.detachedFromTarget") {
    auto const child = std::string(json::find_string(params, "sessionId"));
    std::erase(children_, child);
    wire_.forget(child);
  }
  auto const* const main = frames.main();
  if (is_main && main != nullptr && json::find_string(params, "frameId") == main->id &&
      (method == "Page.navigatedWithinDocument" ||
       (method == "Page.lifecycleEvent" && json::find_string(params, "name") == "DOMContentLoaded")))
    start(tell_where());
  stir();
}

void Tab::on_elsewhere(std::string_view method, json::object const& params) {
  constexpr std::size_t url_bytes_max = 500;
  auto const url = without_credentials(json::find_string(params, "url").substr(0, url_bytes_max));
  bool const is_window = method == "Page.windowOpen";
  if (aside.empty()) tell(is_window ? "window_opened" : "download_refused", only("url", url));
  aside = is_window ? "The page opened another window, which is not followed; go to it with 'goto': " + url
                    : "The page began a download, which was refused: " + url;
}

void Tab::on_attached(std::string const& session, json::object const& params) {
  auto const child = std::string(json::find_string(params, "sessionId"));
  bool const is_frame = json::find_string(find_object(params, "targetInfo"), "type") == "iframe";
  if (is_frame && children_.size() < children_max) {
    children_.push_back(child);
    listen_to(child);
    switch_on(*this, child);
    for (auto const& [method, wished] : furniture) send(child, method, wished, now_us() + Wire::answer_us);
  }
  send(child, "Runtime.runIfWaitingForDebugger", {}, now_us() + Wire::answer_us);
  // Workers wait for us too, and that is all that they want of us.
  if (!is_frame) send(session, "Target.detachFromTarget", only("sessionId", child), now_us() + Wire::answer_us);
}

void Tab::on_dialog(std::string const& session, json::object const& params) {
  auto reply = dialogs.on_opening(params, now_us());
  send(session, "Page.handleJavaScriptDialog", only("accept", reply.accepts), now_us() + Wire::answer_us);
  if (reply.is_storm) send(session, "Runtime.terminateExecution", {}, now_us() + Wire::answer_us);
  if (!reply.is_told) return;
  reply.dialog["url"] = without_credentials(json::find_string(params, "url"));
  tell("dialog", std::move(reply.dialog));
}

void Tab::end_wait(std::uint64_t id, bool value) {
  auto const place = std::ranges::find(waiters_, id, [](auto const& waiter) { return waiter->id; });
  if (place == waiters_.end()) return;
  auto const waiter = std::move(*place);
  waiters_.erase(place);
  timers_.cancel(waiter->timer);
  waiter->done.give(value);
}

void Tab::stir() {
  std::vector<std::uint64_t> ready;
  for (auto const& waiter : waiters_)
    if (waiter->condition()) ready.push_back(waiter->id);
  for (auto const id : ready) end_wait(id, true);
}

void Tab::end_waits() {
  while (!waiters_.empty()) end_wait(waiters_.back()->id, false);
}

Later<Tab::Answer> switch_on(Tab& tab, std::string const& session) {
  auto const deadline = tab.now_us() + Wire::answer_us;
  tab.send(session, "Page.enable", {}, deadline);
  tab.send(session, "Page.setLifecycleEventsEnabled", only("enabled", true), deadline);
  json::object buffers;  // bodies are never asked for
  buffers["maxPostDataSize"] = 0;
  buffers["maxResourceBufferSize"] = 0;
  buffers["maxTotalBufferSize"] = 0;
  tab.send(session, "Network.enable", buffers, deadline);
  json::object attach;
  attach["flatten"] = true;
  attach["waitForDebuggerOnStart"] = true;
  attach["autoAttach"] = true;
  attach["filter"] = json::array{only("type", "iframe"), only("type", "worker"), only("exclude", true)};
  return tab.send(session, "Target.setAutoAttach", attach, deadline);
}

}  // namespace sojourn

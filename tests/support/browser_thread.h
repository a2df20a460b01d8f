// What a test of the browser room stands on: the loop and the timers of one thread, and the few ways to let it run
// until something is so. With a real Chromium where one is asked for.
#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/loop.h"
#include "base/task.h"
#include "base/timers.h"
#include "browser/chromium.h"
#include "browser/wire.h"

namespace sojourn {

class BrowserThread {
 public:
  BrowserThread() { std::signal(SIGPIPE, SIG_IGN); }

  // False when it is not so within the time.
  bool run_until(std::function<bool()> const& is_so, std::int64_t ms = 20'000) {
    auto const until = Clock().now().steady_us + ms * 1000;
    bool so = false;
    loop.run([&] {
      auto const now = Clock().now().steady_us;
      timers.run_due(now);
      so = is_so();
      if (so || now >= until) loop.stop();
      return std::min({timers.next_us(), until, now + 20'000});
    });
    return so;
  }
  void run_for(std::int64_t ms) {
    run_until([] { return false; }, ms);
  }
  // The value of what is awaited; nothing when it does not come.
  template <typename T> std::optional<T> wait_for(Later<T> later, std::int64_t ms = 20'000) {
    auto const box = std::make_shared<std::optional<T>>();
    sojourn::start(take(std::move(later), box));
    run_until([&] { return box->has_value(); }, ms);
    return *box;
  }

  Loop loop;
  Timers timers;

 private:
  template <typename T> static Task<bool> take(Later<T> later, std::shared_ptr<std::optional<T>> box) {
    box->emplace(co_await later);
    co_return true;
  }
};

// A headless browser with one page. Tests that need it skip themselves where there is none.
class OnePage : public BrowserThread {
 public:
  OnePage() {
    auto const found = find_executables("");
    if (found.shell.empty() && found.full.empty()) return;
    ChromiumSetup setup;
    setup.is_shell = !found.shell.empty();
    setup.executable = setup.is_shell ? found.shell : found.full;
    setup.profile_root_key = "test-" + std::to_string(getpid());
    auto started =
        Chromium::start(loop, timers, std::move(setup), [](std::string const& reason) { ADD_FAILURE() << reason; });
    if (!started) {
      ADD_FAILURE() << started.error().message;
      return;
    }
    chromium = *std::move(started);
    json::object target;
    target["url"] = "about:blank";
    target["width"] = 640;
    target["height"] = 360;
    json::object attach;
    attach["targetId"] = ask("", "Target.createTarget", target)["targetId"];
    attach["flatten"] = true;
    page = std::string(json::find_string(ask("", "Target.attachToTarget", attach), "sessionId"));
    ask(page, "Page.enable");
    resize(640, 360);
  }

  // What the browser answers, {} when it refuses.
  json::object ask(std::string const& session, std::string_view method, json::object const& params = {}) {
    auto const answer = wait_for(chromium->wire().send(session, method, params));
    if (!answer || !*answer) {
      ADD_FAILURE() << method << ": " << (answer ? answer->error().message : "no answer");
      return {};
    }
    return **answer;
  }
  void resize(int width, int height) {
    json::object metrics;
    metrics["width"] = width;
    metrics["height"] = height;
    metrics["deviceScaleFactor"] = 1;
    metrics["mobile"] = false;
    ask(page, "Emulation.setDeviceMetricsOverride", metrics);
  }
  // A page of this HTML text, which has no # or %.
  void show(std::string const& html) {
    json::object params;
    params["url"] = "data:text/html," + html;
    ask(page, "Page.navigate", params);
    run_for(200);
  }
  json::value evaluate(std::string const& expression) {
    json::object params;
    params["expression"] = expression;
    params["returnByValue"] = true;
    params["awaitPromise"] = true;
    auto answer = ask(page, "Runtime.evaluate", params);
    auto const* const result = answer.if_contains("result");
    auto const* const value =
        result != nullptr && result->is_object() ? result->get_object().if_contains("value") : nullptr;
    return value == nullptr ? json::value() : *value;
  }

  std::unique_ptr<Chromium> chromium;
  std::string page;
};

}  // namespace sojourn

// What a test of the browser room stands on: the loop and the timers of one thread, and the few ways to let it run
// until something is so. With a real Chromium where one is asked for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/task.h"
#include "browser/chromium.h"
#include "browser/wire.h"
#include "support/page_stage.h"

namespace sojourn {

class BrowserThread : public test::PageStage {
 public:
  // The value of what is awaited; nothing when it does not come.
  template <typename T> std::optional<T> wait_for(Later<T> later, std::int64_t ms = 20'000) {
    auto const box = std::make_shared<std::optional<T>>();
    sojourn::start(take(std::move(later), box));
    run_until([&] { return box->has_value(); }, ms);
    return *box;
  }

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
    chromium = test::start_chromium(*this);
    if (!chromium) return;
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

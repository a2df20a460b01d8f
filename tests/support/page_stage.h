// A page of a real Chromium on a stage: a context of its own for each test, in one browser for all tests of a program,
// with a small site to visit. Tests that need it skip themselves where there is no Chromium.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "browser/chromium.h"
#include "browser/files.h"
#include "browser/page.h"
#include "browser/params.h"
#include "browser/settings.h"
#include "support/browser_stage.h"
#include "support/small_site.h"

namespace sojourn::test {

// A loop that runs until something is so, for so many milliseconds at most.
class PageStage : public BrowserStage {
 public:
  bool run_until(std::function<bool()> const& is_so, std::int64_t ms = 20'000) {
    return until(is_so, std::chrono::milliseconds(ms));
  }
  void run_for(std::int64_t ms) {
    run_until([] { return false; }, ms);
  }
};

// The headless shell where there is one, else the whole browser; null where there is none.
inline std::unique_ptr<Chromium> start_chromium(BrowserStage& stage, std::vector<std::string> more_flags = {}) {
  auto const found = find_executables("");
  if (found.shell.empty() && found.full.empty()) return nullptr;
  ChromiumSetup setup;
  setup.is_shell = !found.shell.empty();
  setup.executable = setup.is_shell ? found.shell : found.full;
  setup.profile_root_key = "test-" + std::to_string(getpid());
  setup.more_flags = std::move(more_flags);
  auto started = Chromium::start(stage.loop, stage.timers, std::move(setup),
                                 [](std::string const& reason) { ADD_FAILURE() << reason; });
  if (started) return *std::move(started);
  ADD_FAILURE() << started.error().message;
  return nullptr;
}

// The browser that the tests share.
class SharedChromium : public PageStage {
 public:
  static SharedChromium& get() {
    static SharedChromium shared;
    return shared;
  }
  bool is_there() const { return chromium_ != nullptr; }
  Wire& wire() { return chromium_->wire(); }

  json::object ask(std::string const& session, std::string_view method, json::object const& params = {}) {
    auto const answer = wait(wire().send(session, method, params));
    if (answer) return *answer;
    ADD_FAILURE() << method << ": " << answer.error().message;
    return {};
  }
  PageAddress new_page() {
    PageAddress address;
    address.context_id = std::string(json::find_string(ask("", "Target.createBrowserContext"), "browserContextId"));
    json::object target;
    target["url"] = "about:blank";
    target["browserContextId"] = address.context_id;
    target["width"] = 1280;
    target["height"] = 720;
    address.target_id = std::string(json::find_string(ask("", "Target.createTarget", target), "targetId"));
    json::object attach = only("targetId", address.target_id);
    attach["flatten"] = true;
    address.cdp_session = std::string(json::find_string(ask("", "Target.attachToTarget", attach), "sessionId"));
    return address;
  }

 private:
  SharedChromium() : chromium_(start_chromium(*this, {"--site-per-process"})) {}

  std::unique_ptr<Chromium> chromium_;
};

class PageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!browser.is_there()) GTEST_SKIP() << "there is no Chromium";
    std::string folder = (std::filesystem::temp_directory_path() / "sojourn-page-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    settings.data = folder;
    settings.url = "http://127.0.0.1:1";
    files = std::make_unique<Files>(settings);
    address = browser.new_page();
    page = std::make_unique<Page>(browser.wire(), browser.loop, browser.timers, address);
    auto const prepared = run(page->prepare());
    ASSERT_TRUE(prepared) << prepared.error().message;
    page->settle_in(*files, "sess_test", [this](std::string name, json::object data) {
      news.emplace_back(std::move(name), std::move(data));
    });
  }
  void TearDown() override {
    if (!page) return;
    page.reset();
    browser.wire().send("", "Target.disposeBrowserContext", only("browserContextId", address.context_id));
    std::filesystem::remove_all(settings.data);
  }

  template <typename T> Result<T> run(Task<Result<T>> task) {
    auto const box = std::make_shared<std::optional<Result<T>>>();
    std::function<void(Result<T>)> done = [box](Result<T> value) { box->emplace(std::move(value)); };
    start(std::move(task), std::move(done));
    browser.run_until([&] { return box->has_value(); }, 60'000);
    if (!box->has_value()) return error(Code::internal, "it never came back");
    return std::move(**box);
  }
  Result<json::object> call(Function function, json::object input, std::int64_t ms = 30'000) {
    auto const begun = Clock().now().steady_us;
    auto output = run(page->call(function, std::move(input), begun + ms * 1000));
    took_ms = static_cast<double>(Clock().now().steady_us - begun) / 1000;
    if (output && output->contains("elements")) elements = output->at("elements").get_array();
    if (output && output->contains("snapshot") && output->at("snapshot").is_object())
      elements = output->at("snapshot").at("elements").get_array();
    return output;
  }
  // {} and a failed test when it is an error.
  json::object open(std::string const& url) {
    auto output = call(Function::open, input("url", url, "screenshot", false));
    if (output) return *output;
    ADD_FAILURE() << output.error().message;
    return {};
  }
  json::object show(std::string const& html) {
    site.serve("/", html);
    return open(site.url("/"));
  }
  json::object act(json::object given) {
    if (!given.contains("screenshot")) given["screenshot"] = false;
    auto output = call(Function::interact, std::move(given));
    if (output) return *output;
    ADD_FAILURE() << output.error().message;
    return {};
  }
  json::object act(std::string_view action, std::string_view ref, std::string_view text = {}) {
    json::object given;
    given["action"] = action;
    given["ref"] = ref;
    if (!text.empty()) given["text"] = text;
    return act(std::move(given));
  }
  // What a script gives, or what it throws.
  std::string evaluate(std::string const& code) {
    auto const output = call(Function::execute, input("code", code, "screenshot", false));
    if (!output) return output.error().message;
    auto const& o = *output;
    if (o.at("error").is_string()) return std::string(o.at("error").get_string());
    return o.at("result").is_string() ? std::string(o.at("result").get_string()) : "null";
  }
  // Names and values in turn.
  static json::object input() { return {}; }
  template <typename T, typename... More>
  static json::object input(std::string_view name, T const& value, More const&... more) {
    json::object o;
    o[name] = value;
    for (auto const& member : input(more...)) o[member.key()] = member.value();
    return o;
  }
  // Of the element of the last snapshot with this name or text.
  std::string ref(std::string_view name) const {
    for (auto const& element : elements)
      for (auto const* const key : {"name", "text", "role", "tag"})
        if (json::find_string(element.get_object(), key) == name)
          return std::string(json::find_string(element.get_object(), "ref"));
    ADD_FAILURE() << "nothing is called " << name << " in " << json::to_text(elements);
    return "@e0";
  }
  static std::string message(json::object const& output) { return std::string(json::find_string(output, "message")); }
  static bool succeeded(json::object const& output) {
    return output.contains("success") && output.at("success") == json::value(true);
  }
  bool has_news(std::string_view name) const {
    for (auto const& one : news)
      if (one.first == name) return true;
    return false;
  }

  SharedChromium& browser = SharedChromium::get();
  SmallSite site;
  BrowserSettings settings;
  std::unique_ptr<Files> files;
  PageAddress address;
  std::unique_ptr<Page> page;
  json::array elements;
  std::vector<std::pair<std::string, json::object>> news;
  double took_ms = 0;  // of the last call
};

}  // namespace sojourn::test

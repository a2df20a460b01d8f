// A page from its opening to its end: what every function answers, and what happens when the page fails.
#include "browser/page.h"

#include "support/page_stage.h"

namespace sojourn {
namespace {

using test::PageTest;

TEST_F(PageTest, INF_03_OpeningAnswersWithTheWholeSnapshot) {
  site.serve("/",
             "<title>Shop</title><a href='/next'>Next</a><button>Buy</button><input type=email placeholder=Email>");
  auto const output = call(Function::open, input("url", site.url("/")));
  ASSERT_TRUE(output) << output.error().message;
  auto const& o = *output;
  EXPECT_EQ(o.at("url"), json::value(site.url("/")));
  EXPECT_EQ(o.at("title"), json::value("Shop"));
  EXPECT_EQ(o.at("elements").get_array().size(), 3U);
  EXPECT_EQ(json::find_string(o.at("screenshot").get_object(), "content_type"), "image/png");
  EXPECT_EQ(o.at("elements_text"),
            json::value("@e1 [a] \"Next\" href=\"/next\"\n@e2 [button] \"Buy\"\n@e3 [input type=email] \"Email\""));
  EXPECT_TRUE(browser.run_until([&] { return has_news("navigated"); }, 1000));
}

TEST_F(PageTest, INF_04_AClickByRefActsOnThatElementAndSaysWhich) {
  show("<button onclick=\"this.textContent='clicked'\">Go</button><button>Other</button>");
  auto const output = act("click", ref("Go"));
  EXPECT_TRUE(succeeded(output)) << json::to_text(output);
  EXPECT_EQ(evaluate("document.querySelector('button').textContent"), "clicked");
  auto const& element = output.at("element").get_object();
  EXPECT_EQ(json::find_string(element, "tag"), "button");
  EXPECT_EQ(json::find_string(element, "name"), "Go");
  EXPECT_GT(find_number(find_object(element, "box"), "width"), 0);
}

TEST_F(PageTest, INF_02_WhatAPageKeepsStaysOverCalls) {
  show("x");
  evaluate("localStorage.setItem('k','v'); document.cookie='c=1'; 0");
  open(site.url("/?again"));
  EXPECT_EQ(evaluate("[localStorage.getItem('k'), document.cookie, history.length > 1]"), "['v', 'c=1', True]");
}

TEST_F(PageTest, ACrashIsToldAndThePageCanBeOpenedAgain) {
  show("<button>b</button>");
  auto const old = ref("b");
  browser.wire().send(address.cdp_session, "Page.crash");
  EXPECT_TRUE(browser.run_until([&] { return has_news("page_crashed"); }, 1000));
  EXPECT_TRUE(page->has_crashed());
  auto const output = call(Function::snapshot, {});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::crashed);
  EXPECT_EQ(output.error().message, "the page crashed; open a URL to go on");
  open(site.url("/"));
  EXPECT_TRUE(page->is_open());
  EXPECT_NE(ref("b"), old) << "numbers are never used again";
  EXPECT_TRUE(succeeded(act("click", ref("b"))));
}

TEST_F(PageTest, ACrashEndsTheCallThatRuns) {
  show("x");
  auto const box = std::make_shared<std::optional<Result<json::object>>>();
  std::function<void(Result<json::object>)> done = [box](Result<json::object> value) {
    box->emplace(std::move(value));
  };
  start(page->call(Function::execute, input("code", "new Promise(()=>{})"), Clock().now().steady_us + 20'000'000),
        std::move(done));
  browser.run_for(50);
  browser.wire().send(address.cdp_session, "Page.crash");
  EXPECT_TRUE(browser.run_until([&] { return box->has_value(); }, 1000));
  ASSERT_TRUE(box->has_value());
  EXPECT_EQ((**box).error().code, Code::crashed);
}

TEST_F(PageTest, AnActionThatHangsThePageIsEndedAndThePageGoesOn) {
  show("<button onclick='for(;;);'>Hang</button>");
  auto const output = act(input("action", "click", "ref", ref("Hang"), "timeout_ms", 500));
  EXPECT_FALSE(succeeded(output));
  EXPECT_TRUE(message(output).starts_with("Timeout 500ms exceeded")) << message(output);
  EXPECT_TRUE(has_news("hung"));
  EXPECT_EQ(evaluate("1"), "1");
}

TEST_F(PageTest, INF_07_GivingUpEndsEveryWaitAtOnce) {
  site.serve("/never", "x", 10'000);
  show("x");
  for (auto const* const action : {"wait", "goto"}) {
    auto const box = std::make_shared<std::optional<Result<json::object>>>();
    std::function<void(Result<json::object>)> done = [box](Result<json::object> value) {
      box->emplace(std::move(value));
    };
    auto given = input("action", action, "wait_ms", 20'000, "url", site.url("/never"));
    start(page->call(Function::interact, std::move(given), Clock().now().steady_us + 30'000'000), std::move(done));
    browser.run_for(50);
    if (std::string_view(action) == "wait") continue;
    page->give_up();
    ASSERT_TRUE(box->has_value()) << "inside the call";
    EXPECT_EQ((**box).error().code, Code::ended);
  }
  EXPECT_EQ(call(Function::snapshot, {}).error().code, Code::ended);
}

TEST_F(PageTest, APageThatHangsForGoodHarmsOnlyItself) {
  show("<button onclick=\"setTimeout(()=>{for(;;){try{for(;;);}catch{}}})\">Hang</button>");
  act(input("action", "click", "ref", ref("Hang"), "snapshot", "none"));
  auto const output = call(Function::snapshot, {}, 4000);
  if (!output) {
    EXPECT_TRUE(output.error().code == Code::crashed || output.error().code == Code::timeout) << output.error().message;
  }
  // It lets go, or is given up, within a few seconds.
  auto const opened = call(Function::open, input("url", site.url("/"), "screenshot", false), 20'000);
  if (!opened) {
    EXPECT_EQ(opened.error().code, Code::crashed) << opened.error().message;
    EXPECT_LT(took_ms, 10'000);
  }
}

TEST_F(PageTest, OpeningIsQuick) {
  double best = 1e9;
  site.serve("/", "<title>Small</title><button>b</button>");
  for (int i = 0; i < 5; ++i) {
    open(site.url("/"));
    best = std::min(best, took_ms);
  }
  RecordProperty("open_ms", std::to_string(best));
  EXPECT_LT(best, 150) << "30 on a machine that does nothing else";
}

}  // namespace
}  // namespace sojourn

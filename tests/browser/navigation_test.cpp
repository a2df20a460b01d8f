#include "browser/navigation.h"

#include "support/page_stage.h"

namespace sojourn {
namespace {

std::string address(std::string_view given) {
  auto const address = to_address(given);
  return address ? *address : std::string(row(address.error().code).word) + ": " + address.error().message;
}

TEST(Address, HttpsStandsBeforeWhatNamesNoSchemeOfTheWeb) {
  EXPECT_EQ(address("example.com/a?b"), "https://example.com/a?b");
  EXPECT_EQ(address("localhost:8080"), "http://localhost:8080");
  EXPECT_EQ(address("http://a"), "http://a");
  EXPECT_EQ(address(" HTTPS://a "), "HTTPS://a");
  EXPECT_EQ(address("data:text/html,x"), "data:text/html,x");
  EXPECT_EQ(address("about:blank"), "about:blank");
}

TEST(Address, WhatIsNotOfTheWebIsRefused) {
  EXPECT_EQ(address("file:///etc/passwd"), "forbidden: file: addresses are not allowed");
  EXPECT_EQ(address("\t FILE:///etc/passwd"), "forbidden: file: addresses are not allowed");
  EXPECT_EQ(address("chrome://version"), "forbidden: chrome: addresses are not allowed");
  EXPECT_EQ(address("devtools://x"), "forbidden: devtools: addresses are not allowed");
  EXPECT_EQ(address("view-source:http://a"), "forbidden: view-source: addresses are not allowed");
  EXPECT_EQ(address("javascript:alert(1)"), "forbidden: javascript: addresses are not allowed");
  EXPECT_EQ(address("blob:http://a/1"), "forbidden: blob: addresses are not allowed");
  EXPECT_EQ(address("filesystem:http://a/1"), "forbidden: filesystem: addresses are not allowed");
  EXPECT_EQ(address("about:version"), "forbidden: about: addresses are not allowed");
  EXPECT_EQ(address("java\nscript:alert(1)"), "https://java\nscript:alert(1)") << "no scheme any more";
  EXPECT_EQ(address("ftp://example.com/"), "forbidden: ftp: addresses are not allowed");
  EXPECT_EQ(address("example.com/?of=ftp://a"), "https://example.com/?of=ftp://a");
  EXPECT_EQ(address("localhost:8000/x"), "http://localhost:8000/x") << "which has no certificate";
  EXPECT_EQ(address("127.0.0.1"), "http://127.0.0.1");
  EXPECT_EQ(address("localhost.example.com"), "https://localhost.example.com");
  EXPECT_EQ(address("  "), "invalid: the address is empty");
  EXPECT_EQ(address(std::string(3'000'000, 'a')), "invalid: the address is too long");
}

using NavigationTest = test::PageTest;

TEST_F(NavigationTest, GotoAndBackWaitUntilThePageCanBeRead) {
  site.serve("/two", "<title>Two</title><button>Two</button>", 50);
  show("<title>One</title><a href=/two>Two</a>");
  auto output = act(input("action", "goto", "url", site.url("/two")));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(json::find_string(output.at("snapshot").get_object(), "title"), "Two");
  output = act(input("action", "back"));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(json::find_string(output.at("snapshot").get_object(), "title"), "One");
}

TEST_F(NavigationTest, BackWithinADocumentWorksToo) {
  show("<button onclick=\"location.hash='#x'\">Hash</button>");
  act("click", ref("Hash"));
  EXPECT_EQ(evaluate("location.hash"), "#x");
  EXPECT_TRUE(succeeded(act(input("action", "back"))));
  EXPECT_EQ(evaluate("location.hash"), "");
}

// The browser keeps what a page is asked while it is on its way elsewhere.
TEST_F(NavigationTest, APageWhoseServerTakesItsTimeIsWaitedFor) {
  site.serve("/slow", "<title>slow</title>", 6000);
  show("<a href=/slow>Go</a>");
  auto output = act("click", ref("Go"));
  EXPECT_TRUE(succeeded(output)) << message(output);
  EXPECT_EQ(json::find_string(output.at("snapshot").get_object(), "title"), "slow");
  show("<script>setTimeout(() => location = '/slow', 100)</script>");
  browser.run_for(300);
  auto const seen = call(Function::snapshot, {});
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(json::find_string(*seen, "title"), "slow");
  site.serve("/slow", "<title>asked for</title>", 4000);
  EXPECT_EQ(json::find_string(open(site.url("/slow")), "title"), "asked for");
  EXPECT_FALSE(has_news("page_crashed"));
}

TEST_F(NavigationTest, WorkersOfAPageRun) {
  site.serve("/worker.js", "postMessage('alive')", 0, "Content-Type: text/javascript\r\n");
  show(
      "<script>got = new Promise((done) => { new Worker('/worker.js').onmessage = (event) => done(event.data) "
      "})</script>");
  EXPECT_LT(took_ms, 400) << "its script is not waited for when it is there";
  EXPECT_EQ(evaluate("got"), "alive");
  EXPECT_EQ(
      evaluate("new Promise((done) => { const own = new Worker(URL.createObjectURL(new Blob(['postMessage(1 + 1)'])));"
               " own.onmessage = (event) => done(event.data) })"),
      "2");
}

TEST_F(NavigationTest, ThereIsNothingBeforeTheFirstPage) {
  show("first");
  auto const output = act(input("action", "back"));
  EXPECT_FALSE(succeeded(output));
  EXPECT_EQ(message(output), "There is no page to go back to.");
}

TEST_F(NavigationTest, AnAddressThatIsNotThereIsShownWithAPicture) {
  show("x");
  auto const output = act(input("action", "goto", "url", "http://127.0.0.1:9/", "screenshot", true));
  EXPECT_TRUE(message(output).starts_with("net::ERR_")) << message(output);
  EXPECT_TRUE(output.at("screenshot").is_object());
}

TEST_F(NavigationTest, AnAddressThatIsNotThereIsAnOutcomeOfGoto) {
  show("x");
  auto const output = act(input("action", "goto", "url", "http://127.0.0.1:9/"));
  EXPECT_FALSE(succeeded(output));
  EXPECT_TRUE(message(output).starts_with("net::ERR_")) << message(output);
  EXPECT_EQ(message(act(input("action", "goto", "url", "file:///etc/passwd"))), "file: addresses are not allowed");
}

TEST_F(NavigationTest, APageThatDoesNotComeIsGivenUpAtTheDeadline) {
  site.serve("/slow", "late", 3000);
  show("x");
  auto const output = act(input("action", "goto", "url", site.url("/slow"), "timeout_ms", 300));
  EXPECT_FALSE(succeeded(output));
  EXPECT_EQ(message(output), "Timeout 300ms exceeded");
  EXPECT_LT(took_ms, 2500);
}

TEST_F(NavigationTest, APageThatGoesOnByItselfAllTheTimeCanBeLeft) {
  site.serve("/calm", "<title>calm</title>");
  std::string const goes = "<script>setInterval(() => location.href = '/restless?' + Math.random(), ";
  for (std::string const& html :
       {goes + "20)</script>", goes + "1)</script>", std::string("<meta http-equiv=refresh content=0>"),
        std::string("<script>location.reload()</script>")})
    for (int round = 0; round < 5; ++round) {
      site.serve("/restless", html);
      call(Function::open, input("url", site.url("/restless"), "screenshot", false, "timeout_ms", 500));
      EXPECT_EQ(json::find_string(open(site.url("/calm")), "title"), "calm") << html;
      EXPECT_EQ(evaluate("document.title"), "calm") << html;
      EXPECT_LT(took_ms, 5000) << html;
    }
}

TEST_F(NavigationTest, RequestsOfALoadedPageAreWaitedForALittle) {
  site.serve("/data", "loaded", 100);
  show("<p id=p>wait</p><script>fetch('/data').then(r=>r.text()).then(t=>p.textContent=t)</script>");
  EXPECT_EQ(evaluate("p.textContent"), "loaded");
}

}  // namespace
}  // namespace sojourn

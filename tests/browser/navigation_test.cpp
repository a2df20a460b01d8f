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
  EXPECT_EQ(address("localhost:8080"), "https://localhost:8080");
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

TEST_F(NavigationTest, RequestsOfALoadedPageAreWaitedForALittle) {
  site.serve("/data", "loaded", 100);
  show("<p id=p>wait</p><script>fetch('/data').then(r=>r.text()).then(t=>p.textContent=t)</script>");
  EXPECT_EQ(evaluate("p.textContent"), "loaded");
}

}  // namespace
}  // namespace sojourn

#include "browser/furnish.h"

#include "support/page_stage.h"

namespace sojourn {
namespace {

using FurnishTest = test::PageTest;

TEST_F(FurnishTest, APageIsWhatItsSessionWished) {
  BrowserWish wish;
  wish.width = 800;
  wish.height = 600;
  wish.user_agent = "Test/1";
  wish.locale = "de-DE";
  wish.time_zone = "Asia/Tokyo";
  auto const furnished = run(page->furnish(wish));
  ASSERT_TRUE(furnished) << furnished.error().message;
  site.serve("/inner", "<script>parent.postMessage(navigator.userAgent,'*')</script>");
  show("<script>onmessage=e=>window.inner=e.data</script><iframe src='http://localhost:PORT/inner'></iframe>");
  EXPECT_EQ(evaluate("[innerWidth, innerHeight, navigator.userAgent, navigator.language]"),
            "[800, 600, 'Test/1', 'de-DE']");
  EXPECT_EQ(evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone"), "Asia/Tokyo");
  EXPECT_EQ(evaluate("(1.5).toLocaleString()"), "1,5");
  EXPECT_EQ(evaluate("new Promise(r => setTimeout(() => r(window.inner), 100))"), "Test/1") << "in every process";
  EXPECT_EQ(page->width(), 800);
}

TEST_F(FurnishTest, AViewportIsThereWithoutAnyWish) {
  show("x");
  EXPECT_EQ(evaluate("[innerWidth, innerHeight]"), "[1280, 720]");
}

TEST_F(FurnishTest, WhatTheBrowserDoesNotKnowIsRefused) {
  BrowserWish wish;
  wish.time_zone = "Nowhere/Land";
  auto const furnished = run(page->furnish(wish));
  ASSERT_FALSE(furnished);
  EXPECT_EQ(furnished.error().code, Code::invalid);
  EXPECT_EQ(furnished.error().message, "the browser does not know the time zone Nowhere/Land");
}

TEST_F(FurnishTest, ALaterOpenChangesOnlyWhatItNames) {
  site.serve("/", "x");
  call(Function::open, input("url", site.url("/"), "screenshot", false, "width", 900, "height", 500));
  EXPECT_EQ(evaluate("document.cookie='a=b'; [innerWidth, innerHeight]"), "[900, 500]");
  open(site.url("/"));
  EXPECT_EQ(evaluate("[innerWidth, document.cookie]"), "[900, 'a=b']");
}

}  // namespace
}  // namespace sojourn

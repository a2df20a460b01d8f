// Nodes that are held, and the world that the page's scripts can't touch.
#include "browser/hands.h"

#include "browser/params.h"
#include "support/page_stage.h"

namespace sojourn {
namespace {

class HandsTest : public test::PageTest {
 protected:
  void SetUp() override {
    if (!browser.is_there()) GTEST_SKIP() << "there is no Chromium";
    address = browser.new_page();
    tab = std::make_unique<Tab>(browser.wire(), browser.loop, browser.timers, address);
    tab->listen();
    auto const tree = browser.wait(tab->send(tab->session(), "Page.getFrameTree", {}, soon()));
    tab->frames.seed(tab->session(), find_object(*tree, "frameTree"));
    browser.wait(switch_on(*tab, tab->session()));
    hands = std::make_unique<Hands>(*tab);
    site.serve("/",
               "<title>A</title><p id=p>text</p><script>window.hands={finish(){return 'theirs'}};"
               "Array.prototype.map=()=>'broken';JSON.stringify=()=>'broken'</script>");
    visit();
  }
  void TearDown() override {
    if (!tab) return;
    hands.reset();
    tab.reset();
    browser.wire().send("", "Target.disposeBrowserContext", only("browserContextId", address.context_id));
  }
  void visit() {
    auto const before = tab->frames.main()->document;
    tab->send(tab->session(), "Page.navigate", only("url", site.url("/")), soon());
    browser.run_until([&] { return tab->frames.main()->document != before && tab->frames.main()->is_loaded; });
  }
  std::int64_t soon() const { return Clock().now().steady_us + 5'000'000; }
  Result<NodeKey> paragraph() { return run(hands->find_one(tab->frames.main()->id, "#p", soon())); }

  std::unique_ptr<Tab> tab;
  std::unique_ptr<Hands> hands;
};

TEST_F(HandsTest, AThingOfThePageIsFoundHeldAndUsed) {
  auto const key = paragraph();
  ASSERT_TRUE(key) << key.error().message;
  auto const grip = run(hands->hold(*key, soon()));
  ASSERT_TRUE(grip) << grip.error().message;
  auto const shown = run(hands->use(*grip, "show", {}, soon()));
  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_GT(find_number(find_object(*shown, "box"), "width"), 0);
}

TEST_F(HandsTest, ThePageDoesNotReachItsWorld) {
  auto const done = run(hands->use_in(tab->frames.main()->id, "finish", {}, soon()));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->contains("changes")) << json::to_text(*done);
}

TEST_F(HandsTest, ANodeOfAnotherDocumentIsNeverMistaken) {
  auto const key = paragraph();
  visit();
  EXPECT_EQ(run(hands->hold(*key, soon())).error().code, Code::stale_ref);
  auto wrong = *paragraph();
  wrong.backend_id += 100'000;
  EXPECT_EQ(run(hands->hold(wrong, soon())).error().code, Code::stale_ref);
}

TEST_F(HandsTest, ANodeThatWasTakenOutIsStale) {
  auto const grip = run(hands->hold(*paragraph(), soon()));
  browser.ask(tab->session(), "Runtime.evaluate", only("expression", "p.remove()"));
  EXPECT_EQ(run(hands->use(*grip, "show", {}, soon())).error().code, Code::stale_ref);
}

TEST_F(HandsTest, WhatIsNoSelectorOrMatchesNothingIsToldApart) {
  EXPECT_EQ(run(hands->find_one(tab->frames.main()->id, "#nothing", soon())).error().code, Code::not_found);
  EXPECT_EQ(run(hands->find_one(tab->frames.main()->id, "][", soon())).error().code, Code::invalid);
  EXPECT_EQ(run(hands->find_one(tab->frames.main()->id, "\"); alert(1); (\"", soon())).error().code, Code::invalid);
}

TEST_F(HandsTest, NothingIsHeldAfterTheEnd) {
  auto const key = *paragraph();
  tab->give_up();
  EXPECT_EQ(tab->judge(run(hands->hold(key, soon())).error()).code, Code::ended);
}

}  // namespace
}  // namespace sojourn

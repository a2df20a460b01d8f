#include "browser/capture.h"

#include <algorithm>

#include "browser/captured_page.h"

namespace sojourn {
namespace {

TEST(CaptureTest, INF_02_APageSaysItsAddressItsTitleAndItsFrames) {
  auto const page = read_recorded("text");
  EXPECT_EQ(page.url, "http://127.0.0.1:8080/text.html");
  EXPECT_EQ(page.title, "Text of a page");
  ASSERT_EQ(page.frames.size(), 1U);
  EXPECT_TRUE(page.frames.front().is_main);
}

TEST(CaptureTest, FramesStandWhereTheirElementDoesWhicheverProcessHasThem) {
  auto const page = read_recorded("frames");
  std::vector<std::string> found;
  for (auto const& element : page.elements) found.push_back(element.text);
  EXPECT_EQ(found, (std::vector<std::string>{"Before", "Inner", "Cross link", "Inner", "After"}));
  EXPECT_EQ(page.frames.size(), 4U);
  EXPECT_EQ(page.frames[page.elements[2].frame].url, "http://localhost:8080/_cross.html");
  EXPECT_NE(page.frames[page.elements[2].frame].cdp_session, page.frames[0].cdp_session);
  EXPECT_EQ(page.frames[page.elements[1].frame].cdp_session, page.frames[0].cdp_session);
  EXPECT_FALSE(page.key(page.elements[1]) == page.key(page.elements[3]));
}

TEST(CaptureTest, BoxesInFramesAreInTheViewportOfThePage) {
  auto const page = read_recorded("frames");
  // Frame at (0, 20), border 5 and padding 3, the button at (10, 60), scrolled by 25.
  EXPECT_EQ(page.elements[1].box.x, 18);
  EXPECT_EQ(page.elements[1].box.y, 63);
  // Second frame at (0, 136), border 2; in it one at (0, 40), scrolled by 25.
  EXPECT_EQ(page.elements[2].box.y, 138);
  EXPECT_EQ(page.elements[3].box.x, 12);
  EXPECT_EQ(page.elements[3].box.y, 136 + 2 + 40 + 60 - 25);
}

TEST(CaptureTest, AScrolledPageCountsFromItsViewport) {
  EXPECT_EQ(find_element(read_recorded("sight"), "Plain").box.y, -100);
  EXPECT_EQ(find_element(read_recorded("sight"), "Fixed in it").box.y, 400);
}

TEST(CaptureTest, ShadowRootsAndFramesInThemArePartOfThePage) {
  auto const page = read_recorded("shadow");
  auto const button = find_element(page, "In a closed root");
  auto const link = find_element(page, "In a frame in it");
  EXPECT_TRUE(page.frames[button.frame].is_main);
  EXPECT_FALSE(page.frames[link.frame].is_main);
  EXPECT_EQ(link.href, "http://127.0.0.1:8080/nested");
  EXPECT_EQ(count_elements(page, "Not assigned"), 0U);
}

TEST(CaptureTest, BoxesAreWhereThePageIsScrolledTo) {
  PageWriter page;
  page.element(0, "BUTTON", {}, {500, 300, 40, 20});
  page.scroll(450, 250.5);
  auto const box = read_page(page.json()).elements.front().box;
  EXPECT_EQ(box.x, 50);
  EXPECT_EQ(box.y, 49.5);
}

TEST(CaptureTest, HiddenFramesAreLeftOut) {
  EXPECT_EQ(count_elements(read_recorded("sight"), "In hidden frame"), 0U);
  PageWriter page;
  auto const frame = page.element(0, "IFRAME");
  page.style(frame, "visibility", "hidden");
  PageWriter inner;
  inner.element(0, "BUTTON");
  auto child = main_capture(inner.json());
  child.owner_session = "main";
  child.owner_node = PageWriter::id(frame);
  EXPECT_TRUE(read_captures({main_capture(page.json()), child}, {}, {})->elements.empty());
}

TEST(CaptureTest, TheOrderOfCapturesDoesNotMatterAndStrangersAreLeftOut) {
  auto captures = recorded("frames");
  std::reverse(captures.begin(), captures.end());
  captures.front().owner_session = "nobody";
  auto const page = read_captures(captures, {}, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->elements.size(), 4U);
  captures[1].text = "broken";
  auto const rest = read_captures(captures, {}, {});
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->elements.size(), 3U);
}

TEST(CaptureTest, WithoutTheCaptureOfThePageThereIsNothing) {
  auto captures = recorded("frames");
  captures.front().text = "broken";
  EXPECT_FALSE(read_captures(captures, {}, {}));
  captures.erase(captures.begin());
  EXPECT_FALSE(read_captures(captures, {}, {}));
  EXPECT_FALSE(read_captures({}, {}, {}));
}

TEST(CaptureTest, FramesThatContainThemselvesEnd) {
  PageWriter page;
  page.element(0, "IFRAME");
  page.element(0, "BUTTON", {{"value", "one"}});
  auto text = page.json();
  text.replace(text.find(R"("nodes":{)"), 9, R"("nodes":{"contentDocumentIndex":{"index":[1],"value":[0]},)");
  EXPECT_EQ(read_page(text).elements.size(), 1U);
  auto capture = main_capture(page.json());
  auto inner = capture;
  inner.owner_session = "main";
  inner.owner_node = PageWriter::id(1);
  auto const both = read_captures({capture, inner, inner}, {}, {});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->elements.size(), 2U);
}

TEST(CaptureTest, KeysNameTheDocumentTheyAreOf) {
  auto const captures = recorded("names");
  auto const before = read_captures(captures, {}, {});
  auto const after = read_captures(captures, {{captures.front().frame_id, 7}}, {});
  ASSERT_TRUE(before && after);
  auto const key = after->key(after->elements.front());
  EXPECT_EQ(key.frame_id, captures.front().frame_id);
  EXPECT_EQ(key.generation, 7);
  EXPECT_EQ(key.backend_id, before->key(before->elements.front()).backend_id);
  EXPECT_FALSE(key == before->key(before->elements.front()));
}

TEST(CaptureTest, AScopeIsOneSubtreeWithTheFramesInIt) {
  auto const whole = read_recorded("shadow");
  // The host of the closed root has no element of its own; the frame in it is found by the link in that.
  auto const captures = recorded("shadow");
  auto const in_frame = whole.key(find_element(whole, "In a frame in it"));
  CaptureWish wish;
  wish.scope = in_frame;
  auto const link = read_captures(captures, {}, wish);
  ASSERT_TRUE(link);
  EXPECT_TRUE(link->has_scope);
  EXPECT_EQ(std::count_if(link->elements.begin(), link->elements.end(),
                          [](Element const& element) { return element.is_in_scope; }),
            1);
  EXPECT_EQ(link->elements.size(), whole.elements.size());
  wish.scope->generation = 1;
  EXPECT_FALSE(read_captures(captures, {}, wish)->has_scope);
}

TEST(CaptureTest, AScopeWithAFrameInItHasWhatIsInThatFrame) {
  PageWriter page;
  auto const div = page.element(0, "DIV");
  auto const frame = page.element(div, "IFRAME");
  page.element(0, "BUTTON", {{"value", "outside"}});
  PageWriter inner;
  inner.element(0, "BUTTON", {{"value", "inside"}});
  auto outer = main_capture(page.json());
  auto child = main_capture(inner.json());
  child.cdp_session = "child";
  child.owner_session = "main";
  child.owner_node = PageWriter::id(frame);
  CaptureWish wish;
  wish.scope = NodeKey{"frame", 0, PageWriter::id(div)};
  auto const capture = read_captures({outer, child}, {}, wish);
  ASSERT_TRUE(capture);
  ASSERT_EQ(capture->elements.size(), 2U);
  EXPECT_EQ(capture->elements[0].text, "inside");
  EXPECT_TRUE(capture->elements[0].is_in_scope);
  EXPECT_FALSE(capture->elements[1].is_in_scope);
}

TEST(CaptureTest, WhatCannotBeUsedSaysSo) {
  auto const page = read_recorded("names");
  EXPECT_TRUE(find_element(page, "Not now").is_disabled);
  EXPECT_TRUE(find_element(page, "In fieldset").is_disabled);
  EXPECT_FALSE(find_element(page, "In legend").is_disabled);
  EXPECT_TRUE(find_element(page, "Wifi").is_disabled);
  EXPECT_TRUE(find_element(read_recorded("sight"), "Inert").is_disabled);
  EXPECT_FALSE(find_element(page, "Buy").is_disabled);
}

TEST(CaptureTest, WhatCanBeCheckedSaysWhetherItIs) {
  auto const page = read_recorded("names");
  EXPECT_EQ(find_element(page, "Some of them").check, Check::mixed);
  EXPECT_EQ(find_element(page, "Wifi").check, Check::on);
  EXPECT_EQ(find_element(page, "red").check, Check::off);
  EXPECT_EQ(find_element(page, "Buy").check, Check::none);
}

TEST(CaptureTest, AClickableThingWithoutANameIsCalledWhatItReads) {
  EXPECT_EQ(find_element(read_recorded("clicks"), "By listener").name, "By listener");
  EXPECT_EQ(find_element(read_recorded("sight"), "Hidden from readers only").name, "Hidden from readers only");
  EXPECT_EQ(find_element(read_recorded("names"), "Apple Pear tree Fig").name, "fruit");
}

TEST(CaptureTest, WhatCanBeActedOnIsCalledTheSameWhateverElseIsListed) {
  for (std::string const name : {"clicks", "names", "sight", "text", "shadow", "frames"}) {
    auto const all = read_all(name);
    std::vector<std::string> names;
    for (auto const& element : all.elements)
      if (element.is_interactive) names.push_back(element.role + ' ' + element.name);
    std::vector<std::string> expected;
    for (auto const& element : read_recorded(name).elements) expected.push_back(element.role + ' ' + element.name);
    EXPECT_EQ(names, expected) << name;
  }
}

TEST(CaptureTest, ALargePageIsThereAsAWhole) {
  EXPECT_EQ(read_page(big_page(400)).elements.size(), 800U);
  EXPECT_EQ(read_page(big_page(400), {Interest::all, {}}).elements.size(), 1'600U);
}

}  // namespace
}  // namespace sojourn

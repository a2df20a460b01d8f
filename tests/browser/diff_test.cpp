#include "browser/diff.h"

#include "browser/captured_page.h"

namespace sojourn {
namespace {

Element button(std::int64_t ref, std::string text) {
  Element element;
  element.ref = ref;
  element.tag = "button";
  element.text = std::move(text);
  element.is_interactive = true;
  return element;
}

Capture page_of(std::vector<Element> elements) {
  Capture capture;
  capture.elements = std::move(elements);
  return capture;
}

TEST(DiffTest, WhatWasNotShownIsAddedAndWhatReadsOtherwiseIsChanged) {
  Shown shown;
  EXPECT_EQ(shown.compare(button(1, "A")), Difference::added);
  shown.show(button(1, "A"));
  EXPECT_EQ(shown.compare(button(1, "A")), Difference::none);
  EXPECT_EQ(shown.compare(button(1, "B")), Difference::changed);
  EXPECT_EQ(shown.compare(button(2, "A")), Difference::added);
}

TEST(DiffTest, WhereAnElementStandsIsNoDifference) {
  auto moved = button(1, "A");
  moved.box = {5, 5, 5, 5};
  moved.is_in_scope = false;
  EXPECT_EQ(digest(moved), digest(button(1, "A")));
}

TEST(DiffTest, AllThatIsSaidIsADifference) {
  auto const plain = digest(button(1, "A"));
  auto other = button(1, "A");
  other.check = Check::off;
  EXPECT_NE(digest(other), plain);
  other = button(1, "A");
  other.is_disabled = true;
  EXPECT_NE(digest(other), plain);
  other = button(1, "A");
  other.value = "";
  EXPECT_NE(digest(other), plain);
  other = button(1, "A");
  other.name = "A";
  EXPECT_NE(digest(other), plain);
  other = button(1, "A");
  other.href = "/";
  EXPECT_NE(digest(other), plain);
}

TEST(DiffTest, TextsDoNotRunIntoEachOther) {
  auto one = button(1, "b");
  one.name = "a";
  auto two = button(1, "");
  two.name = "ab";
  EXPECT_NE(digest(one), digest(two));
}

TEST(DiffTest, WhatIsGoneIsMissedOnceAndInOrder) {
  Shown shown;
  for (std::int64_t ref = 1; ref <= 5; ++ref) shown.show(button(ref, "A"));
  auto const page = page_of({button(3, "A")});
  EXPECT_EQ(shown.take_missing(page, Interest::interactive), (std::vector<std::int64_t>{1, 2, 4, 5}));
  EXPECT_TRUE(shown.take_missing(page, Interest::interactive).empty());
  EXPECT_EQ(shown.compare(button(1, "A")), Difference::added);
}

TEST(DiffTest, AHeadingIsNotMissedWhereHeadingsAreNotListed) {
  Shown shown;
  auto heading = button(1, "Title");
  heading.is_interactive = false;
  shown.show(heading);
  EXPECT_TRUE(shown.take_missing(page_of({}), Interest::interactive).empty());
  EXPECT_EQ(shown.take_missing(page_of({}), Interest::all).size(), 1U);
}

}  // namespace
}  // namespace sojourn

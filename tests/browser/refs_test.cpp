#include "browser/refs.h"

#include "browser/captured_page.h"

namespace sojourn {
namespace {

// A page with one frame, whose document is the `generation`th.
Capture page_of(std::vector<std::pair<std::int64_t, std::string>> const& buttons, std::int64_t generation = 0) {
  Capture capture;
  CapturedFrame frame;
  frame.id = "main";
  frame.generation = generation;
  frame.is_main = true;
  capture.frames.push_back(std::move(frame));
  for (auto const& [id, name] : buttons) {
    Element element;
    element.backend_id = id;
    element.tag = "button";
    element.role = "button";
    element.name = name;
    capture.elements.push_back(std::move(element));
  }
  return capture;
}

std::vector<std::int64_t> refs_of(Capture const& capture) {
  std::vector<std::int64_t> refs;
  for (auto const& element : capture.elements) refs.push_back(element.ref);
  return refs;
}

using Refs = std::vector<std::int64_t>;

class RefsTest : public testing::Test {
 protected:
  Capture number(Capture capture) {
    table_.number(capture);
    return capture;
  }
  std::string recovered(std::int64_t ref, Capture const& capture) {
    auto const found = table_.recover(ref, capture);
    return found ? "node " + std::to_string((*found)->backend_id) : found.error().message;
  }

  RefTable table_;
};

TEST_F(RefsTest, ANodeKeepsItsNumberAndANewOneGetsTheNext) {
  EXPECT_EQ(refs_of(number(page_of({{10, "A"}, {11, "B"}}))), (Refs{1, 2}));
  EXPECT_EQ(refs_of(number(page_of({{9, "New"}, {10, "A"}, {11, "Renamed"}}))), (Refs{3, 1, 2}));
  EXPECT_EQ(table_.find("@e2")->name, "Renamed");
}

TEST_F(RefsTest, NumbersAreNeverUsedAgain) {
  number(page_of({{10, "A"}, {11, "B"}}));
  number(page_of({}));
  EXPECT_EQ(refs_of(number(page_of({{12, "A"}}))), (Refs{3}));
  EXPECT_EQ(refs_of(number(page_of({{10, "A"}}))), (Refs{1}));
  // The same node id in the next document is another node.
  EXPECT_EQ(refs_of(number(page_of({{10, "A"}}, 1))), (Refs{4}));
}

TEST_F(RefsTest, INF_04_ARefIsFoundInAllItsSpellings) {
  number(page_of({{10, "Buy"}}, 3));
  for (std::string_view const text : {"@e1", "e1", "ref=e1", "ref=@e1"}) {
    auto const known = table_.find(text);
    ASSERT_TRUE(known) << text;
    EXPECT_EQ(known->key, (NodeKey{"main", 3, 10}));
    EXPECT_EQ(known->role, "button");
    EXPECT_EQ(known->tag, "button");
    EXPECT_EQ(known->name, "Buy");
  }
}

TEST_F(RefsTest, INF_04_WhatIsNoRefIsToldInTheDocumentedWords) {
  for (std::string_view const text :
       {"", "@", "e", "@e", "@e0", "@e-1", "@e1x", "button", "#e1", "@e99999999999999999999"}) {
    auto const known = table_.find(text);
    ASSERT_FALSE(known) << text;
    EXPECT_EQ(known.error().code, Code::invalid);
    EXPECT_EQ(known.error().message, "Invalid ref format: " + std::string(text) + ". Expected @e1, @e2, etc.");
  }
  auto const unknown = table_.find("e99");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::not_found);
  EXPECT_EQ(unknown.error().message, "Unknown ref: @e99. Run 'snapshot' to get current elements.");
}

TEST_F(RefsTest, AReplacedNodeIsFoundAgainWhenOnlyOneIsCalledSo) {
  number(page_of({{10, "Buy"}, {11, "Sell"}}));
  EXPECT_EQ(recovered(1, page_of({{20, "Buy"}, {11, "Sell"}})), "node 20");
  number(page_of({{20, "Buy"}, {11, "Sell"}}));
  EXPECT_EQ(recovered(1, page_of({{20, "Buy"}, {11, "Sell"}})), "node 20");
}

TEST_F(RefsTest, WhatIsStillThereIsItself) {
  number(page_of({{10, "Buy"}}));
  EXPECT_EQ(recovered(1, page_of({{20, "Buy"}, {10, "Bought"}})), "node 10");
}

TEST_F(RefsTest, AmongSeveralNoneIsChosen) {
  number(page_of({{10, "Buy"}}));
  auto const found = table_.recover(1, page_of({{20, "Buy"}, {21, "Buy"}, {22, "Buy"}}));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::stale_ref);
  EXPECT_EQ(found.error().message,
            "Stale ref: @e1 was button \"Buy\" and is not on the page any more; 3 elements are called that now. Run "
            "'snapshot' to get current elements.");
}

TEST_F(RefsTest, TheOtherOfTwoIsNotTheOneThatIsGone) {
  number(page_of({{10, "Buy"}, {11, "Buy"}}));
  EXPECT_EQ(recovered(1, page_of({{11, "Buy"}})),
            "Stale ref: @e1 was button \"Buy\" and is not on the page any more; one element is called that now, and it "
            "need not be the same. Run 'snapshot' to get current elements.");
  EXPECT_NE(recovered(1, page_of({{20, "Buy"}})).find("Stale ref"), std::string::npos);
}

TEST_F(RefsTest, WhatWasRenamedToItIsNotIt) {
  number(page_of({{10, "Buy"}, {11, "Sell"}}));
  EXPECT_NE(recovered(1, page_of({{11, "Buy"}})).find("Stale ref"), std::string::npos);
}

TEST_F(RefsTest, WithoutANameNothingIsFoundAgain) {
  number(page_of({{10, ""}}));
  EXPECT_EQ(recovered(1, page_of({{20, ""}})),
            "Stale ref: @e1 was button and is not on the page any more; nothing tells that another one took its place. "
            "Run 'snapshot' to get current elements.");
}

TEST_F(RefsTest, OnAnotherPageNothingIsFoundAgain) {
  number(page_of({{10, "Next"}}));
  EXPECT_EQ(recovered(1, page_of({{20, "Next"}}, 1)),
            "Stale ref: @e1 was button \"Next\" on a page that is gone. Run 'snapshot' to get current elements.");
}

TEST_F(RefsTest, InAnotherFrameNothingIsFoundAgain) {
  auto page = page_of({{10, "Next"}});
  CapturedFrame other;
  other.id = "other";
  page.frames.push_back(other);
  number(page);
  page.elements[0].backend_id = 20;
  page.elements[0].frame = 1;
  EXPECT_EQ(
      recovered(1, page),
      "Stale ref: @e1 was button \"Next\" and is not on the page any more. Run 'snapshot' to get current elements.");
}

TEST_F(RefsTest, WhatIsForgottenIsStaleAndNotUnknown) {
  std::vector<std::pair<std::int64_t, std::string>> many;
  for (std::int64_t id = 1; id <= 15'000; ++id) many.emplace_back(id, "Row");
  number(page_of(many, 0));
  number(page_of(many, 1));
  auto const kept = number(page_of({{1, "Last"}}, 2));
  EXPECT_EQ(table_.find("@e30001")->name, "Last");
  auto const forgotten = table_.find("@e1");
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().code, Code::stale_ref);
  EXPECT_EQ(forgotten.error().message,
            "Stale ref: @e1 is not on the page any more. Run 'snapshot' to get current elements.");
  EXPECT_EQ(table_.recover(1, kept).error().code, Code::stale_ref);
  EXPECT_TRUE(table_.find("@e29999"));
  EXPECT_EQ(table_.find("@e30002").error().code, Code::not_found);
}

TEST_F(RefsTest, WhatIsForgottenAndComesBackIsNumberedAnew) {
  std::vector<std::pair<std::int64_t, std::string>> many;
  for (std::int64_t id = 1; id <= 25'000; ++id) many.emplace_back(id, "Row");
  number(page_of(many));
  number(page_of({{25'000, "Row"}}));
  EXPECT_EQ(refs_of(number(page_of({{1, "Back"}, {25'000, "Row"}}))), (Refs{25'001, 25'000}));
  EXPECT_EQ(table_.find("@e25001")->key, (NodeKey{"main", 0, 1}));
}

TEST_F(RefsTest, ALargePageIsNeverForgottenWhileItIsThere) {
  std::vector<std::pair<std::int64_t, std::string>> many;
  for (std::int64_t id = 1; id <= 30'000; ++id) many.emplace_back(id, "Row");
  number(page_of(many));
  number(page_of(many));
  EXPECT_TRUE(table_.find("@e1"));
  EXPECT_EQ(table_.last_ref(), 30'000);
}

TEST_F(RefsTest, ManyPagesLeaveLittleBehind) {
  for (std::int64_t generation = 0; generation < 5'000; ++generation)
    number(page_of({{1, "A"}, {2, "B"}, {3, "C"}, {4, "D"}, {5, "E"}, {6, "F"}}, generation));
  EXPECT_EQ(table_.last_ref(), 30'000);
  EXPECT_EQ(table_.find("@e30000")->key, (NodeKey{"main", 4'999, 6}));
  EXPECT_FALSE(table_.find("@e1"));
}

}  // namespace
}  // namespace sojourn

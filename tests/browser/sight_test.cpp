#include "browser/sight.h"

#include "browser/captured_page.h"

namespace sojourn {
namespace {

// The node of the recorded page that has this text right in it.
struct Looked {
  explicit Looked(std::string const& name) : dom(*DomCapture::read(recorded(name).front().text)) {}

  DomDocument const& document() const { return dom->documents().front(); }
  DomNode const* around(std::string_view text) const {
    for (auto const& node : document().nodes)
      if (node.is_text() && node.text == text) return document().parent(node);
    ADD_FAILURE() << "no text " << text;
    return nullptr;
  }

  std::unique_ptr<DomCapture> dom;
  Sight sight{document()};
};

std::string read(Sight const& sight, DomNode const& node) {
  TextLine line(1'000);
  sight.read(node, line);
  return line.take();
}

TEST(SightTest, WhatAPersonCouldSeeIsSeen) {
  Looked const page("sight");
  for (std::string_view const text :
       {"Plain", "Visible again", "Transparent", "Hidden from readers only", "Contents", "Floating content",
        "In open details", "Fixed in it", "Out of its box", "Far left", "Skip to content", "In open dialog", "Inert",
        "Drawn box ", "Scaled", "Laid out later", "Below"})
    EXPECT_TRUE(page.sight.sees(*page.around(text))) << text;
}

TEST(SightTest, WhatNobodyCouldSeeIsNot) {
  Looked const page("sight");
  for (std::string_view const text :
       {"Not displayed", "Invisible", "Hidden by attribute", "No area", "In closed details", "In closed accordion",
        "Skipped content", "In closed dialog", "In popover", "Not even then"})
    EXPECT_FALSE(page.sight.sees(*page.around(text))) << text;
}

TEST(SightTest, AnElementWithoutABoxStandsWhereItsContentDoes) {
  Looked const page("sight");
  auto const* const contents = page.around("Contents");
  ASSERT_FALSE(contents->has_box);
  EXPECT_GT(page.sight.extent(*contents).width, 0);
  auto const* const floats = page.document().parent(*page.around("Floating content"));
  EXPECT_EQ(floats->tag, "a");
  EXPECT_TRUE(page.sight.sees(*floats));
}

TEST(SightTest, WhatIsSkippedIsNotSeenThoughItStillHasItsBoxes) {
  PageWriter page;
  auto const skipped = page.element(0, "DIV");
  page.style(skipped, "content-visibility", "hidden");
  auto const button = page.element(page.element(skipped, "P"), "BUTTON");
  auto const dom = DomCapture::read(page.json());
  Sight const sight((*dom)->documents().front());
  auto const& nodes = (*dom)->documents().front().nodes;
  EXPECT_TRUE(sight.sees(nodes[static_cast<std::size_t>(skipped)]));
  EXPECT_FALSE(sight.sees(nodes[static_cast<std::size_t>(button)]));
}

TEST(SightTest, WhatMayBeSkippedAndIsLaidOutIsSeenAsItIs) {
  PageWriter page;
  auto const later = page.element(0, "DIV");
  page.style(later, "content-visibility", "auto");
  auto const shown = page.element(later, "BUTTON");
  auto const hidden = page.bare(later, "BUTTON");
  auto const dom = DomCapture::read(page.json());
  Sight const sight((*dom)->documents().front());
  auto const& nodes = (*dom)->documents().front().nodes;
  EXPECT_TRUE(sight.sees(nodes[static_cast<std::size_t>(shown)]));
  EXPECT_FALSE(sight.sees(nodes[static_cast<std::size_t>(hidden)]));
}

TEST(SightTest, AnInvisibleElementIsNotSeenThoughSomethingInItIs) {
  PageWriter page;
  auto const button = page.element(0, "BUTTON");
  page.style(button, "visibility", "hidden");
  auto const word = page.element(button, "SPAN");
  auto const dom = DomCapture::read(page.json());
  Sight const sight((*dom)->documents().front());
  auto const& nodes = (*dom)->documents().front().nodes;
  EXPECT_FALSE(sight.sees(nodes[static_cast<std::size_t>(button)]));
  EXPECT_TRUE(sight.sees(nodes[static_cast<std::size_t>(word)]));
}

TEST(SightTest, AnElementWithABoxStandsThereWhateverSticksOut) {
  PageWriter page;
  auto const outer = page.element(0, "DIV", {}, {10, 10, 50, 50});
  page.element(outer, "DIV", {}, {0, 0, 500, 500});
  auto const dom = DomCapture::read(page.json());
  Sight const sight((*dom)->documents().front());
  EXPECT_EQ(sight.extent((*dom)->documents().front().nodes[1]).width, 50);
}

TEST(SightTest, BlocksKeepWordsApartAndInlineElementsDoNot) {
  Looked const page("text");
  EXPECT_EQ(read(page.sight, *page.around("One")), "One two three four five");
  auto const* const bold = page.around("bold");
  EXPECT_EQ(read(page.sight, *page.document().parent(*bold)), "Paragraph with a link in it and bolditalic.");
}

TEST(SightTest, TextReadsAsItIsShownAndWithoutWhatStylesMadeUp) {
  Looked const page("text");
  EXPECT_EQ(read(page.sight, *page.around("UPPER")), "UPPER");
}

TEST(SightTest, ASelectReadsWhatCanBeSelected) {
  Looked const page("names");
  for (auto const& node : page.document().nodes) {
    if (node.tag != "select" || page.document().attribute(node, "name") != "fruit") continue;
    EXPECT_EQ(read(page.sight, node), "Apple Pear tree Fig");
    return;
  }
  FAIL();
}

TEST(SightTest, HiddenTextCanBeReadWhereItIsAskedFor) {
  Looked const page("sight");
  TextLine line(100);
  read_hidden(page.document(), *page.around("Hidden by attribute"), line);
  EXPECT_EQ(line.take(), "Hidden by attribute");
}

TEST(SightTest, ATreeAsDeepAsThePageLikesIsLookedAtWithoutRecursion) {
  PageWriter writer;
  int parent = 0;
  for (int i = 0; i < 20'000; ++i) parent = writer.element(parent, "DIV");
  writer.text(parent, "deep");
  auto const dom = DomCapture::read(writer.json());
  ASSERT_TRUE(dom);
  Sight const sight((*dom)->documents().front());
  EXPECT_EQ(read(sight, (*dom)->documents().front().nodes[1]), "deep");
}

}  // namespace
}  // namespace sojourn

#include "browser/dom.h"

#include "browser/captured_page.h"

namespace sojourn {
namespace {

DomDocument const& first(std::unique_ptr<DomCapture> const& capture) { return capture->documents().front(); }

TEST(DomTest, NodesKnowTheirParentAndWhereTheirSubtreeEnds) {
  PageWriter page;
  auto const html = page.element(0, "HTML");
  auto const list = page.element(html, "UL", {{"class", "menu"}, {"id", "m"}});
  page.text(page.element(list, "LI"), "one");
  auto const last = page.text(page.element(list, "LI"), "two");
  auto const after = page.element(html, "P");
  auto const capture = DomCapture::read(page.json());
  ASSERT_TRUE(capture);
  auto const& document = first(*capture);
  auto const& ul = document.nodes[static_cast<std::size_t>(list)];
  EXPECT_EQ(ul.tag, "ul");
  EXPECT_EQ(ul.end, last + 1);
  EXPECT_EQ(document.parent(ul)->tag, "html");
  EXPECT_EQ(document.attribute(ul, "id"), "m");
  EXPECT_EQ(document.find(ul, "href"), nullptr);
  EXPECT_EQ(document.nodes[static_cast<std::size_t>(last)].text, "two");
  EXPECT_EQ(document.nodes[static_cast<std::size_t>(after)].end, after + 1);
  EXPECT_EQ(document.nodes.front().end, after + 1);
}

TEST(DomTest, ARealCaptureHasItsTitleItsFramesAndWhatFieldsHold) {
  auto const capture = DomCapture::read(recorded("names").front().text);
  ASSERT_TRUE(capture);
  auto const& document = first(*capture);
  EXPECT_EQ(document.title, "Names & roles");
  EXPECT_EQ(document.url, "http://127.0.0.1:8080/names.html");
  std::size_t fields = 0;
  for (auto const& node : document.nodes)
    if (node.tag == "input" && node.has_value && !node.value.empty()) ++fields;
  EXPECT_GE(fields, 8U);
}

TEST(DomTest, HalfASurrogatePairDoesNotMakeAPageUnreadable) {
  EXPECT_EQ(mend_surrogates(R"("\ud83d")"), R"("\ufffd")");
  EXPECT_EQ(mend_surrogates(R"("\ud83d\ude00 \uDE00 \ud83dx")"), R"("\ud83d\ude00 \ufffd \ufffdx")");
  EXPECT_EQ(mend_surrogates(R"("\\ud83d \\\ud83d")"), R"("\\ud83d \\\ufffd")");
  EXPECT_EQ(mend_surrogates(R"("\)"), R"("\)");
  EXPECT_EQ(mend_surrogates(R"("\ud83d\ud83d\ude00")"), R"("\ufffd\ud83d\ude00")");
  auto const capture = DomCapture::read(recorded("text").front().text);
  ASSERT_TRUE(capture);
}

TEST(DomTest, WhatIsNoSnapshotIsRefused) {
  for (std::string_view const text :
       {"", "{", "[]", "{}", R"({"documents":[],"strings":[]})", R"({"documents":[1],"strings":[]})",
        R"({"documents":[{"nodes":{"parentIndex":[-1,5]}}],"strings":[]})",
        R"({"documents":[{"nodes":{"parentIndex":[-1,0,0,1]}}],"strings":[]})",
        R"({"documents":[{"nodes":{"parentIndex":[-1,-1]}}],"strings":[]})"}) {
    auto const capture = DomCapture::read(text);
    ASSERT_FALSE(capture) << text;
    EXPECT_EQ(capture.error().code, Code::failed);
  }
}

TEST(DomTest, NumbersThatPointNowhereAreNoNumbers) {
  auto const capture = DomCapture::read(
      R"({"documents":[{"documentURL":99,"nodes":{"parentIndex":[-1,0],"nodeType":[9,1],"nodeName":[7,-3],)"
      R"("attributes":[[],[1,2,3]],"inputValue":{"index":[1,40],"value":[50,1]},)"
      R"("contentDocumentIndex":{"index":[-1,1],"value":[0,70]}},"layout":{"nodeIndex":[5,-1,1],)"
      R"("styles":[[1],[1],[1]],"bounds":[[],[1],[1,2]],"text":[8]}}],"strings":["a"]})");
  ASSERT_TRUE(capture);
  EXPECT_EQ(first(*capture).url, "");
  EXPECT_EQ(first(*capture).nodes[1].tag, "");
  EXPECT_FALSE(first(*capture).nodes[1].has_box);
}

}  // namespace
}  // namespace sojourn

#include "browser/ids.h"

#include "browser/captured_page.h"

namespace sojourn {
namespace {

DomDocument const& document_of(std::unique_ptr<DomCapture> const& dom) { return dom->documents().front(); }

// The nodes of that tag with that attribute, in order.
std::vector<DomNode const*> find_all(DomDocument const& document, std::string_view tag, std::string_view attribute) {
  std::vector<DomNode const*> found;
  for (auto const& node : document.nodes)
    if (node.tag == tag && document.has(node, attribute)) found.push_back(&node);
  return found;
}

TEST(IdsTest, OfEqualIdsTheFirstOneIsMeant) {
  PageWriter page;
  auto const body = page.element(0, "BODY");
  page.element(body, "P", {{"id", "a"}});
  page.element(body, "B", {{"id", "a"}});
  auto const dom = DomCapture::read(page.json());
  Ids ids(document_of(*dom));
  auto const* const found = ids.find(document_of(*dom).nodes[3], "a");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->tag, "p");
  EXPECT_EQ(ids.find(*found, "b"), nullptr);
  EXPECT_EQ(ids.find(*found, ""), nullptr);
}

TEST(IdsTest, EachShadowTreeHasItsOwn) {
  auto const dom = DomCapture::read(recorded("shadow").front().text);
  auto const& document = document_of(*dom);
  Ids ids(document);
  auto const labels = find_all(document, "span", "id");
  auto const fields = find_all(document, "input", "aria-labelledby");
  ASSERT_EQ(labels.size(), 2U);
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(ids.find(*fields[0], "label"), labels[0]);
  EXPECT_EQ(ids.find(*fields[1], "label"), labels[1]);
}

TEST(IdsTest, NothingIsFoundAcrossAShadowRoot) {
  auto const dom = DomCapture::read(recorded("shadow").front().text);
  auto const& document = document_of(*dom);
  Ids ids(document);
  auto const paragraphs = find_all(document, "p", "id");
  ASSERT_EQ(paragraphs.size(), 1U);
  EXPECT_EQ(ids.find(*paragraphs[0], "label"), paragraphs[0]);
  EXPECT_EQ(ids.find(*paragraphs[0], "i"), nullptr);
  EXPECT_EQ(ids.find(*find_all(document, "input", "id")[0], "a"), nullptr);
}

TEST(IdsTest, WhatIsPutInASlotBelongsToTheTreeItCameFrom) {
  auto const dom = DomCapture::read(recorded("shadow").front().text);
  auto const& document = document_of(*dom);
  Ids ids(document);
  auto const buttons = find_all(document, "button", "aria-labelledby");
  ASSERT_EQ(buttons.size(), 2U);
  ASSERT_NE(ids.find(*buttons[0], "label"), nullptr);
  EXPECT_EQ(ids.find(*buttons[0], "label")->tag, "b");
  EXPECT_EQ(ids.find(*buttons[1], "label")->tag, "i");
}

}  // namespace
}  // namespace sojourn

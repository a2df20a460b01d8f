#include "browser/roles.h"

#include "browser/captured_page.h"

namespace sojourn {
namespace {

// The role of one element in the middle of a page.
std::string role(std::string_view tag, PageWriter::Attributes attributes = {}, std::string_view above = "DIV") {
  PageWriter page;
  auto const parent = page.element(page.element(0, "HTML"), above);
  auto const node = page.element(parent, tag, attributes);
  auto const dom = DomCapture::read(page.json());
  auto const& document = (*dom)->documents().front();
  return std::string(role_of(document, document.nodes[static_cast<std::size_t>(node)]));
}

std::string input(std::string_view type) { return role("INPUT", {{"type", type}}); }

TEST(RolesTest, ElementsHaveTheRolesThatHtmlGivesThem) {
  EXPECT_EQ(role("A", {{"href", "/"}}), "link");
  EXPECT_EQ(role("A"), "generic");
  EXPECT_EQ(role("a", {{"xlink:href", "#x"}}), "link");
  EXPECT_EQ(role("BUTTON"), "button");
  EXPECT_EQ(role("H3"), "heading");
  EXPECT_EQ(role("IMG"), "img");
  EXPECT_EQ(role("IMG", {{"alt", ""}}), "generic");
  EXPECT_EQ(role("SELECT"), "combobox");
  EXPECT_EQ(role("SELECT", {{"multiple", ""}}), "listbox");
  EXPECT_EQ(role("SELECT", {{"size", "4"}}), "listbox");
  EXPECT_EQ(role("TEXTAREA"), "textbox");
  EXPECT_EQ(role("TH", {{"scope", "row"}}), "rowheader");
  EXPECT_EQ(role("X-THING"), "generic");
}

TEST(RolesTest, InputsHaveARoleForEachType) {
  EXPECT_EQ(input("checkbox"), "checkbox");
  EXPECT_EQ(input("CheckBox"), "checkbox");
  EXPECT_EQ(input("number"), "spinbutton");
  EXPECT_EQ(input("range"), "slider");
  EXPECT_EQ(input("search"), "searchbox");
  EXPECT_EQ(input("submit"), "button");
  EXPECT_EQ(input("nonsense"), "textbox");
  EXPECT_EQ(role("INPUT"), "textbox");
  EXPECT_EQ(role("INPUT", {{"list", "l"}}), "combobox");
}

TEST(RolesTest, SomeElementsAreLandmarksOnlyWhereTheyStandOrWhenTheyAreNamed) {
  EXPECT_EQ(role("HEADER"), "banner");
  EXPECT_EQ(role("HEADER", {}, "ARTICLE"), "generic");
  EXPECT_EQ(role("SECTION"), "generic");
  EXPECT_EQ(role("SECTION", {{"aria-label", "News"}}), "region");
  EXPECT_EQ(role("SUMMARY", {}, "DETAILS"), "button");
  EXPECT_EQ(role("SUMMARY"), "generic");
  EXPECT_TRUE(is_landmark("navigation"));
  EXPECT_FALSE(is_landmark("heading"));
}

TEST(RolesTest, TheFirstRoleThatIsKnownCounts) {
  EXPECT_EQ(role("DIV", {{"role", "button"}}), "button");
  EXPECT_EQ(role("DIV", {{"role", "  fancy  Tab link"}}), "tab");
  EXPECT_EQ(role("DIV", {{"role", "fancy"}}), "generic");
  EXPECT_EQ(role("A", {{"href", "/"}, {"role", "menuitem"}}), "menuitem");
  EXPECT_EQ(role("LI", {{"role", "treeitem"}}), "treeitem");
}

TEST(RolesTest, WhatCanBeActedOnIsNeverWithoutARole) {
  EXPECT_EQ(role("BUTTON", {{"role", "presentation"}}), "button");
  EXPECT_EQ(role("TABLE", {{"role", "presentation"}}), "generic");
  EXPECT_EQ(role("H1", {{"role", "none"}}), "generic");
}

TEST(RolesTest, WhatIsEditedIsATextbox) {
  EXPECT_EQ(role("DIV", {{"contenteditable", ""}}), "textbox");
  EXPECT_EQ(role("DIV", {{"contenteditable", "plaintext-only"}}), "textbox");
  EXPECT_EQ(role("DIV", {{"contenteditable", "false"}}), "generic");
}

TEST(RolesTest, PasswordsAreSecretShownOrNot) {
  PageWriter page;
  page.element(0, "INPUT", {{"type", "Password"}});
  page.element(0, "INPUT", {{"autocomplete", "section-a new-password"}});
  page.element(0, "INPUT", {{"type", "text"}});
  auto const dom = DomCapture::read(page.json());
  auto const& document = (*dom)->documents().front();
  EXPECT_TRUE(is_secret(document, document.nodes[1]));
  EXPECT_TRUE(is_secret(document, document.nodes[2]));
  EXPECT_FALSE(is_secret(document, document.nodes[3]));
}

TEST(RolesTest, TheDocumentedRolesAreWidgets) {
  for (std::string_view const word : {"button", "link", "checkbox", "radio", "tab", "menuitem", "switch", "option"})
    EXPECT_TRUE(is_widget(word)) << word;
  for (std::string_view const word : {"generic", "heading", "cell", "", "zzz"}) EXPECT_FALSE(is_widget(word)) << word;
  EXPECT_TRUE(is_named_by_content("heading"));
  EXPECT_FALSE(is_named_by_content("textbox"));
  EXPECT_TRUE(can_be_checked("menuitemradio"));
  EXPECT_FALSE(can_be_checked("button"));
}

}  // namespace
}  // namespace sojourn

#include "browser/names.h"

#include "browser/captured_page.h"
#include "browser/roles.h"

namespace sojourn {
namespace {

struct Named {
  explicit Named(std::string const& text) : dom(*DomCapture::read(text)) {}

  DomDocument const& document() const { return dom->documents().front(); }
  std::string name(DomNode const& node) { return names.name(node, role_of(document(), node)); }
  std::string name(int node) { return name(document().nodes[static_cast<std::size_t>(node)]); }

  std::unique_ptr<DomCapture> dom;
  Sight sight{document()};
  Names names{document(), sight};
};

TEST(NamesTest, FieldsAreNamedByTheirLabels) {
  auto const page = read_recorded("names");
  EXPECT_EQ(find_element(page, "Ada").name, "First name");
  EXPECT_EQ(find_element(page, "you@example.com").name, "E-mail address");
  EXPECT_EQ(find_element(page, "red").name, "Red");
  EXPECT_EQ(find_element(page, "I agree").check, Check::on);
}

TEST(NamesTest, AFieldInItsLabelIsNoPartOfItsOwnName) {
  auto const page = read_recorded("names");
  EXPECT_EQ(find_element(page, "3").name, "Flash the screen times");
  EXPECT_EQ(find_element(page, "A B").name, "Which of them");
}

TEST(NamesTest, ALabelIsForTheFirstFieldInIt) {
  auto const page = read_recorded("names");
  EXPECT_EQ(page.elements.back().input_type, "checkbox");
  EXPECT_EQ(page.elements.back().name, "");
}

TEST(NamesTest, ReferencesGoBeforeAllElseAndMayBeHiddenOrTheElementItself) {
  EXPECT_EQ(find_element(read_recorded("names"), "Main Street 1").name, "Billing Hidden part street");
}

TEST(NamesTest, ReferencesHoldInsideOfTheirShadowTree) {
  auto const page = read_recorded("shadow");
  EXPECT_EQ(count_elements(page, "Label of the field"), 2U);
  EXPECT_EQ(find_element(page, "x").name, "Inner label");
  EXPECT_EQ(find_element(page, "y").name, "Outer label");
}

TEST(NamesTest, ContentNamesWithItsLabelsAndWithoutWhatIsHiddenFromReaders) {
  auto const page = read_recorded("names");
  EXPECT_EQ(find_element(page, "Three hiddenwritten").name, "Three spoken");
  EXPECT_EQ(find_element(page, "Content").name, "Labelled");
  EXPECT_EQ(count_elements(page, "Picture"), 1U);
  EXPECT_EQ(count_elements(page, "Close"), 1U);
  EXPECT_EQ(count_elements(page, "Titled"), 1U);
}

TEST(NamesTest, WhatIsAssignedToASlotIsPartOfTheContent) {
  EXPECT_EQ(find_element(read_recorded("shadow"), "Card title now").name, "Card title now");
}

TEST(NamesTest, ButtonsWithoutTextHaveTheBrowsersOwn) {
  auto const page = read_recorded("names");
  EXPECT_EQ(find_element(page, "Submit").input_type, "submit");
  EXPECT_EQ(find_element(page, "Reset").input_type, "reset");
  EXPECT_EQ(find_element(page, "Send it").input_type, "image");
  EXPECT_EQ(find_element(page, "Push").name, "Push");
}

TEST(NamesTest, APasswordIsInNoName) {
  PageWriter page;
  auto const label = page.element(0, "LABEL");
  page.text(label, "Repeat ");
  page.element(label, "INPUT", {{"type", "checkbox"}});
  page.element(label, "INPUT", {{"type", "password"}, {"value", "hunter2"}});
  auto text = page.json();
  text.replace(text.find(R"("nodes":{)"), 9, R"("nodes":{"inputValue":{"index":[4],"value":[0]},)");
  Named named(text);
  EXPECT_EQ(named.document().nodes[4].value, "http://site.example/page");
  EXPECT_EQ(named.name(3), "Repeat");
  EXPECT_EQ(value_of(named.document(), named.document().nodes[4]), std::nullopt);
}

TEST(NamesTest, ValuesAreThoseOfNow) {
  auto const page = read_recorded("names");
  EXPECT_EQ(find_element(page, "fruit").value, "Pear tree");
  EXPECT_EQ(find_element(page, "Notes").value, "some notes");
  EXPECT_EQ(find_element(page, "Volume").value, "30");
  EXPECT_EQ(find_element(page, "you@example.com").value, "");
  EXPECT_EQ(find_element(page, "I agree").value, std::nullopt);
  EXPECT_EQ(find_element(page, "Buy").value, std::nullopt);
}

TEST(NamesTest, ANameHasItsLimit) {
  PageWriter page;
  auto const button = page.element(0, "BUTTON");
  for (int i = 0; i < 100; ++i) page.text(page.element(button, "SPAN"), "many words ");
  Named named(page.json());
  EXPECT_EQ(count_characters(named.name(button)), Names::name_characters_max);
}

TEST(NamesTest, LabelsInLabelsAndReferencesToEverythingEnd) {
  PageWriter page;
  int label = page.element(0, "LABEL", {{"id", "all"}});
  for (int i = 0; i < 3'000; ++i) label = page.element(label, "LABEL", {{"aria-labelledby", "all all all"}});
  Named named(page.json());
  for (int i = 1; i < 3'000; i += 100) EXPECT_EQ(named.name(i), "");
}

}  // namespace
}  // namespace sojourn

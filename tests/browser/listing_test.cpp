#include "browser/listing.h"

#include <algorithm>
#include <map>

#include "browser/captured_page.h"

namespace sojourn {
namespace {

std::vector<std::string> texts(Capture const& capture) {
  std::vector<std::string> found;
  for (auto const& element : capture.elements) found.push_back(element.text.empty() ? element.name : element.text);
  return found;
}

TEST(ListingTest, EqualElementsAreAllThere) { EXPECT_EQ(count_elements(read_recorded("names"), "Buy"), 3U); }

TEST(ListingTest, WhatHasAHandlerARoleOrATabStopIsListed) {
  std::vector<std::string> const expected{"Card With text More",
                                          "More",
                                          "1",
                                          "2",
                                          "3",
                                          "4",
                                          "5",
                                          "6",
                                          "7",
                                          "8",
                                          "9",
                                          "Rippling link",
                                          "By attribute",
                                          "By listener",
                                          "A label",
                                          "Tab stop",
                                          "Edited para bold",
                                          "Menu item",
                                          "Menu radio",
                                          "Tab",
                                          "Option",
                                          "Option"};
  EXPECT_EQ(texts(read_recorded("clicks")), expected);
}

TEST(ListingTest, WhoOnlyPassesClicksOnIsNotListed) {
  auto const page = read_recorded("clicks");
  for (auto const& element : page.elements) {
    EXPECT_NE(element.tag, "body");
    EXPECT_FALSE(element.text.starts_with("123"));
  }
}

TEST(ListingTest, TheLabelOfAHiddenBoxStandsForIt) {
  auto const page = read_recorded("sight");
  auto const box = find_element(page, "Drawn box");
  EXPECT_EQ(box.tag, "label");
  EXPECT_EQ(box.role, "checkbox");
  EXPECT_EQ(box.check, Check::on);
  EXPECT_EQ(find_element(page, "Upload a file").role, "button");
}

TEST(ListingTest, OptionsAreToldByTheirSelect) {
  auto const page = read_recorded("sight");
  EXPECT_EQ(find_element(page, "Three Four").tag, "select");
  EXPECT_EQ(count_elements(page, "Three"), 0U);
}

TEST(ListingTest, TheTextIsWhatIsInItElseValuePlaceholderAlt) {
  auto const page = read_recorded("names");
  EXPECT_EQ(find_element(page, "Ada").tag, "input");
  EXPECT_EQ(find_element(page, "you@example.com").value, "");
  EXPECT_EQ(find_element(page, "some notes").tag, "textarea");
  EXPECT_EQ(find_element(page, "Send it").text, "Send it");
  EXPECT_EQ(find_element(page, "I agree").text, "");
}

TEST(ListingTest, APasswordIsNowhere) {
  auto const page = read_all("names");
  for (auto const& element : page.elements) {
    EXPECT_EQ(element.text.find("hunter"), std::string::npos);
    EXPECT_EQ(element.name.find("hunter"), std::string::npos);
    EXPECT_EQ(element.value.value_or("").find("hunter"), std::string::npos);
  }
  EXPECT_EQ(find_element(page, "Shown password").text, "");
  EXPECT_EQ(find_element(page, "Password").text, "Password");
}

TEST(ListingTest, TextIsCutAfterEightyCharactersAndNeverInsideOfOne) {
  auto const page = read_recorded("text");
  auto const emoji = std::find_if(page.elements.begin(), page.elements.end(),
                                  [](Element const& element) { return element.text.starts_with("\xF0\x9F\x91\xA9"); });
  ASSERT_NE(emoji, page.elements.end());
  EXPECT_EQ(count_characters(emoji->text), 80U);
  EXPECT_EQ(find_element(page, "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xD7\xA2\xD7\x95\xD7\x9C\xD7\x9D").tag, "button");
  EXPECT_EQ(find_element(page, "half \xEF\xBF\xBD pair").tag, "button");
}

TEST(ListingTest, LinksInPicturesAreLinks) {
  auto const page = read_recorded("text");
  EXPECT_EQ(find_element(page, "Shape").href, "http://127.0.0.1:8080/text.html#shape");
  EXPECT_EQ(find_element(page, "Old").href, "http://127.0.0.1:8080/old");
}

TEST(ListingTest, OnRequestHeadingsTextPicturesListsTablesAndLandmarksAreThereToo) {
  auto const page = read_all("text");
  std::map<std::string, std::string> const expected{
      {"Heading one", "h1"},    {"Paragraph with a in it and bolditalic.", "p"},
      {"UPPER", "p"},           {"Second end", "li"},
      {"A picture", "img"},     {"Prices", "caption"},
      {"Thing", "th"},          {"12 \xE2\x82\xAC", "td"},
      {"Inner block", "div"},   {"Loose text after it", "div"},
      {"pre formatted", "pre"}, {"Small print", "footer"},
      {"Main", "nav"}};
  for (auto const& [text, tag] : expected) EXPECT_EQ(find_element(page, text).tag, tag) << text;
  EXPECT_EQ(count_elements(page, "Twice"), 2U);
}

TEST(ListingTest, EachTextIsSaidOnce) {
  auto const page = read_all("text");
  std::string all;
  for (auto const& element : page.elements) all += element.text + '\n';
  for (std::string_view const text : {"Home", "First", "Heading one", "link", "bolditalic", "UPPER", "Inner block",
                                      "A picture", "Prices", "12", "Card heading", "Card text", "Shape", "Small"}) {
    auto const at = all.find(text);
    ASSERT_NE(at, std::string::npos) << text;
    EXPECT_EQ(all.find(text, at + 1), std::string::npos) << text;
  }
}

TEST(ListingTest, WhereALinkIsLeftOutOfProseTheWordsAroundItAreApart) {
  PageWriter page;
  auto const paragraph = page.element(0, "P");
  page.text(paragraph, "one");
  auto const link = page.element(paragraph, "A", {{"href", "/"}});
  page.style(link, "display", "inline");
  page.text(link, "two");
  page.text(paragraph, "three");
  EXPECT_EQ(texts(read_page(page.json(), {Interest::all, {}})), (std::vector<std::string>{"one three", "two"}));
}

TEST(ListingTest, WhatOnlyListensLeavesItsHeadingsAndTextsToThemselves) {
  auto const page = read_all("clicks");
  EXPECT_EQ(find_element(page, "Card").tag, "h3");
  EXPECT_EQ(find_element(page, "With text").tag, "p");
}

TEST(ListingTest, WhatIsEditedIsOneThingWhateverIsInIt) {
  PageWriter page;
  auto const field = page.element(0, "DIV", {{"contenteditable", "true"}, {"aria-label", "Text"}});
  page.text(page.element(field, "P", {{"contenteditable", "true"}}), "words");
  EXPECT_EQ(texts(read_page(page.json())), std::vector<std::string>{"words"});
}

TEST(ListingTest, WhatASelectIsMadeOfIsNotListed) {
  PageWriter page;
  auto const select = page.element(0, "SELECT", {{"name", "which"}});
  page.element(select, "BUTTON", {{"aria-label", "Open"}});
  page.element(select, "OPTION", {{"tabindex", "0"}});
  EXPECT_EQ(texts(read_page(page.json())), std::vector<std::string>{"which"});
}

TEST(ListingTest, ProseIsInTheOrderOfTheDocumentWithWhatCanBeActedOn) {
  auto const found = texts(read_all("text"));
  auto const place = [&](std::string_view text) { return std::find(found.begin(), found.end(), text) - found.begin(); };
  EXPECT_LT(place("Home"), place("Heading one"));
  EXPECT_LT(place("Heading one"), place("link"));
  EXPECT_LT(place("link"), place("Twice"));
  EXPECT_LT(place("Card heading Card text"), place("Small print"));
}

}  // namespace
}  // namespace sojourn

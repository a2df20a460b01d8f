#include "browser/outline.h"

#include "browser/captured_page.h"
#include "browser/refs.h"
#include "browser/text_line.h"

namespace sojourn {
namespace {

class OutlineTest : public testing::Test {
 protected:
  json::object show(Capture capture, OutlineWish const& wish = {}) {
    table_.number(capture);
    return outline(capture, wish, shown_);
  }
  static std::string text(json::object const& o) { return std::string(json::find_string(o, "elements_text")); }
  static std::size_t count(json::value const& array) { return array.as_array().size(); }

  RefTable table_;
  Shown shown_;
};

Element element(std::string tag, std::string text) {
  Element made;
  made.ref = 1;
  made.tag = std::move(tag);
  made.text = std::move(text);
  return made;
}

std::string desc(Element const& made) {
  Capture capture;
  capture.url = "https://site.example/page";
  return describe(made, capture);
}

TEST_F(OutlineTest, INF_04_ADescriptionHasTheDocumentedForm) {
  EXPECT_EQ(desc(element("button", "Submit")), "@e1 [button] \"Submit\"");
  auto input = element("input", "Email");
  input.input_type = "email";
  input.name = "Your e-mail";
  EXPECT_EQ(desc(input), "@e1 [input type=email] \"Email\"");
  input.text.clear();
  EXPECT_EQ(desc(input), "@e1 [input type=email] name=\"Your e-mail\"");
  auto link = element("a", "Text");
  link.href = "https://site.example/x";
  EXPECT_EQ(desc(link), "@e1 [a] \"Text\" href=\"/x\"");
  EXPECT_EQ(desc(element("div", "")), "@e1 [div]");
}

TEST_F(OutlineTest, INF_04_ALongAddressIsCutAtFiftyCharacters) {
  auto link = element("a", "");
  link.href = "https://other.example/" + std::string(28, 'x');
  EXPECT_EQ(desc(link), "@e1 [a] href=\"" + link.href + "\"");
  link.href += 'y';
  EXPECT_EQ(desc(link), "@e1 [a] href=\"" + link.href.substr(0, 50) + "...\"");
}

TEST_F(OutlineTest, INF_04_ASnapshotHasAllDocumentedMembers) {
  auto const o = show(read_recorded("names"));
  EXPECT_EQ(o.at("url"), "http://127.0.0.1:8080/names.html");
  EXPECT_EQ(o.at("title"), "Names & roles");
  EXPECT_TRUE(o.at("screenshot").is_null());
  EXPECT_TRUE(o.at("diff").is_null());
  EXPECT_TRUE(o.at("output_meta").is_null());
  EXPECT_FALSE(o.at("truncated").as_bool());
  auto const& first = o.at("elements").as_array().front().as_object();
  EXPECT_EQ(json::to_text(first),
            R"({"ref":"@e1","desc":"@e1 [input type=text] \"Ada\"","tag":"input","text":"Ada","role":"textbox",)"
            R"("name":"First name","href":null,"input_type":"text","frame":null,"value":"Ada",)"
            R"("box":{"x":97,"y":9,"width":179,"height":21}})");
}

TEST_F(OutlineTest, ElementsSayTheirStateAndTheirFrame) {
  auto const form = show(read_recorded("names"));
  std::size_t checked = 0;
  std::size_t mixed = 0;
  std::size_t disabled = 0;
  for (auto const& each : form.at("elements").as_array()) {
    auto const& o = each.as_object();
    if (auto const* const state = o.if_contains("checked")) (state->is_bool() ? checked : mixed) += 1;
    disabled += o.contains("disabled") ? 1U : 0U;
  }
  EXPECT_EQ(checked, 5U);
  EXPECT_EQ(mixed, 1U);
  EXPECT_EQ(disabled, 3U);
  auto const frames = show(read_recorded("frames"));
  EXPECT_TRUE(frames.at("elements").at(0).at("frame").is_null());
  EXPECT_EQ(frames.at("elements").at(2).at("frame"), "http://localhost:8080/_cross.html");
}

TEST_F(OutlineTest, INF_04_TheTextHasALineForEachElementOrSaysThatThereIsNone) {
  EXPECT_EQ(text(show(read_recorded("frames"))),
            "@e1 [button] \"Before\"\n@e2 [button] \"Inner\"\n@e3 [a] \"Cross link\" "
            "href=\"http://localhost:8080/relative\"\n@e4 [button] \"Inner\"\n@e5 [button] \"After\"");
  PageWriter empty;
  EXPECT_EQ(text(show(read_page(empty.json()))), "(no interactive elements found)");
  OutlineWish wish;
  wish.interest = Interest::all;
  EXPECT_EQ(text(show(read_page(empty.json()), wish)), "(no elements found)");
}

TEST_F(OutlineTest, LimitsCutTextAndElementsAlikeAndSaySo) {
  OutlineWish wish;
  wish.elements_max = 3;
  auto const few = show(read_recorded("names"), wish);
  EXPECT_EQ(count(few.at("elements")), 3U);
  EXPECT_TRUE(few.at("truncated").as_bool());
  wish = {};
  wish.chars_max = 60;
  auto const narrow = show(read_recorded("names"), wish);
  EXPECT_EQ(text(narrow), "@e1 [input type=text] \"Ada\"");
  EXPECT_EQ(count(narrow.at("elements")), 1U);
  EXPECT_TRUE(narrow.at("truncated").as_bool());
  wish.chars_max = 27;
  EXPECT_EQ(count(show(read_recorded("names"), wish).at("elements")), 1U);
  wish.chars_max = 26;
  EXPECT_EQ(count(show(read_recorded("names"), wish).at("elements")), 0U);
}

TEST_F(OutlineTest, ALimitThatIsJustReachedCutsNothing) {
  OutlineWish wish;
  wish.elements_max = 5;
  EXPECT_FALSE(show(read_recorded("frames"), wish).at("truncated").as_bool());
}

TEST_F(OutlineTest, OnlyTheScopeIsShown) {
  auto const whole = read_recorded("names");
  CaptureWish scope;
  scope.scope = whole.key(find_element(whole, "Three hiddenwritten"));
  auto const o = show(read_recorded("names", scope));
  ASSERT_EQ(count(o.at("elements")), 1U);
  EXPECT_EQ(o.at("elements").at(0).at("ref"), "@e24");
}

TEST_F(OutlineTest, ADifferenceTellsWhatIsNewOtherOrGone) {
  OutlineWish const diff{SnapshotKind::diff, Interest::interactive, 0, 0};
  auto page = read_recorded("names");
  show(page);
  auto const nothing = show(page, diff);
  EXPECT_EQ(count(nothing.at("elements")), 0U);
  EXPECT_EQ(text(nothing), "(no changes)");
  page.elements[0].text = "Grace";
  page.elements[1].backend_id = 99'999;
  page.elements.pop_back();
  for (auto& each : page.elements) each.box.y += 100;
  auto const o = show(page, diff);
  EXPECT_EQ(text(o), "@e1 [input type=text] \"Grace\"\n@e36 [input type=email] \"you@example.com\"");
  auto const& difference = o.at("diff").as_object();
  EXPECT_EQ(difference.at("changed").at(0).at("ref"), "@e1");
  EXPECT_EQ(difference.at("added").at(0).at("ref"), "@e36");
  EXPECT_EQ(count(difference.at("changed")), 1U);
  EXPECT_EQ(count(difference.at("added")), 1U);
  EXPECT_EQ(difference.at("removed"), (json::array{"@e2", "@e35"}));
  EXPECT_EQ(text(show(page, diff)), "(no changes)");
}

TEST_F(OutlineTest, WhatWasCutOffIsStillNewInTheNextDifference) {
  OutlineWish few;
  few.elements_max = 2;
  show(read_recorded("frames"), few);
  auto const o = show(read_recorded("frames"), {SnapshotKind::diff, Interest::interactive, 0, 0});
  EXPECT_EQ(count(o.at("diff").at("added")), 3U);
  EXPECT_EQ(count(o.at("diff").at("removed")), 0U);
}

TEST_F(OutlineTest, WhatIsGoneCountsAsADifferenceOnItsOwn) {
  auto page = read_recorded("frames");
  show(page);
  page.elements.pop_back();
  auto const o = show(page, {SnapshotKind::diff, Interest::interactive, 0, 0});
  EXPECT_EQ(text(o), "(nothing new or changed)");
  EXPECT_EQ(o.at("diff").at("removed"), json::array{"@e5"});
}

TEST_F(OutlineTest, ThePageOfFourHundredArticlesIsShortEnough) {
  auto const o = show(read_page(big_page(400)));
  EXPECT_EQ(count(o.at("elements")), 800U);
  EXPECT_LE(count_characters(text(o)), 42'000U);
}

TEST_F(OutlineTest, ABriefSaysWhichElementItWas) {
  auto page = read_recorded("frames");
  table_.number(page);
  EXPECT_EQ(
      json::to_text(brief(page.elements[0])),
      R"({"ref":"@e1","tag":"button","role":"button","name":"Before","box":{"x":0,"y":0,"width":100,"height":20}})");
}

}  // namespace
}  // namespace sojourn

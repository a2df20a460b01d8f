#include "browser/cursor.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "support/browser_thread.h"

namespace sojourn {
namespace {

TEST(Cursor, AMoveIsOneExpressionThatDoesNothingWhereThereIsNoCursor) {
  EXPECT_EQ(cursor_move(12, 34.5), "globalThis.sojournCursor?.(12,34.5)");
}

TEST(Cursor, TheElementHasTheNameThatSnapshotsLeaveOut) {
  EXPECT_NE(cursor_script().find("'" + std::string(cursor_element) + "'"), std::string_view::npos);
}

class CursorOnAPage : public testing::Test {
 protected:
  void SetUp() override {
    if (!stage.chromium) GTEST_SKIP() << "there is no Chromium";
    json::object params;
    params["source"] = cursor_script();
    params["worldName"] = "hands";
    stage.ask(stage.page, "Page.addScriptToEvaluateOnNewDocument", params);
  }
  void move(double x, double y) {
    json::object world;
    world["frameId"] =
        json::find_string(stage.ask(stage.page, "Page.getFrameTree").at("frameTree").at("frame").get_object(), "id");
    world["worldName"] = "hands";
    json::object params;
    params["contextId"] = stage.ask(stage.page, "Page.createIsolatedWorld", world).at("executionContextId");
    params["expression"] = cursor_move(x, y);
    stage.ask(stage.page, "Runtime.evaluate", params);
  }
  // The colour of the page at a point, as the browser paints it.
  std::string colour_at(int x, int y) {
    json::object clip;
    clip["x"] = x;
    clip["y"] = y;
    clip["width"] = 1;
    clip["height"] = 1;
    clip["scale"] = 1;
    json::object params;
    params["clip"] = clip;
    auto const shot = stage.ask(stage.page, "Page.captureScreenshot", params);
    auto const png = std::string(json::find_string(shot, "data"));
    return std::string(
        stage
            .evaluate("new Promise(r=>{const i=new Image();i.onload=()=>{const c=document.createElement("
                      "'canvas').getContext('2d');c.drawImage(i,0,0);r(c.getImageData(0,0,1,1).data.join("
                      "' '))};i.src='data:image/png;base64," +
                      png + "'})")
            .get_string());
  }
  OnePage stage;
};

TEST_F(CursorOnAPage, ARedDotIsWhereItWasMovedAndNowhereElse) {
  stage.show("<body style='margin:0;background:white'>");
  EXPECT_EQ(colour_at(100, 50), "255 255 255 255");
  move(100, 50);
  auto const red = colour_at(100, 50);  // a picture of one point may be a shade off
  EXPECT_TRUE(red.starts_with("25")) << red;
  EXPECT_NE(red.substr(3, 5), " 255 ");
  EXPECT_EQ(colour_at(111, 50), "255 255 255 255");
  move(200, 150);
  EXPECT_EQ(colour_at(100, 50), "255 255 255 255");
  EXPECT_NE(colour_at(200, 150), "255 255 255 255");
}

TEST_F(CursorOnAPage, ThePageIsClickedThroughItAndCannotReachIt) {
  stage.show("<body style='margin:0'><button id=b style='width:200px;height:100px'>b</button>");
  move(50, 50);
  EXPECT_EQ(stage.evaluate("document.elementFromPoint(50,50).id"), json::value("b"));
  EXPECT_EQ(stage.evaluate("typeof sojournCursor"), json::value("undefined"));
  EXPECT_EQ(stage.evaluate("document.querySelector('sojourn-cursor').shadowRoot"), json::value(nullptr));
  EXPECT_EQ(stage.evaluate("document.documentElement.scrollWidth"), json::value(640));
}

TEST_F(CursorOnAPage, ItIsThereAgainInANewDocumentAndWhenThePageThrewItAway) {
  stage.show("<body style='margin:0;background:white'>");
  move(100, 50);
  stage.show("<body style='margin:0;background:white'><p>next");
  EXPECT_EQ(stage.evaluate("document.querySelectorAll('sojourn-cursor').length"), json::value(0));
  move(100, 50);
  EXPECT_NE(colour_at(100, 50), "255 255 255 255");
  stage.evaluate("document.querySelector('sojourn-cursor').remove()");
  move(101, 50);
  EXPECT_EQ(stage.evaluate("document.querySelectorAll('sojourn-cursor').length"), json::value(1));
}

}  // namespace
}  // namespace sojourn

#include "browser/frames.h"

#include <gtest/gtest.h>

#include "browser/params.h"

namespace sojourn {
namespace {

json::object parse(std::string_view text) { return json::parse(text)->get_object(); }

class FramesTest : public testing::Test {
 protected:
  FramesTest() { hear("S", "Page.frameNavigated", R"({"frame":{"id":"A","loaderId":"L1","url":"http://a/"}})"); }
  void hear(std::string const& session, std::string_view method, std::string_view params) {
    frames.hear(session, method, parse(params));
  }
  Frames frames;
};

TEST_F(FramesTest, EveryDocumentHasANumberOfItsOwn) {
  auto const first = frames.main()->document;
  hear("S", "Page.frameNavigated", R"({"frame":{"id":"A","loaderId":"L2","url":"http://b/"}})");
  EXPECT_NE(frames.main()->document, first);
  EXPECT_EQ(frames.main()->url, "http://b/");
  EXPECT_EQ(frames.main()->world, 0);
}

TEST_F(FramesTest, ADocumentIsReadableWhenItsOwnLoaderSaysSo) {
  hear("S", "Page.lifecycleEvent", R"({"frameId":"A","loaderId":"L0","name":"DOMContentLoaded"})");
  EXPECT_FALSE(frames.main()->is_readable);
  hear("S", "Page.lifecycleEvent", R"({"frameId":"A","loaderId":"L1","name":"DOMContentLoaded"})");
  EXPECT_TRUE(frames.main()->is_readable);
  EXPECT_FALSE(frames.main()->is_loaded);
  hear("S", "Page.lifecycleEvent", R"({"frameId":"A","loaderId":"L1","name":"load"})");
  EXPECT_TRUE(frames.main()->is_loaded);
}

TEST_F(FramesTest, AFrameThatMovesToAnotherProcessKeepsItsPlaceAndGetsANewDocument) {
  hear("S", "Page.frameAttached", R"({"frameId":"B","parentFrameId":"A"})");
  auto const before = frames.find("B")->document;
  hear("S", "Target.attachedToTarget",
       R"({"sessionId":"T","targetInfo":{"targetId":"B","type":"iframe","parentFrameId":"A"}})");
  hear("S", "Page.frameDetached", R"({"frameId":"B","reason":"swap"})");
  ASSERT_NE(frames.find("B"), nullptr);
  EXPECT_EQ(frames.find("B")->session, "T");
  EXPECT_EQ(frames.find("B")->parent_id, "A");
  EXPECT_NE(frames.find("B")->document, before);
  EXPECT_EQ(frames.child_sessions(), std::vector<std::string>{"T"});
  hear("S", "Target.detachedFromTarget", R"({"sessionId":"T"})");
  EXPECT_EQ(frames.find("B"), nullptr);
}

TEST_F(FramesTest, AFrameThatIsRemovedTakesThoseInItWithIt) {
  hear("S", "Page.frameAttached", R"({"frameId":"B","parentFrameId":"A"})");
  hear("S", "Page.frameAttached", R"({"frameId":"C","parentFrameId":"B"})");
  hear("S", "Page.frameDetached", R"({"frameId":"B","reason":"remove"})");
  EXPECT_EQ(frames.all().size(), 1U);
}

TEST_F(FramesTest, APageOutOfTheCacheIsThereAtOnce) {
  hear("S", "Page.frameNavigated",
       R"({"frame":{"id":"A","loaderId":"L9","url":"u"},"type":"BackForwardCacheRestore"})");
  EXPECT_TRUE(frames.main()->is_loaded);
}

TEST_F(FramesTest, ACrashLeavesOnlyTheMainFrameAndNoneOfItsDocuments) {
  hear("S", "Page.frameAttached", R"({"frameId":"B","parentFrameId":"A"})");
  auto const before = frames.main()->document;
  frames.crash();
  EXPECT_EQ(frames.all().size(), 1U);
  EXPECT_NE(frames.main()->document, before);
}

TEST_F(FramesTest, NoMoreThanSoManyAreSeen) {
  for (int i = 0; i < 3000; ++i) {
    json::object params;
    params["frameId"] = "f" + std::to_string(i);
    params["parentFrameId"] = "A";
    frames.hear("S", "Page.frameAttached", params);
  }
  EXPECT_EQ(frames.all().size(), Frames::frames_max);
}

TEST(FramesSeed, WhatWasThereIsKnown) {
  Frames frames;
  frames.seed("S", parse(R"({"frame":{"id":"A","loaderId":"L","url":"about:blank"},
    "childFrames":[{"frame":{"id":"B","parentId":"A","loaderId":"M","url":"about:srcdoc"}}]})"));
  ASSERT_NE(frames.main(), nullptr);
  EXPECT_TRUE(frames.main()->is_loaded);
  EXPECT_EQ(frames.find("B")->parent_id, "A");
}

}  // namespace
}  // namespace sojourn

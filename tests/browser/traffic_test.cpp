#include "browser/traffic.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace sojourn {
namespace {

class TrafficTest : public testing::Test {
 protected:
  void hear(std::string_view method, std::string_view params) {
    traffic.hear("S", method, json::parse(params)->get_object());
  }
  void request(std::string const& id, std::string const& type) {
    hear("Network.requestWillBeSent",
         R"({"frameId":"A","requestId":")" + id + R"(","type":")" + type + R"(","request":{"url":"http://a/"}})");
  }
  Traffic traffic;
};

TEST_F(TrafficTest, OnlyWhatBeganAfterTheMarkCounts) {
  request("1", "Fetch");
  auto const mark = traffic.mark();
  EXPECT_EQ(traffic.requests(mark), 0U);
  EXPECT_FALSE(traffic.has_begun_requests(mark));
  request("2", "XHR");
  EXPECT_EQ(traffic.requests(mark), 1U);
  EXPECT_EQ(traffic.requests(0), 2U);
  hear("Network.loadingFinished", R"({"requestId":"2"})");
  EXPECT_EQ(traffic.requests(mark), 0U);
  EXPECT_TRUE(traffic.has_begun_requests(mark));
}

TEST_F(TrafficTest, PicturesStreamsAndPingsAreNotWaitedFor) {
  for (auto const* const type : {"Image", "EventSource", "WebSocket", "Ping", "Media", "Font"}) request(type, type);
  EXPECT_EQ(traffic.requests(0), 0U);
}

TEST_F(TrafficTest, ANavigationIsAskedForBeginsAndEnds) {
  auto const mark = traffic.mark();
  hear("Page.frameRequestedNavigation", R"({"frameId":"A","disposition":"currentTab"})");
  EXPECT_TRUE(traffic.is_asking("A", mark));
  EXPECT_FALSE(traffic.is_navigating(mark));
  hear("Page.frameStartedNavigating", R"({"frameId":"A","loaderId":"L","navigationType":"differentDocument"})");
  EXPECT_FALSE(traffic.is_asking("A", mark));
  EXPECT_TRUE(traffic.is_navigating("A", mark));
  EXPECT_FALSE(traffic.is_navigating("B", mark));
  hear("Page.frameNavigated", R"({"frame":{"id":"A"}})");
  EXPECT_FALSE(traffic.is_navigating(mark));
  EXPECT_TRUE(traffic.has_asked("A", mark));
}

TEST_F(TrafficTest, AnotherPlaceInTheDocumentOrAnotherTabIsNoNavigation) {
  hear("Page.frameStartedNavigating", R"({"frameId":"A","loaderId":"L","navigationType":"sameDocument"})");
  hear("Page.frameRequestedNavigation", R"({"frameId":"A","disposition":"newTab"})");
  EXPECT_FALSE(traffic.is_navigating(0));
  EXPECT_FALSE(traffic.is_asking("A", 0));
}

TEST_F(TrafficTest, ANavigationThatBecomesADownloadIsOver) {
  hear("Page.frameStartedNavigating", R"({"frameId":"A","loaderId":"L","navigationType":"differentDocument"})");
  hear("Page.frameStoppedLoading", R"({"frameId":"A"})");
  EXPECT_FALSE(traffic.is_navigating(0));
}

TEST_F(TrafficTest, WhatTheOldDocumentAskedForIsNobodysAnyMore) {
  request("1", "Fetch");
  hear("Page.frameStartedNavigating", R"({"frameId":"A","loaderId":"L","navigationType":"differentDocument"})");
  request("2", "Document");
  hear("Page.frameNavigated", R"({"frame":{"id":"A"}})");
  EXPECT_EQ(traffic.requests(0), 1U);
}

TEST_F(TrafficTest, AProcessThatGoesTakesItsRequestsWithIt) {
  request("1", "Fetch");
  hear("Target.detachedFromTarget", R"({"sessionId":"S"})");
  EXPECT_EQ(traffic.requests(0), 0U);
}

TEST_F(TrafficTest, ThereAreNeverMoreThanSoMany) {
  for (int i = 0; i < 5000; ++i) request(std::to_string(i), "Fetch");
  EXPECT_EQ(traffic.requests(0), Traffic::requests_max);
}

}  // namespace
}  // namespace sojourn

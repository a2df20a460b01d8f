#include "browser/hyperlink.h"

#include <gtest/gtest.h>

namespace sojourn {
namespace {

constexpr std::string_view base = "https://site.example/shop/list?page=2#top";

TEST(HyperlinkTest, AnAddressIsMadeWholeAsTheBrowserDoes) {
  EXPECT_EQ(whole_address("item", base), "https://site.example/shop/item");
  EXPECT_EQ(whole_address("/item?x=1#y", base), "https://site.example/item?x=1#y");
  EXPECT_EQ(whole_address("?page=3", base), "https://site.example/shop/list?page=3");
  EXPECT_EQ(whole_address("#end", base), "https://site.example/shop/list?page=2#end");
  EXPECT_EQ(whole_address("", base), "https://site.example/shop/list?page=2");
  EXPECT_EQ(whole_address("//other.example/a", base), "https://other.example/a");
  EXPECT_EQ(whole_address("a", "https://site.example"), "https://site.example/a");
}

TEST(HyperlinkTest, DotsInThePathAreGoneOver) {
  EXPECT_EQ(whole_address("../a/./b/../c", base), "https://site.example/a/c");
  EXPECT_EQ(whole_address("../../../..", base), "https://site.example/");
  EXPECT_EQ(whole_address("./", base), "https://site.example/shop/");
}

TEST(HyperlinkTest, AWholeAddressIsOnlyMadeTidy) {
  EXPECT_EQ(whole_address("HTTP://Site.Example", base), "http://site.example/");
  EXPECT_EQ(whole_address(" https://a.example/b c\n ", base), "https://a.example/b%20c");
  EXPECT_EQ(whole_address("https://a.example/\xC3\xA4?q=\"", base), "https://a.example/%C3%A4?q=%22");
  EXPECT_EQ(whole_address("mailto:a@b.example", base), "mailto:a@b.example");
  EXPECT_EQ(whole_address("javascript:void(0)", base), "javascript:void(0)");
}

TEST(HyperlinkTest, WhatCannotBeMadeWholeStaysAsItIs) {
  EXPECT_EQ(whole_address("/a", "about:blank"), "/a");
  EXPECT_EQ(whole_address("x", ""), "x");
}

TEST(HyperlinkTest, OnThePageAndItsOriginAnAddressIsShort) {
  EXPECT_EQ(short_address("https://site.example/shop/list?page=2#end", base), "#end");
  EXPECT_EQ(short_address("https://site.example/other#end", base), "/other#end");
  EXPECT_EQ(short_address("https://site.example/", base), "/");
  EXPECT_EQ(short_address("https://site.example.evil/", base), "https://site.example.evil/");
  EXPECT_EQ(short_address("http://site.example/", base), "http://site.example/");
  EXPECT_EQ(short_address("mailto:a@b.example", base), "mailto:a@b.example");
  EXPECT_EQ(short_address("https://site.example/", "about:blank"), "https://site.example/");
}

}  // namespace
}  // namespace sojourn

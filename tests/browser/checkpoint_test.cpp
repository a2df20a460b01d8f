// What a session is made of again: as text and back, within its bounds, whatever the text is.
#include "browser/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sojourn {
namespace {

OriginStorage storage_of(std::string origin, std::string text, std::vector<std::string> lost = {}) {
  return {origin, origin, std::move(text), std::move(lost)};
}

Checkpoint made() {
  Checkpoint checkpoint;
  checkpoint.wish.width = 800;
  checkpoint.wish.height = 601;
  checkpoint.wish.user_agent = "Agent \"1\"";
  checkpoint.wish.locale = "de-DE";
  checkpoint.wish.time_zone = "Europe/Berlin";
  checkpoint.wish.proxy_url = "http://proxy.test:1";
  checkpoint.wish.proxy_username = "ann";
  checkpoint.wish.proxy_password = "secret";
  checkpoint.wish.is_alone = checkpoint.wish.is_full = true;
  checkpoint.wish.records_video = checkpoint.wish.shows_cursor = true;
  checkpoint.is_open = true;
  checkpoint.url = "https://site.test/ü?a=1#b";
  checkpoint.scroll_x = 1.5;
  checkpoint.scroll_y = 2000;
  checkpoint.last_ref = 17;
  checkpoint.put_cookies(json::parse(R"([{"name":"sid","value":"1","domain":"site.test","path":"/","expires":-1,
      "size":4,"httpOnly":true,"secure":false,"session":true,"sourceScheme":"NonSecure","sourcePort":80}])")
                             ->get_array());
  checkpoint.put(storage_of("https://site.test", R"({"local":[["k","v"]]})"));
  checkpoint.put({"https://site.test", "https://other.test:8443", "{}", {"the caches of https://other.test:8443"}});
  return checkpoint;
}

TEST(CheckpointTest, AsTextItIsWhatItWas) {
  auto const checkpoint = made();
  auto const again = read_checkpoint(to_text(checkpoint));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, checkpoint);
  EXPECT_EQ(*read_checkpoint(to_text(Checkpoint())), Checkpoint());
}

TEST(CheckpointTest, ACookieOfOneHostStaysSo) {
  auto const cookie = made().cookies.at(0).get_object();
  EXPECT_EQ(json::to_text(cookie),
            R"({"name":"sid","value":"1","path":"/","secure":false,"httpOnly":true,"sourceScheme":"NonSecure",)"
            R"("sourcePort":80,"url":"http://site.test/"})");
  Checkpoint checkpoint;
  checkpoint.put_cookies(json::parse(R"([1,{"name":"a","value":"b","domain":".site.test","path":"/x","expires":99.5,
      "secure":true,"session":false,"sameSite":"Lax"}])")
                             ->get_array());
  ASSERT_EQ(checkpoint.cookies.size(), 1U);
  EXPECT_EQ(json::to_text(checkpoint.cookies.at(0)),
            R"({"name":"a","value":"b","path":"/x","secure":true,"sameSite":"Lax","domain":".site.test",)"
            R"("url":"https://site.test/x","expires":99.5})");
}

TEST(CheckpointTest, TheLastThatWasReadOfAnOriginCounts) {
  auto checkpoint = made();
  checkpoint.put(storage_of("https://site.test", "new"));
  ASSERT_EQ(checkpoint.origins.size(), 2U);
  EXPECT_EQ(checkpoint.origins.back().text, "new");
  checkpoint.put(storage_of("https://site.test", ""));
  EXPECT_EQ(checkpoint.origins.size(), 1U) << "it keeps nothing any more";
  EXPECT_EQ(checkpoint.origins[0].top, "https://site.test");
}

TEST(CheckpointTest, WhatIsTooMuchIsLeftOutAndNamedTheOldestFirst) {
  Checkpoint checkpoint;
  for (int i = 0; i < 4; ++i)
    checkpoint.put(storage_of("https://site" + std::to_string(i) + ".test", std::string(1'000'000, 'x')));
  checkpoint.fit();
  EXPECT_EQ(checkpoint.lost(), std::vector<std::string>{"the storage of https://site0.test, which is too large"});
  EXPECT_LT(to_text(checkpoint).size(), Checkpoint::bytes_max);
  checkpoint.put(storage_of("https://site0.test", "small again"));
  checkpoint.fit();
  EXPECT_TRUE(checkpoint.lost().empty());
}

TEST(CheckpointTest, ThereAreOnlySoManyOriginsAndCookies) {
  Checkpoint checkpoint;
  for (std::size_t i = 0; i < Checkpoint::origins_max + 5; ++i)
    checkpoint.put(storage_of("https://site" + std::to_string(i) + ".test", "x"));
  checkpoint.fit();
  EXPECT_EQ(checkpoint.origins.size(), Checkpoint::origins_max);
  EXPECT_EQ(checkpoint.origins[0].origin, "https://site5.test");
  json::array cookies;
  for (int i = 0; i < 300; ++i)
    cookies.emplace_back(json::object{{"name", std::to_string(i)}, {"value", std::string(4000, 'c')}, {"domain", "a"}});
  checkpoint.put_cookies(cookies);
  EXPECT_EQ(checkpoint.lost().at(0), std::to_string(300 - checkpoint.cookies.size()) + " cookies, which are too many");
  EXPECT_LE(json::to_text(checkpoint.cookies).size(), Checkpoint::cookie_bytes_max + 1000);
}

TEST(CheckpointTest, AnyTextIsReadOrRefused) {
  for (auto const* text : {"", "{", "[]", "null", "{}", R"({"wish":1})", R"({"wish":{},"cookies":[1]})",
                           R"({"wish":{},"origins":[1]})", R"({"wish":{},"origins":[{}]})",
                           R"({"wish":{},"origins":[{"top":"file:///","origin":"https://a.test","text":"x"}]})",
                           R"({"wish":{},"origins":[{"top":"https://a.test/x","origin":"https://a.test"}]})"}) {
    auto const read = read_checkpoint(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::damaged);
    EXPECT_EQ(read.error().message, "the checkpoint of this session can't be read");
  }
  auto const odd = read_checkpoint(R"({"wish":{"width":"x"},"url":7,"scroll_y":"a","last_ref":-5,"origins":{}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(*odd, Checkpoint());
  auto const whole = to_text(made());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read_checkpoint(std::string_view(whole).substr(0, size))) << size;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    static_cast<void>(read_checkpoint(changed));
  }
}

TEST(CheckpointTest, AnOriginIsWhatStandsBeforeThePath) {
  EXPECT_EQ(origin_of("https://shop.test/a?b#c"), "https://shop.test");
  EXPECT_EQ(origin_of("http://127.0.0.1:8080?x"), "http://127.0.0.1:8080");
  EXPECT_EQ(origin_of("http://ann:secret@shop.test/"), "http://shop.test");
  EXPECT_EQ(origin_of("http://shop.test"), "http://shop.test");
  for (auto const* other : {"", "about:blank", "data:text/html,x", "file:///a", "https://", "blob:https://a.test/1"})
    EXPECT_EQ(origin_of(other), "") << other;
}

}  // namespace
}  // namespace sojourn

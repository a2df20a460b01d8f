#include "api/session_wish.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sojourn {
namespace {

constexpr std::int64_t second_us = 1'000'000;

OpenSession good(std::string const& body) {
  auto const command = parse_open(json::parse(body)->as_object());
  EXPECT_TRUE(command) << body << ": " << (command ? "" : command.error().message);
  return command ? *command : OpenSession{};
}
// "field: message" of a refusal.
std::string bad(std::string const& body) {
  auto const command = parse_open(json::parse(body)->as_object());
  EXPECT_FALSE(command) << body;
  return command ? "" : command.error().field + ": " + command.error().message;
}
std::string bad_browser(std::string const& members) { return bad(R"({"kind":"browser","browser":{)" + members + "}}"); }

TEST(SessionWishTest, NothingSaidIsASharedSessionWithDefaults) {
  for (auto const* body :
       {"{}", R"({"kind":null,"client_id":null,"timeout_minutes":null,"browser":null,"timeout_s":null})",
        R"({"kind":"shared","unknown":1})"}) {
    auto const command = good(body);
    EXPECT_EQ(command.kind, SessionKind::shared);
    EXPECT_EQ(command.wish.idle_us, 0);
    EXPECT_EQ(command.wish.client_id, "");
    EXPECT_EQ(command.via.outlet, nullptr);
  }
  EXPECT_EQ(good(R"({"timeout_minutes":1440})").wish.idle_us, 1440 * 60 * second_us);
}

TEST(SessionWishTest, INF_06_ABrowserSessionSaysWhatItsBrowserIsToBe) {
  auto const command =
      good(R"({"kind":"browser","client_id":"desk","session_type":"research","metadata":{"a":1},"state":{"b":2},)"
           R"("timeout_s":90,"max_life_s":3600,"browser":{"width":800,"height":600,"user_agent":"Mine/1",)"
           R"("locale":"de-DE","time_zone":"Europe/Berlin","proxy_url":"http://proxy.test:8080",)"
           R"("proxy_username":"carl","proxy_password":"secret","isolation":"process","browser":"full",)"
           R"("record_video":true,"show_cursor":true}})");
  EXPECT_EQ(command.kind, SessionKind::browser);
  EXPECT_EQ(command.wish.client_id, "desk");
  EXPECT_EQ(command.wish.type, "research");
  EXPECT_EQ(command.wish.metadata, R"({"a":1})");
  EXPECT_EQ(command.wish.state, R"({"b":2})");
  EXPECT_EQ(command.wish.idle_us, 90 * second_us);
  EXPECT_EQ(command.wish.life_us, 3600 * second_us);
  BrowserWish const wanted{800,  600,  "Mine/1", "de-DE", "Europe/Berlin", "http://proxy.test:8080", "carl", "secret",
                           true, true, true,     true};
  EXPECT_EQ(command.wish.browser, wanted);
}

TEST(SessionWishTest, ABrowserSessionNeedsToSayNothing) {
  auto const command = good(R"({"kind":"browser"})");
  EXPECT_EQ(command.wish.browser, BrowserWish());
  EXPECT_EQ(command.wish.idle_us, 0);
  EXPECT_EQ(command.wish.life_us, 0);
  EXPECT_EQ(good(R"({"kind":"browser","browser":{}})").wish.browser, BrowserWish());
  EXPECT_EQ(good(R"({"kind":"browser","timeout_minutes":60})").wish.idle_us, 3600 * second_us);
  EXPECT_EQ(good(R"({"kind":"browser","timeout_s":1})").wish.idle_us, second_us);
  EXPECT_EQ(good(R"({"kind":"browser","timeout_s":3600})").wish.idle_us, 3600 * second_us);
}

TEST(SessionWishTest, WhatCanNotBeMeantIsRefusedWithTheFieldsName) {
  EXPECT_EQ(bad(R"({"kind":"extension"})"),
            "body.kind: kind of a session that is opened here has to be shared or browser");
  EXPECT_EQ(bad(R"({"kind":7})"), "body.kind: kind of a session that is opened here has to be shared or browser");
  for (auto const* value : {"0", "3601", "1.5", "\"60\"", "true", "-1"})
    EXPECT_EQ(bad(R"({"kind":"browser","timeout_s":)" + std::string(value) + "}"),
              "body.timeout_s: timeout_s has to be a whole number from 1 to 3600");
  EXPECT_EQ(bad(R"({"kind":"browser","timeout_minutes":61})"),
            "body.timeout_minutes: timeout_minutes has to be a whole number from 1 to 60");
  EXPECT_EQ(bad(R"({"timeout_minutes":1441})"),
            "body.timeout_minutes: timeout_minutes has to be a whole number from 1 to 1440");
  EXPECT_EQ(bad(R"({"kind":"browser","timeout_minutes":5,"timeout_s":5})"),
            "body.timeout_s: timeout_s has to be absent where timeout_minutes is there");
  EXPECT_EQ(bad(R"({"kind":"browser","max_life_s":604801})"),
            "body.max_life_s: max_life_s has to be a whole number from 1 to 604800");
  EXPECT_EQ(bad(R"({"kind":"browser","browser":[]})"), "body.browser: browser has to be an object");
}

TEST(SessionWishTest, WhatIsOfABrowserIsRefusedElsewhere) {
  for (auto const* member : {R"("browser":{})", R"("max_life_s":60)", R"("timeout_s":60)"}) {
    auto const refusal = bad("{" + std::string(member) + "}");
    EXPECT_NE(refusal.find("is for a session of kind browser"), std::string::npos) << refusal;
  }
}

TEST(SessionWishTest, TheBrowserIsCheckedMemberByMember) {
  for (auto const& [members, field] : {
           std::pair{R"("width":0)", "browser.width"},
           {R"("width":10001)", "browser.width"},
           {R"("height":"720")", "browser.height"},
           {R"("user_agent":7)", "browser.user_agent"},
           {R"("user_agent":"a\nb")", "browser.user_agent"},
           {R"("proxy_url":"ftp://proxy.test")", "browser.proxy_url"},
           {R"("proxy_url":"http://")", "browser.proxy_url"},
           {R"("isolation":"none")", "browser.isolation"},
           {R"("browser":"firefox")", "browser.browser"},
           {R"("record_video":"yes")", "browser.record_video"},
           {R"("show_cursor":1)", "browser.show_cursor"},
           {R"("hight":720)", "browser.hight"},
           {R"("url":"http://site.test")", "browser.url"},
       })
    EXPECT_TRUE(bad_browser(members).starts_with("body." + std::string(field) + ": ")) << bad_browser(members);
}

TEST(SessionWishTest, LocalesAndTimeZonesHaveToLookLikeOnes) {
  for (auto const* locale : {"de", "de-DE", "zh-Hant-TW", "es-419", "sl-rozaj-biske-1994"})
    EXPECT_EQ(good(R"({"kind":"browser","browser":{"locale":")" + std::string(locale) + "\"}}").wish.browser.locale,
              locale);
  for (auto const* locale :
       {"d", "-de", "de-", "de--DE", "de_DE", "de DE", "1a", "x-longer-than-a-language-tag-may-be-1", "de;q=1"})
    EXPECT_EQ(bad_browser(R"("locale":")" + std::string(locale) + "\""),
              "body.browser.locale: browser.locale has to be a language tag such as de-DE")
        << locale;
  for (auto const* zone : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"})
    EXPECT_EQ(good(R"({"kind":"browser","browser":{"time_zone":")" + std::string(zone) + "\"}}").wish.browser.time_zone,
              zone);
  for (auto const* zone : {"/etc/localtime", "Europe/", "Europe Berlin", "../UTC", "UTC;"})
    EXPECT_EQ(bad_browser(R"("time_zone":")" + std::string(zone) + "\""),
              "body.browser.time_zone: browser.time_zone has to be the name of a time zone such as Europe/Berlin")
        << zone;
}

TEST(SessionWishTest, ARefusalNeverRepeatsASecret) {
  auto const refusal = bad_browser(R"("proxy_url":"ftp://carl:Tr0ub4dor@proxy.test","proxy_password":"Tr0ub4dor")");
  EXPECT_EQ(refusal.find("Tr0ub4dor"), std::string::npos) << refusal;
}

TEST(SessionWishTest, TextsAndObjectsAreBounded) {
  EXPECT_TRUE(bad(R"({"client_id":""})").starts_with("body.client_id: "));
  EXPECT_TRUE(bad(R"({"client_id":")" + std::string(256, 'x') + "\"}").starts_with("body.client_id: "));
  std::string umlauts;
  for (int i = 0; i < 255; ++i) umlauts += "ä";
  EXPECT_EQ(good(R"({"client_id":")" + umlauts + "\"}").wish.client_id, umlauts) << "characters, not bytes";
  EXPECT_TRUE(bad(R"({"session_type":")" + std::string(129, 'x') + "\"}").starts_with("body.session_type: "));
  EXPECT_TRUE(bad(R"({"metadata":[]})").starts_with("body.metadata: "));
  EXPECT_TRUE(bad(R"({"state":"x"})").starts_with("body.state: "));
  auto const large = parse_open(json::parse(R"({"metadata":{"a":")" + std::string(17'000, 'x') + "\"}}")->as_object());
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::too_large);
}

}  // namespace
}  // namespace sojourn

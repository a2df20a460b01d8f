#include "api/auth.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sojourn {
namespace {

using Fields = std::vector<Header>;

constexpr std::string_view other_extension = "chrome-extension://abcdefghijklmnopabcdefghijklmnop";

Access make_access(bool any_extension = false) {
  Access access({"http://allowed.test", "https://secure.test:8443"}, any_extension);
  access.add_port(5409);
  access.add_port(8000);
  return access;
}

Result<std::string> admit(Access const& access, Fields fields, std::string_view path = "/api/health",
                          std::string_view method = "GET") {
  Request request;
  request.method = method;
  request.path = path;
  request.headers = fields;
  return access.admit(request);
}

TEST(Access, HostsAreOursOrRefused) {
  auto const access = make_access();
  for (std::string_view const host :
       {"localhost:5409", "127.0.0.1:5409", "[::1]:5409", "localhost:8000", "LocalHost:8000", "[::1]:8000"}) {
    EXPECT_TRUE(admit(access, {{"Host", host}})) << host;
  }
  for (std::string_view const host : {"",
                                      "localhost",
                                      "localhost:80",
                                      "127.0.0.1",
                                      "127.0.0.1:5410",
                                      "127.0.0.2:5409",
                                      "0.0.0.0:5409",
                                      "evil.test",
                                      "evil.test:5409",
                                      "localhost.evil.test:5409",
                                      "localhost:5409.evil.test",
                                      "evil.test#localhost:5409",
                                      "localhost:5409,evil.test",
                                      "user@localhost:5409",
                                      "localhost:05409",
                                      "localhost:5409 ",
                                      "::1:5409",
                                      "[::ffff:127.0.0.1]:5409",
                                      "2130706433:5409",
                                      "localhost.:5409"}) {
    auto const refused = admit(access, {{"Host", host}});
    ASSERT_FALSE(refused) << host;
    EXPECT_EQ(refused.error().code, Code::forbidden);
    EXPECT_NE(refused.error().message.find("use http://localhost:5409"), std::string::npos) << refused.error().message;
  }
  EXPECT_FALSE(admit(access, {})) << "no Host at all";
  EXPECT_FALSE(admit(access, {{"Host", "localhost:5409"}, {"Host", "localhost:5409"}})) << "two of them";
  EXPECT_FALSE(admit(Access({}, false), {{"Host", "localhost:5409"}})) << "before a listener is open";
}

TEST(Access, TheStandardPortMayBeLeftOut) {
  Access access({}, false);
  access.add_port(80);
  EXPECT_TRUE(admit(access, {{"Host", "localhost"}}));
  EXPECT_TRUE(admit(access, {{"Host", "localhost:80"}}));
  EXPECT_TRUE(admit(access, {{"Host", "127.0.0.1"}, {"Origin", "http://127.0.0.1"}}));
  EXPECT_FALSE(admit(access, {{"Host", "localhost"}, {"Origin", "http://localhost:80"}}))
      << "no browser writes it that way";
}

TEST(Access, OriginsAreOursOrListedOrRefused) {
  auto const access = make_access();
  for (std::string_view const origin :
       {"http://localhost:5409", "http://127.0.0.1:5409", "http://[::1]:5409", "http://localhost:8000",
        "http://allowed.test", "https://secure.test:8443", extension_origin.data()}) {
    auto const admitted = admit(access, {{"Host", "localhost:5409"}, {"Origin", origin}});
    ASSERT_TRUE(admitted) << origin;
    EXPECT_EQ(*admitted, origin) << "it is echoed";
  }
  auto const without = admit(access, {{"Host", "localhost:5409"}});
  ASSERT_TRUE(without);
  EXPECT_EQ(*without, "") << "nothing to echo";
  for (std::string_view const origin : {"",
                                        "null",
                                        "*",
                                        "http://evil.test",
                                        "https://localhost:5409",
                                        "http://localhost",
                                        "http://localhost:5410",
                                        "http://localhost:54090",
                                        "http://localhost:5409/",
                                        "http://localhost:5409.evil.test",
                                        "HTTP://LOCALHOST:5409",
                                        "http://allowed.test:80",
                                        "https://allowed.test",
                                        "http://allowed.test.evil",
                                        "http://xallowed.test",
                                        "http://sub.allowed.test",
                                        "http://secure.test:8443",
                                        "https://secure.test",
                                        "file://",
                                        "about:blank",
                                        "http://allowed.test http://evil.test",
                                        "http://allowed.test, http://evil.test",
                                        "http://u@allowed.test",
                                        other_extension.data(),
                                        "chrome-extension://",
                                        "moz-extension://afhojlogdaahibfnhgbcocjbmdnggcfn",
                                        "chrome-extension://afhojlogdaahibfnhgbcocjbmdnggcfn/",
                                        "chrome-extension://AFHOJLOGDAAHIBFNHGBCOCJBMDNGGCFN",
                                        "http://localhost:5409\thttp://evil.test",
                                        "http://0.0.0.0:5409",
                                        "http://[::]:5409",
                                        "ws://localhost:5409"}) {
    auto const refused = admit(access, {{"Host", "localhost:5409"}, {"Origin", origin}});
    ASSERT_FALSE(refused) << origin;
    EXPECT_EQ(refused.error().code, Code::forbidden);
  }
  EXPECT_FALSE(admit(
      access, {{"Host", "localhost:5409"}, {"Origin", "http://allowed.test"}, {"Origin", "http://allowed.test"}}));
}

TEST(Access, ARefusalSaysWhatToWriteIntoTheConfiguration) {
  auto const refused = admit(make_access(), {{"Host", "localhost:5409"}, {"Origin", "http://my.test"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "Origin http://my.test is not allowed; add allow_origins = [\"http://my.test\"] to the configuration");
  auto const null = admit(make_access(), {{"Host", "localhost:5409"}, {"Origin", "null"}});
  ASSERT_FALSE(null);
  EXPECT_EQ(null.error().message.find("allow_origins"), std::string::npos) << "null can't be allowed";
}

TEST(Access, NullIsRefusedEvenWhenSomebodyListsIt) {
  Access access({"null"}, false);
  access.add_port(5409);
  EXPECT_FALSE(admit(access, {{"Host", "localhost:5409"}, {"Origin", "null"}}));
}

TEST(Access, PagesOfOtherSitesMayNotAskWithoutAnOrigin) {
  auto const access = make_access();
  struct Row {
    std::string_view site;
    std::string_view origin;  // empty = none
    bool admitted;
  };
  for (auto const& row : {Row{"same-origin", "", true}, Row{"cross-site", "", false}, Row{"same-site", "", false},
                          Row{"cross-site", "http://allowed.test", true}, Row{"same-site", "http://allowed.test", true},
                          Row{"cross-site", "http://evil.test", false}, Row{"same-origin", "http://evil.test", false},
                          Row{"same-origin", "http://localhost:5409", true}, Row{"cross-site", extension_origin, true},
                          Row{"none", extension_origin, true}}) {
    Fields fields{{"Host", "localhost:5409"}, {"Sec-Fetch-Site", row.site}, {"Sec-Fetch-Mode", "cors"}};
    if (!row.origin.empty()) fields.push_back({"Origin", row.origin});
    EXPECT_EQ(admit(access, fields).has_value(), row.admitted) << row.site << " " << row.origin;
  }
}

TEST(Access, WhatAPersonTypesIsNotFromElsewhere) {
  auto const access = make_access();
  Fields const typed{{"Host", "localhost:5409"}, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Mode", "navigate"}};
  EXPECT_TRUE(admit(access, typed, "/api/websocket/sessions"));
  Fields const hidden{{"Host", "localhost:5409"}, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Mode", "cors"}};
  EXPECT_FALSE(admit(access, hidden, "/api/websocket/sessions")) << "another extension hides its origin in a GET";
}

TEST(Access, OnlyANavigationToAPageMayComeFromAnotherSite) {
  auto const access = make_access();
  struct Row {
    std::string_view method;
    std::string_view path;
    std::string_view mode;
    bool admitted;
  };
  for (auto const& row :
       {Row{"GET", "/", "navigate", true}, Row{"GET", "/console/", "navigate", true},
        Row{"GET", "/console", "navigate", false}, Row{"GET", "/console/x", "navigate", false},
        Row{"GET", "/api/websocket/sessions", "navigate", false}, Row{"GET", "/ws", "navigate", false},
        Row{"POST", "/", "navigate", false}, Row{"HEAD", "/", "navigate", false}, Row{"GET", "/", "no-cors", false},
        Row{"GET", "/", "", false}, Row{"GET", "/console/", "cors", false}}) {
    Fields const fields{{"Host", "localhost:5409"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", row.mode}};
    EXPECT_EQ(admit(access, fields, row.path, row.method).has_value(), row.admitted)
        << row.method << " " << row.path << " " << row.mode;
  }
  Fields const with_origin{{"Host", "localhost:5409"},
                           {"Sec-Fetch-Site", "cross-site"},
                           {"Sec-Fetch-Mode", "navigate"},
                           {"Origin", "http://evil.test"}};
  EXPECT_FALSE(admit(access, with_origin, "/")) << "an Origin is judged first";
  Fields const framed{{"Host", "localhost:5409"},
                      {"Sec-Fetch-Site", "cross-site"},
                      {"Sec-Fetch-Mode", "navigate"},
                      {"Sec-Fetch-Dest", "iframe"}};
  EXPECT_FALSE(admit(access, framed, "/")) << "a page of another site may not frame ours";
}

TEST(Access, AnyExtensionMayUseTheDocumentedPathsWhenAsked) {
  auto const open = make_access(true);
  auto const closed = make_access(false);
  for (auto const& [path, admitted] : {std::pair<std::string_view, bool>{"/ws", true},
                                       {"/api/v1/sessions", true},
                                       {"/api/v1/sessions/", true},
                                       {"/api/v1/query", true},
                                       {"/api/v1/query/", true},
                                       {"/ws/", false},
                                       {"/ws/extension", false},
                                       {"/api/v1/sessions/1", false},
                                       {"/api/v1/query/x", false},
                                       {"/api/websocket/sessions", false},
                                       {"/api/health", false},
                                       {"/", false}}) {
    Fields const fields{{"Host", "localhost:5409"}, {"Origin", other_extension}};
    EXPECT_EQ(admit(open, fields, path).has_value(), admitted) << path;
    EXPECT_FALSE(admit(closed, fields, path)) << path;
  }
  for (std::string_view const origin :
       {"chrome-extension://abc", "chrome-extension://abcdefghijklmnopabcdefghijklmnoq",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnopa", "chrome-extension://ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP",
        "chrome-extension://abcdefghijklmnopabcdefghijklmno.", "http://abcdefghijklmnopabcdefghijklmnop"}) {
    EXPECT_FALSE(admit(open, {{"Host", "localhost:5409"}, {"Origin", origin}}, "/ws")) << origin;
  }
}

TEST(Access, AScriptElementIsJudgedByItsPage) {
  auto const access = make_access();
  struct Row {
    std::string_view path;
    std::string_view page;
    bool admitted;
  };
  constexpr std::string_view script = "/socket.io/socket.io.js";
  for (auto const& row :
       {Row{script, "http://allowed.test/", true}, Row{script, "http://allowed.test", true},
        Row{script, "http://allowed.test/a/b?c#d", true}, Row{script, "http://allowed.test?x", true},
        Row{script, "http://localhost:5409/", true}, Row{script, "http://evil.test/", false},
        Row{script, "http://evil.test/http://allowed.test/", false},
        Row{script, "http://allowed.test@evil.test/", false}, Row{script, "http://allowed.test.evil.test/", false},
        Row{script, "null", false}, Row{script, "", false}, Row{"/socket.io/", "http://allowed.test/", false},
        Row{"/socket.io/socket.io.js/", "http://allowed.test/", false},
        Row{"/api/health", "http://allowed.test/", false}, Row{"/", "http://allowed.test/", false}}) {
    auto const admitted =
        admit(access, {{"Host", "localhost:5409"}, {"Sec-Fetch-Site", "cross-site"}, {"Referer", row.page}}, row.path);
    EXPECT_EQ(admitted.has_value(), row.admitted) << row.path << " " << row.page;
  }
  EXPECT_FALSE(admit(access,
                     {{"Host", "localhost:5409"},
                      {"Sec-Fetch-Site", "cross-site"},
                      {"Referer", "http://allowed.test/"},
                      {"Referer", "http://allowed.test/"}},
                     script));
  EXPECT_FALSE(admit(access,
                     {{"Host", "localhost:5409"}, {"Origin", "http://evil.test"}, {"Referer", "http://allowed.test/"}},
                     script))
      << "an Origin is judged first";
  EXPECT_EQ(*admit(access, {{"Host", "localhost:5409"}, {"Referer", "http://allowed.test/a"}}, script),
            "http://allowed.test");
  EXPECT_EQ(*admit(access, {{"Host", "localhost:5409"}, {"Referer", "http://evil.test/a"}}, script), "");
}

}  // namespace
}  // namespace sojourn

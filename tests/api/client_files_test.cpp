#include "api/client_files.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;

class ClientFilesTest : public testing::Test {
 protected:
  void install(std::string const& package = "/client/../package.json") {
    desk.on_disk[package] = R"({"name":"socket.io-client","version":"4.8.1"})";
    for (auto const* name : {"socket.io.js", "socket.io.min.js.map", "socket.io.esm.min.js"})
      desk.on_disk["/client/" + std::string(name)] = "the " + std::string(name);
    desk.on_disk["/client/package.txt"] = "no";
  }
  Ask& get(std::string_view name, test::Fields fields = {}) {
    return desk.ask("GET", "/socket.io/" + std::string(name), {}, std::move(fields));
  }
  static std::string header(Ask const& ask, std::string_view name) {
    for (auto const& [key, value] : ask.response().headers) {
      if (key == name) return value;
    }
    return {};
  }

  Desk desk;
};

TEST_F(ClientFilesTest, AreThoseOfThePackageWithItsVersion) {
  install();
  auto& script = get("socket.io.js");
  EXPECT_EQ(script.status(), 200);
  EXPECT_EQ(script.body(), "the socket.io.js");
  EXPECT_EQ(script.response().content_type, "application/javascript; charset=utf-8");
  EXPECT_EQ(header(script, "ETag"), "\"4.8.1\"");
  EXPECT_EQ(header(script, "Cache-Control"), "public, max-age=0");
  auto& map = get("socket.io.min.js.map");
  EXPECT_EQ(map.body(), "the socket.io.min.js.map");
  EXPECT_EQ(map.response().content_type, "application/json; charset=utf-8");
  EXPECT_EQ(header(map, "ETag"), "\"4.8.1\"");
}

TEST_F(ClientFilesTest, AreReadOnce) {
  install();
  get("socket.io.js");
  auto const reads = desk.reads;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("socket.io.js").body(), "the socket.io.js");
  EXPECT_EQ(desk.reads, reads);
}

TEST_F(ClientFilesTest, AreNotSentToWhoHasThem) {
  install("/client/package.json");
  for (std::string const known : {"\"4.8.1\"", "W/\"4.8.1\"", "\"0\", \"4.8.1\"", "*"}) {
    auto& asked = get("socket.io.js", {{"If-None-Match", known}});
    EXPECT_EQ(asked.status(), 304) << known;
    EXPECT_EQ(asked.body(), "");
    EXPECT_EQ(header(asked, "ETag"), "\"4.8.1\"");
  }
  for (std::string const other : {"\"0\"", "4.8.1", "\"4.8.1-1\"", ""})
    EXPECT_EQ(get("socket.io.js", {{"If-None-Match", other}}).status(), 200) << other;
}

TEST_F(ClientFilesTest, WithoutAVersionHaveNone) {
  desk.on_disk["/client/socket.io.js"] = "x";
  desk.on_disk["/client/package.json"] = "{\"version\":\"a\\r\\nX: y\"}";
  auto& asked = get("socket.io.js", {{"If-None-Match", "*"}});
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(header(asked, "ETag"), "");
}

TEST_F(ClientFilesTest, ThatAreNotThereAreNotFoundUntilTheyAre) {
  auto& asked = get("socket.io.js");
  EXPECT_EQ(asked.status(), 404);
  EXPECT_EQ(asked.body(),
            R"({"error":"socket.io.js is not installed; name the dist folder of the npm package socket.io-client )"
            R"(as client_files in [monitor] of the configuration"})");
  install();
  EXPECT_EQ(get("socket.io.js").status(), 200);
}

TEST_F(ClientFilesTest, NothingElseIsEverRead) {
  install();
  for (auto const* name : {"package.txt", "socket.io.js/", "SOCKET.IO.JS", "..%2fpackage.json", "%2e%2e/package.json",
                           "../package.json", "socket.io.js%00", "client/socket.io.js"})
    EXPECT_EQ(get(name).status(), 404) << name;
  EXPECT_EQ(desk.reads, 0);
  for (auto const* method : {"POST", "PUT", "DELETE"})
    EXPECT_EQ(desk.ask(method, "/socket.io/socket.io.js").status(), 405) << method;
}

TEST_F(ClientFilesTest, PagesOfAllowedOriginsMayLoadThemAsScripts) {
  install();
  EXPECT_EQ(header(get("socket.io.js"), "Cross-Origin-Resource-Policy"), "");
  auto& script = get("socket.io.js", {{"Sec-Fetch-Site", "cross-site"}, {"Referer", "http://allowed.test/a?b"}});
  EXPECT_EQ(script.status(), 200);
  EXPECT_EQ(header(script, "Cross-Origin-Resource-Policy"), "cross-origin");
  EXPECT_EQ(header(script, "Vary"), "Referer");
  EXPECT_EQ(header(get("socket.io.js", {{"Origin", "http://allowed.test"}}), "Cross-Origin-Resource-Policy"),
            "cross-origin");
  for (auto const* page : {"http://evil.test/", "http://allowed.test.evil/", "http://allowed.test@evil.test/", "", "/"})
    EXPECT_EQ(get("socket.io.js", {{"Sec-Fetch-Site", "cross-site"}, {"Referer", page}}).status(), 403) << page;
  EXPECT_EQ(get("socket.io.js", {{"Sec-Fetch-Site", "cross-site"}}).status(), 403);
}

TEST(IsClientFile, KnowsTheNamesAndNoOthers) {
  EXPECT_TRUE(is_client_file("/socket.io/socket.io.msgpack.min.js.map"));
  for (auto const* path :
       {"/socket.io/", "/socket.io", "/socket.io/socket.io.js/", "/socket.io.js", "socket.io.js", ""})
    EXPECT_FALSE(is_client_file(path)) << path;
}

}  // namespace
}  // namespace sojourn

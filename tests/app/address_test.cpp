#include "app/address.h"

#include <gtest/gtest.h>

namespace sojourn {
namespace {

void expect_listen(std::string_view text, ListenAddress const& expected) {
  auto const address = parse_listen(text);
  ASSERT_TRUE(address) << text << ": " << address.error().message;
  EXPECT_EQ(*address, expected) << text;
}

std::string refusal_of_listen(std::string_view text) {
  auto const address = parse_listen(text);
  if (address) return "accepted";
  EXPECT_EQ(address.error().code, Code::configuration);
  return address.error().message;
}

std::string origin(std::string_view text) {
  auto const parsed = parse_origin(text);
  if (parsed) return *parsed;
  EXPECT_EQ(parsed.error().code, Code::configuration);
  return "refused: " + parsed.error().message;
}

TEST(Address, HasThreeFormsAndAnOptionalDialect) {
  expect_listen("5409", {"localhost", 5409, "extension"});
  expect_listen("LocalHost:8000=sessions", {"localhost", 8000, "sessions"});
  expect_listen("127.0.0.1:0=monitor", {"127.0.0.1", 0, "monitor"});
  expect_listen("127.9.9.9:65535", {"127.9.9.9", 65535, "extension"});
  expect_listen("[::1]:1=extension", {"::1", 1, "extension"});
}

TEST(Address, OfOtherMachinesIsRefusedWithAWayOut) {
  for (auto const* const text :
       {"0.0.0.0:5409", "[::]:5409", "192.168.1.5:80", "example.com:80", "128.0.0.1:1", "127.1:1"}) {
    auto const message = refusal_of_listen(text);
    EXPECT_NE(message.find("is not a loopback address"), std::string::npos) << text << ": " << message;
    EXPECT_NE(message.find("tunnel"), std::string::npos) << message;
  }
}

TEST(Address, ThatIsUnclearIsRefused) {
  EXPECT_NE(refusal_of_listen("").find("PORT, HOST:PORT or [IPv6]:PORT"), std::string::npos);
  EXPECT_NE(refusal_of_listen("::1:80").find("[IPv6]:PORT"), std::string::npos);
  EXPECT_NE(refusal_of_listen("[::1:80").find("[IPv6]:PORT"), std::string::npos);
  EXPECT_NE(refusal_of_listen(":80").find("is not an address"), std::string::npos);
  EXPECT_NE(refusal_of_listen("[::1]80").find("is not an address"), std::string::npos);
  EXPECT_NE(refusal_of_listen("127.0.0.1").find("127.0.0.1:5409"), std::string::npos);
  EXPECT_NE(refusal_of_listen("[::1]").find("[::1]:5409"), std::string::npos);
  EXPECT_NE(refusal_of_listen("65536").find("0 (any free one) to 65535"), std::string::npos);
  EXPECT_NE(refusal_of_listen("localhost:-1").find("is not a port"), std::string::npos);
  EXPECT_NE(refusal_of_listen("localhost:8o").find("is not a port"), std::string::npos);
}

TEST(Address, NamesTheNearestDialect) {
  EXPECT_EQ(refusal_of_listen("5001=moniter"), "\"moniter\" is no dialect; did you mean \"monitor\"?");
  EXPECT_NE(refusal_of_listen("5001=").find("known are extension, sessions, monitor"), std::string::npos);
}

TEST(Address, IsWrittenTheWayItIsRead) {
  EXPECT_EQ(to_text({"localhost", 5409}), "localhost:5409");
  EXPECT_EQ(to_text({"::1", 80}), "[::1]:80");
}

TEST(Address, OriginsAreSpelledAsBrowsersSendThem) {
  EXPECT_EQ(origin("http://localhost:3000"), "http://localhost:3000");
  EXPECT_EQ(origin("HTTPS://Example.COM:443"), "https://example.com");
  EXPECT_EQ(origin("http://example.com:80"), "http://example.com");
  EXPECT_EQ(origin("http://example.com:443"), "http://example.com:443");
  EXPECT_EQ(origin("http://[::1]:3000"), "http://[::1]:3000");
  EXPECT_EQ(origin("chrome-extension://afhojlogdaahibfnhgbcocjbmdnggcfn"),
            "chrome-extension://afhojlogdaahibfnhgbcocjbmdnggcfn");
}

TEST(Address, WhatIsNoOriginIsRefused) {
  for (auto const* const text : {"", "*", "null", "localhost:3000", "ftp://a", "file:///", "http://", "http://a/",
                                 "http://a/b", "http://a?b", "http://u@a", "http://a:", "http://a:0", "http://a:65536",
                                 "http://a:b", "http://a b", "http://*.a", "http://[::g]", "http://a:1:2"}) {
    EXPECT_TRUE(origin(text).starts_with("refused: ")) << text << " -> " << origin(text);
  }
}

}  // namespace
}  // namespace sojourn

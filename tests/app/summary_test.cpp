#include "app/summary.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"

namespace sojourn {
namespace {

Config make_config() {
  Config config;
  config.data = "/d\x1b";
  config.key = "the secret that nobody may see, ever";
  config.users = {{"alice", "scrypt$16384$8$1$salt$hash"}, {"bob", "scrypt$16384$8$1$salt$hash"}};
  config.idle_ms = 3000;
  config.sessions_per_user = 10;
  config.tools = {{"get_shipping_quotes", {"http://me:pass@127.0.0.1:9000/quotes?api_key=pass", "quote_ready"}},
                  {"other", {"https://example.com", ""}}};
  config.browser.max_contexts = 4;
  config.video_retention_s = 0;
  config.responder = {"http://127.0.0.1:9100/answer?key=pass", 60, "small"};
  return config;
}

TEST(Summary, NamesEverySettingAndNoSecret) {
  auto const text = describe_config(make_config());
  EXPECT_EQ(text,
            "The configuration is valid.\n"
            "listen        localhost:5409 (extension)\n"
            "data          /d\\u{1b}\n"
            "store         sqlite\n"
            "key           configured: nobody is let in without a token\n"
            "user          alice\n"
            "user          bob\n"
            "idle minutes  0.05\n"
            "per user      10 sessions\n"
            "tool          get_shipping_quotes: http://127.0.0.1:9000/quotes?..., update quote_ready\n"
            "tool          other: https://example.com\n"
            "responder     http://127.0.0.1:9100/answer?..., model small\n"
            "              within 60 s\n"
            "monitor       asks sockets after 900 s of silence, drops them after 1800 s\n"
            "browser       the Chromium of this machine, 4 sessions at most, each ends after 600 s without a call\n"
            "video         handed over by close only\n"
            "log level     info\n");
}

TEST(Summary, NamesCompressionWhereThereIsAny) {
  Config config;
  EXPECT_EQ(describe_config(config).find("compression"), std::string::npos);
  config.compression = true;
  EXPECT_NE(describe_config(config).find("\ncompression   of WebSockets whose clients offer it\n"), std::string::npos);
  EXPECT_EQ(to_json(config).at("compression"), true);
}

TEST(Summary, IsTheSameForProgramsWithTheLimits) {
  auto const text = json::to_text(to_json(make_config()));
  for (auto const* const secret : {"nobody may see", "scrypt", "pass"}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << secret;
  }
  auto const value = json::parse(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("key_configured"), true);
  EXPECT_EQ(value->at("compression"), false);
  EXPECT_EQ(value->at("users").at(1), "bob");
  EXPECT_EQ(value->at("sessions").at("idle_minutes"), 0.05);
  EXPECT_EQ(value->at("sessions").at("per_user"), 10);
  EXPECT_EQ(value->at("sessions").at("test_token"), false);
  EXPECT_EQ(value->at("tools").at("other").at("url"), "https://example.com");
  EXPECT_EQ(value->at("responder").at("url"), "http://127.0.0.1:9100/answer?...");
  EXPECT_EQ(value->at("responder").at("timeout_s"), 60);
  EXPECT_EQ(value->at("monitor").at("drop_after_s"), 1800);
  EXPECT_EQ(value->at("debug_key_configured"), false);
  EXPECT_EQ(value->at("browser").at("max_contexts"), 4);
  EXPECT_EQ(value->at("browser").at("recover"), true);
  EXPECT_EQ(value->at("video").at("retention_s"), 0);
  EXPECT_EQ(value->at("limits").at("header_ms"), 10'000);
  auto const plain = to_json(Config{});
  EXPECT_EQ(plain.at("key_configured"), false);
  EXPECT_EQ(plain.at("sessions").at("idle_minutes"), 60);
  EXPECT_EQ(plain.at("sessions").at("per_user"), 0);
  EXPECT_EQ(describe_config(Config{}).find("per user"), std::string::npos) << "without a limit it is not a line";
  EXPECT_FALSE(plain.contains("key_file"));
}

}  // namespace
}  // namespace sojourn

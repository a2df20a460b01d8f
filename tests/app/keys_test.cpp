#include "app/keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace sojourn {
namespace {

using namespace std::string_literals;

std::string const secret(32, 's');
std::string const hash = "scrypt$16384$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=";

using Value = decltype(Setting::value);

std::string refusal(std::string const& key, Value value) {
  Draft draft;
  auto const done = set(draft, {key, std::move(value), "f:1"});
  if (done) return "accepted";
  EXPECT_EQ(done.error().code, Code::configuration);
  return done.error().message;
}

Config config_with(std::vector<Setting> const& settings) {
  Draft draft;
  for (auto const& setting : settings) {
    auto const done = set(draft, setting);
    EXPECT_TRUE(done) << done.error().message;
  }
  return draft.config;
}

TEST(ConfigKeys, AreListedOnceEach) {
  auto names = list_keys();
  for (char const* const name : {"listen", "key", "key_file", "sessions.idle_minutes", "sessions.per_user",
                                 "sessions.test_token", "limits.header_ms", "log.level"}) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(ConfigKeys, ThatAreListedAreKnown) {
  for (auto const& name : list_keys()) {
    EXPECT_EQ(refusal(name, Foreign{"a date or time"}).find("unknown key"), std::string::npos) << name;
  }
}

TEST(ConfigKeys, AStoreIsOneThatThereIs) {
  EXPECT_EQ(Config().store, "sqlite");
  EXPECT_EQ(config_with({{"store", "memory"s, "f:1"}}).store, "memory");
  EXPECT_EQ(refusal("store", "sqlit"s), "f:1: \"sqlit\" is no store; did you mean \"sqlite\"?");
}

TEST(ConfigKeys, AKeyIsASecretOfSomeLength) {
  EXPECT_EQ(config_with({{"key", secret, "f:1"}}).key, secret);
  EXPECT_EQ(config_with({{"key", Untyped{secret}, "f:1"}}).key, secret);
  EXPECT_EQ(refusal("key", "hunter2"s),
            "f:1: key has 7 bytes but needs at least 32; make one with: openssl rand -hex 32");
  EXPECT_EQ(refusal("key", ""s).find("f:1: key has 0 bytes"), 0U);
  EXPECT_EQ(refusal("key", std::int64_t{7}), "f:1: key must be text in quotes, not a number");
  EXPECT_NE(refusal("key", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"s).find("key_file"),
            std::string::npos);
}

TEST(ConfigKeys, ARefusedValueChangesNothing) {
  Draft draft;
  ASSERT_TRUE(set(draft, {"key", secret, "f:1"}));
  EXPECT_FALSE(set(draft, {"key", "short"s, "f:2"}));
  EXPECT_FALSE(set(draft, {"key_file", ""s, "f:2"}));
  EXPECT_FALSE(set(draft, {"tools.x.url", "no"s, "f:3"}));
  EXPECT_EQ(draft.config.key, secret);
  EXPECT_TRUE(draft.config.tools.empty());
}

TEST(ConfigKeys, AKeyFileIsAName) {
  Draft draft;
  ASSERT_TRUE(set(draft, {"key_file", "/a"s, "f:7"}));
  EXPECT_EQ(draft.config.key_file, "/a");
  EXPECT_EQ(draft.key_file_where, "f:7");
  EXPECT_NE(refusal("key_file", ""s).find("names no file"), std::string::npos);
  EXPECT_NE(refusal("key_file", "a\0b"s).find("zero byte"), std::string::npos);
  EXPECT_EQ(refusal("key_file", true), "f:1: key_file must be text in quotes, not true or false");
}

TEST(ConfigKeys, UsersAreNamesWithPasswordHashes) {
  auto const users = config_with({{"users.alice", hash, "f:1"}, {"users.bob@example.com", hash, "f:2"}}).users;
  EXPECT_EQ(users, (std::map<std::string, std::string>{{"alice", hash}, {"bob@example.com", hash}}));
  EXPECT_EQ(refusal("users.alice", "hunter2"s),
            "f:1: users.alice is no password hash (scrypt$...); make one with: sojourn token --hash-password");
  EXPECT_EQ(refusal("users.alice", Foreign{"a table"}), "f:1: users.alice must be text in quotes, not a table");
  EXPECT_NE(refusal("users.", hash).find("the name of a user has 1 to 256 bytes"), std::string::npos);
  EXPECT_NE(refusal("users.a\nb", hash).find("without control characters"), std::string::npos);
  EXPECT_NE(refusal("users." + std::string(257, 'x'), hash).find("the name of a user"), std::string::npos);
  EXPECT_EQ(refusal("users", std::int64_t{1}), "f:1: users must be a table, written [users], not a number");
}

TEST(ConfigKeys, IdleMinutesMayBeFractions) {
  auto const idle_ms = [](Value value) {
    return config_with({{"sessions.idle_minutes", std::move(value), "f:1"}}).idle_ms;
  };
  EXPECT_EQ(idle_ms(std::int64_t{60}), 3'600'000);
  EXPECT_EQ(idle_ms(std::int64_t{1440}), 86'400'000);
  EXPECT_EQ(idle_ms(0.05), 3000);
  EXPECT_EQ(idle_ms(0.01), 600);
  EXPECT_EQ(idle_ms(Untyped{"1.5"}), 90'000);
  constexpr char const* bounds = "f:1: sessions.idle_minutes must be a number of minutes from 0.01 to 1440";
  for (auto const& wrong : {Value(std::int64_t{0}), Value(std::int64_t{-1}), Value(std::int64_t{1441}), Value(0.0099),
                            Value(1440.1), Value(std::numeric_limits<double>::quiet_NaN()),
                            Value(std::numeric_limits<double>::infinity()), Value(Untyped{"nan"})}) {
    EXPECT_EQ(refusal("sessions.idle_minutes", wrong), bounds);
  }
  EXPECT_EQ(refusal("sessions.idle_minutes", Untyped{"5m"}), bounds + ", not \"5m\""s);
  EXPECT_EQ(refusal("sessions.idle_minutes", "60"s), bounds + ", not text"s);
}

TEST(ConfigKeys, PerUserIsAWholeNumberAndNoneIsNoLimit) {
  auto const per_user = [](Value value) {
    return config_with({{"sessions.per_user", std::move(value), "f:1"}}).sessions_per_user;
  };
  EXPECT_EQ(Config{}.sessions_per_user, 0);
  EXPECT_EQ(per_user(std::int64_t{0}), 0);
  EXPECT_EQ(per_user(std::int64_t{10}), 10);
  EXPECT_EQ(per_user(std::int64_t{100'000}), 100'000);
  EXPECT_EQ(per_user(Untyped{"7"}), 7);
  EXPECT_EQ(refusal("sessions.per_user", std::int64_t{-1}),
            "f:1: sessions.per_user is -1 but must be from 0 to 100000");
  EXPECT_EQ(refusal("sessions.per_user", std::int64_t{100'001}),
            "f:1: sessions.per_user is 100001 but must be from 0 to 100000");
  constexpr char const* bounds = "f:1: sessions.per_user must be a whole number from 0 to 100000, not ";
  EXPECT_EQ(refusal("sessions.per_user", 1.5), bounds + "a number with a fraction"s);
  EXPECT_EQ(refusal("sessions.per_user", "10"s), bounds + "text"s);
  for (auto const* const wrong : {"ten", "1.0", "1 ", "-", ""}) {
    EXPECT_EQ(refusal("sessions.per_user", Untyped{wrong}), bounds + "\""s + wrong + "\"");
  }
}

TEST(ConfigKeys, AResponderIsAnAddressWithATimeAndAModel) {
  auto const responder = config_with({{"responder.url", "http://127.0.0.1:9100/answer"s, "f:1"},
                                      {"responder.timeout_s", std::int64_t{3600}, "f:2"},
                                      {"responder.model", "qwen2.5:7b"s, "f:3"}})
                             .responder;
  EXPECT_EQ(responder, (ResponderConfig{"http://127.0.0.1:9100/answer", 3600, "qwen2.5:7b"}));
  EXPECT_EQ(Config{}.responder, (ResponderConfig{"", 120, ""}));
  EXPECT_EQ(config_with({{"responder.url", ""s, "f:1"}}).responder.url, "") << "which switches off an earlier one";
  EXPECT_EQ(config_with({{"responder.timeout_s", Untyped{"1"}, "f:1"}}).responder.timeout_s, 1);
  for (auto const* const wrong : {"127.0.0.1:9100", "ftp://a/b", "http://", "http://a b", "http://me:pass@a/"}) {
    EXPECT_EQ(refusal("responder.url", std::string(wrong)),
              "f:1: responder.url is no address of a responder; write http://HOST[:PORT]/PATH or "
              "https://HOST[:PORT]/PATH")
        << wrong;
  }
  EXPECT_EQ(refusal("responder.timeout_s", std::int64_t{0}),
            "f:1: responder.timeout_s is 0 but must be from 1 to 3600");
  EXPECT_EQ(refusal("responder.timeout_s", std::int64_t{3601}),
            "f:1: responder.timeout_s is 3601 but must be from 1 to 3600");
  EXPECT_EQ(refusal("responder.timeout_s", 1.5),
            "f:1: responder.timeout_s must be a whole number from 1 to 3600, not a number with a fraction");
  EXPECT_EQ(refusal("responder.model", "a\nb"s), "f:1: responder.model is no name of a model");
  EXPECT_EQ(refusal("responder.ulr", "http://a"s),
            "f:1: unknown key \"responder.ulr\"; did you mean \"responder.url\"?");
}

TEST(ConfigKeys, BrowsersHaveTimesAndCountsWithinBounds) {
  auto const browser = config_with({{"browser.executable", "/opt/chromium"s, "f:1"},
                                    {"browser.max_contexts", std::int64_t{12}, "f:2"},
                                    {"browser.warm", std::int64_t{0}, "f:3"},
                                    {"browser.idle_s", Untyped{"30"}, "f:4"},
                                    {"browser.life_s", std::int64_t{0}, "f:5"},
                                    {"browser.keep_s", std::int64_t{5}, "f:6"},
                                    {"browser.queue_max", std::int64_t{0}, "f:7"},
                                    {"browser.wait_s", std::int64_t{1}, "f:8"},
                                    {"browser.recover", false, "f:9"}})
                           .browser;
  EXPECT_EQ(browser, (BrowserConfig{"/opt/chromium", 12, 0, 30, 0, 5, 0, 1, false}));
  EXPECT_EQ(Config{}.browser, (BrowserConfig{"", 0, 1, 600, 86'400, 60, 100, 30, true}));
  EXPECT_EQ(refusal("browser.warm", std::int64_t{9}), "f:1: browser.warm is 9 but must be from 0 to 8");
  EXPECT_EQ(refusal("browser.idle_s", std::int64_t{0}), "f:1: browser.idle_s is 0 but must be from 1 to 3600");
  EXPECT_EQ(refusal("browser.idle_s", std::int64_t{3601}), "f:1: browser.idle_s is 3601 but must be from 1 to 3600");
  EXPECT_EQ(refusal("browser.recover", Untyped{"no"}), "f:1: browser.recover must be true or false, not \"no\"");
  EXPECT_EQ(refusal("browser.executable", "a\0b"s), "f:1: browser.executable is no file name: it has a zero byte");
  EXPECT_EQ(refusal("browser.max_context", std::int64_t{1}),
            "f:1: unknown key \"browser.max_context\"; did you mean \"browser.max_contexts\"?");
}

TEST(ConfigKeys, VideosAreKeptForAWhileOrNotAtAll) {
  EXPECT_EQ(Config{}.video_retention_s, 3600);
  EXPECT_EQ(config_with({{"video.retention_s", std::int64_t{0}, "f:1"}}).video_retention_s, 0);
  EXPECT_EQ(refusal("video.retention_s", std::int64_t{604'801}),
            "f:1: video.retention_s is 604801 but must be from 0 to 604800");
}

TEST(ConfigKeys, TheMonitorHasTimesAndTruthsAndAFolder) {
  auto const monitor = config_with({{"monitor.warn_after_s", std::int64_t{11}, "f:1"},
                                    {"monitor.drop_after_s", Untyped{"12"}, "f:2"},
                                    {"monitor.sweep_s", std::int64_t{1}, "f:3"},
                                    {"monitor.eio3", true, "f:4"},
                                    {"monitor.debug", Untyped{"false"}, "f:5"},
                                    {"monitor.client_files", "/opt/client"s, "f:6"}})
                           .monitor;
  EXPECT_EQ(monitor, (MonitorConfig{11, 12, 1, true, false, "/opt/client"}));
  EXPECT_EQ(Config{}.monitor, (MonitorConfig{900, 1800, 60, false, true, ""}));
  EXPECT_EQ(refusal("monitor.sweep_s", std::int64_t{0}), "f:1: monitor.sweep_s is 0 but must be from 1 to 3600");
  EXPECT_EQ(refusal("monitor.warn_after_s", std::int64_t{0}),
            "f:1: monitor.warn_after_s is 0 but must be from 1 to 604800");
  EXPECT_EQ(refusal("monitor.eio3", Untyped{"no"}), "f:1: monitor.eio3 must be true or false, not \"no\"");
  EXPECT_EQ(refusal("monitor.client_files", "a\0b"s), "f:1: monitor.client_files is no file name: it has a zero byte");
  EXPECT_EQ(refusal("monitor", true), "f:1: monitor must be a table, written [monitor], not true or false");
}

TEST(ConfigKeys, TheDebugKeyIsASecret) {
  EXPECT_EQ(Config{}.debug_key, "");
  EXPECT_EQ(config_with({{"debug_key", "a key of mine"s, "f:1"}}).debug_key, "a key of mine");
  EXPECT_EQ(config_with({{"debug_key", Untyped{"a key of mine"}, "f:1"}}).debug_key, "a key of mine");
  constexpr char const* useless =
      "f:1: debug_key is of no use; it has at most 256 characters of ASCII without controls";
  EXPECT_EQ(refusal("debug_key", "a\nb"s), useless);
  EXPECT_EQ(refusal("debug_key", "gr\xC3\xBCn"s), useless);
  EXPECT_EQ(refusal("debug_key", std::string(257, 'x')), useless);
  EXPECT_EQ(refusal("debug_key", std::int64_t{7}), "f:1: debug_key must be text in quotes, not a number");
}

TEST(ConfigKeys, CompressionIsTrueOrFalse) {
  EXPECT_FALSE(Config{}.compression);
  EXPECT_TRUE(config_with({{"compression", true, "f:1"}}).compression);
  EXPECT_FALSE(config_with({{"compression", true, "f:1"}, {"compression", Untyped{"0"}, "f:2"}}).compression);
  EXPECT_EQ(refusal("compression", std::int64_t{9}), "f:1: compression must be true or false, not a number");
}

TEST(ConfigKeys, TestTokenIsTrueOrFalse) {
  EXPECT_TRUE(config_with({{"sessions.test_token", true, "f:1"}}).test_token);
  EXPECT_TRUE(config_with({{"sessions.test_token", Untyped{"1"}, "f:1"}}).test_token);
  EXPECT_FALSE(config_with({{"sessions.test_token", true, "f:1"}, {"sessions.test_token", false, "f:2"}}).test_token);
  EXPECT_EQ(refusal("sessions.test_token", Untyped{"yes"}),
            "f:1: sessions.test_token must be true or false, not \"yes\"");
  EXPECT_EQ(refusal("sessions.test_token", 1.0),
            "f:1: sessions.test_token must be true or false, not a number with a fraction");
}

TEST(ConfigKeys, ToolsHaveAnAddressAndAnUpdate) {
  auto const tools = config_with({{"tools.get_shipping_quotes.url", "http://127.0.0.1:9000/quotes"s, "f:1"},
                                  {"tools.create_label.url", "https://example.com"s, "f:2"},
                                  {"tools.other.url", "http://[::1]:1/?a=b"s, "f:3"},
                                  {"tools.named.update", "done"s, "f:4"},
                                  {"tools.named.url", "http://a/"s, "f:5"},
                                  {"tools.with.dots.url", "http://localhost:80"s, "f:6"}})
                         .tools;
  EXPECT_EQ(tools.size(), 5U);
  EXPECT_EQ(tools.at("get_shipping_quotes"), (ToolConfig{"http://127.0.0.1:9000/quotes", "quote_ready"}));
  EXPECT_EQ(tools.at("create_label"), (ToolConfig{"https://example.com", "label_created"}));
  EXPECT_EQ(tools.at("other"), (ToolConfig{"http://[::1]:1/?a=b", ""}));
  EXPECT_EQ(tools.at("named"), (ToolConfig{"http://a/", "done"}));
  EXPECT_EQ(tools.at("with.dots").url, "http://localhost:80");
  auto const silent = config_with({{"tools.create_label.update", ""s, "f:1"}}).tools;
  EXPECT_EQ(silent.at("create_label"), ToolConfig{}) << "nothing in quotes is no update";
}

TEST(ConfigKeys, AddressesOfToolsAreHttpWithAHost) {
  for (auto const& wrong : {""s,
                            "127.0.0.1:9000"s,
                            "ftp://a/"s,
                            "file:///etc/passwd"s,
                            "http://"s,
                            "http:///path"s,
                            "http://:80/"s,
                            "http://a:0/"s,
                            "http://a:65536/"s,
                            "http://a:x/"s,
                            "http://a:/"s,
                            "http://user:hunter2@a/"s,
                            "http://a b/"s,
                            "http://a/b c"s,
                            "http://a/#f"s,
                            "http://a\n/"s,
                            "http://a/\0"s,
                            "http://[::1/"s,
                            "http://[a]/"s,
                            "//a/"s,
                            "http:a"s,
                            "http://a/\u00E9"s,
                            "chrome-extension://a"s}) {
    EXPECT_EQ(refusal("tools.x.url", wrong),
              "f:1: tools.x.url is no address of a tool; write http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH")
        << wrong;
  }
  EXPECT_EQ(refusal("tools.x.url", std::int64_t{1}), "f:1: tools.x.url must be text in quotes, not a number");
}

TEST(ConfigKeys, MisspeltOnesOfToolsAndSessionsNameTheNearest) {
  EXPECT_EQ(refusal("tools.x.ulr", "http://a"s), "f:1: unknown key \"tools.x.ulr\"; did you mean \"tools.x.url\"?");
  EXPECT_EQ(refusal("tools.x", "http://a"s), "f:1: tools.x must be a table, written [tools.x], not text");
  EXPECT_EQ(refusal("tools", "http://a"s), "f:1: tools must be a table, written [tools], not text");
  EXPECT_EQ(refusal("sessions.idle_minute", std::int64_t{1}),
            "f:1: unknown key \"sessions.idle_minute\"; did you mean \"sessions.idle_minutes\"?");
  EXPECT_EQ(refusal("session", Foreign{"a table"}), "f:1: unknown key \"session\"; did you mean \"sessions\"?");
  EXPECT_EQ(refusal("keyfile", "x"s), "f:1: unknown key \"keyfile\"; did you mean \"key_file\"?");
  EXPECT_EQ(refusal("tools..url", "http://a"s).find("f:1: the name of a tool has"), 0U);
  EXPECT_EQ(refusal("tools.x.update", "a\nb"s).find("f:1: the name of an update has"), 0U);
}

}  // namespace
}  // namespace sojourn

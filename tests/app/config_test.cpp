#include "app/config.h"

#include <gtest/gtest.h>

#include <map>
#include <span>
#include <string>

#include "app/temporary_folder.h"
#include "base/crypto.h"
#include "support/signer.h"

namespace sojourn {
namespace {

using Addresses = std::vector<ListenAddress>;
using Texts = std::vector<std::string>;

Environment const home{{"HOME", "/home/alice"}};
std::string const secret(32, 's');
std::string const own_secret(64, 'a');
std::string const hash = "scrypt$16384$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=";

class ConfigFile : public testing::Test {
 protected:
  Result<Config> load(std::string const& text, Flags flags = {}, Environment const& environment = home) const {
    flags.config = folder_.write("c.toml", text);
    return load_config(flags, environment);
  }

  // The message without the folder's name.
  std::string refusal(std::string const& text) const {
    auto const config = load(text);
    if (config) return "accepted";
    EXPECT_EQ(config.error().code, Code::configuration);
    auto const& message = config.error().message;
    return message.starts_with(folder_.path() + "/") ? message.substr(folder_.path().size() + 1) : message;
  }

  test::TemporaryFolder folder_;
};

Environment with(std::string const& name, std::string const& text) {
  Environment environment = home;
  environment[name] = text;
  return environment;
}

std::string message_of(Result<Config> const& config) {
  if (config) return "accepted";
  EXPECT_EQ(config.error().code, Code::configuration);
  return config.error().message;
}

TEST(Config, DefaultsServeTheExtensionOnThisMachine) {
  auto const config = load_config({}, home);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen, (Addresses{{"localhost", 5409, "extension"}}));
  EXPECT_EQ(config->data, "/home/alice/.local/share/sojourn");
  EXPECT_TRUE(config->allow_origins.empty());
  EXPECT_FALSE(config->documented_ports);
  EXPECT_EQ(config->log_level, Level::info);
  EXPECT_EQ(config->limits.header_ms, Limits{}.header_ms);
}

TEST(Config, DataIsWhereTheDesktopKeepsIt) {
  EXPECT_EQ(find_data_folder("", {{"HOME", "/h"}, {"XDG_DATA_HOME", "/x"}}).value(), "/x/sojourn");
  EXPECT_EQ(find_data_folder("", {{"HOME", "/h"}, {"XDG_DATA_HOME", "relative"}}).value(), "/h/.local/share/sojourn");
  EXPECT_EQ(find_data_folder("", {{"HOME", "/h"}, {"SOJOURN_DATA", "~/d"}}).value(), "/h/d");
  EXPECT_EQ(find_data_folder("/flag", {{"HOME", "/h"}, {"SOJOURN_DATA", "/d"}}).value(), "/flag");
  auto const nowhere = find_data_folder("", {});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Code::configuration);
  EXPECT_NE(nowhere.error().message.find("--data"), std::string::npos);
}

TEST_F(ConfigFile, SetsEveryKey) {
  auto const config = load(
      "listen = [\"127.0.0.1:0=sessions\", \"[::1]:1\"]\ndata = \"~/d\"\nallow_origins = [\"HTTP://A:80\"]\n"
      "[limits]\nheader_ms = 500\nmessages_per_s = 0\n[log]\nlevel = \"debug\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen, (Addresses{{"127.0.0.1", 0, "sessions"}, {"::1", 1, "extension"}}));
  EXPECT_EQ(config->data, "/home/alice/d");
  EXPECT_EQ(config->allow_origins, Texts{"http://a"});
  EXPECT_EQ(config->limits.header_ms, 500);
  EXPECT_EQ(config->limits.messages_per_s, 0);
  EXPECT_EQ(config->log_level, Level::debug);
}

TEST_F(ConfigFile, IsOverriddenByTheEnvironmentAndThatByFlags) {
  std::string const text =
      "data = \"/file\"\nlisten = [\"1\"]\n[limits]\nheader_ms = 101\nbody_ms = 101\ncalls = 101\n";
  Environment environment = home;
  environment["SOJOURN_DATA"] = "/environment";
  environment["SOJOURN_LIMITS__HEADER_MS"] = "102";
  environment["SOJOURN_LIMITS__BODY_MS"] = "102";
  environment["SOJOURN_LISTEN"] = "2";
  Flags flags;
  flags.limits = {{"header_ms", "103"}};
  flags.listen = {"3", "127.0.0.1:4"};
  auto const config = load(text, flags, environment);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->data, "/environment");
  EXPECT_EQ(config->limits.header_ms, 103);
  EXPECT_EQ(config->limits.body_ms, 102);
  EXPECT_EQ(config->limits.calls, 101);
  EXPECT_EQ(config->listen, (Addresses{{"localhost", 3, "extension"}, {"127.0.0.1", 4, "extension"}}));
}

TEST(Config, VariablesHoldListsAndWords) {
  Environment environment = home;
  environment["SOJOURN_LISTEN"] = "5409, 127.0.0.1:0=monitor [::1]:3";
  environment["SOJOURN_ALLOW_ORIGINS"] = "http://a,http://b";
  environment["SOJOURN_LOG__LEVEL"] = "error";
  environment["SOJOURN_DATA"] = "";
  auto const config = load_config({}, environment);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen.size(), 3U);
  EXPECT_EQ(config->listen.at(2), (ListenAddress{"::1", 3, "extension"}));
  EXPECT_EQ(config->allow_origins, (Texts{"http://a", "http://b"}));
  EXPECT_EQ(config->log_level, Level::error);
  EXPECT_EQ(config->data, "/home/alice/.local/share/sojourn");
}

TEST_F(ConfigFile, NamesUnknownKeysTheirLineAndTheNearestOne) {
  EXPECT_EQ(refusal("\nlistne = [\"1\"]\n"), "c.toml:2: unknown key \"listne\"; did you mean \"listen\"?");
  EXPECT_EQ(refusal("[limits]\n\nheader_sm = 1\n"),
            "c.toml:3: unknown key \"limits.header_sm\"; did you mean \"limits.header_ms\"?");
  EXPECT_EQ(refusal("[limit]\nheader_ms = 1\n"), "c.toml:1: unknown key \"limit\"; did you mean \"limits\"?");
  EXPECT_EQ(refusal("[log]\nlevle = \"info\"\n"), "c.toml:2: unknown key \"log.levle\"; did you mean \"log.level\"?");
  EXPECT_EQ(refusal("header_ms = 500\n"),
            "c.toml:1: unknown key \"header_ms\"; did you mean \"header_ms\" in [limits]?");
  EXPECT_NE(refusal("qqqqqqqqqqqq = 1\n").find("known are documented_ports, listen, data"), std::string::npos);
}

TEST(Config, NamesUnknownVariablesAndFlags) {
  EXPECT_EQ(message_of(load_config({}, with("SOJOURN_LIMITS__HEADRE_MS", "1"))),
            "SOJOURN_LIMITS__HEADRE_MS: unknown key \"limits.headre_ms\"; did you mean \"limits.header_ms\"?");
  EXPECT_EQ(message_of(load_config({}, with("SOJOURN_SOMETHING", "1"))), "accepted");
}

TEST_F(ConfigFile, RefusesWrongTypesNamingTheRightOne) {
  EXPECT_EQ(refusal("listen = 5409\n"),
            "c.toml:1: listen must be a list of addresses such as [\"127.0.0.1:5409\"], not a number");
  EXPECT_EQ(refusal("listen = \"5409\"\n").find("c.toml:1: listen must be a list"), 0U);
  EXPECT_EQ(refusal("listen = [5409]\n").find("c.toml:1: listen must be a list"), 0U);
  EXPECT_EQ(refusal("allow_origins = true\n").find("c.toml:1: allow_origins must be a list"), 0U);
  EXPECT_EQ(refusal("data = 3\n"), "c.toml:1: data must be text in quotes, not a number");
  EXPECT_EQ(refusal("documented_ports = \"yes\"\n"), "c.toml:1: documented_ports must be true or false, not text");
  EXPECT_EQ(refusal("[limits]\nheader_ms = \"500\"\n"),
            "c.toml:2: limits.header_ms must be a whole number from 100 to 120000, not text");
  EXPECT_EQ(refusal("[limits]\nheader_ms = 1.5\n"),
            "c.toml:2: limits.header_ms must be a whole number from 100 to 120000, not a number with a fraction");
  EXPECT_EQ(refusal("limits = 3\n"), "c.toml:1: limits must be a table, written [limits], not a number");
}

TEST_F(ConfigFile, RefusesValuesOutOfBounds) {
  EXPECT_EQ(refusal("[limits]\nheader_ms = 99\n"), "c.toml:2: limits.header_ms is 99 but must be from 100 to 120000");
  EXPECT_EQ(refusal("[log]\nlevel = \"warning\"\n"), "c.toml:2: \"warning\" is no log level; did you mean \"warn\"?");
  EXPECT_NE(refusal("data = \"\"\n").find("names no folder"), std::string::npos);
  EXPECT_NE(refusal("listen = []\n").find("names no address"), std::string::npos);
  EXPECT_NE(refusal("listen = [\"1\", \"localhost:1=monitor\"]\n").find("localhost:1 is listed twice"),
            std::string::npos);
  EXPECT_NE(refusal("listen = [\"0.0.0.0:1\"]\n").find("c.toml:1: \"0.0.0.0\" is not a loopback address"),
            std::string::npos);
  EXPECT_NE(refusal("allow_origins = [\"*\"]\n").find("c.toml:1: \"*\" is not an origin"), std::string::npos);
}

TEST_F(ConfigFile, BoundsOfEveryLimitAreInclusive) {
  for (auto const& limit : limit_table) {
    std::string const prefix = "[limits]\n" + std::string(limit.name) + " = ";
    for (auto const number : {limit.least, limit.most}) {
      auto const config = load(prefix + std::to_string(number) + "\n");
      ASSERT_TRUE(config) << config.error().message;
      EXPECT_EQ(config->limits.*limit.member, number) << limit.name;
    }
    EXPECT_NE(refusal(prefix + std::to_string(limit.least - 1) + "\n"), "accepted");
    EXPECT_NE(refusal(prefix + std::to_string(limit.most + 1) + "\n"), "accepted");
  }
}

TEST(Config, WordsOfVariablesMustBeNumbersWhereNumbersAreWanted) {
  EXPECT_NE(message_of(load_config({}, with("SOJOURN_LIMITS__CALLS", "4x"))).find("must be a whole number from 1 to"),
            std::string::npos);
  EXPECT_NE(
      message_of(load_config({}, with("SOJOURN_LIMITS__CALLS", "99999999999999999999"))).find("must be a whole number"),
      std::string::npos);
  EXPECT_NE(message_of(load_config({}, with("SOJOURN_DOCUMENTED_PORTS", "perhaps"))).find("true or false"),
            std::string::npos);
}

TEST(Config, FlagsAreNamedInErrors) {
  Flags flags;
  flags.listen = {"0.0.0.0:1"};
  EXPECT_EQ(message_of(load_config(flags, home)).find("--listen: \"0.0.0.0\""), 0U);
  flags = {};
  flags.limits = {{"calls", "0"}};
  EXPECT_EQ(message_of(load_config(flags, home)), "--limits.calls: limits.calls is 0 but must be from 1 to 1000000");
}

TEST(Config, DocumentedPortsReplaceTheListenersAndAllowTheDocumentsPage) {
  Flags flags;
  flags.documented_ports = true;
  flags.allow_origins = {"http://a"};
  auto const config = load_config(flags, with("SOJOURN_LISTEN", "127.0.0.1:1"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->documented_ports);
  EXPECT_EQ(
      config->listen,
      (Addresses{{"localhost", 5409, "extension"}, {"localhost", 8000, "sessions"}, {"localhost", 5001, "monitor"}}));
  EXPECT_EQ(config->allow_origins, (Texts{"http://a", "http://localhost:3000"}));
}

TEST_F(ConfigFile, ListenOfTheSameOrALaterSourceWinsOverDocumentedPorts) {
  auto const same = load("listen = [\"127.0.0.1:0\"]\ndocumented_ports = true\n");
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(same->documented_ports);
  EXPECT_EQ(same->listen, (Addresses{{"127.0.0.1", 0, "extension"}}));
  EXPECT_EQ(same->allow_origins, Texts{"http://localhost:3000"});
  auto const later = load("documented_ports = true\n", {}, with("SOJOURN_LISTEN", "9"));
  ASSERT_TRUE(later) << later.error().message;
  EXPECT_EQ(later->listen, (Addresses{{"localhost", 9, "extension"}}));
  auto const undone = load("documented_ports = true\n", {}, with("SOJOURN_DOCUMENTED_PORTS", "false"));
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(undone->listen, Config{}.listen);
  EXPECT_TRUE(undone->allow_origins.empty());
}

TEST_F(ConfigFile, ThatCanNotBeReadOrParsedIsRefused) {
  EXPECT_EQ(refusal("a = \n").find("c.toml:1:"), 0U);
  Flags flags;
  flags.config = folder_.path() + "/absent.toml";
  EXPECT_EQ(message_of(load_config(flags, home)),
            folder_.path() + "/absent.toml can't be read: No such file or directory; check --config");
}

TEST(Config, DefaultsAreLocalModeWithAnHourOfIdleness) {
  auto const config = load_config({}, home);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->has_key());
  EXPECT_TRUE(config->users.empty());
  EXPECT_TRUE(config->tools.empty());
  EXPECT_EQ(config->idle_ms, 3'600'000);
  EXPECT_FALSE(config->test_token);
}

TEST_F(ConfigFile, OfAKeyIsServerModeWithTokensOfThatKey) {
  auto const config = load("key = \"" + secret + "\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->has_key());
  EXPECT_EQ(config->key, secret);
  Claims const claims{"alice", 0, Scope::write, "", ""};
  auto const token = to_keys(*config, own_secret).mint(claims, 0);
  EXPECT_TRUE(Keys(std::string(64, 'b'), secret).verify(token, 0));
  EXPECT_TRUE(to_keys(*config, own_secret).verify(Keys(own_secret).mint(claims, 0), 0));
}

TEST_F(ConfigFile, OfAKeyFileIsServerModeWithTokensOfItsOwner) {
  auto const signer = test::Signer::curve();
  Environment const environment{{"HOME", folder_.path()}};
  folder_.write("k.pem", signer.public_pem());
  for (std::string const& path : {folder_.path() + "/k.pem", std::string("~/k.pem")}) {
    auto const config = load("key_file = \"" + path + "\"\n", {}, environment);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_TRUE(config->has_key());
    EXPECT_EQ(config->key_file, folder_.path() + "/k.pem");
    ASSERT_TRUE(config->public_key);
    EXPECT_EQ(config->public_key->kind(), PublicKey::Kind::p256);
    auto const text = std::string("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0");  // {"alg":"ES256"}.{"sub":"a"}
    auto const signature = signer.sign(text);
    std::span const bytes(reinterpret_cast<unsigned char const*>(signature.data()), signature.size());
    EXPECT_TRUE(to_keys(*config, own_secret).verify(text + "." + base64url_encode(bytes), 0));
  }
}

TEST_F(ConfigFile, WithoutAKeyHasTokensOfTheFolderOnly) {
  auto const config = load("");
  ASSERT_TRUE(config);
  auto const token = to_keys(*config, own_secret).mint({"alice", 0, Scope::write, "", ""}, 0);
  EXPECT_TRUE(Keys(own_secret).verify(token, 0));
}

TEST_F(ConfigFile, AKeyFileThatIsOfNoUseIsRefusedByNameWithTheReason) {
  auto const bad = folder_.write("bad.pem", test::Signer::curve().private_pem());
  EXPECT_EQ(refusal("\nkey_file = \"" + bad + "\"\n"),
            "c.toml:2: key_file " + bad +
                " is of no use: it holds a private key, which stays with its owner; take its public half: openssl pkey "
                "-in FILE -pubout");
  auto const absent = folder_.path() + "/absent.pem";
  EXPECT_EQ(refusal("key_file = \"" + absent + "\"\n"),
            "c.toml:1: key_file " + absent + " can't be read: No such file or directory");
  auto const large = folder_.write("large.pem", std::string(64 * 1024 + 1, '\n'));
  EXPECT_NE(refusal("key_file = \"" + large + "\"\n").find("over 65536 bytes"), std::string::npos);
  Flags flags;
  flags.key_file = absent;
  EXPECT_EQ(message_of(load_config(flags, home)).find("--key-file: key_file " + absent), 0U);
  EXPECT_EQ(message_of(load_config({}, with("SOJOURN_KEY_FILE", absent))).find("SOJOURN_KEY_FILE: key_file "), 0U);
}

TEST_F(ConfigFile, AKeyAndAKeyFileReplaceEachOtherFromSourceToSource) {
  auto const pem = folder_.write("k.pem", test::Signer::curve().public_pem());
  auto const file_then_variable = load("key_file = \"/absent\"\n", {}, with("SOJOURN_KEY", secret));
  ASSERT_TRUE(file_then_variable) << file_then_variable.error().message;
  EXPECT_EQ(file_then_variable->key, secret);
  EXPECT_FALSE(file_then_variable->public_key);
  Flags flags;
  flags.key_file = pem;
  auto const variable_then_flag = load("", flags, with("SOJOURN_KEY", secret));
  ASSERT_TRUE(variable_then_flag) << variable_then_flag.error().message;
  EXPECT_EQ(variable_then_flag->key, "");
  EXPECT_TRUE(variable_then_flag->public_key);
  EXPECT_EQ(refusal("key = \"" + secret + "\"\nkey_file = \"" + pem + "\"\n"),
            "c.toml:2: key and key_file exclude each other; keep one of them");
  auto both = with("SOJOURN_KEY", secret);
  both["SOJOURN_KEY_FILE"] = pem;
  EXPECT_NE(message_of(load_config({}, both)).find("exclude each other"), std::string::npos);
}

TEST(Config, VariablesHoldKeysUsersSessionsAndTools) {
  Environment environment = home;
  environment["SOJOURN_KEY"] = secret;
  environment["SOJOURN_USERS__ALICE"] = hash;
  environment["SOJOURN_SESSIONS__IDLE_MINUTES"] = "0.05";
  environment["SOJOURN_SESSIONS__PER_USER"] = "10";
  environment["SOJOURN_SESSIONS__TEST_TOKEN"] = "true";
  environment["SOJOURN_DEBUG_KEY"] = "a key of mine";
  environment["SOJOURN_MONITOR__CLIENT_FILES"] = "~/client";
  environment["SOJOURN_RESPONDER__TIMEOUT_S"] = "30";
  environment["SOJOURN_TOOLS__CREATE_LABEL__URL"] = "http://127.0.0.1:9000/label";
  auto const config = load_config({}, environment);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->key, secret);
  EXPECT_EQ(config->users, (std::map<std::string, std::string>{{"alice", hash}}));
  EXPECT_EQ(config->idle_ms, 3000);
  EXPECT_EQ(config->sessions_per_user, 10);
  EXPECT_TRUE(config->test_token);
  EXPECT_EQ(config->debug_key, "a key of mine");
  EXPECT_EQ(config->monitor.client_files, "/home/alice/client");
  EXPECT_EQ(config->responder.timeout_s, 30);
  EXPECT_EQ(config->tools.at("create_label"), (ToolConfig{"http://127.0.0.1:9000/label", "label_created"}));
}

TEST(Config, FlagsHoldAnyOtherKey) {
  Flags flags;
  flags.settings = {{"sessions.idle_minutes", "2"}, {"sessions.per_user", "3"}, {"sessions.test_token", "1"}};
  auto const config = load_config(flags, with("SOJOURN_SESSIONS__IDLE_MINUTES", "3"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->idle_ms, 120'000);
  EXPECT_EQ(config->sessions_per_user, 3);
  EXPECT_TRUE(config->test_token);
  flags.settings = {{"sessions.idle_minutes", "x"}};
  EXPECT_EQ(message_of(load_config(flags, home)),
            "--sessions.idle_minutes: sessions.idle_minutes must be a number of minutes from 0.01 to 1440, not \"x\"");
}

}  // namespace
}  // namespace sojourn

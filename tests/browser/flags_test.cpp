#include "browser/flags.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string_view>

namespace sojourn {
namespace {

bool has(std::vector<std::string> const& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

FlagWish usual_wish() {
  FlagWish wish;
  wish.profile = "/tmp/profile";
  return wish;
}

TEST(Flags, APipeAndASandboxAndNoPort) {
  auto const flags = chromium_flags(usual_wish());
  EXPECT_TRUE(has(flags, "--remote-debugging-pipe"));
  EXPECT_TRUE(has(flags, "--user-data-dir=/tmp/profile"));
  for (auto const& flag : flags) {
    EXPECT_TRUE(flag.starts_with("--")) << flag;
    EXPECT_EQ(flag.find("sandbox"), std::string::npos) << flag;
    EXPECT_EQ(flag.find("remote-debugging-port"), std::string::npos) << flag;
  }
  EXPECT_EQ(std::set<std::string>(flags.begin(), flags.end()).size(), flags.size()) << "each once";
}

TEST(Flags, OurPortsAreNowhere) {
  auto wish = usual_wish();
  EXPECT_TRUE(std::none_of(chromium_flags(wish).begin(), chromium_flags(wish).end(),
                           [](auto const& flag) { return flag.starts_with("--host-resolver-rules"); }));
  wish.own_ports = {5409, 8000};
  EXPECT_TRUE(has(chromium_flags(wish), "--host-resolver-rules=MAP *:5409 ~NOTFOUND,MAP *:8000 ~NOTFOUND"));
}

TEST(Flags, LittleSharedMemoryIsNotUsed) {
  auto wish = usual_wish();
  EXPECT_FALSE(has(chromium_flags(wish), "--disable-dev-shm-usage"));
  wish.shared_bytes = 64 << 20;
  EXPECT_TRUE(has(chromium_flags(wish), "--disable-dev-shm-usage"));
}

TEST(Flags, FeaturesThatAreTurnedOffAddUp) {
  auto wish = usual_wish();
  wish.more_flags = {"--disable-features=One,Two", "--lang=de"};
  auto const flags = chromium_flags(wish);
  EXPECT_TRUE(has(flags, "--lang=de"));
  int lists = 0;
  for (auto const& flag : flags) {
    if (!flag.starts_with("--disable-features=")) continue;
    ++lists;
    EXPECT_NE(flag.find("SpareRendererForSitePerProcess"), std::string::npos);
    EXPECT_TRUE(flag.ends_with(",One,Two")) << flag;
  }
  EXPECT_EQ(lists, 1) << "of two Chromium would take the last";
}

TEST(Flags, ItsEnvironmentIsInsideItsProfileAndTellsNoSecret) {
  setenv("SOJOURN_KEY", "secret", 1);
  setenv("TZ", "Europe/Berlin", 1);
  auto const environment = chromium_environment("/tmp/profile");
  unsetenv("SOJOURN_KEY");
  unsetenv("TZ");
  EXPECT_TRUE(has(environment, "TZ=Europe/Berlin"));
  std::set<std::string> names;
  for (auto const& variable : environment) {
    EXPECT_EQ(variable.find("secret"), std::string::npos) << variable;
    EXPECT_TRUE(names.insert(variable.substr(0, variable.find('='))).second) << variable;
  }
  for (auto const* const name : {"HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"})
    EXPECT_TRUE(has(environment, std::string(name) + "=/tmp/profile"));
}

}  // namespace
}  // namespace sojourn

#include "app/help.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sojourn {
namespace {

constexpr std::array commands{"open",   "snapshot", "interact", "screenshot", "execute", "app",
                              "serve",  "stop",     "sessions", "show",       "send",    "state",
                              "events", "watch",    "tabs",     "close",      "token",   "doctor"};

TEST(Help, IsThatOfTheCommandOrElseOfTheProgram) {
  EXPECT_NE(get_help("").find("Usage: sojourn COMMAND"), std::string::npos);
  EXPECT_EQ(get_help("unknown"), get_help(""));
  for (auto const* const command : commands) {
    auto const usage = "Usage: sojourn " + std::string(command);
    EXPECT_NE(get_help(command).find(usage), std::string_view::npos) << command;
    EXPECT_NE(get_help("").find("\n  " + std::string(command) + " "), std::string_view::npos) << command;
  }
}

TEST(Help, FitsATerminal) {
  std::vector<std::string_view> all(commands.begin(), commands.end());
  all.emplace_back();
  for (auto const command : all) {
    std::string const whole = get_help(command);
    std::string_view text = whole;
    EXPECT_TRUE(text.ends_with('\n'));
    while (!text.empty()) {
      auto const line = text.substr(0, text.find('\n'));
      EXPECT_LE(line.size(), 120U) << line;
      text.remove_prefix(line.size() + 1);
    }
  }
}

TEST(Help, TheVersionIsThatOfTheBuild) {
  std::string const here = __FILE__;
  std::ifstream file(here.substr(0, here.rfind("/tests/")) + "/CMakeLists.txt");
  std::string const build{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(build.find("project(sojourn VERSION " + std::string(version) + " "), std::string::npos);
}

}  // namespace
}  // namespace sojourn

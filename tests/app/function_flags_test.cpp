#include "app/function_flags.h"

#include <gtest/gtest.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace sojourn {
namespace {

// The input that a command line makes, or the refusal.
std::string parse(Function function, std::vector<std::string> arguments) {
  CLI::App app;
  json::object input;
  add_flags(app, function, input);
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (CLI::ParseError const& refusal) {
    return refusal.what();
  }
  return json::to_text(input);
}

TEST(FunctionFlags, AreTheFieldsOfTheTable) {
  EXPECT_EQ(parse(Function::open, {}), "{}") << "defaults are the server's";
  EXPECT_EQ(parse(Function::open, {"--width", "800", "--user-agent=x", "--record-video", "--no-screenshot"}),
            R"({"width":800,"user_agent":"x","record_video":true,"screenshot":false})");
  EXPECT_EQ(parse(Function::snapshot, {"--all", "--diff", "--max-chars", "9", "--scope", "@e1", "--screenshot"}),
            R"({"interactive_only":false,"scope":"@e1","max_chars":9,"diff":true,"screenshot":true})");
  EXPECT_EQ(parse(Function::interact, {"--snapshot", "diff", "--timeout-ms=100"}),
            R"({"snapshot":"diff","timeout_ms":100})");
  EXPECT_EQ(parse(Function::screenshot, {"--full-page", "--format", "jpeg"}), R"({"full_page":true,"format":"jpeg"})");
}

TEST(FunctionFlags, RefuseWhatCanNotBeMeant) {
  EXPECT_EQ(parse(Function::open, {"--width", "wide"}), "--width: \"wide\" is no whole number");
  EXPECT_EQ(parse(Function::open, {"--user-agent", ""}), "--user-agent: the value is empty");
  EXPECT_EQ(parse(Function::interact, {"--snapshot", "ful"}),
            "--snapshot: \"ful\" is none of them; did you mean \"full\"?");
  EXPECT_NE(parse(Function::interact, {"--ref", "@e1"}), "{}") << "that is a word of the command";
}

TEST(FunctionFlags, HaveALineEachThatFits) {
  for (auto const& function : function_table()) {
    auto const text = describe_flags(function.function);
    for (auto const& field : function.input) {
      bool const is_there = text.find("  " + to_flag(field)) != std::string::npos;
      EXPECT_EQ(is_there, has_flag(function.function, field)) << field.name;
    }
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      EXPECT_LE(text.find('\n', at) - at, 120U) << text.substr(at, 200);
    }
  }
}

}  // namespace
}  // namespace sojourn

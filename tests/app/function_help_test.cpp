#include "app/function_help.h"

#include <gtest/gtest.h>

#include <string>

#include "api/functions.h"

namespace sojourn {
namespace {

TEST(FunctionHelp, OfTheAppNamesEveryFunctionAndField) {
  auto const text = get_function_help("app");
  for (auto const& function : function_table()) {
    EXPECT_NE(text.find("\n  " + std::string(to_word(function.function)) + " "), std::string::npos);
    for (auto const& field : function.input) EXPECT_NE(text.find(field.name), std::string::npos) << field.name;
  }
  EXPECT_NE(text.find("url*"), std::string::npos) << "a field that is required is marked";
}

TEST(FunctionHelp, SpeaksOfTheProgramByTheNameItWasCalled) {
  auto const text = get_guest_help("infsh");
  EXPECT_NE(text.find("Usage: infsh app run agent-browser"), std::string::npos);
  EXPECT_EQ(text.find("sojourn app"), std::string::npos);
  EXPECT_NE(get_function_help("app").find("Usage: sojourn app run agent-browser"), std::string::npos);
}

TEST(FunctionHelp, OfInteractHasEveryAction) {
  auto const text = get_function_help("interact");
  for (auto const& field : row(Function::interact).input) {
    if (field.name != "action") continue;
    for (auto const action : field.choices) {
      EXPECT_NE(text.find("\n  " + std::string(action)), std::string::npos) << action;
    }
  }
}

TEST(FunctionHelp, IsForItsCommandsOnly) { EXPECT_EQ(get_function_help("serve"), ""); }

}  // namespace
}  // namespace sojourn

#include "browser/fields_script.h"

#include <gtest/gtest.h>

#include "browser/hands_script.h"

namespace sojourn {
namespace {

TEST(FieldsScript, ItIsPartOfTheScriptOfTheHands) {
  EXPECT_NE(hands_script().find(fields_script()), std::string_view::npos);
}

TEST(FieldsScript, TheValueOfAPasswordFieldIsNotAmongItsWords) {
  EXPECT_NE(fields_script().find("el.type === 'password' ? 'another text'"), std::string_view::npos);
}

}  // namespace
}  // namespace sojourn

#include "browser/hands_script.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sojourn {
namespace {

TEST(HandsScript, IsOneExpressionThatRunsOnlyOnce) {
  auto const script = hands_script();
  EXPECT_TRUE(script.starts_with("(() => {"));
  EXPECT_TRUE(script.ends_with("})()"));
  EXPECT_NE(script.find("if (globalThis.hands) return;"), std::string_view::npos);
}

TEST(HandsScript, ItsBracketsMatch) {
  auto const script = hands_script();
  for (auto const* const pair : {"{}", "()", "[]"})
    EXPECT_EQ(std::ranges::count(script, pair[0]), std::ranges::count(script, pair[1])) << pair;
}

}  // namespace
}  // namespace sojourn

#include "browser/storage_script.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sojourn {
namespace {

TEST(StorageScript, IsOneExpressionThatGivesTwoFunctions) {
  auto const script = storage_script();
  EXPECT_TRUE(script.starts_with("(() => {"));
  EXPECT_TRUE(script.ends_with("return { read, write };\n})()"));
}

TEST(StorageScript, ItsBracketsMatch) {
  auto const script = storage_script();
  for (auto const* const pair : {"{}", "()", "[]"})
    EXPECT_EQ(std::ranges::count(script, pair[0]), std::ranges::count(script, pair[1])) << pair;
}

TEST(StorageScript, WhatIsPackedByALetterIsUnpackedByIt) {
  auto const script = storage_script();
  for (auto const letter : std::string_view("unbrahodxmspvwef")) {
    auto const unpacks = std::string("case '") + letter + "': return";
    EXPECT_NE(script.find(unpacks), std::string_view::npos) << letter;
    auto const packs = std::string("['") + letter + "'";
    auto const lists = std::string("list('") + letter + "'";
    EXPECT_TRUE(script.find(packs) != std::string_view::npos || script.find(lists) != std::string_view::npos) << letter;
  }
}

}  // namespace
}  // namespace sojourn

#include "browser/keys.h"

#include <gtest/gtest.h>

namespace sojourn {
namespace {

// "down Control 2, down a 2 , up a 2, up Control 0": type, key, modifiers
std::string spell(std::vector<KeyCommand> const& commands) {
  std::string text;
  for (auto const& command : commands) {
    if (!text.empty()) text += ", ";
    if (command.method == "Input.insertText") {
      text += "insert " + std::string(json::find_string(command.params, "text"));
      continue;
    }
    text += std::string(json::find_string(command.params, "type")) + ' ' +
            std::string(json::find_string(command.params, "key")) + ' ' +
            std::to_string(command.params.at("modifiers").as_int64());
  }
  return text;
}

std::string press(std::string_view chord) {
  auto const commands = press_keys(chord);
  return commands ? spell(*commands) : commands.error().message;
}

TEST(Keys, OneKeyGoesDownAndUp) {
  EXPECT_EQ(press("Enter"), "keyDown Enter 0, keyUp Enter 0");
  EXPECT_EQ(press("a"), "keyDown a 0, keyUp a 0");
  EXPECT_EQ(press("ArrowDown"), "rawKeyDown ArrowDown 0, keyUp ArrowDown 0");
  EXPECT_EQ(press("F5"), "rawKeyDown F5 0, keyUp F5 0");
}

TEST(Keys, AChordHoldsItsKeysAndLetsThemGoInReverse) {
  EXPECT_EQ(press("Control+a"), "rawKeyDown Control 2, rawKeyDown a 2, keyUp a 2, keyUp Control 0");
  EXPECT_EQ(press("Shift+Tab"), "rawKeyDown Shift 8, rawKeyDown Tab 8, keyUp Tab 8, keyUp Shift 0");
  EXPECT_EQ(press("Control+Shift+ArrowLeft"),
            "rawKeyDown Control 2, rawKeyDown Shift 10, rawKeyDown ArrowLeft 10, keyUp ArrowLeft 10, keyUp Shift 2, "
            "keyUp Control 0");
}

TEST(Keys, ShiftGivesTheOtherCharacterOfAKey) {
  EXPECT_EQ(press("Shift+a"), "rawKeyDown Shift 8, keyDown A 8, keyUp A 8, keyUp Shift 0");
  EXPECT_EQ(press("Shift+1"), "rawKeyDown Shift 8, keyDown ! 8, keyUp ! 8, keyUp Shift 0");
}

TEST(Keys, PlusIsAKeyToo) {
  EXPECT_EQ(press("+"), "keyDown + 0, keyUp + 0");
  EXPECT_EQ(press("Control++"), "rawKeyDown Control 2, rawKeyDown + 2, keyUp + 2, keyUp Control 0");
}

TEST(Keys, NamesAreFoundHoweverTheyAreWritten) {
  EXPECT_EQ(press("enter"), press("Enter"));
  EXPECT_EQ(press("ctrl+A"), "rawKeyDown Control 2, rawKeyDown A 2, keyUp A 2, keyUp Control 0");
  EXPECT_EQ(press("Esc"), press("Escape"));
  EXPECT_EQ(press("KeyB"), press("b"));
  EXPECT_EQ(press("Space"), press(" "));
}

TEST(Keys, WhatIsNoKeyIsRefused) {
  EXPECT_EQ(press("Entr"), "Unknown key: \"Entr\"");
  EXPECT_EQ(press("Control+Foo"), "Unknown key: \"Foo\"");
  EXPECT_EQ(press(""), "Unknown key: \"\"");
  EXPECT_EQ(press("Control+"), "Unknown key: \"Control+\"");
  EXPECT_EQ(press("F99"), "Unknown key: \"F99\"");
  EXPECT_EQ(press("a+b+c+d+e+f+g+h+i").substr(0, 12), "Unknown key:");
}

TEST(Keys, ACharacterThatNoKeyHasIsInserted) { EXPECT_EQ(press("\xC3\xA9"), "insert \xC3\xA9"); }

TEST(Keys, TextIsTypedKeyByKey) {
  EXPECT_EQ(spell(type_text("aB\n")), "keyDown a 0, keyUp a 0, keyDown B 0, keyUp B 0, keyDown Enter 0, keyUp Enter 0");
  EXPECT_EQ(spell(type_text("a\xC3\xA9\xE2\x82\xAC!")),
            "keyDown a 0, keyUp a 0, insert \xC3\xA9\xE2\x82\xAC, keyDown ! 0, keyUp ! 0");
  EXPECT_EQ(spell(type_text("")), "");
}

TEST(Keys, ALongTextGoesInPieceByPiece) {
  auto const text = std::string(3000, 'x') + "\n" + std::string(10, 'y');
  auto const commands = type_text(text);
  ASSERT_EQ(commands.size(), 4U);
  EXPECT_EQ(json::find_string(commands[0].params, "text").size(), 3000U);
}

}  // namespace
}  // namespace sojourn

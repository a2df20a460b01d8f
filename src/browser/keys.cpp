#include "browser/keys.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/text.h"

namespace sojourn {
namespace {

struct Key {
  std::string key;   // as the page sees it
  std::string code;  // the place on the keyboard
  int number = 0;    // windowsVirtualKeyCode
  std::string text;  // that it gives
  int location = 0;
  int modifier = 0;       // bit that it sets while it is down
  std::string shifted{};  // its key with Shift
};

struct Name {
  std::string_view name;
  std::string_view key;
  std::string_view code;
  int number;
  int location = 0;
  int modifier = 0;
};

constexpr int alt = 1;
constexpr int control = 2;
constexpr int meta = 4;
constexpr int shift = 8;

constexpr std::array named{
    Name{"escape", "Escape", "Escape", 27},
    Name{"esc", "Escape", "Escape", 27},
    Name{"tab", "Tab", "Tab", 9},
    Name{"enter", "Enter", "Enter", 13},
    Name{"return", "Enter", "Enter", 13},
    Name{"numpadenter", "Enter", "NumpadEnter", 13, 3},
    Name{"backspace", "Backspace", "Backspace", 8},
    Name{"delete", "Delete", "Delete", 46},
    Name{"del", "Delete", "Delete", 46},
    Name{"insert", "Insert", "Insert", 45},
    Name{"home", "Home", "Home", 36},
    Name{"end", "End", "End", 35},
    Name{"pageup", "PageUp", "PageUp", 33},
    Name{"pagedown", "PageDown", "PageDown", 34},
    Name{"arrowleft", "ArrowLeft", "ArrowLeft", 37},
    Name{"arrowup", "ArrowUp", "ArrowUp", 38},
    Name{"arrowright", "ArrowRight", "ArrowRight", 39},
    Name{"arrowdown", "ArrowDown", "ArrowDown", 40},
    Name{"left", "ArrowLeft", "ArrowLeft", 37},
    Name{"up", "ArrowUp", "ArrowUp", 38},
    Name{"right", "ArrowRight", "ArrowRight", 39},
    Name{"down", "ArrowDown", "ArrowDown", 40},
    Name{"capslock", "CapsLock", "CapsLock", 20},
    Name{"numlock", "NumLock", "NumLock", 144},
    Name{"scrolllock", "ScrollLock", "ScrollLock", 145},
    Name{"pause", "Pause", "Pause", 19},
    Name{"printscreen", "PrintScreen", "PrintScreen", 44},
    Name{"contextmenu", "ContextMenu", "ContextMenu", 93},
    Name{"shift", "Shift", "ShiftLeft", 16, 1, shift},
    Name{"shiftleft", "Shift", "ShiftLeft", 16, 1, shift},
    Name{"shiftright", "Shift", "ShiftRight", 16, 2, shift},
    Name{"control", "Control", "ControlLeft", 17, 1, control},
    Name{"ctrl", "Control", "ControlLeft", 17, 1, control},
    Name{"controlormeta", "Control", "ControlLeft", 17, 1, control},
    Name{"controlleft", "Control", "ControlLeft", 17, 1, control},
    Name{"controlright", "Control", "ControlRight", 17, 2, control},
    Name{"alt", "Alt", "AltLeft", 18, 1, alt},
    Name{"option", "Alt", "AltLeft", 18, 1, alt},
    Name{"altleft", "Alt", "AltLeft", 18, 1, alt},
    Name{"altright", "Alt", "AltRight", 18, 2, alt},
    Name{"altgraph", "AltGraph", "AltGraph", 225},
    Name{"meta", "Meta", "MetaLeft", 91, 1, meta},
    Name{"cmd", "Meta", "MetaLeft", 91, 1, meta},
    Name{"command", "Meta", "MetaLeft", 91, 1, meta},
    Name{"metaleft", "Meta", "MetaLeft", 91, 1, meta},
    Name{"metaright", "Meta", "MetaRight", 92, 2, meta},
};

struct Printed {
  char plain;
  char shifted;
  std::string_view code;
  int number;
};

constexpr std::array printed{
    Printed{'0', ')', "Digit0", 48},      Printed{'1', '!', "Digit1", 49},        Printed{'2', '@', "Digit2", 50},
    Printed{'3', '#', "Digit3", 51},      Printed{'4', '$', "Digit4", 52},        Printed{'5', '%', "Digit5", 53},
    Printed{'6', '^', "Digit6", 54},      Printed{'7', '&', "Digit7", 55},        Printed{'8', '*', "Digit8", 56},
    Printed{'9', '(', "Digit9", 57},      Printed{';', ':', "Semicolon", 186},    Printed{'=', '+', "Equal", 187},
    Printed{',', '<', "Comma", 188},      Printed{'-', '_', "Minus", 189},        Printed{'.', '>', "Period", 190},
    Printed{'/', '?', "Slash", 191},      Printed{'`', '~', "Backquote", 192},    Printed{'[', '{', "BracketLeft", 219},
    Printed{'\\', '|', "Backslash", 220}, Printed{']', '}', "BracketRight", 221}, Printed{'\'', '"', "Quote", 222},
    Printed{' ', ' ', "Space", 32},
};

std::optional<Key> find_character(char c) {
  if (c == '\n' || c == '\r') return Key{"Enter", "Enter", 13, "\r"};
  if (c == '\t') return Key{"Tab", "Tab", 9, ""};
  auto const upper = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (upper >= 'A' && upper <= 'Z') {
    Key key{std::string(1, c), std::string("Key") + upper, upper, std::string(1, c)};
    key.shifted = std::string(1, upper);
    return key;
  }
  for (auto const& print : printed)
    if (c == print.plain || c == print.shifted) {
      Key key{std::string(1, c), std::string(print.code), print.number, std::string(1, c)};
      key.shifted = std::string(1, print.shifted);
      return key;
    }
  return {};
}

std::optional<Key> find_key(std::string_view spelled) {
  if (spelled.size() == 1) return find_character(spelled[0]);
  auto const name = lower_case(spelled);
  if (name == "space") return find_character(' ');
  if (name == "plus") return find_character('+');
  if (name.size() == 4 && name.starts_with("key") && name[3] >= 'a' && name[3] <= 'z') return find_character(name[3]);
  for (auto const& entry : named)
    if (entry.name == name)
      return Key{std::string(entry.key),         std::string(entry.code), entry.number,
                 entry.number == 13 ? "\r" : "", entry.location,          entry.modifier};
  for (auto const& print : printed)
    if (equal_ignoring_case(print.code, name)) return find_character(print.plain);
  if (name.size() <= 3 && name[0] == 'f') {
    int number = 0;
    for (auto const c : name.substr(1)) number = c >= '0' && c <= '9' ? number * 10 + (c - '0') : 100;
    auto const key = "F" + std::to_string(number);
    if (number >= 1 && number <= 24) return Key{key, key, 111 + number, ""};
  }
  return {};
}

std::vector<std::string_view> split(std::string_view chord) {
  std::vector<std::string_view> keys;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < chord.size(); ++at)
    if (chord[at] == '+' && at > begin) {
      keys.push_back(chord.substr(begin, at - begin));
      begin = at + 1;
    }
  keys.push_back(chord.substr(begin));
  return keys;
}

KeyCommand insert(std::string_view text) {
  json::object params;
  params["text"] = text;
  return {"Input.insertText", std::move(params)};
}

KeyCommand event(Key const& key, int modifiers, bool is_down) {
  bool const is_shifted = (modifiers & shift) != 0 && !key.shifted.empty();
  auto const& shown = is_shifted ? key.shifted : key.key;
  json::object params;
  params["modifiers"] = modifiers;
  params["windowsVirtualKeyCode"] = key.number;
  params["code"] = key.code;
  params["key"] = shown;
  params["location"] = key.location;
  // With Control and the like a key gives no text.
  bool const gives_text = is_down && !key.text.empty() && (modifiers & ~shift) == 0;
  if (gives_text) {
    auto const& text = is_shifted ? shown : key.text;
    params["unmodifiedText"] = text;
    params["text"] = text;
  }
  if (is_down)
    params["type"] = gives_text ? "keyDown" : "rawKeyDown";
  else
    params["type"] = "keyUp";
  return {"Input.dispatchKeyEvent", std::move(params)};
}

// The length of the character that begins with this byte.
std::size_t character_bytes(char first) {
  auto const byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

}  // namespace

Result<std::vector<KeyCommand>> press_keys(std::string_view chord) {
  auto const unknown = [](std::string_view name) {
    return error(Code::invalid, "Unknown key: \"" + std::string(name.substr(0, 100)) + "\"");
  };
  auto const names = split(chord);
  if (names.size() > 8) return unknown(chord);
  std::vector<KeyCommand> commands;
  std::vector<Key> held;
  int modifiers = 0;
  for (auto const name : names) {
    auto key = name.empty() ? std::nullopt : find_key(name);
    bool const is_text = !key && names.size() == 1 && !name.empty() && name.size() > 1 &&
                         name.size() == character_bytes(name[0]) && static_cast<unsigned char>(name[0]) >= 0xC0;
    if (is_text) return std::vector<KeyCommand>{insert(name)};
    if (!key) return unknown(name.empty() ? chord : name);
    modifiers |= key->modifier;
    commands.push_back(event(*key, modifiers, true));
    held.push_back(std::move(*key));
  }
  for (auto key = held.rbegin(); key != held.rend(); ++key) {
    modifiers &= ~key->modifier;
    commands.push_back(event(*key, modifiers, false));
  }
  return commands;
}

std::vector<KeyCommand> type_text(std::string_view text) {
  bool const by_key = text.size() <= strokes_max;
  std::vector<KeyCommand> commands;
  std::string piece;
  for (std::size_t at = 0; at < text.size();) {
    auto const bytes = std::min(character_bytes(text[at]), text.size() - at);
    auto const character = text.substr(at, bytes);
    at += bytes;
    if (character == "\r" && at < text.size() && text[at] == '\n') continue;
    bool const is_break = character == "\n" || character == "\r";
    auto const key = bytes == 1 && (by_key || is_break) ? find_character(character[0]) : std::nullopt;
    if (!key) {
      piece += character;
      continue;
    }
    if (!piece.empty()) commands.push_back(insert(std::exchange(piece, {})));
    commands.push_back(event(*key, 0, true));
    commands.push_back(event(*key, 0, false));
  }
  if (!piece.empty()) commands.push_back(insert(piece));
  return commands;
}

}  // namespace sojourn

// A keyboard (US layout) as DevTools is told of it: key names and chords as Playwright spells them, and text as the
// keys that a person would press for it. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sojourn {

// A command to send: Input.dispatchKeyEvent or, for text that no key gives, Input.insertText.
struct KeyCommand {
  std::string_view method;
  json::object params;
};

// "Enter", "a", "Control+a", "Shift+Tab", "Control++". Names are found whatever their case, and so are Ctrl, Esc, Cmd,
// Up and the like. Code::invalid: `Unknown key: "..."`.
Result<std::vector<KeyCommand>> press_keys(std::string_view chord);

// Line breaks are Enter. A text of more than `strokes_max` characters goes in piece by piece rather than key by key.
inline constexpr std::size_t strokes_max = 1000;
std::vector<KeyCommand> type_text(std::string_view text);

}  // namespace sojourn

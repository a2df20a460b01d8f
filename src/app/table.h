#pragma once
// Text for terminals: aligned tables, and texts of strangers made harmless.
// Invariant: what visible() gives is valid UTF-8 and moves no cursor, changes no colour and turns no direction.
// Thread: any; pure functions.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sojourn {

// Control characters, line separators, characters that change the direction of writing, and bytes that are no
// UTF-8 come out as escapes (\n, \u{1b}, \xff); everything else as it is.
[[nodiscard]] std::string visible(std::string_view text);

// The same for a JSON text, in JSON's own escapes, so that its value does not change.
[[nodiscard]] std::string visible_json(std::string_view text);

// Columns that a terminal needs for `text`, which came from visible().
[[nodiscard]] std::size_t count_columns(std::string_view text);

// At most `columns` wide, the last one being an ellipsis when something was left out.
[[nodiscard]] std::string cut(std::string_view text, std::size_t columns);

struct Table {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;  // as many cells as titles; any text
};

// One line a row, two spaces between columns, no blanks at line ends. Cells are made visible and cut to
// `columns_max`; those of the last column are not cut.
[[nodiscard]] std::string to_text(Table const& table, std::size_t columns_max = 60);

}  // namespace sojourn

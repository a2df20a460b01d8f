#pragma once
// What a setting's value comes to where a key wants a text, a list, a number: the file's values have a type, those of
// flags and variables are characters that are read as whatever is wanted.
// Invariant: a refusal names the place, the key and what would be valid. Thread: any; functions of their arguments.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/setting.h"
#include "base/error.h"
#include "base/result.h"

namespace sojourn {

// Code::configuration, "where: what".
[[nodiscard]] Error at(Setting const& setting, std::string_view what);

// "where: KEY must be ..., not a number". Code::configuration, as every refusal below.
[[nodiscard]] Error wrong_type(Setting const& setting, std::string_view wants);

// Of characters the words between blanks and commas; `wants` is what the refusal says of anything that is no list.
[[nodiscard]] Result<std::vector<std::string>> to_list(Setting const& setting, std::string_view wants);

[[nodiscard]] Result<std::string> to_word(Setting const& setting);

// Of characters true, 1, false and 0.
[[nodiscard]] Result<bool> to_truth(Setting const& setting);

// Nothing for what is no number.
[[nodiscard]] std::optional<double> to_number(Setting const& setting);

// From `least` to `most`.
[[nodiscard]] Result<std::int64_t> to_whole(Setting const& setting, std::int64_t least, std::int64_t most);

}  // namespace sojourn

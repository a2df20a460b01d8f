#pragma once
// Settings as they are found, before anybody knows what they mean: a key, a value, and where a person wrote it.
// Readers of the sources of a configuration: a TOML file, the environment. Only this room knows TOML.
// Invariant: readers judge spelling only; which keys exist and what they may hold is decided in config.
// Thread: any; values and functions without state.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sojourn {

// Characters of a flag or a variable, which have no type of their own.
struct Untyped {
  std::string text;
};

// A value of the file that no key takes; `what` names it for people, such as "a date".
struct Foreign {
  std::string what;
};

struct Setting {
  std::string key;  // "listen", "limits.header_ms"
  std::variant<Untyped, std::string, std::int64_t, bool, std::vector<std::string>, double, Foreign> value;
  std::string where;  // "sojourn.toml:3", "SOJOURN_LISTEN", "--listen"
};

// Variables by name, those of the process in earnest.
using Environment = std::map<std::string, std::string, std::less<>>;

// The process's own variables.
[[nodiscard]] Environment read_environment();
// Empty when it is not there.
[[nodiscard]] std::string find_variable(Environment const& environment, std::string_view name);

// The settings of a TOML text in the order of its lines; `name` is what errors call it. Tables become keys with
// dots: [limits] header_ms is limits.header_ms; tables other than `sections` are Foreign values. A section "tools.*"
// is every table within that of "tools", which must be one too.
// Code::configuration with name:line:column for text that is not TOML.
[[nodiscard]] Result<std::vector<Setting>> parse_settings(std::string_view text, std::string_view name,
                                                          std::span<std::string_view const> sections);

// The same of a file, at most 1 MiB. Code::configuration when it can't be read.
[[nodiscard]] Result<std::vector<Setting>> read_settings(std::string const& path,
                                                         std::span<std::string_view const> sections);

// SOJOURN_LISTEN of listen, SOJOURN_LIMITS__HEADER_MS of limits.header_ms.
[[nodiscard]] std::string to_variable(std::string_view key);

// The settings that variables make: those of `keys`, and every SOJOURN_..__.. besides, so that a misspelt one is
// noticed. Empty variables count as absent.
[[nodiscard]] std::vector<Setting> take_settings(Environment const& environment,
                                                 std::span<std::string_view const> keys);

}  // namespace sojourn

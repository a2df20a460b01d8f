#pragma once
// The keys of the configuration: their names, and what each of them may hold.
// Invariant: a refusal names the source and what would be valid, and never repeats a secret.
// Thread: any; functions of their arguments.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/setting.h"
#include "base/result.h"

namespace sojourn {

// A configuration that is being put together.
struct Draft {
  Config config;
  std::string key_file_where;  // who named the key_file, which is read when nobody can name another
};

// The tables that a file may have, for parse_settings.
[[nodiscard]] std::span<std::string_view const> list_sections();

// Every key with a name of its own: "listen", "limits.header_ms". Those of [users] and [tools] have names that the
// configuration makes up, and are not among them.
[[nodiscard]] std::vector<std::string> list_keys();

// Changes what `setting` is about. Code::configuration when it is no key, or its value none for that key; the draft is
// as before then.
[[nodiscard]] Result<> set(Draft& draft, Setting const& setting);

}  // namespace sojourn

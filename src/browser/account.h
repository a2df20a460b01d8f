// The account that browsers run under when the server runs as root: Chromium keeps its sandbox only for ordinary users,
// and a page that breaks out finds an account that owns nothing but the profile. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/process.h"
#include "base/result.h"

namespace sojourn {

inline constexpr std::string_view browser_account = "sojourn-browser";

// As root: the account, made when it is missing (that takes a moment); otherwise none is needed. Code::unavailable when
// it can't be made: says why, and what to do.
Result<std::optional<Account>> lend_account();

// None when there is no such account.
std::optional<Account> find_account(std::string_view name);

}  // namespace sojourn

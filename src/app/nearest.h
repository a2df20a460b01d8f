#pragma once
// What a person probably meant by a word that is not one of ours.
// Invariant: pure functions; words are compared as bytes. Thread: any.

#include <span>
#include <string>
#include <string_view>

namespace sojourn {

// The candidate with the fewest typing slips (a letter more, less, other, or two swapped) from `word`; the first
// of equals. Empty when none is close enough to be a slip and none begins like it. The view is that of the candidate.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates);

// `did you mean "listen"?`, or, when nothing is near, `known are a, b, c`.
[[nodiscard]] std::string suggest(std::string_view word, std::span<std::string_view const> candidates);

}  // namespace sojourn

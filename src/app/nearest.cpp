#include "app/nearest.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sojourn {
namespace {

constexpr std::size_t word_max = 64;

// Optimal string alignment distance; words longer than word_max are never slips of ours.
std::size_t count_slips(std::string_view left, std::string_view right) {
  if (left.size() > word_max || right.size() > word_max) return word_max;
  std::array<std::array<std::size_t, word_max + 1>, 3> rows{};
  for (std::size_t j = 0; j <= right.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    auto& row = rows[i % 3];
    auto const& above = rows[(i + 2) % 3];
    auto const& above_that = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      std::size_t const other = above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, other});
      bool const swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) row[j] = std::min(row[j], above_that[j - 2] + 1);
    }
  }
  return rows[left.size() % 3][right.size()];
}

// A shortened or a lengthened word: "warning" for "warn", "sess" for "sessions".
bool continues(std::string_view left, std::string_view right) {
  auto const shorter = std::min(left.size(), right.size());
  return shorter >= 3 && left.substr(0, shorter) == right.substr(0, shorter);
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates) {
  std::string_view best;
  std::size_t fewest = word_max;
  for (auto const candidate : candidates) {
    std::size_t const counted = count_slips(word, candidate);
    std::size_t const slips = continues(word, candidate) ? std::min<std::size_t>(1, counted) : counted;
    std::size_t const allowed = std::max<std::size_t>(1, std::min(word.size(), candidate.size()) / 2);
    if (slips < fewest && slips <= allowed) {
      fewest = slips;
      best = candidate;
    }
  }
  return best;
}

std::string suggest(std::string_view word, std::span<std::string_view const> candidates) {
  if (auto const best = nearest(word, candidates); !best.empty()) {
    return "did you mean \"" + std::string(best) + "\"?";
  }
  std::string text = "known are ";
  for (auto const candidate : candidates) {
    if (candidate != candidates.front()) text += ", ";
    text += candidate;
  }
  return text;
}

}  // namespace sojourn

#include "browser/diff.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace sojourn {
namespace {

// FNV-1a, 64 bit.
constexpr std::uint64_t basis = 14'695'981'039'346'656'037U;
constexpr std::uint64_t prime = 1'099'511'628'211U;

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * prime;
  return (hash ^ 0xFFU) * prime;  // a byte that no text has, so that texts do not run into each other
}

}  // namespace

std::uint64_t digest(Element const& element) {
  auto hash = basis;
  for (std::string_view const text :
       {std::string_view(element.tag), std::string_view(element.role), std::string_view(element.name),
        std::string_view(element.text), std::string_view(element.href), std::string_view(element.input_type)})
    hash = mix(hash, text);
  hash = mix(hash, element.value ? std::string_view(*element.value) : std::string_view("\xFF"));
  auto const flags = static_cast<std::uint64_t>(element.check) * 2 + (element.is_disabled ? 1U : 0U);
  return (hash ^ flags) * prime;
}

Difference Shown::compare(Element const& element) const {
  auto const place = entries_.find(element.ref);
  if (place == entries_.end()) return Difference::added;
  return place->second.digest == digest(element) ? Difference::none : Difference::changed;
}

void Shown::show(Element const& element) { entries_[element.ref] = {digest(element), element.is_interactive}; }

std::vector<std::int64_t> Shown::take_missing(Capture const& capture, Interest interest) {
  std::unordered_set<std::int64_t> present;
  present.reserve(capture.elements.size());
  for (auto const& element : capture.elements) present.insert(element.ref);
  std::vector<std::int64_t> missing;
  for (auto const& [ref, entry] : entries_)
    if (!present.contains(ref) && (interest == Interest::all || entry.is_interactive)) missing.push_back(ref);
  for (auto const ref : missing) entries_.erase(ref);
  std::sort(missing.begin(), missing.end());
  return missing;
}

}  // namespace sojourn

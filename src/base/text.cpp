#include "base/text.h"

#include <algorithm>

namespace sojourn {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::string_view take_until(std::string_view& rest, char separator) {
  auto const end = rest.find(separator);
  auto const taken = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return taken;
}

std::string without_credentials(std::string_view url) {
  std::string out(url);
  auto const begin = out.find("://");
  if (begin != out.npos && begin != out.find(':')) return out;  // has no host, as data: has none
  auto const host = begin == out.npos ? 0 : begin + 3;
  auto const end = out.find_first_of("/?#", host);
  if (auto const at = out.rfind('@', end); at != out.npos && at >= host) out.erase(host, at + 1 - host);
  return out;
}

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace sojourn

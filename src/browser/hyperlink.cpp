#include "browser/hyperlink.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace sojourn {
namespace {

// The length of "https:" in "https://...", 0 when it begins with no scheme.
std::size_t scheme_length(std::string_view address) {
  auto const is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (address.empty() || !is_letter(address[0])) return 0;
  for (std::size_t i = 1; i < address.size(); ++i) {
    auto const c = address[i];
    if (c == ':') return i + 1;
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

bool is_special(std::string_view scheme) {
  return scheme == "http:" || scheme == "https:" || scheme == "ws:" || scheme == "wss:" || scheme == "ftp:" ||
         scheme == "file:";
}

// "https://host:port" of an address that has one, else empty.
std::string_view origin(std::string_view address) {
  auto const scheme = scheme_length(address);
  if (scheme == 0 || address.substr(scheme, 2) != "//") return {};
  return address.substr(0, std::min(address.find_first_of("/?#", scheme + 2), address.size()));
}

std::string_view without_fragment(std::string_view address) { return address.substr(0, address.find('#')); }

std::string cleaned(std::string_view written) {
  auto const is_edge = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!written.empty() && is_edge(written.front())) written.remove_prefix(1);
  while (!written.empty() && is_edge(written.back())) written.remove_suffix(1);
  std::string clean;
  clean.reserve(written.size());
  for (char const c : written)
    if (c != '\t' && c != '\n' && c != '\r') clean += c;
  return clean;
}

void append_escaped(std::string& out, std::string_view part) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  for (char const c : part) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7F && c != '"' && c != '<' && c != '>') {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
}

void drop_last_segment(std::string& path) {
  auto const slash = path.rfind('/', path.size() - 2);
  if (path.size() > 1 && slash != std::string::npos) path.resize(slash + 1);
}

// RFC 3986, section 5.2.4, for a path that begins with a slash.
std::string without_dots(std::string_view path) {
  std::string clean = "/";
  for (path.remove_prefix(1);;) {
    auto const length = std::min(path.find('/'), path.size());
    auto const segment = path.substr(0, length);
    auto const is_last = length == path.size();
    if (segment == "..") {
      drop_last_segment(clean);
    } else if (segment != ".") {
      clean += segment;
      if (!is_last) clean += '/';
    }
    if (is_last) return clean;
    path.remove_prefix(length + 1);
  }
}

// `rest` begins behind the origin.
std::string join(std::string_view origin_text, std::string_view rest) {
  std::string out = lower_case(origin_text);
  auto const length = std::min(rest.find_first_of("?#"), rest.size());
  std::string path(rest.substr(0, length));
  std::replace(path.begin(), path.end(), '\\', '/');
  append_escaped(out, without_dots(path.empty() ? "/" : path));
  append_escaped(out, rest.substr(length));
  return out;
}

std::string join_relative(std::string_view written, std::string_view base) {
  auto const root = origin(base);
  auto const page = without_fragment(base);
  if (written.empty() || written[0] == '#') return join(root, std::string(page.substr(root.size())).append(written));
  auto const path = page.substr(root.size(), std::min(page.find('?'), page.size()) - root.size());
  if (written[0] == '?') return join(root, std::string(path).append(written));
  if (written[0] == '/' || written[0] == '\\') return join(root, written);
  auto const folder = path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  return join(root, (folder.empty() ? std::string("/") : std::string(folder)).append(written));
}

}  // namespace

std::string whole_address(std::string_view written, std::string_view base) {
  auto const clean = cleaned(written);
  if (auto const length = scheme_length(clean)) {
    auto const root = origin(clean);
    if (!is_special(lower_case(clean.substr(0, length))) || root.empty()) return clean;
    return join(root, std::string_view(clean).substr(root.size()));
  }
  auto const root = origin(base);
  if (root.empty()) return clean;
  if (clean.starts_with("//") || clean.starts_with("\\\\")) {
    auto const whole = std::string(base.substr(0, scheme_length(base))).append("//").append(clean, 2);
    return join(origin(whole), std::string_view(whole).substr(origin(whole).size()));
  }
  return join_relative(clean, base);
}

std::string_view short_address(std::string_view whole, std::string_view page) {
  auto const fragment = whole.find('#');
  if (fragment != std::string_view::npos && whole.substr(0, fragment) == without_fragment(page))
    return whole.substr(fragment);
  auto const root = origin(page);
  if (root.empty() || origin(whole) != root || whole.size() <= root.size()) return whole;
  return whole.substr(root.size());
}

}  // namespace sojourn

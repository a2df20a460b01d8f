#include "api/auth.h"

#include <algorithm>
#include <array>

#include "api/client_files.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::string_view extension_scheme = "chrome-extension://";
constexpr std::size_t extension_id_chars = 32;

bool is_extension_origin(std::string_view origin) {
  if (!origin.starts_with(extension_scheme)) return false;
  auto const id = origin.substr(extension_scheme.size());
  return id.size() == extension_id_chars && std::ranges::all_of(id, [](char c) { return c >= 'a' && c <= 'p'; });
}

// What the documents let any extension use.
bool is_documented_path(std::string_view path) {
  constexpr std::array<std::string_view, 5> paths{"/ws", "/api/v1/sessions", "/api/v1/sessions/", "/api/v1/query",
                                                  "/api/v1/query/"};
  return std::ranges::find(paths, path) != paths.end();
}

bool is_navigation_to_a_page(Request const& request) {
  bool const is_page = request.path == "/" || request.path == "/console/";
  auto const destination = request.header("sec-fetch-dest");
  bool const is_framed = !destination.empty() && destination != "document";
  return is_page && !is_framed && request.method == "GET" && request.header("sec-fetch-mode") == "navigate" &&
         request.header("origin").empty();
}

// The origin of a page's address; empty when it is none.
std::string_view origin_of(std::string_view url) {
  auto const scheme_end = url.find("://");
  if (scheme_end == url.npos) return {};
  return url.substr(0, url.find_first_of("/?#", scheme_end + 3));
}

Error refuse_origin(std::string_view origin) {
  std::string const name(origin);
  if (origin == "null")
    return error(Code::forbidden, "Origin null is not allowed: open the page from a server of its own");
  return error(Code::forbidden,
               "Origin " + name + " is not allowed; add allow_origins = [\"" + name + "\"] to the configuration");
}

}  // namespace

Access::Access(std::vector<std::string> allow_origins, bool any_extension)
    : origins_(std::move(allow_origins)), any_extension_(any_extension) {
  origins_.emplace_back(extension_origin);
}

void Access::add_port(std::uint16_t port, std::string_view own_name) {
  for (std::string_view const name :
       {std::string_view("localhost"), std::string_view("127.0.0.1"), std::string_view("[::1]"), own_name}) {
    auto host = std::string(name) + ":" + std::to_string(port);
    origins_.push_back("http://" + (port == 80 ? std::string(name) : host));
    hosts_.push_back(std::move(host));
    if (port == 80) hosts_.emplace_back(name);
  }
}

Result<std::string> Access::admit(Request const& request) const {
  auto const host = request.header("host");
  if (request.count_headers("host") != 1 || !is_our_host(host)) {
    return error(Code::forbidden, "Host " + std::string(host) + " is not allowed; use http://" +
                                      (hosts_.empty() ? std::string("localhost") : hosts_.front()));
  }
  auto const origin_count = request.count_headers("origin");
  auto const origin = request.header("origin");
  if (origin_count > 1 || (origin_count == 1 && !is_allowed_origin(origin, request.path))) return refuse_origin(origin);
  // A script element sends no Origin, but names its page as Referer: that one has to be allowed in the same way.
  if (origin_count == 0 && is_client_file(request.path) && request.count_headers("referer") == 1) {
    auto const page = origin_of(request.header("referer"));
    if (is_allowed_origin(page, request.path)) return std::string(page);
  }
  auto const site = request.header("sec-fetch-site");
  // No page made it and nobody navigated: another extension, which hides its origin in a GET.
  bool const from_extension = site == "none" && request.header("sec-fetch-mode") != "navigate";
  bool const from_elsewhere = site == "cross-site" || site == "same-site" || from_extension;
  if (from_elsewhere && origin_count == 0 && !is_navigation_to_a_page(request)) {
    return error(
        Code::forbidden,
        "a page of another site may not ask this; list that page's origin in allow_origins of the configuration");
  }
  return std::string(origin);
}

bool Access::is_our_host(std::string_view host) const {
  return std::ranges::any_of(hosts_, [&](std::string const& ours) { return equal_ignoring_case(ours, host); });
}

bool Access::is_allowed_origin(std::string_view origin, std::string_view path) const {
  if (origin == "null") return false;  // it is everybody's, whatever the configuration says
  if (std::ranges::find(origins_, origin) != origins_.end()) return true;
  return any_extension_ && is_extension_origin(origin) && is_documented_path(path);
}

}  // namespace sojourn

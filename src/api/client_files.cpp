#include "api/client_files.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 8> names{
    "socket.io.js",         "socket.io.js.map",         "socket.io.min.js",         "socket.io.min.js.map",
    "socket.io.esm.min.js", "socket.io.esm.min.js.map", "socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map"};
constexpr std::string_view prefix = "/socket.io/";

// RFC 9110, section 13.1.2: compared weakly.
bool is_known(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    auto known = trimmed(take_until(if_none_match, ','));
    if (known == "*") return true;
    if (known.starts_with("W/")) known.remove_prefix(2);
    if (known == etag) return true;
  }
  return false;
}

}  // namespace

bool is_client_file(std::string_view path) {
  return path.starts_with(prefix) && std::ranges::find(names, path.substr(prefix.size())) != names.end();
}

std::span<Route const> ClientFiles::routes() {
  static constexpr std::array table{
      Route{"GET", "/socket.io/:file", handle<&ClientFiles::show>, "A file of the Socket.IO client", true},
  };
  return table;
}

// The file, or null when it is not installed.
std::string const* ClientFiles::find(std::string_view name) {
  auto const known = files_.find(name);
  if (known != files_.end()) return &known->second;
  if (folder_.empty()) return nullptr;
  auto text = read_(folder_ + "/" + std::string(name));
  return text ? &files_.emplace(name, std::move(*text)).first->second : nullptr;
}

// The package's version, as the documented server has it.
std::string const& ClientFiles::etag() {
  for (auto const* place : {"/package.json", "/../package.json"}) {
    if (!etag_.empty()) break;
    auto const text = read_(folder_ + place);
    auto const package = json::parse(text ? *text : "");
    auto const version = package && package->is_object() ? json::find_string(package->get_object(), "version") : "";
    bool const is_plain = std::ranges::all_of(version, [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
    if (!version.empty() && is_plain) etag_ = '"' + std::string(version) + '"';
  }
  return etag_;
}

void ClientFiles::show(Request const& request, Parameters const&, Respond respond) {
  if (!is_client_file(request.path)) return respond(error_response(404, "File not found"));
  auto const name = request.path.substr(prefix.size());
  auto const* const file = find(name);
  if (file == nullptr)
    return respond(error_response(404, std::string(name) +
                                           " is not installed; name the dist folder of the npm package "
                                           "socket.io-client as client_files in [monitor] of the configuration"));
  Response response;
  response.content_type =
      name.ends_with(".map") ? "application/json; charset=utf-8" : "application/javascript; charset=utf-8";
  response.headers = {{"Cache-Control", "public, max-age=0"}, {"Vary", "Referer"}};
  // Whose page it is has been judged already.
  if (!request.envelope.allow_origin.empty())
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "cross-origin");
  if (!etag().empty()) response.headers.emplace_back("ETag", etag());
  bool const is_unchanged = !etag().empty() && is_known(request.header("if-none-match"), etag());
  if (is_unchanged)
    response.status = 304;
  else
    response.body = *file;
  respond(std::move(response));
}

}  // namespace sojourn

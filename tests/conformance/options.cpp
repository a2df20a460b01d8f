#include "conformance/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <charconv>
#include <string_view>

namespace sojourn::conformance {
namespace {

// The whole of `text` as a number, or no.
template <typename Number> bool read_number(std::string_view text, Number& number) {
  auto const* const end = text.data() + text.size();
  auto const [stop, ec] = std::from_chars(text.data(), end, number);
  return ec == std::errc() && stop == end && number >= 0;
}

bool read_place(std::string_view text, Options& options) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  options.host = host;
  return !host.empty() && read_number(text.substr(colon + 1), options.port);
}

bool read_ping(std::string_view text, Options& options) {
  auto const slash = text.find('/');
  return slash != std::string_view::npos && read_number(text.substr(0, slash), options.ping_ms) &&
         read_number(text.substr(slash + 1), options.pong_ms) && options.ping_ms > 0 && options.pong_ms > 0;
}

}  // namespace

Result<Options> read_options(int argc, char const* const* argv) {
  Options options;
  std::string place = "127.0.0.1:0";
  std::string ping = "300/200";
  CLI::App app("The server that protocol suites are run against", "sojourn-conformance");
  app.add_option("--listen", place, "ADDRESS:PORT; port 0 is any free one")->capture_default_str();
  app.add_option("--ping", ping, "INTERVAL_MS/TIMEOUT_MS of Engine.IO")->capture_default_str();
  app.add_flag("--eio3", options.eio3, "speak Engine.IO 3 too");
  bool compress = false;
  app.add_flag("--compress", compress, "agree to permessage-deflate");
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& stop) {
    if (stop.get_exit_code() != 0) return error(Code::usage, stop.what());
    app.exit(stop);
    return error(Code::usage, "");
  }
  if (!read_place(place, options)) return error(Code::usage, "--listen takes ADDRESS:PORT, such as 127.0.0.1:9001");
  if (!read_ping(ping, options)) return error(Code::usage, "--ping takes INTERVAL_MS/TIMEOUT_MS, such as 300/200");
  if (compress) options.compression = websocket::Compression::deflate;
  return options;
}

}  // namespace sojourn::conformance

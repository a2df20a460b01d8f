// The same bytes, cut differently, must give the same requests and the same end, and what is given out must keep the
// promises of the parser. The first byte of the data chooses the limits and whether a request line is put before the
// rest, so that the fuzzer need not find one.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "net/http.h"

namespace {

using namespace sojourn;

void require(bool holds) {
  if (!holds) std::abort();
}

// One request or failure as text.
void append_request(std::string& out, HttpParser const& parser, Limits const& limits) {
  Request request;
  parser.fill(request);
  require(!request.method.empty() && request.path.find('?') == std::string_view::npos);
  require(request.path.starts_with('/') || (request.path == "*" && request.method == "OPTIONS"));
  require(request.body.size() <= static_cast<std::size_t>(limits.message_bytes));
  require(request.headers.size() <= static_cast<std::size_t>(limits.header_count));
  require(request.count_headers("host") <= 1);
  require(request.count_headers("content-length") + request.count_headers("transfer-encoding") <= 1);
  out.append(request.method).append(" ").append(request.path).append("?").append(request.query).append("\n");
  for (auto const& [name, value] : request.headers) {
    require(!name.empty() && name.find_first_of("\r\n: \t") == std::string_view::npos);
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    require(trimmed(value) == value);
    out.append(name).append(":").append(value).append("\n");
  }
  out.append(request.body).append(parser.keeps_alive() ? "\n+" : "\n-").append(parser.is_upgrade() ? "^\n" : "\n");
}

// Each piece is memory of its own, so that reading beyond it or after it is found.
std::string read(std::string_view bytes, std::size_t chop, Limits const& limits) {
  HttpParser parser(limits);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += chop) {
    auto const part = bytes.substr(at, chop);
    std::vector<char> const piece(part.begin(), part.end());
    std::string_view input(piece.data(), piece.size());
    while (!input.empty()) {
      auto const status = parser.feed(input);
      if (status == HttpParser::Status::failed) return out + "!" + std::to_string(parser.failure().status);
      if (status == HttpParser::Status::need_more) break;
      append_request(out, parser, limits);
      parser.reset();
    }
    require(input.empty());
  }
  return out + (parser.is_idle() ? "" : "...") + (parser.has_header() ? "body" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  Limits limits;
  limits.header_bytes = 64 << (data[0] & 7);
  limits.header_count = 2 + (data[0] & 7);
  limits.message_bytes = 16 << (data[0] & 7);
  std::string bytes;
  if ((data[0] & 8) != 0) bytes = "POST /a?b HTTP/1.1\r\nHost: h\r\n";
  if ((data[0] & 16) != 0) bytes += "Transfer-Encoding: chunked\r\n\r\n";
  bytes.append(reinterpret_cast<char const*>(data) + 1, size - 1);
  auto const whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), limits);
  for (std::size_t const chop : {1U, 2U, 3U, 7U, 64U}) require(read(bytes, chop, limits) == whole);
  return 0;
}

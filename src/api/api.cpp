#include "api/api.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const escaped =
        text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    if (escaped) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  auto const found = std::ranges::find_if(headers, [&](Header const& h) { return equal_ignoring_case(h.name, name); });
  return found == headers.end() ? std::string_view{} : found->value;
}

std::size_t Request::count_headers(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](Header const& h) { return equal_ignoring_case(h.name, name); }));
}

std::string Request::parameter(std::string_view name) const {
  auto rest = query;
  while (!rest.empty()) {
    auto const pair = take_until(rest, '&');
    auto value = pair;
    if (take_until(value, '=') == name) return percent_decoded(value);
  }
  return {};
}

Response error_response(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.body = "{\"error\":";
  json::append_string(response.body, to_utf8(message));
  response.body += '}';
  return response;
}

Response error_response(Error const& error) {
  auto response = error_response(row(error.code).http_status, error.message);
  if (error.code == Code::too_many) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace sojourn

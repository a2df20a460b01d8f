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

std::string percent_decoded(std::string_view text, bool plus_is_blank) {
  bool const is_plain = text.find('%') == text.npos && (!plus_is_blank || text.find('+') == text.npos);
  if (is_plain) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const escaped =
        text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    if (escaped) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string find_pair(std::string_view rest, std::string_view name) {
  while (!rest.empty()) {
    auto const pair = take_until(rest, '&');
    auto value = pair;
    if (take_until(value, '=') == name) return percent_decoded(value, true);
  }
  return {};
}

// The documented sessions API calls a few things by words of its own.
std::string_view documented_word(Error const& error) {
  if (error.code == Code::expired) return "SESSION_EXPIRED";
  if (error.code == Code::ended) return "SESSION_ENDED";
  if (error.code == Code::not_found && error.message.starts_with("Session not found")) return "SESSION_NOT_FOUND";
  if (error.code == Code::invalid && error.field == "path.session_id") return "SESSION_INVALID";
  if (error.code != Code::unprocessable) return {};
  if (error.field == "body.client_id") return "INVALID_CLIENT_ID";
  return error.field == "body.timeout_minutes" ? "TIMEOUT_OUT_OF_RANGE" : "";
}

// [{"type":"value_error","loc":["body","client_id"],"msg":"..."}] of "body.client_id".
void append_list(std::string& out, std::string_view field, std::string_view words) {
  auto const place = take_until(field, '.');
  out += R"([{"type":"value_error","loc":[)";
  json::append_string(out, place);
  out += ',';
  json::append_string(out, field);
  out += R"(],"msg":)";
  json::append_string(out, words);
  out += "}]";
}

}  // namespace

std::string decode_segment(std::string_view text) { return percent_decoded(text, false); }

std::string Request::form_field(std::string_view name) const { return find_pair(body, name); }

std::string_view Request::header(std::string_view name) const {
  auto const found = std::ranges::find_if(headers, [&](Header const& h) { return equal_ignoring_case(h.name, name); });
  return found == headers.end() ? std::string_view{} : found->value;
}

std::size_t Request::count_headers(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](Header const& h) { return equal_ignoring_case(h.name, name); }));
}

std::string Request::parameter(std::string_view name) const { return find_pair(query, name); }

void append_retry(Response& response, Error const& error) {
  if (error.retry_s > 0)
    response.headers.emplace_back("Retry-After", std::to_string(error.retry_s));
  else if (error.code == Code::too_many)
    response.headers.emplace_back("Retry-After", "1");
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
  append_retry(response, error);
  if (error.code == Code::unauthenticated) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Response detail_response(int status, std::string_view detail, std::string_view word) {
  std::string body = "{\"detail\":";
  json::append_string(body, to_utf8(detail));
  if (!word.empty()) body.append(",\"code\":\"").append(word).append("\"");
  return json_response(std::move(body) + "}", status);
}

Response detail_response(Error const& error) {
  auto const& line = row(error.code);
  auto const words = to_utf8(error.message);
  std::string body = "{\"detail\":";
  if (error.code == Code::unprocessable && !error.field.empty())
    append_list(body, error.field, words);
  else
    json::append_string(body, words);
  body.append(",\"code\":\"").append(line.word).append("\"");
  if (auto const word = documented_word(error); !word.empty())
    body.append(",\"error_code\":\"").append(word).append("\"");
  if (error.code == Code::precondition_failed) body += ",\"revision\":" + std::to_string(error.revision);
  auto response = json_response(std::move(body) + "}", line.http_status);
  if (error.code == Code::precondition_failed)
    response.headers.emplace_back("ETag", "\"" + std::to_string(error.revision) + "\"");
  append_retry(response, error);
  if (error.code == Code::unauthenticated) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Error wrong_field(std::string_view place, std::string_view name, std::string_view what) {
  return {Code::unprocessable, std::string(name).append(" ").append(what), 0,
          std::string(place).append(".").append(name)};
}

Response json_response(std::string body, int status) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Result<json::object> parse_object(Request const& request) {
  if (request.body.empty()) return json::object();
  auto parsed = json::parse(request.body);
  if (!parsed) return error(Code::invalid, "the body is not JSON: " + parsed.error().message);
  if (!parsed->is_object()) return error(Code::invalid, "the body has to be a JSON object");
  return std::move(parsed->get_object());
}

}  // namespace sojourn

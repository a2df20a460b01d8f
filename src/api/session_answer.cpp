#include "api/session_answer.h"

#include "base/json.h"

namespace sojourn {

Error naming(Error error, std::string_view session_id) {
  bool const is_unknown = error.code == Code::not_found && error.message == "Session not found";
  bool const is_over =
      error.code == Code::expired || (error.code == Code::ended && error.message.starts_with("Session "));
  if (is_unknown || is_over) error.message.append(": ").append(session_id);
  return error;
}

Response session_refusal(Error const& error, std::string_view session_id) {
  return detail_response(naming(error, session_id));
}

Response empty_response() {
  Response response;
  response.status = 204;
  response.content_type = {};
  return response;
}

std::string json_text(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

std::string json_time(std::int64_t utc_us) { return utc_us == 0 ? "null" : json_text(to_iso_us(utc_us)); }

void append_text_member(std::string& out, std::string_view name, std::string_view text) {
  json::append_string(out, name);
  out += ':';
  json::append_string(out, text);
}

}  // namespace sojourn

#include "api/session_answer.h"

#include "base/json.h"

namespace sojourn {

Response session_refusal(Error const& error, std::string_view session_id) {
  auto const id = std::string(session_id);
  bool const is_unknown = error.code == Code::not_found && error.message == "Session not found";
  if (is_unknown) return detail_response(404, "Session not found: " + id, row(Code::not_found).word);
  if (error.code == Code::expired) return detail_response(Error{Code::expired, "Session expired: " + id});
  return detail_response(error);
}

Response empty_response() {
  Response response;
  response.status = 204;
  response.content_type = {};
  return response;
}

void append_text_member(std::string& out, std::string_view name, std::string_view text) {
  json::append_string(out, name);
  out += ':';
  json::append_string(out, text);
}

}  // namespace sojourn

#include "api/app_answer.h"

#include <algorithm>

#include "api/session_answer.h"
#include "base/json.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr int status_gone = 410;

int to_status(Error const& error) {
  bool const is_over = error.code == Code::expired || error.code == Code::ended;
  return is_over ? status_gone : row(error.code).http_status;
}

std::string upper_case(std::string_view word) {
  std::string out(word);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

Response refusal_of(int status, std::string_view code, std::string_view message, std::string_view field) {
  std::string body = "{\"error\":{";
  append_text_member(body, "code", code);
  body += ',';
  append_text_member(body, "message", to_utf8(message));
  if (!field.empty()) {
    body += ',';
    append_text_member(body, "field", field);
  }
  return json_response(body + "}}", status);
}

std::string text_or_null(std::string_view text) { return text.empty() ? "null" : json_text(text); }

}  // namespace

Response app_refusal(Error const& error, std::string_view session_id) {
  auto const named = session_id.empty() ? error : naming(error, session_id);
  std::string_view field = named.field;
  if (field.starts_with("body.")) field.remove_prefix(5);
  auto response = refusal_of(to_status(named), to_app_code(named), named.message, field);
  append_retry(response, named);
  if (named.code == Code::unauthenticated) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

bool is_failed_call(Error const& error) {
  switch (error.code) {
    case Code::conflict:
    case Code::failed:
    case Code::timeout:
    case Code::crashed:
    case Code::stale_ref:
      return true;
    case Code::forbidden:  // an address; else it is what whoever asks may not do
      return error.message.starts_with("Failed to open URL");
    default:
      return false;
  }
}

std::string to_app_code(Error const& error) {
  if (error.code == Code::expired) return "SESSION_EXPIRED";
  if (error.code == Code::ended) return "SESSION_ENDED";
  auto const word = upper_case(row(error.code).word);
  if (error.code != Code::not_found) return word;
  for (std::string_view const what : {"Session", "App", "Function", "Task"}) {
    if (error.message.starts_with(std::string(what) + " not found")) return upper_case(what) + "_" + word;
  }
  return word;
}

std::string to_app_session(SessionInfo const& info, std::int64_t ended_us) {
  constexpr std::int64_t second_us = 1'000'000;
  std::string out = "{";
  append_text_member(out, "id", info.id);
  out += R"(,"worker_id":"local",)";
  append_text_member(out, "app_id", app_name);
  out += ",\"status\":" + json_text(ended_us == 0 ? "active" : "ended");
  out += ",\"created_at\":" + json_time(info.opened_us);
  out += ",\"expires_at\":" + json_time(ended_us == 0 ? info.expires_us : 0);
  out += ",\"ended_at\":" + json_time(ended_us);
  out += ",\"call_count\":" + std::to_string(info.calls);
  out += ",\"last_call_at\":" + json_time(info.last_call_us);
  out += ",\"idle_timeout\":" + std::to_string(info.idle_us / second_us);
  out += ",\"task_id\":null";
  out += ",\"url\":" + text_or_null(info.url);
  return out + ",\"title\":" + text_or_null(info.title) + "}";
}

std::string to_text(AppTask const& task) {
  bool const is_over = task.finished_us != 0;
  bool const is_good = is_over && task.error.empty();
  std::string out = "{";
  out.reserve(task.output.size() + 512);
  append_text_member(out, "id", task.id);
  out += ',';
  append_text_member(out, "app", app_name);
  out += ',';
  append_text_member(out, "function", task.function);
  out += ",\"status\":" + json_text(!is_over ? "running" : is_good ? "completed" : "failed");
  out.append(",\"output\":").append(task.output.empty() ? "null" : task.output);
  out += ",\"error\":" + text_or_null(to_utf8(task.error));
  out += ",\"error_code\":" + text_or_null(task.error_code);
  out += ",\"logs\":[],\"session_id\":" + text_or_null(to_utf8(task.session_id));
  out += ",\"created_at\":" + json_time(task.created_us);
  out += ",\"finished_at\":" + json_time(task.finished_us);
  if (!task.video.empty()) out.append(",\"video\":").append(task.video);
  return out + "}";
}

}  // namespace sojourn

#include "api/query_answer.h"

#include <algorithm>
#include <array>

#include "base/id.h"
#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::string_view query_prefix = "query_";
constexpr std::string_view case_prefix = "case_";
constexpr std::size_t session_digits = 32;
constexpr std::size_t own_digits = 8;
constexpr std::array<std::size_t, 4> dashes{8, 13, 18, 23};  // of a UUID

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string to_digits(std::string_view uuid) {
  std::string digits(uuid);
  std::erase(digits, '-');
  return digits.size() == session_digits && is_hex(digits) ? digits : std::string();
}

std::string make_id(std::string_view prefix, std::string_view session_id, Random& random) {
  return std::string(prefix) + to_digits(session_id) + "_" + make_hex(random, own_digits);
}

std::string session_of(std::string_view prefix, std::string_view id) {
  if (id.size() != prefix.size() + session_digits + 1 + own_digits || !id.starts_with(prefix)) return {};
  id.remove_prefix(prefix.size());
  if (id[session_digits] != '_' || !is_hex(id.substr(session_digits + 1))) return {};
  std::string session(id.substr(0, session_digits));
  if (!is_hex(session)) return {};
  for (auto const dash : dashes) session.insert(dash, 1, '-');
  return session;
}

json::object parse_data(EventRef const& event) {
  if (event == nullptr) return {};
  auto parsed = json::parse(event->data);
  return parsed && parsed->is_object() ? std::move(parsed->get_object()) : json::object();
}

Code to_code(std::string_view word) {
  auto const table = error_table();
  auto const line = std::ranges::find(table, word, &ErrorRow::word);
  return line == table.end() ? Code::failed : line->code;
}

// Members in their order, each with what it is when nobody gave it.
class Members {
 public:
  explicit Members(json::object const& given) : given_(given) {}

  Members& text(std::string_view name, std::string_view value) { return raw(name, json::to_text(json::value(value))); }
  Members& raw(std::string_view name, std::string_view value) {
    out_.append(out_.empty() ? "{" : ",");
    json::append_string(out_, name);
    out_.append(":").append(value);
    return *this;
  }
  Members& time(std::string_view name, EventRef const& event) {
    return event == nullptr ? raw(name, "null") : text(name, to_iso_us(event->at_us));
  }
  Members& given(std::string_view name, std::string_view otherwise) {
    auto const* const value = given_.if_contains(name);
    return raw(name, value == nullptr ? std::string(otherwise) : json::to_text(*value));
  }
  std::string done() { return out_ + "}"; }

 private:
  json::object const& given_;
  std::string out_;
};

// The answer, or the refusal that stands in its place.
Result<json::object> take_answer(QueryRecord const& query) {
  auto data = parse_data(query.result);
  auto* const result = data.if_contains("result");
  if (result == nullptr || !result->is_object()) return error(Code::internal, "the answer can't be read");
  auto& given = result->get_object();
  if (given.contains("answer")) return std::move(given);
  return error(to_code(json::find_string(given, "code")), std::string(json::find_string(given, "error")));
}

std::string location_of(QueryRecord const& query, bool is_of_case) {
  return is_of_case && !query.case_id().empty() ? "/api/v1/cases/" + query.case_id() + "/queries/" + query.id
                                                : "/api/v1/query/" + query.id;
}

}  // namespace

std::string make_query_id(std::string_view session_id, Random& random) {
  return make_id(query_prefix, session_id, random);
}
std::string make_case_id(std::string_view session_id, Random& random) {
  return make_id(case_prefix, session_id, random);
}
std::string session_of_query(std::string_view query_id) { return session_of(query_prefix, query_id); }
std::string session_of_case(std::string_view case_id) { return session_of(case_prefix, case_id); }

std::string QueryRecord::case_id() const {
  return query == nullptr ? named_case : std::string(json::find_string(parse_data(query), "case_id"));
}

QueryRecord find_query(EventPage const& page, std::string query_id) {
  QueryRecord found{std::move(query_id), {}, nullptr, nullptr};
  found.session_id = session_of_query(found.id);
  for (auto const& event : page.events) {
    if (event->request_id != found.id) continue;
    if (event->type == EventType::query) found.query = event;
    if (event->type == EventType::query_result) found.result = event;
  }
  return found;
}

Response to_query_response(QueryRecord const& query) {
  auto const answer = take_answer(query);
  if (!answer) return query_refusal(answer.error(), query.id);
  auto const asked = parse_data(query.query);
  auto const text = json::find_string(*answer, "answer");
  Members out(*answer);
  out.text("session_id", query.session_id).text("query_id", query.id).text("investigation_id", query.id);
  out.text("status", "completed").text("query", json::find_string(asked, "query"));
  out.text("answer", text).text("content", text).given("response_type", "\"ANSWER\"");
  out.given("findings", "[]").given("root_cause", "null").given("recommendations", "[]");
  out.given("confidence_score", "null").given("estimated_mttr", "null").given("next_steps", "[]");
  out.given("sources", "[]").time("created_at", query.query).time("completed_at", query.result);
  return json_response(out.done());
}

Response to_case_query_response(QueryRecord const& query, int status) {
  auto const answer = take_answer(query);
  if (!answer) return query_refusal(answer.error(), query.id);
  Members out(*answer);
  out.text("schema_version", "3.1.0").text("query_id", query.id);
  out.text("content", json::find_string(*answer, "answer")).given("response_type", "\"ANSWER\"");
  out.text("session_id", query.session_id).text("case_id", query.case_id());
  out.given("confidence_score", "null").given("sources", "[]").given("view_state", "null").given("plan", "null");
  auto response = json_response(out.done(), status);
  if (status == 201) response.headers.emplace_back("Location", location_of(query, true));
  return response;
}

Response to_pending_response(QueryRecord const& query, bool is_of_case) {
  json::object const nothing;
  auto const asked = parse_data(query.query);
  Members out(nothing);
  out.text("job_id", query.id).text("query_id", query.id);
  if (is_of_case) out.text("case_id", query.case_id());
  if (!is_of_case) out.text("session_id", query.session_id);
  out.text("query", json::find_string(asked, "query")).text("status", "processing").time("created_at", query.query);
  auto response = json_response(out.done(), 202);
  response.headers.emplace_back("Location", location_of(query, is_of_case));
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

Response query_refusal(Error const& error, std::string_view query_id) {
  auto response = detail_response(error);
  response.body.back() = ',';
  response.body += "\"query_id\":";
  json::append_string(response.body, query_id);
  response.body += '}';
  return response;
}

EventRef find_case(EventPage const& page) {
  auto const opens = [](EventRef const& event) {
    return event->type == EventType::message && event->name == case_opened;
  };
  auto const place = std::ranges::find_if(page.events, opens);
  return place == page.events.end() ? nullptr : *place;
}

std::string to_case(std::string_view case_id, std::string_view session_id, Event const& opened) {
  auto const parsed = json::parse(opened.data);
  json::object const nothing;
  Members out(parsed && parsed->is_object() ? parsed->get_object() : nothing);
  out.text("case_id", case_id).text("session_id", session_id).given("title", "null").given("description", "null");
  out.given("priority", "\"normal\"").text("status", "open").text("created_at", to_iso_us(opened.at_us));
  return out.done();
}

}  // namespace sojourn

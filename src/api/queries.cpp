#include "api/queries.h"

#include <algorithm>
#include <array>

#include "api/session_answer.h"
#include "base/json.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::size_t query_bytes_max = 256 * 1024;
constexpr std::size_t context_bytes_max = 64 * 1024;
constexpr std::size_t title_bytes_max = 1024;
constexpr std::size_t description_bytes_max = 64 * 1024;
constexpr std::array<std::string_view, 5> priorities{"low", "normal", "medium", "high", "critical"};

// A text that has to be there; blanks are none.
Result<std::string> take_text(json::object const& body, std::string_view name, std::size_t bytes_max) {
  auto const* const value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return wrong_field("body", name, "has to be given");
  if (!value->is_string() || trimmed(std::string_view(value->get_string())).empty())
    return wrong_field("body", name, "has to be a text that is not empty");
  if (value->get_string().size() > bytes_max)
    return error(Code::too_large, std::string(name) + " has at most " + std::to_string(bytes_max) + " bytes");
  return std::string(value->get_string());
}

// One that need not be; null is none.
Result<json::value> take_optional_text(json::object const& body, std::string_view name, std::size_t bytes_max) {
  auto const* const value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return json::value();
  if (!value->is_string()) return wrong_field("body", name, "has to be a text");
  if (value->get_string().size() > bytes_max)
    return error(Code::too_large, std::string(name) + " has at most " + std::to_string(bytes_max) + " bytes");
  return *value;
}

Result<std::string> take_priority(json::object const& body) {
  auto const* const value = body.if_contains("priority");
  if (value == nullptr || value->is_null()) return std::string("normal");
  auto const word = json::find_string(body, "priority");
  if (std::ranges::find(priorities, word) == priorities.end())
    return wrong_field("body", "priority", "has to be low, normal, medium, high or critical");
  return std::string(word);
}

bool prefers_no_wait(Request const& request) {
  auto rest = request.header("prefer");
  while (!rest.empty()) {
    if (equal_ignoring_case(trimmed(take_until(rest, ',')), "respond-async")) return true;
  }
  return false;
}

// For what follows on a command: a single-use token was used up by that.
Principal inside(Principal principal) {
  principal.is_inside = true;
  return principal;
}

Response not_found(std::string_view what, std::string_view id) {
  return detail_response(error(Code::not_found, std::string(what) + " not found: " + std::string(id)));
}

// A session that is not there has no query either; only its owner hears that it has expired.
Response refusal_of(Error const& failure, std::string_view what, std::string_view id, std::string_view session_id) {
  return failure.code == Code::not_found ? not_found(what, id) : session_refusal(failure, session_id);
}

ReadEvents read_all(std::string session_id, std::string request_id) {
  ReadEvents command{SessionKind::shared, std::move(session_id)};
  command.limit = SIZE_MAX;
  command.request_id = std::move(request_id);
  return command;
}

}  // namespace

std::span<Route const> Queries::routes() {
  static constexpr std::array table{
      Route{"POST", "/api/v1/query", handle<&Queries::ask>, "Ask; the answer, or where it will be"},
      Route{"POST", "/api/v1/query/troubleshoot", handle<&Queries::ask>, "The same"},
      Route{"POST", "/api/v1/agent/query", handle<&Queries::ask>, "The same"},
      Route{"GET", "/api/v1/query/:query", handle<&Queries::show>, "The answer, or that it is on its way"},
      Route{"DELETE", "/api/v1/query/:query", handle<&Queries::cancel>, "It need not be answered any more"},
      Route{"POST", "/api/v1/cases", handle<&Queries::open_case>, "Open a case in a session"},
      Route{"GET", "/api/v1/cases/:case", handle<&Queries::show_case>, "One case"},
      Route{"POST", "/api/v1/cases/:case/queries", handle<&Queries::ask_in_case>, "Ask in a case"},
      Route{"GET", "/api/v1/cases/:case/queries/:query", handle<&Queries::show_in_case>,
            "The answer, or that it is on its way"},
      Route{"DELETE", "/api/v1/cases/:case/queries/:query", handle<&Queries::cancel_in_case>,
            "It need not be answered any more"},
  };
  return table;
}

// All but the session's id, which cases know themselves.
Result<Queries::Wish> Queries::parse_wish(Request const& request, json::object const& body) {
  auto query = take_text(body, "query", query_bytes_max);
  if (!query) return query.error();
  auto priority = take_priority(body);
  if (!priority) return priority.error();
  Wish wish{{}, {}, *query, {}, prefers_no_wait(request)};
  json::object data{{"query", *query}};
  if (auto const* const more = body.if_contains("context"); more != nullptr && !more->is_null()) {
    if (!more->is_object()) return wrong_field("body", "context", "has to be an object");
    if (json::to_text(*more).size() > context_bytes_max)
      return error(Code::too_large, "context has at most 65536 bytes");
    data["context"] = *more;
  }
  data["priority"] = *priority;
  wish.data = json::to_text(data);
  return wish;
}

void Queries::ask(Request const& request, Parameters const&, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto session_id = take_text(*body, "session_id", SIZE_MAX);
  if (!session_id) return respond(detail_response(session_id.error()));
  auto wish = parse_wish(request, *body);
  if (!wish) return respond(detail_response(wish.error()));
  wish->session_id = std::move(*session_id);
  begin(request.principal, std::move(*wish), respond);
}

void Queries::begin(Principal const& principal, Wish wish, Respond respond) {
  auto& responder = world_.responder;
  if (responder.running() >= running_max)
    return respond(detail_response(
        error(Code::too_many, "too many queries are on their way; try again when some of them are answered")));
  auto id = make_query_id(wish.session_id, world_.random);
  while (responder.is_running(id)) id = make_query_id(wish.session_id, world_.random);
  View view{inside(principal), wish.session_id, id, wish.case_id, wish.case_id.empty() ? 200 : 201, respond};
  auto const until_us = world_.clock.now().steady_us + wait_us_max;
  waiting_.emplace(id, Waiting{std::move(view), until_us});
  deadlines_.emplace(until_us, id);
  arm();
  responder.ask(principal, {wish.session_id, id, std::move(wish.query), std::move(wish.data)},
                [this, id](Result<> const& result) {
                  auto waiting = take_waiting(id);
                  if (!waiting) return;
                  if (!result) return waiting->respond(session_refusal(result.error(), waiting->session_id));
                  tell(std::move(*waiting));
                });
  if (!wish.is_hasty) return;
  // Answered when the question is stored, or it has been refused by then.
  world_.hub.submit(inside(principal), GetSession{SessionKind::shared, wish.session_id},
                    [this, id](Result<Outcome> const&) { hurry(id); });
}

// Whose question is on its way waits no longer; with nobody to answer the refusal is almost there.
void Queries::hurry(std::string const& id) {
  if (!world_.responder.is_open(id)) return;
  if (auto waiting = take_waiting(id)) tell(std::move(*waiting));
}

std::optional<Queries::View> Queries::take_waiting(std::string const& id) {
  auto const place = waiting_.find(id);
  if (place == waiting_.end()) return std::nullopt;
  auto view = std::move(place->second.view);
  deadlines_.erase({place->second.until_us, id});
  waiting_.erase(place);
  return view;
}

void Queries::arm() {
  if (deadlines_.empty() || std::exchange(is_armed_, true)) return;
  world_.later(deadlines_.begin()->first - world_.clock.now().steady_us, [this] { expire(); });
}

void Queries::expire() {
  is_armed_ = false;
  auto const now_us = world_.clock.now().steady_us;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_us) {
    auto const id = deadlines_.begin()->second;
    tell(*take_waiting(id));
  }
  arm();
}

// Reads what the log says of the query, if it is there and in the case; else it is not found.
void Queries::look(View view, Found found) {
  if (view.session_id.empty()) return view.respond(not_found("Query", view.id));
  auto command = read_all(view.session_id, view.id);
  auto const principal = view.principal;
  world_.hub.submit(
      principal, std::move(command),
      [this, view = std::move(view), found = std::move(found)](Result<Outcome> const& outcome) {
        if (!outcome) return view.respond(refusal_of(outcome.error(), "Query", view.id, view.session_id));
        auto query = find_query(std::get<EventPage>(*outcome), view.id);
        bool const is_of_its_case = !view.case_id.empty() && session_of_case(view.case_id) == view.session_id;
        if (query.query == nullptr && is_of_its_case) query.named_case = view.case_id;
        // The log may have been cleaned up, or have lost its beginning, while it is on its way.
        bool const is_there = query.query != nullptr || query.result != nullptr || world_.responder.is_running(view.id);
        bool const is_elsewhere = !view.case_id.empty() && query.query != nullptr && query.case_id() != view.case_id;
        if (!is_there || is_elsewhere) return view.respond(not_found("Query", view.id));
        found(query);
      });
}

void Queries::tell(View view) {
  auto const answer = [&responder = world_.responder, view](QueryRecord const& query) {
    bool const is_of_case = !view.case_id.empty();
    if (query.result == nullptr && responder.is_running(view.id))
      return view.respond(to_pending_response(query, is_of_case));
    if (query.result == nullptr)
      return view.respond(query_refusal(error(Code::failed, "the query was given up before it was answered"), view.id));
    view.respond(is_of_case ? to_case_query_response(query, view.good_status) : to_query_response(query));
  };
  look(std::move(view), answer);
}

void Queries::stop(View view) {
  auto const give_up = [&responder = world_.responder, view](QueryRecord const& query) {
    if (query.result != nullptr || !responder.is_running(view.id))
      return view.respond(query_refusal(error(Code::conflict, "the query is done already"), view.id));
    responder.cancel(inside(view.principal), view.session_id, view.id, [view](Result<> const& result) {
      if (result) return view.respond(empty_response());
      view.respond(result.error().code == Code::conflict
                       ? query_refusal(result.error(), view.id)
                       : refusal_of(result.error(), "Query", view.id, view.session_id));
    });
  };
  look(std::move(view), give_up);
}

void Queries::show(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  tell({request.principal, session_of_query(id), id, {}, 200, respond});
}

void Queries::cancel(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  stop({request.principal, session_of_query(id), id, {}, 200, respond});
}

void Queries::show_in_case(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[1]);
  tell({request.principal, session_of_query(id), id, decode_segment(parameters.at[0]), 200, respond});
}

void Queries::cancel_in_case(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[1]);
  stop({request.principal, session_of_query(id), id, decode_segment(parameters.at[0]), 200, respond});
}

void Queries::open_case(Request const& request, Parameters const&, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto const session_id = take_text(*body, "session_id", SIZE_MAX);
  if (!session_id) return respond(detail_response(session_id.error()));
  auto const title = take_optional_text(*body, "title", title_bytes_max);
  if (!title) return respond(detail_response(title.error()));
  auto const description = take_optional_text(*body, "description", description_bytes_max);
  if (!description) return respond(detail_response(description.error()));
  auto const priority = take_priority(*body);
  if (!priority) return respond(detail_response(priority.error()));
  PostMessage command{SessionKind::shared, *session_id, std::string(case_opened)};
  command.data = json::to_text(json::object{{"title", *title}, {"description", *description}, {"priority", *priority}});
  auto const id = command.request_id = make_case_id(*session_id, world_.random);
  auto const data = command.data;
  auto const shape = [this, id, data, session = *session_id, by = inside(request.principal)](Posted const& posted) {
    world_.hub.submit(by, NoteUse{SessionKind::shared, session, Use::case_opened});
    auto response = json_response(to_case(id, session, Event{.at_us = posted.at_us, .data = data}), 201);
    response.headers.emplace_back("Location", "/api/v1/cases/" + id);
    return response;
  };
  world_.hub.submit(request.principal, std::move(command), answer_with<Posted>(respond, *session_id, shape));
}

void Queries::show_case(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto const session_id = session_of_case(id);
  if (session_id.empty()) return respond(not_found("Case", id));
  world_.hub.submit(request.principal, read_all(session_id, id),
                    [respond, id, session_id](Result<Outcome> const& outcome) {
                      if (!outcome) return respond(refusal_of(outcome.error(), "Case", id, session_id));
                      auto const opened = find_case(std::get<EventPage>(*outcome));
                      if (opened == nullptr) return respond(not_found("Case", id));
                      respond(json_response(to_case(id, session_id, *opened)));
                    });
}

void Queries::ask_in_case(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto wish = parse_wish(request, *body);
  if (!wish) return respond(detail_response(wish.error()));
  wish->session_id = session_of_case(id);
  if (wish->session_id.empty()) return respond(not_found("Case", id));
  wish->case_id = id;
  auto const* const given = body->if_contains("session_id");
  bool const is_named = given != nullptr && !given->is_null();
  bool const is_other = is_named && json::find_string(*body, "session_id") != wish->session_id;
  if (is_other) return respond(detail_response(wrong_field("body", "session_id", "has to be that of the case")));
  wish->data.back() = ',';
  wish->data += "\"case_id\":" + json::to_text(json::value(id)) + "}";
  auto command = read_all(wish->session_id, id);
  world_.hub.submit(
      request.principal, std::move(command),
      [this, respond, principal = inside(request.principal), wish = std::move(*wish)](Result<Outcome> const& outcome) {
        if (!outcome) return respond(refusal_of(outcome.error(), "Case", wish.case_id, wish.session_id));
        if (find_case(std::get<EventPage>(*outcome)) == nullptr) return respond(not_found("Case", wish.case_id));
        begin(principal, wish, respond);
      });
}

}  // namespace sojourn

#include "api/events.h"

#include <array>

#include "api/session_answer.h"
#include "api/sessions.h"
#include "api/stream.h"
#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::int64_t page_events_max = 1000;

Result<PostMessage> parse_event(json::object const& body) {
  PostMessage command;
  command.name = std::string(json::find_string(body, "type"));
  if (command.name.empty() || is_reserved_type(command.name)) return error(Code::invalid, std::string(type_rule));
  if (auto const* const data = body.if_contains("data")) json::append(command.data, *data);
  if (auto const* const is_volatile = body.if_contains("volatile")) {
    if (!is_volatile->is_bool()) return error(Code::invalid, "volatile has to be true or false");
    command.is_volatile = is_volatile->get_bool();
  }
  return command;
}

std::string to_page(EventPage const& page) {
  std::string out = "{\"events\":[";
  for (auto const& event : page.events) {
    append_event(out, page.cursor.epoch, *event);
    out += ',';
  }
  if (!page.events.empty()) out.pop_back();
  return out += "],\"cursor\":\"" + to_text(page.cursor) + "\",\"last_seq\":" + std::to_string(page.last_seq) +
                ",\"gap\":" + (page.gap ? "true}" : "false}");
}

}  // namespace

std::span<Route const> Events::routes() {
  static constexpr std::array table{
      Route{"POST", "/api/v1/sessions/:id/events", handle<&Events::append>, "Append an event and broadcast it"},
      Route{"GET", "/api/v1/sessions/:id/events", handle<&Events::list>, "Events after a cursor"},
  };
  return table;
}

void Events::append(Request const& request, Parameters const& parameters, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto command = parse_event(*body);
  if (!command) return respond(detail_response(command.error()));
  auto const id = command->id = decode_segment(parameters.at[0]);
  hub_.submit(request.principal, std::move(*command), answer_with<Posted>(respond, id, [](Posted const& posted) {
                if (posted.seq == 0) return json_response("{\"volatile\":true}", 202);
                return json_response(
                    "{\"seq\":" + std::to_string(posted.seq) + ",\"cursor\":\"" + to_text(posted.cursor) + "\"}", 201);
              }));
}

void Events::list(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  auto const limit = parse_number("limit", request.parameter("limit"), 100, {1, page_events_max});
  if (!limit) return respond(detail_response(limit.error()));
  hub_.submit(request.principal, ReadEvents{{}, id, request.parameter("since"), static_cast<std::size_t>(*limit)},
              answer_with<EventPage>(respond, id, [](EventPage const& page) { return json_response(to_page(page)); }));
}

}  // namespace sojourn

#include "api/upkeep.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>

#include "api/restore_point.h"
#include "api/session_answer.h"
#include "base/json.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::size_t page_events = 1000;
// A state that is changed all the time is set back at the second attempt, or not at all.
constexpr int restore_attempts_max = 2;

// A request that takes several commands: who asked for what, until it is answered.
struct Inquiry {
  Hub& hub;
  Principal principal;
  std::string id;
  Respond respond;
};

// Submits the next command; `next` is given its outcome, a failure is the answer.
template <typename T, typename Asked, typename Next>
void proceed(std::shared_ptr<Asked> const& inquiry, Command command, Next next) {
  inquiry->hub.submit(inquiry->principal, std::move(command), [inquiry, next](Result<Outcome> outcome) {
    if (!outcome) return inquiry->respond(session_refusal(outcome.error(), inquiry->id));
    inquiry->principal.is_inside = true;  // a single-use token is good for the whole of one request
    next(std::get<T>(*outcome));
  });
}

std::string to_bool(bool truth) { return truth ? "true" : "false"; }

std::string to_heartbeat(SessionInfo const& info) {
  return "{\"session_id\":" + json_text(info.id) +
         ",\"status\":\"active\",\"last_activity\":" + json_time(info.last_seen_us) +
         ",\"expires_at\":" + json_time(info.expires_us) + ",\"message\":\"Session heartbeat updated\"}";
}

// The members that every description begins with, without a brace.
std::string to_head(SessionInfo const& info) {
  return "\"session_id\":" + json_text(info.id) + ",\"user_id\":" + json_text(info.owner) +
         ",\"created_at\":" + json_time(info.opened_us) + ",\"last_activity\":" + json_time(info.last_seen_us);
}

// To the hundredth of a minute.
json::value to_minutes(std::int64_t us) { return std::round(static_cast<double>(us) / 600'000) / 100; }

std::string to_stats(UseView const& view) {
  auto const& [info, use] = view;
  auto const requests = std::accumulate(use.counts.begin(), use.counts.end(), std::uint64_t{0});
  std::string out = "{" + to_head(info) + ",\"statistics\":{\"total_cases\":" + std::to_string(info.cases) +
                    ",\"total_data_uploads\":0,\"total_heartbeats\":" + std::to_string(use.count(Use::heartbeat)) +
                    ",\"total_stats_requests\":" + std::to_string(use.count(Use::stats)) +
                    ",\"total_queries\":" + std::to_string(use.count(Use::query)) + ",\"latest_confidence_score\":" +
                    (use.confidence ? json::to_text(json::value(*use.confidence)) : "null") +
                    ",\"session_duration_minutes\":" + json::to_text(to_minutes(info.last_seen_us - info.opened_us)) +
                    "},\"total_requests\":" + std::to_string(requests) + ",\"operations_history\":[";
  for (auto const& entry : use.recent) {
    out.append("{\"operation\":\"").append(to_word(entry.use));
    out.append("\",\"timestamp\":").append(json_time(entry.at_us)).append("},");
  }
  if (!use.recent.empty()) out.pop_back();
  return out += "]}";
}

std::string to_cleaned(Cleaned const& cleaned) {
  return "{\"session_id\":" + json_text(cleaned.session_id) +
         ",\"success\":true,\"status\":\"cleaned\",\"message\":\"Session data cleaned successfully\","
         "\"cleaned_items\":{\"data_uploads\":0,\"case_history\":" +
         std::to_string(cleaned.cases) + ",\"temp_files\":0,\"events\":" + std::to_string(cleaned.events) + "}}";
}

// What there is to go back to, as it is found out.
struct Recovery : Inquiry {
  SessionInfo info = {};
  std::size_t keys = 0;
  EventPage oldest = {};  // the first event
};

std::string to_recovery(Recovery const& found, EventPage const& newest) {
  auto const& info = found.info;
  auto const first = found.oldest.events.empty() ? 0 : found.oldest.events.front()->seq;
  auto const able = to_bool(is_whole(found.oldest));
  return "{" + to_head(info) +
         ",\"state_summary\":{\"active\":true,\"data_uploads\":0,\"cases\":" + std::to_string(info.cases) +
         ",\"keys\":" + std::to_string(found.keys) + ",\"revision\":" + std::to_string(info.revision) +
         "},\"metadata\":" + info.metadata + ",\"recovery_info\":{\"can_restore\":" + able +
         ",\"backup_available\":" + to_bool(!newest.events.empty()) +
         ",\"last_backup\":" + json_time(newest.events.empty() ? 0 : newest.events.back()->at_us) +
         ",\"data_integrity\":\"good\",\"oldest_point\":" + json_text(to_text(Cursor{newest.cursor.epoch, first})) +
         ",\"newest_point\":" + json_text(to_text(newest.cursor)) +
         "},\"restoration_options\":{\"full_restore\":" + able + ",\"partial_restore\":" + able +
         ",\"data_only\":" + able + "}}";
}

void show_newest(std::shared_ptr<Recovery> const& found) {
  auto const& page = found->oldest;
  Cursor const before{page.cursor.epoch, std::max<std::uint64_t>(page.last_seq, 1) - 1};
  proceed<EventPage>(found, ReadEvents{{}, found->id, to_text(before), page_events},
                     [found](EventPage const& newest) { found->respond(json_response(to_recovery(*found, newest))); });
}

void show_oldest(std::shared_ptr<Recovery> const& found) {
  proceed<EventPage>(found, ReadEvents{{}, found->id, {}, 1}, [found](EventPage const& oldest) {
    found->oldest = oldest;
    show_newest(found);
  });
}

struct RestoreWish {
  RestorePoint point;
  std::string type = "full";

  // Keys that came after the point stay.
  bool is_partial() const { return type == "partial"; }
};

Result<RestoreWish> parse_restore_wish(json::object const& body) {
  RestoreWish wish;
  auto point = parse_restore_point(body);
  if (!point) return point.error();
  wish.point = std::move(*point);
  auto const* const type = body.if_contains("type");
  if (type != nullptr && !type->is_null()) wish.type = json::find_string(body, "type");
  if (wish.type != "full" && wish.type != "partial" && wish.type != "data_only")
    return wrong_field("body", "type", "has to be full, partial or data_only");
  auto const* const with_data = body.if_contains("include_data");
  if (with_data != nullptr && !with_data->is_null() && !with_data->is_bool())
    return wrong_field("body", "include_data", "has to be true or false");
  return wish;
}

// A state on its way back.
struct Restoration : Inquiry {
  RestoreWish wish = {};
  std::int64_t now_us = 0;
  int attempts = 0;
  std::optional<Rewind> rewind = {};  // of this attempt
};

std::string to_restored(Restoration const& restoration, Past const& past, std::int64_t at_us) {
  auto const& type = restoration.wish.type;
  return "{\"session_id\":" + json_text(restoration.id) +
         ",\"status\":\"restored\",\"message\":\"Session restored successfully (" + type +
         " restoration)\",\"restoration_details\":{\"type\":\"" + type + "\",\"restored_at\":" + json_time(at_us) +
         ",\"restore_point\":" + json_text(to_text(past.cursor)) +
         ",\"items_restored\":{\"data_uploads\":0,\"case_history\":" + std::to_string(past.cases) +
         ",\"state_keys\":" + std::to_string(past.state.size()) + "}}}";
}

Result<std::string> to_new_state(Restoration const& restoration, Past const& past) {
  if (!restoration.wish.is_partial()) return json::to_text(past.state);
  auto state = restoration.rewind->present();
  if (!state) return state.error();
  for (auto const& [key, value] : past.state) (*state)[key] = value;
  return json::to_text(*state);
}

void begin(std::shared_ptr<Restoration> const& restoration);

void set_back(std::shared_ptr<Restoration> const& restoration) {
  auto past = restoration->rewind->finish(restoration->now_us);
  if (!past) return restoration->respond(detail_response(past.error()));
  auto state = to_new_state(*restoration, *past);
  if (!state) return restoration->respond(detail_response(state.error()));
  StateEdit edit{StateEdit::Verb::set, {}, std::move(*state), restoration->rewind->revision()};
  auto done = [restoration, past = std::move(*past)](Result<Outcome> outcome) {
    auto const& [hub, principal, id, respond] = static_cast<Inquiry const&>(*restoration);
    bool const was_overtaken = !outcome && outcome.error().code == Code::precondition_failed;
    if (was_overtaken && ++restoration->attempts < restore_attempts_max) return begin(restoration);
    if (was_overtaken)
      return respond(detail_response(error(Code::conflict, "the state is being changed by others; try again")));
    if (!outcome) return respond(session_refusal(outcome.error(), id));
    hub.submit(principal, NoteUse{{}, id, Use::restore});
    respond(json_response(to_restored(*restoration, past, std::get<Changed>(*outcome).at_us)));
  };
  restoration->hub.submit(restoration->principal, ChangeState{{}, restoration->id, std::move(edit)}, std::move(done));
}

void read_on(std::shared_ptr<Restoration> const& restoration, std::string since) {
  proceed<EventPage>(restoration, ReadEvents{{}, restoration->id, std::move(since), page_events},
                     [restoration](EventPage const& page) {
                       bool const has_more = restoration->rewind->take(page);
                       if (has_more) return read_on(restoration, to_text(page.cursor));
                       set_back(restoration);
                     });
}

// The state first and the log after it: whatever is changed from now on is noticed by its revision.
void begin(std::shared_ptr<Restoration> const& restoration) {
  proceed<StateView>(restoration, GetState{{}, restoration->id}, [restoration](StateView const& view) {
    restoration->rewind.emplace(restoration->wish.point, view);
    read_on(restoration, {});
  });
}

}  // namespace

std::span<Route const> Upkeep::routes() {
  static constexpr std::array table{
      Route{"POST", "/api/v1/sessions/cleanup", handle<&Upkeep::sweep>, "End what has expired"},
      Route{"POST", "/api/v1/sessions/:id/heartbeat", handle<&Upkeep::heartbeat>, "Keep it alive"},
      Route{"POST", "/api/v1/sessions//heartbeat", handle<&Upkeep::heartbeat>, "Refused: of no session"},
      Route{"GET", "/api/v1/sessions/:id/stats", handle<&Upkeep::show_stats>, "What it was used for"},
      Route{"POST", "/api/v1/sessions/:id/cleanup", handle<&Upkeep::clean>, "Forget its log; its state stays"},
      Route{"GET", "/api/v1/sessions/:id/recovery-info", handle<&Upkeep::show_recovery>, "What there is to go back to"},
      Route{"POST", "/api/v1/sessions/:id/restore", handle<&Upkeep::restore>, "Set its state back to what it was"},
  };
  return table;
}

void Upkeep::heartbeat(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = parameters.count == 0 ? std::string() : decode_segment(parameters.at[0]);
  if (trimmed(id).empty())
    return respond(detail_response(Error{Code::invalid, "Session ID cannot be empty", 0, "path.session_id"}));
  hub_.submit(request.principal, NoteUse{{}, id, Use::heartbeat}, [respond, id](Result<Outcome> outcome) {
    if (outcome) return respond(json_response(to_heartbeat(std::get<UseView>(*outcome).session)));
    auto failure = outcome.error();
    bool const is_gone =
        failure.code == Code::not_found || failure.code == Code::expired || failure.code == Code::ended;
    if (is_gone) failure.message = "Session not found or expired: " + id;
    respond(detail_response(failure));
  });
}

void Upkeep::show_stats(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  hub_.submit(request.principal, NoteUse{{}, id, Use::stats},
              answer_with<UseView>(respond, id, [](UseView const& view) { return json_response(to_stats(view)); }));
}

void Upkeep::clean(Request const& request, Parameters const& parameters, Respond respond) {
  auto const id = decode_segment(parameters.at[0]);
  hub_.submit(request.principal, CleanSession{{}, id}, answer_with<Cleaned>(respond, id, [](Cleaned const& cleaned) {
                return json_response(to_cleaned(cleaned));
              }));
}

void Upkeep::sweep(Request const& request, Parameters const&, Respond respond) {
  hub_.submit(request.principal, SweepSessions{}, answer_with<Swept>(respond, {}, [](Swept const& swept) {
                auto const count = std::to_string(swept.sessions);
                return json_response("{\"message\":\"Successfully cleaned up " + count +
                                     " expired sessions\",\"cleaned_sessions\":" + count +
                                     ",\"timestamp\":" + json_time(swept.at_us) + "}");
              }));
}

void Upkeep::show_recovery(Request const& request, Parameters const& parameters, Respond respond) {
  auto const found =
      std::make_shared<Recovery>(Recovery{{hub_, request.principal, decode_segment(parameters.at[0]), respond}});
  proceed<SessionInfo>(found, GetSession{{}, found->id}, [found](SessionInfo const& info) {
    found->info = info;
    proceed<StateView>(found, GetState{{}, found->id}, [found](StateView const& view) {
      auto const state = json::parse(*view.value, json::depth_max + 1);
      found->keys = state && state->is_object() ? state->get_object().size() : 0;
      show_oldest(found);
    });
  });
}

void Upkeep::restore(Request const& request, Parameters const& parameters, Respond respond) {
  auto const body = parse_object(request);
  if (!body) return respond(detail_response(body.error()));
  auto wish = parse_restore_wish(*body);
  if (!wish) return respond(detail_response(wish.error()));
  auto const restoration = std::make_shared<Restoration>(
      Restoration{{hub_, request.principal, decode_segment(parameters.at[0]), respond}, std::move(*wish)});
  restoration->now_us = request.at.utc_us;
  begin(restoration);
}

}  // namespace sojourn

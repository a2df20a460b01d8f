#include "api/responder.h"

#include <optional>
#include <utility>

#include "api/query_answer.h"
#include "api/query_message.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::int64_t progress_us_min = 50'000;                 // between two events of an endpoint's stream
constexpr std::size_t progress_bytes_max = 64 * 1024;            // of one of them
constexpr std::size_t body_bytes_max = 8'000'000;                // of an endpoint's answer
constexpr std::size_t record_bytes_max = 1'000'000 + 16 * 1024;  // so that every member can be shown it
constexpr std::string_view nobody =
    "no responder is attached; send {\"type\":\"offer\",\"queries\":true} from a connection of the session, or "
    "configure [responder] url";

Error cancelled() { return error(Code::conflict, "the query was cancelled"); }

// Results are the server's own to write, whatever became of the rights of whoever asked.
Principal on_behalf_of(Principal const& by) { return {Role::admin, by.name, Scope::admin}; }

std::string to_record(Result<json::object> const& answer) {
  if (answer) return "{\"result\":" + json::to_text(*answer) + ",\"is_error\":false}";
  std::string out = "{\"result\":{\"error\":";
  json::append_string(out, answer.error().message);
  return out.append(",\"code\":\"").append(row(answer.error().code).word).append("\"},\"is_error\":true}");
}

std::optional<double> find_confidence(Result<json::object> const& answer) {
  if (!answer) return std::nullopt;
  auto const* const score = answer->if_contains("confidence_score");
  return score == nullptr ? std::nullopt : std::optional(score->to_number<double>());
}

// The query that a connection's message is about. The hub calls tools in the same way; their answers have another
// shape, so whatever is no query is none that waits.
std::string find_query_id(json::object const& message) {
  auto const id = json::find_string(message, "query_id");
  return session_of_query(id).empty() ? std::string() : std::string(id);
}

bool is_event_stream(std::string_view content_type) {
  return equal_ignoring_case(trimmed(take_until(content_type, ';')), "text/event-stream");
}

// Why an endpoint's answer is none; in its own words, if it has some.
Error to_failure(int status, std::string_view body) {
  auto const parsed = json::parse(body);
  std::string reason;
  if (parsed && parsed->is_object()) {
    reason = find_failure(parsed->get_object());
    if (reason.empty()) reason = cut_text(json::find_string(parsed->get_object(), "detail"), 2000);
  }
  return error(Code::failed,
               "the responder answered with status " + std::to_string(status) + (reason.empty() ? "" : ": " + reason));
}

}  // namespace

bool Responder::is_open(std::string const& id) const {
  auto const place = running_.find(id);
  return place != running_.end() && !place->second.answer;
}

void Responder::ask(Principal const& principal, Question question, Done done) {
  auto const id = question.id;
  AskQuery command{SessionKind::shared, question.session_id, id, question.data, world_.settings.timeout_us};
  running_.try_emplace(id, Running{.by = principal, .question = std::move(question), .done = std::move(done)});
  world_.hub.submit(principal, std::move(command), [this, id](Result<Outcome> outcome) {
    if (!outcome) return end(id, outcome.error());
    take_answer(id, std::move(std::get<QueryAnswer>(*outcome)));
  });
}

void Responder::take_answer(std::string const& id, QueryAnswer answer) {
  if (running_.at(id).is_cancelled) return decide(id, cancelled());
  if (answer.failure) return decide(id, explain(*answer.failure));
  if (!answer.data.empty()) return decide(id, read_answer(answer.data));
  if (world_.settings.url.empty()) return decide(id, error(Code::unavailable, std::string(nobody)));
  call_endpoint(id, answer.history);
}

// What went wrong between us and whoever was to answer, for whoever asked.
Error Responder::explain(Error const& failure) const {
  if (failure.code == Code::not_connected) return error(Code::failed, "the responder left before it answered");
  if (failure.code == Code::timeout)
    return error(Code::timeout, "the responder did not answer within " +
                                    std::to_string(world_.settings.timeout_us / 1'000'000) + " s");
  bool const is_as_it_stands = failure.code == Code::conflict || failure.code == Code::too_many;
  return is_as_it_stands ? failure : error(Code::failed, failure.message);
}

void Responder::call_endpoint(std::string const& id, std::vector<EventRef> const& history) {
  auto& running = running_.at(id);
  auto const& question = running.question;
  Call call;
  call.url = world_.settings.url;
  call.body = to_query_call(
      {id, question.query, question.data, question.session_id, running.by.name, world_.settings.model}, history);
  call.timeout_us = world_.settings.timeout_us;
  call.body_bytes_max = body_bytes_max;
  running.call = world_.caller.call(
      std::move(call), [this, id](std::string_view piece) { take_piece(id, piece); },
      [this, id](Result<CallResult> reply) { take_reply(id, std::move(reply)); });
}

void Responder::take_piece(std::string const& id, std::string_view piece) {
  auto& running = running_.at(id);
  hear(id, running.reader.feed(piece));
  tell_progress(id);
  if (!running.reader.is_over()) return;
  // Whether it hangs up does not matter any more.
  world_.caller.cancel(std::exchange(running.call, 0));
  decide(id, running.reader.finish());
}

// Parts of an endpoint's answer: the text is for everybody in the session, remarks are for whoever asked.
void Responder::hear(std::string const& id, std::vector<AnswerPart> const& parts) {
  auto& running = running_.at(id);
  auto const& listener = running.question.listener;
  for (auto const& part : parts) {
    running.untold += part.text;
    if (!part.text.empty() && listener.on_text) listener.on_text(part.text);
    if (!part.remark.empty() && listener.on_remark) listener.on_remark(part.remark);
  }
}

void Responder::take_reply(std::string const& id, Result<CallResult> reply) {
  auto& running = running_.at(id);
  running.call = 0;
  if (!reply) return decide(id, explain(reply.error()));
  if (reply->status < 200 || reply->status > 299) return decide(id, to_failure(reply->status, reply->body));
  if (!is_event_stream(reply->content_type)) return decide(id, read_answer(reply->body));
  auto answer = running.reader.finish();
  hear(id, running.reader.feed({}));
  decide(id, std::move(answer));
}

void Responder::tell_progress(std::string const& id) {
  auto const place = running_.find(id);
  if (place == running_.end() || place->second.answer || place->second.untold.empty()) return;
  auto& running = place->second;
  auto const now_us = world_.clock.now().steady_us;
  if (now_us >= running.tell_us) return report(running);
  if (std::exchange(running.waits_to_tell, true)) return;
  world_.later(running.tell_us - now_us, [this, id] {
    auto const waiting = running_.find(id);
    if (waiting == running_.end()) return;
    waiting->second.waits_to_tell = false;
    tell_progress(id);
  });
}

void Responder::report(Running& running) {
  running.tell_us = world_.clock.now().steady_us + progress_us_min;
  std::string_view rest = running.untold;
  while (!rest.empty()) {
    auto const part = cut_text(rest, progress_bytes_max);
    rest.remove_prefix(part.size());
    ReportProgress command{running.question.session_id, 0, running.question.id, "{\"text\":"};
    json::append_string(command.data, part);
    command.data += '}';
    world_.hub.submit(on_behalf_of(running.by), std::move(command),
                      [this, id = running.question.id](Result<Outcome> const& outcome) {
                        if (!outcome) give_up(id, outcome.error());
                      });
  }
  running.untold.clear();
}

// The session has ended: there is nobody to tell, and nowhere to keep an answer.
void Responder::give_up(std::string const& id, Error const& why) {
  auto const place = running_.find(id);
  if (place == running_.end() || place->second.answer || place->second.call == 0) return;
  place->second.untold.clear();
  world_.caller.cancel(std::exchange(place->second.call, 0));
  decide(id, why);
}

void Responder::decide(std::string const& id, Result<json::object> answer) {
  auto& running = running_.at(id);
  if (!running.untold.empty()) report(running);
  auto record = to_record(answer);
  if (record.size() > record_bytes_max) {
    answer = error(Code::failed, "the responder's answer is larger than 1,000,000 bytes of JSON");
    record = to_record(answer);
  }
  RecordAnswer command{running.question.session_id, std::move(record), id, find_confidence(answer)};
  running.answer = std::move(answer);
  world_.hub.submit(on_behalf_of(running.by), std::move(command), [this, id](Result<Outcome> const& outcome) {
    end(id, outcome ? Result<>() : Result<>(outcome.error()));
  });
}

void Responder::end(std::string const& id, Result<> result) {
  auto running = std::move(running_.extract(id).mapped());
  auto const& on_answer = running.question.listener.on_answer;
  if (result && on_answer) on_answer(std::move(*running.answer));
  running.done(result);
  for (auto const& cancelled_by : running.cancels) cancelled_by(result);
}

void Responder::cancel(Principal const& principal, std::string const& session_id, std::string const& id, Done done) {
  CancelQuery command{SessionKind::shared, session_id, id};
  auto const stop = [this, id, done = std::move(done)](Result<Outcome> const& outcome) {
    if (!outcome) return done(outcome.error());
    auto const asked = std::get<ConnectionId>(*outcome);
    if (asked != 0) {
      world_.hub.whisper(asked, [&](Session const& session, Connection const& to, Moment now) {
        return to.via.dialect->ask(session,
                                   Event{.at_us = now.utc_us, .type = EventType::query_result, .request_id = id});
      });
    }
    auto const place = running_.find(id);
    // What the hub gave up for us fails on its own way.
    bool const is_late = place == running_.end() || (asked == 0 && place->second.answer);
    if (is_late) return done(error(Code::conflict, "the query is done already"));
    auto& running = place->second;
    running.cancels.push_back(done);
    running.is_cancelled = true;
    if (running.call == 0) return;
    world_.caller.cancel(std::exchange(running.call, 0));
    decide(id, cancelled());
  };
  world_.hub.submit(principal, std::move(command), stop);
}

void Responder::take_progress(ConnectionId connection, json::object const& message, std::function<void(bool)> told) {
  auto const id = find_query_id(message);
  std::string text(json::find_string(message, "text"));
  ReportProgress command{{}, connection, id, "{\"text\":"};
  json::append_string(command.data, text);
  command.data += '}';
  auto const hear = [this, id, text = std::move(text), told = std::move(told)](Result<Outcome> const& outcome) {
    bool const is_its_own = outcome && std::get<bool>(*outcome);
    auto const place = is_its_own && !text.empty() ? running_.find(id) : running_.end();
    if (place != running_.end() && place->second.question.listener.on_text)
      place->second.question.listener.on_text(text);
    told(is_its_own);
  };
  world_.hub.submit({}, std::move(command), hear);
}

void Responder::take_result(ConnectionId connection, json::object const& message, std::function<void(bool)> told) {
  AnswerCall command{connection, find_query_id(message), false, {}, {}};
  auto const answer = read_answer(message);
  command.success = answer.has_value();
  if (answer)
    command.data = json::to_text(*answer);
  else
    command.error = answer.error().message;
  world_.hub.submit({}, std::move(command), [told = std::move(told)](Result<Outcome> const& outcome) {
    told(outcome && std::get<bool>(*outcome));
  });
}

}  // namespace sojourn

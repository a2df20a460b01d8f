// Questions: asked in a session, answered by a member that offered to, or by somebody outside; both in its log.
#include <algorithm>

#include "core/hub.h"
#include "core/record.h"
#include "core/talk.h"

namespace sojourn {

Hub::Applied Hub::apply(Principal const& principal, AskQuery& command, Reply& reply) {
  auto const found = find(principal, Action::write, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  if (!session.is_durable()) return {error(Code::unsupported, "an extension's session answers no questions")};
  if (session.calls.size() >= static_cast<std::size_t>(world_.limits.calls)) return too_many_calls();
  if (calls_.contains(command.request_id)) return {error(Code::conflict, "a query of that name is being answered")};
  if (auto const full = refuse_full(&session)) return *full;
  note_use(session, Use::query).open_queries.push_back(command.request_id);
  auto const question = append(session,
                               Event{.at_us = found.at_us,
                                     .type = EventType::query,
                                     .data = std::move(command.data),
                                     .request_id = command.request_id,
                                     .user = principal.name},
                               {use_mark(session)});
  auto by = principal;
  by.is_inside = true;  // what follows from the question is still the one use of a single-use token
  // Who came last knows best.
  auto const provider = std::ranges::find_if(session.members.rbegin(), session.members.rend(), [](auto const* member) {
    return member->open && member->offer && member->offer->queries;
  });
  if (provider == session.members.rend())
    return {Outcome(QueryAnswer{{}, session.id, by, recent_talk(session, question->seq)}), session.batch};
  auto answer = [reply = std::exchange(reply, {}), id = session.id, by](Result<Outcome> outcome) {
    if (!reply) return;
    if (!outcome) return reply(Outcome(QueryAnswer{{}, id, by, {}, outcome.error()}));
    reply(Outcome(QueryAnswer{std::move(std::get<Answered>(*outcome).data), id, by}));
  };
  begin_call(session, command.request_id, {.to = (*provider)->id, .reply = std::move(answer)}, command.timeout_us);
  reply_after(
      session.batch, [this, question](Result<Outcome> const&) { ask(*question); }, Outcome());
  return {Outcome()};
}

// The question is in the log: now the one who answers may see it, if both are still there.
void Hub::ask(Event const& question) {
  auto const call = calls_.find(question.request_id);
  auto const place = call == calls_.end() ? connections_.end() : connections_.find(call->second.to);
  if (place == connections_.end()) return;
  send(place->second, place->second.via.dialect->ask(*place->second.session, question));
}

Hub::Applied Hub::apply(Principal const& principal, ReportProgress& command, Reply&) {
  Found found;
  if (command.connection != 0) {
    auto const call = calls_.find(command.request_id);
    auto const* const connection = touch(command.connection);
    if (connection == nullptr || call == calls_.end() || call->second.to != connection->id) return {Outcome(false)};
    found.session = connection->session;
  } else {
    found = find(principal, Action::write, {}, command.id);
    if (found.session == nullptr) return found.refusal;
  }
  append_fleeting(*found.session, Event{.at_us = world_.clock.now().utc_us,
                                        .type = EventType::query_progress,
                                        .from = command.connection,
                                        .data = std::move(command.data),
                                        .request_id = std::move(command.request_id)});
  return {Outcome(true)};
}

Hub::Applied Hub::apply(Principal const& principal, RecordAnswer& command, Reply&) {
  auto const found = find(principal, Action::write, {}, command.id);
  if (found.session == nullptr) return found.refusal;
  if (auto* const use = found.session->use.get()) {
    std::erase(use->open_queries, command.request_id);
    if (command.confidence) use->confidence = command.confidence;
  }
  return post(*found.session,
              Event{.at_us = world_.clock.now().utc_us,
                    .type = EventType::query_result,
                    .data = std::move(command.data),
                    .request_id = std::move(command.request_id),
                    .user = principal.name},
              false, found.session->use ? std::vector{use_mark(*found.session)} : std::vector<Mark>());
}

Hub::Applied Hub::apply(Principal const& principal, CancelQuery& command, Reply&) {
  auto const found = find(principal, Action::write, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  auto const call = calls_.find(command.request_id);
  bool const waits = call != calls_.end() && call->second.session_id == found.session->id;
  if (!waits) return {Outcome(ConnectionId{0})};
  auto const asked = call->second.to;
  finish_call(command.request_id, error(Code::conflict, "the query was cancelled"), 0);
  return {Outcome(asked)};
}

}  // namespace sojourn

// Calls: commands to the browser of an extension session, and tools that one connection runs for another.
#include <algorithm>

#include "base/id.h"
#include "core/hub.h"

namespace sojourn {
namespace {

constexpr std::size_t request_id_digits = 8;

Error not_connected() { return error(Code::not_connected, "Session is not connected"); }
bool offers(Connection const& connection, std::string const& tool) {
  return connection.open && connection.offer &&
         std::ranges::find(connection.offer->tools, tool) != connection.offer->tools.end();
}

}  // namespace

Hub::Applied Hub::apply(Principal const& principal, CallSession& command, Reply& reply) {
  auto const found = find(principal, Action::call, command.kind, command.id);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  if (!has_host(session)) return {not_connected()};
  if (session.calls.size() >= static_cast<std::size_t>(world_.limits.calls)) return too_many_calls();
  auto const request_id = mint_request_id();
  begin_call(session, request_id, {.to = session.host, .reply = std::exchange(reply, {})}, command.timeout_us);
  append(session, Event{.at_us = world_.clock.now().utc_us,
                        .type = EventType::call,
                        .name = std::move(command.name),
                        .data = std::move(command.data),
                        .request_id = request_id,
                        .user = principal.name});
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const&, CallTool& command, Reply& reply) {
  auto const found = find_own(Action::call, command.connection);
  if (found.session == nullptr) return found.refusal;
  Session& session = *found.session;
  auto const& by = connections_.at(command.connection).principal;
  // Who came last knows best; nobody is asked what they want to know themselves.
  auto const provider = std::ranges::find_if(session.members.rbegin(), session.members.rend(), [&](auto const* member) {
    return member->id != command.connection && offers(*member, command.name);
  });
  if (provider == session.members.rend()) return {Outcome(ToolAnswer{{}, session.id, by}), session.batch};
  if (session.calls.size() >= static_cast<std::size_t>(world_.limits.calls)) return too_many_calls();
  auto answer = [reply = std::exchange(reply, {}), id = session.id, by](Result<Outcome> outcome) {
    if (!reply) return;
    if (!outcome) return reply(Outcome(ToolAnswer{{}, id, by, outcome.error()}));
    reply(Outcome(ToolAnswer{std::move(std::get<Answered>(*outcome).data), id, by}));
  };
  Event call{.at_us = found.at_us,
             .type = EventType::call,
             .from = command.connection,
             .name = std::move(command.name),
             .data = std::move(command.data),
             .request_id = mint_request_id(),
             .user = by.name};
  begin_call(session, call.request_id, {.to = (*provider)->id, .reply = std::move(answer)}, command.timeout_us);
  send(**provider, (*provider)->via.dialect->ask(session, call));
  append_fleeting(session, std::move(call));
  return {Outcome()};
}

Hub::Applied Hub::apply(Principal const& principal, RecordResult& command, Reply&) {
  auto const found = find(principal, Action::write, {}, command.id);
  if (found.session == nullptr) return found.refusal;
  return post(*found.session,
              Event{.at_us = found.at_us,
                    .type = EventType::answer,
                    .from = command.connection,
                    .name = std::move(command.name),
                    .data = std::move(command.data),
                    .request_id = std::move(command.request_id),
                    .user = principal.name},
              false);
}

Hub::Applied Hub::apply(Principal const&, AnswerCall& command, Reply&) {
  auto const* connection = touch(command.connection);
  if (connection == nullptr) return {not_connected()};
  auto const call = calls_.find(command.request_id);
  if (call == calls_.end() || call->second.to != connection->id) return {Outcome(false)};
  Session& session = *connection->session;
  auto const now_us = connection->last_seen_us;
  if (!session.is_durable())
    append(session, Event{.at_us = now_us,
                          .type = EventType::answer,
                          .from = connection->id,
                          .data = command.success ? "{\"success\":true}" : "{\"success\":false}",
                          .request_id = command.request_id});
  if (command.success)
    finish_call(command.request_id, Outcome(Answered{command.request_id, std::move(command.data), now_us}), 0);
  else
    finish_call(command.request_id, error(Code::failed, std::move(command.error)), 0);
  return {Outcome(true)};
}

Hub::Applied Hub::too_many_calls() {
  return {error(Code::too_many, "too many calls of this session wait for an answer; try again when one is done")};
}

// `request_id` is not in use.
void Hub::begin_call(Session& session, std::string const& request_id, PendingCall call, std::int64_t timeout_us) {
  call.session_id = session.id;
  call.deadline_us = world_.clock.now().steady_us + timeout_us;
  session.calls.push_back(request_id);
  deadlines_.emplace(call.deadline_us, request_id);
  calls_.emplace(request_id, std::move(call));
}

std::string Hub::mint_request_id() {
  for (;;) {
    auto id = make_hex(world_.random, request_id_digits);
    if (!calls_.contains(id)) return id;
  }
}

// Those that wait for `to` (0: for anybody) get no answer any more.
void Hub::fail_calls(Session& session, ConnectionId to, std::uint64_t after_batch) {
  auto const waiting = session.calls;
  for (auto const& request_id : waiting) {
    if (to == 0 || calls_.at(request_id).to == to) finish_call(request_id, not_connected(), after_batch);
  }
}

void Hub::finish_call(std::string const& request_id, Result<Outcome> outcome, std::uint64_t after_batch) {
  auto const place = calls_.find(request_id);
  std::erase(sessions_.find(place->second.session_id)->second->calls, request_id);
  deadlines_.erase({place->second.deadline_us, request_id});
  if (place->second.reply) reply_after(after_batch, std::move(place->second.reply), std::move(outcome));
  calls_.erase(place);
}

void Hub::expire_calls(std::int64_t now_us) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_us) {
    auto const request_id = deadlines_.begin()->second;
    finish_call(request_id, error(Code::timeout, "Operation timeout"), 0);
  }
}

}  // namespace sojourn

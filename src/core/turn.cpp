// The end of a loop iteration: the part of the hub that shows, commits and replies.
#include <algorithm>
#include <limits>

#include "core/hub.h"

namespace sojourn {

namespace {

// So many sessions expire in one turn; the rest wait for the next, behind the sockets.
constexpr int expiries_a_turn_max = 256;
// When one that reads the log at its own pace is looked at again.
constexpr std::int64_t catch_up_us = 10'000;
// When those that could not end are looked at again.
constexpr std::int64_t no_room_us = 1'000'000;
constexpr std::uint16_t close_policy = 1008;

bool is_in_use(Session const& session) {
  if (session.seat) return !session.seat->open_calls.empty();
  return !session.members.empty() || (session.use && !session.use->open_queries.empty());
}

}  // namespace

bool Hub::turn() {
  auto const now = world_.clock.now();
  expire_calls(now.steady_us);
  expire_guests(now.steady_us);
  expire_sessions(now);
  let_in_waiting();
  turn_late_away(now.steady_us);
  // Replies that come due meanwhile run in the next turn, so that no chain of them starves the sockets.
  for (auto count = due_.size(); count > 0; --count) {
    auto due = std::move(due_.front());
    due_.pop_front();
    due.reply(std::move(due.outcome));
  }
  while (!dirty_.empty()) {
    Session& session = *dirty_.back();
    dirty_.pop_back();
    show(session);
  }
  if (!behind_.empty()) catch_up_all();
  save(now.steady_us);
  start_commit();
  return has_more();
}

bool Hub::has_more() const {
  bool const can_commit = !commit_runs_ && !stopped_ && !gathering_.batch.changes.empty();
  bool const can_let_in = !stopped_ && !admission_.is_empty() && has_room();
  return !due_.empty() || !dirty_.empty() || can_commit || can_let_in;
}

std::int64_t Hub::next_deadline_us() const {
  auto next_us = std::numeric_limits<std::int64_t>::max();
  if (!deadlines_.empty()) next_us = deadlines_.begin()->first;
  if (stopped_) return next_us;
  if (!guests_.empty()) next_us = std::min(next_us, guests_.begin()->first);
  if (!expiries_.empty()) next_us = std::min(next_us, expiries_.begin()->first);
  next_us = std::min(next_us, admission_.next_deadline_us());
  if (save_us_ != 0) next_us = std::min(next_us, save_us_);
  if (!behind_.empty()) next_us = std::min(next_us, world_.clock.now().steady_us + catch_up_us);
  return next_us;
}

void Hub::expire_guests(std::int64_t now_us) {
  while (!guests_.empty() && guests_.begin()->first <= now_us)
    send_away(connections_.at(guests_.begin()->second), close_policy, "Invalid or expired token");
}

// A session that was used since, or is in use, is looked at again when its time may be over.
std::size_t Hub::expire_sessions(Moment now) {
  std::size_t count = 0;
  for (int left = expiries_a_turn_max; left > 0 && !stopped_ && !expiries_.empty(); --left) {
    auto const place = expiries_.begin();
    if (place->first > now.steady_us) break;
    Session& session = *place->second;
    auto const end_us = look_again_us(session, is_in_use(session) ? now.steady_us : session.active.steady_us);
    if (end_us <= now.steady_us && session.is_durable() && !world_.store.has_room()) {
      look_at(session, now.steady_us + no_room_us);  // it would be written that it ended
      continue;
    }
    if (end_us <= now.steady_us) {
      end(session, "expired");
      ++count;
      continue;
    }
    look_at(session, end_us);
  }
  return count;
}

void Hub::look_at(Session& session, std::int64_t at_us) {
  auto node = expiries_.extract(session.expiry);
  node.key() = at_us;
  session.expiry = expiries_.insert(std::move(node));
}

// What was in use when it was looked at, and was not kept by it, may be over before it would be looked at again.
void Hub::look_earlier(Session& session) {
  look_at(session, std::min(session.expiry->first, look_again_us(session, session.active.steady_us)));
}

void Hub::whisper(ConnectionId connection, Whisper const& say) {
  auto const place = connections_.find(connection);
  if (place == connections_.end() || !place->second.open) return;
  send(place->second, say(*place->second.session, place->second, world_.clock.now()));
}

void Hub::reply_after(std::uint64_t batch, Reply reply, Result<Outcome> outcome) {
  DueReply due{std::move(reply), std::move(outcome)};
  if (batch != 0 && batch == gathering_.batch.number)
    gathering_.replies.push_back(std::move(due));
  else if (batch != 0 && commit_runs_ && batch == in_flight_.batch.number)
    in_flight_.replies.push_back(std::move(due));
  else
    due_.push_back(std::move(due));
}

// The last with changes that are not committed; 0 = there are none.
std::uint64_t Hub::latest_batch() const {
  if (!gathering_.batch.changes.empty()) return gathering_.batch.number;
  return commit_runs_ ? in_flight_.batch.number : 0;
}

void Hub::start_commit() {
  if (commit_runs_ || stopped_ || gathering_.batch.changes.empty()) return;
  auto const next = gathering_.batch.number + 1;
  in_flight_ = std::move(gathering_);
  gathering_ = {};
  gathering_.batch.number = next;
  commit_runs_ = true;
  // The number stays behind: replies are still asked to wait for it.
  world_.store.commit(std::move(in_flight_.batch), 0, [this](Result<> result) { committed(std::move(result)); });
}

void Hub::committed(Result<> result) {
  commit_runs_ = false;
  if (!result) return stop(result.error());
  auto batch = std::exchange(in_flight_, {});
  for (auto const& settled : batch.settled) {
    settled.session->visible_seq = settled.seq;
    mark_dirty(*settled.session);
    if (settled.closes) bury(*settled.session);
  }
  for (auto& due : batch.replies) due_.push_back(std::move(due));
}

void Hub::stop(Error const& reason) {
  stopped_ = true;
  world_.log.write(Level::error, "storage.failed", {{"reason", reason.message}});
  while (!calls_.empty()) finish_call(std::string(calls_.begin()->first), reason, 0);
  for (auto& [number, call] : std::exchange(running_, {})) {
    if (call.reply) due_.push_back({std::move(call.reply), reason});
  }
  while (auto const ticket = admission_.take_next()) turn_away(*ticket, reason);
  for (auto* batch : {&in_flight_, &gathering_}) {
    for (auto& due : batch->replies) {
      // Who is told that it could not come in takes its outlet away.
      auto const* const opened = due.outcome ? std::get_if<Opened>(&*due.outcome) : nullptr;
      auto const place = connections_.find(opened == nullptr ? 0 : opened->connection);
      if (place != connections_.end()) remove(place->second, "storage failed");
      due_.push_back({std::move(due.reply), reason});
    }
    *batch = {};
  }
}

}  // namespace sojourn

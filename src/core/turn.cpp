// The end of a loop iteration: the part of the hub that shows, commits and replies.
#include <algorithm>
#include <limits>

#include "core/hub.h"

namespace sojourn {

bool Hub::turn() {
  if (!deadlines_.empty()) expire_calls(world_.clock.now().steady_us);
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
  start_commit();
  return has_more();
}

bool Hub::has_more() const {
  bool const can_commit = !commit_runs_ && !stopped_ && !gathering_.batch.changes.empty();
  return !due_.empty() || !dirty_.empty() || can_commit;
}

std::int64_t Hub::next_deadline_us() const {
  return deadlines_.empty() ? std::numeric_limits<std::int64_t>::max() : deadlines_.begin()->first;
}

void Hub::whisper(ConnectionId connection, Whisper const& say) {
  auto const place = connections_.find(connection);
  if (place == connections_.end() || !place->second.open) return;
  send(place->second, say(*place->second.session, world_.clock.now()));
}

void Hub::show(Session& session) {
  session.dirty = false;
  struct Encoded {
    Dialect const* dialect;
    Framing framing;
    std::uint64_t after_seq;
    Bytes bytes;
  };
  std::vector<Encoded> encoded;  // one for each way the members want to see it
  std::string message;
  for (auto const id : session.members) {
    auto& connection = connections_.at(id);
    auto const& via = connection.via;
    auto const after_seq = connection.shown_seq;
    if (after_seq >= session.visible_seq) continue;
    connection.shown_seq = session.visible_seq;
    if (!connection.open) continue;
    auto same = std::find_if(encoded.begin(), encoded.end(), [&](Encoded const& e) {
      return e.dialect == via.dialect && e.framing == via.framing && e.after_seq == after_seq;
    });
    if (same == encoded.end()) {
      auto bytes = std::make_shared<std::string>();
      for (auto seq = std::max(after_seq + 1, session.journal.first_seq()); seq <= session.visible_seq; ++seq) {
        message.clear();
        if (via.dialect->encode(session, *session.journal.at(seq), message)) via.framing(*bytes, message);
      }
      same = encoded.insert(encoded.end(), {via.dialect, via.framing, after_seq, std::move(bytes)});
    }
    if (!same->bytes->empty()) via.outlet->push(same->bytes);
  }
  session.shown_seq = session.visible_seq;
  session.journal.trim(limits_of(session), session.shown_seq);
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

void Hub::start_commit() {
  if (commit_runs_ || stopped_ || gathering_.batch.changes.empty()) return;
  auto const next = gathering_.batch.number + 1;
  in_flight_ = std::move(gathering_);
  gathering_ = {};
  gathering_.batch.number = next;
  commit_runs_ = true;
  world_.store.commit(in_flight_.batch, 0, [this](Result<> result) { committed(std::move(result)); });
}

void Hub::committed(Result<> result) {
  commit_runs_ = false;
  if (!result) return stop(result.error());
  auto batch = std::exchange(in_flight_, {});
  for (auto const& change : batch.batch.changes) {
    auto const place = index_.find(change.session_id);
    if (place == index_.end()) continue;
    place->second->visible_seq = change.event->seq;
    mark_dirty(*place->second);
    if (change.event->type == EventType::closed) bury(*place->second);
  }
  for (auto& due : batch.replies) due_.push_back(std::move(due));
}

void Hub::stop(Error const& reason) {
  stopped_ = true;
  world_.log.write(Level::error, "storage.failed", {{"reason", reason.message}});
  while (!calls_.empty()) finish_call(std::string(calls_.begin()->first), reason, 0);
  for (auto* batch : {&in_flight_, &gathering_}) {
    for (auto& due : batch->replies) due_.push_back({std::move(due.reply), reason});
    *batch = {};
  }
}

}  // namespace sojourn

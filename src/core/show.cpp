// From the log to the members: each session's news is encoded once for each way the members want to see it, and that
// one buffer goes to all of them.
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/json.h"
#include "core/hub.h"

namespace sojourn {
namespace {

// What one that reads the log at its own pace gets at a time, and how much may wait for it before it gets more.
constexpr std::size_t chunk_bytes_max = 128 * 1024;
// With more than that waiting a peer is not bothered with what is volatile.
constexpr std::size_t fleeting_queue_bytes_max = 256 * 1024;
// So many changes of state are shown as one.
constexpr std::uint64_t folded_max = 256;
// So many volatile events are not gathered any longer.
constexpr std::size_t fleeting_max = 1024;

// The next thing to show: an event, or all the changes of state that stand in a row as one.
struct Step {
  EventRef event;
  std::uint64_t last_seq = 0;
};

// What became of each key: its value, or nothing for one that was removed.
using Fates = std::map<std::string, std::optional<std::string>, std::less<>>;

void fold(Fates& fates, json::object const& change) {
  for (auto const& [key, value] : change.at("set").as_object()) fates[std::string(key)] = json::to_text(value);
  for (auto const& key : change.at("removed").as_array()) fates[std::string(key.as_string())].reset();
}

Step take_step(Journal const& journal, std::uint64_t seq, std::uint64_t last_seq) {
  auto first = journal.at(seq);
  auto const is_change = [&](std::uint64_t at) { return at <= last_seq && journal.at(at)->type == EventType::state; };
  if (!is_change(seq) || !is_change(seq + 1)) return {std::move(first), seq};
  Fates fates;
  auto end = seq - 1;
  for (; is_change(end + 1) && end + 1 < seq + folded_max; ++end) {
    // A value as deep as is allowed can't be read again with the event around it: that one is shown by itself.
    auto const change = json::parse(journal.at(end + 1)->data);
    if (!change) break;
    fold(fates, change->as_object());
  }
  if (end <= seq) return {std::move(first), seq};
  StateChange sum;
  for (auto& [key, value] : fates) {
    if (value)
      sum.set.emplace_back(key, std::move(*value));
    else
      sum.removed.push_back(key);
  }
  auto whole = std::make_shared<Event>(*journal.at(end));
  whole->first_seq = seq;
  whole->data = to_text(sum);
  return {std::move(whole), end};
}

// Appends frames from `seq` on until `last_seq`, or until there are `bytes_max`; returns the next that is due.
std::uint64_t encode(Session const& session, Attachment const& via, std::pair<std::uint64_t, std::uint64_t> range,
                     std::size_t bytes_max, std::string& out) {
  std::string message;
  auto [seq, last_seq] = range;
  while (seq <= last_seq && out.size() < bytes_max) {
    auto const step = take_step(session.journal, seq, last_seq);
    message.clear();
    if (via.dialect->encode(session, *step.event, message)) via.framing(out, message);
    seq = step.last_seq + 1;
  }
  return seq;
}

void encode_fleeting(Session const& session, Attachment const& via, std::uint64_t shown, std::string& out) {
  std::string message;
  auto const count = std::min<std::uint64_t>(session.last_fleeting - shown, session.fleeting.size());
  for (auto at = session.fleeting.size() - count; at < session.fleeting.size(); ++at) {
    message.clear();
    if (via.dialect->encode(session, *session.fleeting[at], message)) via.framing(out, message);
  }
}

// Members lie all over the memory: what the next ones need comes nearer while this one is served.
void fetch_ahead(std::vector<Connection*> const& members, std::size_t at) {
  constexpr std::size_t line_bytes = 64;
  if (at + 16 < members.size()) {
    auto const* const line = reinterpret_cast<char const*>(members[at + 16]);
    for (std::size_t offset = 0; offset < sizeof(Connection); offset += line_bytes) __builtin_prefetch(line + offset);
  }
  if (at + 8 < members.size()) __builtin_prefetch(members[at + 8]->via.outlet);
}

}  // namespace

Limits const& Hub::limits_of(Session const& session) const {
  return session.is_durable() ? world_.limits : memory_limits_;
}

EventRef Hub::append(Session& session, Event event, std::vector<Mark> marks) {
  auto kept = session.journal.append(std::move(event));
  // Nobody misses what falls off: a burst beyond the limits is shown at once, or kept until it may be shown.
  session.journal.trim(limits_of(session), session.shown_seq);
  if (session.is_durable()) {
    if (!session.ended) keep(session, kept, std::move(marks));
    return kept;
  }
  session.visible_seq = kept->seq;
  mark_dirty(session);
  if (session.journal.is_over(limits_of(session))) show(session);
  return kept;
}

void Hub::append_fleeting(Session& session, Event event) {
  if (session.fleeting.size() >= fleeting_max) show(session);
  session.fleeting.push_back(std::make_shared<Event const>(std::move(event)));
  ++session.last_fleeting;
  mark_dirty(session);
}

void Hub::mark_dirty(Session& session) {
  if (session.dirty) return;
  session.dirty = true;
  dirty_.push_back(&session);
}

void Hub::show(Session& session) {
  session.dirty = false;
  struct Encoded {
    Dialect const* dialect;
    Framing framing;
    std::uint64_t shown_seq;
    std::uint64_t shown_fleeting;
    Bytes bytes;
  };
  std::vector<Encoded> encoded;  // one for each way the members want to see it
  for (std::size_t at = 0; at < session.members.size(); ++at) {
    fetch_ahead(session.members, at);
    auto& connection = *session.members[at];
    if (connection.behind) continue;
    auto const& via = connection.via;
    auto const shown_seq = connection.shown_seq;
    bool const is_slow = !session.fleeting.empty() && via.outlet->queued_bytes() > fleeting_queue_bytes_max;
    auto const shown_fleeting = is_slow ? session.last_fleeting : connection.shown_fleeting;
    connection.shown_fleeting = session.last_fleeting;
    connection.shown_seq = std::max(shown_seq, session.visible_seq);
    bool const has_news = shown_seq < session.visible_seq || shown_fleeting < session.last_fleeting;
    if (!has_news || !connection.open) continue;
    auto same = std::find_if(encoded.begin(), encoded.end(), [&](Encoded const& e) {
      return e.dialect == via.dialect && e.framing == via.framing && e.shown_seq == shown_seq &&
             e.shown_fleeting == shown_fleeting;
    });
    if (same == encoded.end()) {
      auto bytes = std::make_shared<std::string>();
      encode(session, via, {std::max(shown_seq + 1, session.journal.first_seq()), session.visible_seq},
             std::numeric_limits<std::size_t>::max(), *bytes);
      encode_fleeting(session, via, shown_fleeting, *bytes);
      same = encoded.insert(encoded.end(), {via.dialect, via.framing, shown_seq, shown_fleeting, std::move(bytes)});
    }
    if (!same->bytes->empty()) via.outlet->push(same->bytes);
  }
  session.fleeting.clear();
  session.shown_seq = session.visible_seq;
  if (session.cleaned_seq != 0 && session.cleaned_seq <= session.shown_seq) {
    session.journal.forget_before(std::exchange(session.cleaned_seq, 0));
  }
  session.journal.trim(limits_of(session), session.shown_seq);
}

// Gives one that is behind the next piece of the log, as fast as it reads. False when it has caught up.
bool Hub::catch_up(Connection& connection, std::size_t bytes_max) {
  Session& session = *connection.session;
  auto const& via = connection.via;
  if (via.outlet->queued_bytes() >= bytes_max) return true;
  auto const& journal = session.journal;
  Cursor const place{journal.epoch(), connection.shown_seq};
  auto bytes = std::make_shared<std::string>();
  if (!connection.snapshot && !journal.has_all_since(place)) {
    connection.snapshot =
        std::make_unique<std::string>(via.dialect->greet(session, connection, Arrival{.since = to_text(place)}));
    connection.shown_seq = journal.last_seq();
  }
  if (connection.snapshot) {
    // It tells of everything in the log as it was then, so all of that has to be committed first.
    if (session.visible_seq < connection.shown_seq) return true;
    via.framing(*bytes, *std::exchange(connection.snapshot, nullptr));
  } else {
    auto const next = encode(session, via, {connection.shown_seq + 1, session.visible_seq}, bytes_max, *bytes);
    connection.shown_seq = std::max(connection.shown_seq, next - 1);
  }
  if (!bytes->empty() && connection.open) via.outlet->push(std::move(bytes));
  connection.behind = connection.shown_seq < session.visible_seq;
  if (!connection.behind) connection.shown_fleeting = session.last_fleeting;
  return connection.behind;
}

void Hub::catch_up_all() {
  std::erase_if(behind_, [this](ConnectionId id) { return !catch_up(connections_.at(id), chunk_bytes_max); });
}

}  // namespace sojourn

// What the store keeps of sessions, and how it comes back: each event goes there with the marks that it changed, and
// what may be a few seconds old follows behind.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "core/hub.h"
#include "core/record.h"

namespace sojourn {
namespace {

constexpr std::int64_t save_us = 5'000'000;
// A use is worth saving when the last that was saved is older.
constexpr std::int64_t use_us = 30'000'000;
constexpr std::int64_t grace_us_max = 60'000'000;
constexpr std::size_t page_events = 1000;

// The empty text when there is none.
std::string find_mark(Record const& record, std::string_view wanted) {
  for (auto const& [name, value] : record.marks) {
    if (name == wanted) return value;
  }
  return {};
}

}  // namespace

void Hub::keep(Session& session, EventRef const& event, std::vector<Mark> marks) {
  session.batch = gathering_.batch.number;
  // What was cleaned is still shown to those who are here, and to nobody else.
  auto const first_seq = std::max(session.journal.first_seq(), session.cleaned_seq);
  gathering_.batch.changes.push_back(
      {.session_id = session.id, .event = event, .marks = std::move(marks), .first_seq = first_seq});
  gathering_.settled.push_back({&session, event->seq, false});
  gathering_.bytes += bytes_of(*event);
  save_later(session);
}

// The same without an event.
void Hub::keep(Session& session, Mark mark) {
  if (!session.is_durable() || session.ended) return;
  session.batch = gathering_.batch.number;
  gathering_.batch.changes.push_back({.session_id = session.id, .marks = {std::move(mark)}});
}

// Of one that ended nothing is kept but that it did.
void Hub::keep_end(Session& session, EventRef const& closing, Tombstone tombstone) {
  session.batch = gathering_.batch.number;
  auto& changes = gathering_.batch.changes;
  changes.push_back(
      {.session_id = session.id, .marks = {stone_mark(tombstone)}, .first_seq = closing->seq + 1, .forgets = true});
  gathering_.settled.push_back({&session, closing->seq, true});
  lay_stone(session.id, std::move(tombstone));
}

void Hub::lay_stone(std::string const& id, Tombstone tombstone) {
  for (auto& gone : tombstones_.add(id, std::move(tombstone)))
    gathering_.batch.changes.push_back({.session_id = std::move(gone), .forgets = true});
}

// What a start after a crash may know a little late: when it was used, and what was missed by nobody.
void Hub::save_later(Session& session) {
  if (!session.is_durable() || session.unsaved || session.ended) return;
  bool const is_followed_anew = !session.thread_id().empty();
  if (!is_followed_anew && session.active.utc_us - session.saved_us < use_us) return;
  session.unsaved = true;
  unsaved_.push_back(session.id);
  if (save_us_ == 0) save_us_ = world_.clock.now().steady_us + save_us;
}

void Hub::note(Mark mark, Reply kept) {
  bool const has_room = !stopped_ && world_.store.has_room();
  mark.name.insert(0, note_prefix);
  if (has_room)
    gathering_.batch.changes.push_back({.session_id = std::string(server_record), .marks = {std::move(mark)}});
  if (kept) reply_after(has_room ? gathering_.batch.number : 0, std::move(kept), Outcome(true));
}

void Hub::save_now() {
  for (auto const& [id, session] : sessions_) {
    if (session->is_durable() && !session->unsaved && !session->ended && session->active.utc_us > session->saved_us) {
      session->unsaved = true;
      unsaved_.push_back(session->id);
    }
  }
  if (!unsaved_.empty() && world_.store.has_room()) save_us_ = world_.clock.now().steady_us;
  if (std::exchange(saves_browsers_, true)) return;
  has_browsers_saved_ = world_.browser == nullptr || !world_.browsers.recovers;
  if (!has_browsers_saved_) world_.browser->save([this] { has_browsers_saved_ = true; });
}

bool Hub::is_saved() const {
  bool const waits = !unsaved_.empty() && world_.store.has_room();
  bool const is_idle = !commit_runs_ && gathering_.batch.changes.empty() && due_.empty();
  return stopped_ || (is_idle && !waits && saves_browsers_ == has_browsers_saved_);
}

void Hub::save(std::int64_t now_us) {
  if (save_us_ == 0 || save_us_ > now_us || stopped_) return;
  // What can wait does, while there is no room.
  save_us_ = world_.store.has_room() ? 0 : now_us + save_us;
  if (save_us_ != 0) return;
  for (auto const& id : std::exchange(unsaved_, {})) {
    auto const place = sessions_.find(id);
    if (place == sessions_.end() || place->second->ended) continue;
    Session& session = *place->second;
    session.unsaved = false;
    session.saved_us = session.active.utc_us;
    if (is_followed(session)) session.followed_seq = std::max(session.followed_seq, session.shown_seq);
    auto const first_seq = session.journal.is_asleep() ? 0 : session.journal.first_seq();
    Change change{.session_id = id, .marks = {seen_mark(session)}, .first_seq = first_seq};
    if (!session.thread_id().empty()) change.marks.push_back(followed_mark(session));
    if (session.use) change.marks.push_back(use_mark(session));
    if (session.seat) change.marks.push_back(seat_mark(session, world_.clock.now()));
    gathering_.batch.changes.push_back(std::move(change));
  }
  gathering_.batch.changes.push_back({.session_id = std::string(server_record),
                                      .marks = {{std::string(alive_name), std::to_string(world_.clock.now().utc_us)}}});
}

Result<> Hub::restore() {
  std::vector<Restored> sessions;
  std::vector<std::pair<std::string, Tombstone>> stones;
  std::int64_t alive_us = 0;
  bool is_backup = false;
  std::optional<Error> damage;
  auto const loaded = world_.store.load([&](Record record) {
    if (record.session_id == server_record) {
      alive_us = std::strtoll(find_mark(record, alive_name).c_str(), nullptr, 10);
      is_backup = !find_mark(record, restored_name).empty();
      for (auto& [name, value] : record.marks) {
        if (name.starts_with(note_prefix)) notes_.emplace_back(name.substr(note_prefix.size()), std::move(value));
      }
      return;
    }
    auto id = record.session_id;
    auto restored = read_record(std::move(record));
    if (!restored)
      damage = restored.error();
    else if (restored->stone)
      stones.emplace_back(std::move(id), *std::move(restored->stone));
    else
      sessions.push_back(*std::move(restored));
  });
  if (!loaded) return loaded.error();
  if (damage) return *damage;
  auto const now = world_.clock.now();
  std::ranges::stable_sort(stones, {}, [](auto const& stone) { return stone.second.at_us; });
  for (auto& [id, stone] : stones) lay_stone(id, std::move(stone));
  sessions_.reserve(sessions.size());
  aliases_.reserve(sessions.size());
  for (auto& session : sessions) take_up(std::move(session), now, alive_us);
  if (is_backup) begin_epochs();
  world_.log.write(Level::info, "storage.loaded",
                   {{"sessions", static_cast<std::int64_t>(sessions_.size())},
                    {"ended", static_cast<std::int64_t>(tombstones_.size())}});
  return {};
}

void Hub::take_up(Restored restored, Moment now, std::int64_t alive_us) {
  Session& session = *restored.session;
  bool const is_whole =
      session.kind != SessionKind::browser || take_up_seat(session, std::move(restored.checkpoint), now, alive_us);
  if (!is_whole) {
    gathering_.batch.changes.push_back({.session_id = session.id, .forgets = true});
    return;
  }
  auto const before_us = std::max<std::int64_t>(alive_us - session.active.utc_us, 0);
  // Over by that count, and there all the same: somebody was in it to the end.
  bool const was_in_use = session.idle_us != 0 && before_us >= session.idle_us;
  // Whoever was in it without a word has the time to come back.
  auto const left_us = session.idle_us - (was_in_use ? 0 : before_us);
  auto const grace_us = std::min(session.idle_us, grace_us_max);
  session.active.steady_us = now.steady_us - session.idle_us + std::max(left_us, grace_us);
  session.saved_us = session.active.utc_us;
  sessions_.emplace(session.id, std::move(restored.session));
  drop_expired_tokens(session);
  shelves_.put(session);
  if (auto alias = to_alias(session); !alias.empty()) aliases_[std::move(alias)] = &session;
  session.expiry = expiries_.emplace(look_again_us(session, session.active.steady_us), &session);
}

// The page that it had went with the server. What it is made of again is there, or it is not there any more.
bool Hub::take_up_seat(Session& session, std::string checkpoint, Moment now, std::int64_t alive_us) {
  bool const recovers = world_.browser != nullptr && world_.browsers.recovers;
  if (!recovers || session.seat == nullptr || checkpoint.empty()) return false;
  auto& seat = *session.seat;
  auto const last_us = std::max({alive_us, seat.checkpoint_us, seat.last_call_us});
  if (seat.life_us != 0) seat.ends_us = now.steady_us + std::max<std::int64_t>(seat.ends_us - last_us, 0);
  world_.browser->resume(session.id, std::move(checkpoint));
  return true;
}

// Who heard of places after the backup was made gets a gap, and not what stands there now.
void Hub::begin_epochs() {
  auto& changes = gathering_.batch.changes;
  for (auto const& [id, session] : sessions_) {
    session->journal.begin_epoch(mint_epoch());
    session->batch = gathering_.batch.number;
    changes.push_back({.session_id = session->id, .marks = {birth_mark(*session)}});
  }
  changes.push_back({.session_id = std::string(server_record), .marks = {{std::string(restored_name), std::nullopt}}});
}

// Its log is read when somebody is about to look into it.
Result<> Hub::wake(Session& session) {
  if (!session.journal.is_asleep()) return {};
  std::vector<EventRef> events;
  for (std::uint64_t since = 0;;) {
    auto page = world_.store.read(session.id, since, page_events);
    if (!page) return page.error();
    if (page->empty()) break;
    since = page->back()->seq;
    std::ranges::move(*page, std::back_inserter(events));
  }
  if (session.journal.wake(std::move(events))) return {};
  return error(Code::damaged, "the stored log of session " + session.id + " is not whole; restore a backup");
}

// Whether one more thing may be kept of a session, or a new one; told before anything is done.
std::optional<Hub::Applied> Hub::refuse_full(Session const* session) const {
  if ((session != nullptr && !session->is_durable()) || world_.store.has_room()) return std::nullopt;
  return Applied{
      error(Code::storage_full,
            "the disk of the data folder is nearly full, and nothing more is kept until there is room again; "
            "reading goes on")};
}

}  // namespace sojourn

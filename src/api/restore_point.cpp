#include "api/restore_point.h"

#include <utility>

#include "api/api.h"
#include "base/time.h"

namespace sojourn {
namespace {

// Of the message that opens a case.
constexpr std::string_view case_opened = "case.opened";

Error wrong(std::string_view what) { return wrong_field("body", "restore_point", what); }

Error untold() {
  return error(Code::conflict, "the log does not go back to its beginning any more: it can't tell what the state was");
}

// {"set":{...},"removed":[...]}. False when it is something else.
bool fold(json::object& state, std::string_view data) {
  auto change = json::parse(data, json::depth_max + 2);
  if (!change || !change->is_object()) return false;
  auto* const set = change->get_object().if_contains("set");
  auto const* const removed = change->get_object().if_contains("removed");
  if (set == nullptr || !set->is_object() || removed == nullptr || !removed->is_array()) return false;
  for (auto& member : set->get_object()) state[member.key()] = std::move(member.value());
  for (auto const& key : removed->get_array()) {
    if (!key.is_string()) return false;
    state.erase(key.get_string());
  }
  return true;
}

}  // namespace

bool is_whole(EventPage const& oldest) {
  return oldest.events.empty() ? oldest.last_seq == 0 : oldest.events.front()->seq == 1;
}

Result<RestorePoint> parse_restore_point(json::object const& body) {
  constexpr std::string_view wants = "has to be \"latest\", a cursor or seq of the session's log, or an ISO 8601 time";
  auto const* const given = body.if_contains("restore_point");
  if (given == nullptr) return wrong(wants);
  if (given->is_int64() && given->get_int64() >= 0) return RestorePoint{std::to_string(given->get_int64())};
  if (!given->is_string()) return wrong(wants);
  std::string const text(given->get_string());
  if (text == "latest") return RestorePoint{};
  if (to_cursor(text, 0)) return RestorePoint{text};
  if (auto const at_us = from_iso(text)) return RestorePoint{{}, at_us};
  return wrong(wants);
}

bool Rewind::take(EventPage const& page) {
  if (!has_begun_) {
    has_begun_ = true;
    is_whole_ = is_whole(page);
    epoch_ = page.cursor.epoch;
    if (!point_.place.empty()) seq_max_ = to_cursor(point_.place, epoch_).value_or(Cursor{}).seq;
    if (!page.events.empty()) {
      first_seq_ = page.events.front()->seq;
      first_us_ = page.events.front()->at_us;
    }
  }
  is_whole_ = is_whole_ && !page.gap;
  last_seq_ = page.last_seq;
  for (auto const& event : page.events) take(*event);
  return !is_over_ && !page.events.empty() && page.cursor.seq < page.last_seq;
}

void Rewind::take(Event const& event) {
  is_over_ = is_over_ || is_behind(event);
  if (is_over_) return;
  reached_seq_ = event.seq;
  if (event.type == EventType::message && event.name == case_opened) ++cases_;
  if (event.type == EventType::state && is_whole_) is_whole_ = fold(state_, event.data);
}

bool Rewind::is_behind(Event const& event) const {
  return event.seq > seq_max_ || (point_.at_us && event.at_us > *point_.at_us);
}

// The last event up to the point.
Result<Cursor> Rewind::locate(std::int64_t now_us) const {
  Cursor const reached{epoch_, reached_seq_};
  if (point_.at_us) {
    if (*point_.at_us > now_us) return wrong("has to be a time that has been");
    if (reached_seq_ != 0) return reached;
    if (first_seq_ > 1) return untold();
    return wrong(first_seq_ == 0 ? "has to be a time at which there was a log"
                                 : "has to be a time from the session's beginning on, " + to_iso_us(first_us_));
  }
  if (point_.place.empty()) return reached;
  auto const place = to_cursor(point_.place, epoch_).value_or(Cursor{});
  if (place.epoch != epoch_ || place.seq == 0 || place.seq > last_seq_)
    return wrong("has to be a place in this session's log, which ends at " + to_text(Cursor{epoch_, last_seq_}));
  return place;
}

Result<Past> Rewind::finish(std::int64_t now_us) const {
  auto const cursor = locate(now_us);
  if (!cursor) return cursor.error();
  if (is_whole_) return Past{*cursor, state_, cases_};
  // Since its last change the state is what it is, whatever else is forgotten.
  if (cursor->seq < present_.revision) return untold();
  auto state = present();
  if (!state) return untold();
  return Past{*cursor, std::move(*state), cases_};
}

Result<json::object> Rewind::present() const {
  auto parsed = json::parse(*present_.value, json::depth_max + 1);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return error(Code::internal, "the state is no object");
  return std::move(parsed->get_object());
}

}  // namespace sojourn

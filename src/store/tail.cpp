#include "store/tail.h"

#include <algorithm>
#include <iterator>

namespace sojourn {
namespace {

bool adds_something(Change const& change) {
  return change.event || std::ranges::any_of(change.marks, [](Mark const& mark) { return mark.value.has_value(); });
}

bool follows(Event const& event, std::uint64_t last_seq) {
  return event.seq != 0 && (last_seq == 0 || event.seq == last_seq + 1);
}

}  // namespace

bool Tail::add_row(std::string name, Row row) {
  last_id_ = std::max(last_id_, row.id);
  return rows_.try_emplace(std::move(name), row).second;
}

Row const* Tail::row(std::string const& name) const {
  auto const place = rows_.find(name);
  return place == rows_.end() ? nullptr : &place->second;
}

Result<> Tail::check(std::vector<Change> const& changes) {
  LastSeqs after;
  for (auto const& change : changes) {
    auto [place, is_new] = after.try_emplace(change.session_id, 0);
    if (is_new) {
      auto const known = checked_.find(change.session_id);
      place->second = known == checked_.end() ? see(change.session_id).last_seq : known->second;
    }
    auto& last_seq = place->second;
    if (change.forgets) last_seq = 0;
    if (!change.event) continue;
    if (!follows(*change.event, last_seq))
      return error(Code::internal, "event " + std::to_string(change.event->seq) + " of a session does not follow " +
                                       std::to_string(last_seq));
    last_seq = change.event->seq;
  }
  for (auto const& [name, last_seq] : after) checked_.insert_or_assign(name, last_seq);
  return {};
}

Entry& Tail::entry(std::string const& name) {
  auto const [place, is_new] = growing_.try_emplace(name);
  auto& entry = place->second;
  if (!is_new) return entry;
  if (auto const older = folding_.find(name); older != folding_.end()) {
    entry.id = older->second.id;
    entry.first_seq = older->second.first_seq;
    entry.last_seq = older->second.last_seq;
  } else if (auto const* const known = row(name)) {
    entry.id = known->id;
    entry.first_seq = known->first_seq;
    entry.last_seq = known->last_seq;
  }
  return entry;
}

bool Tail::apply(Change const& change, std::uint64_t log_seq, std::size_t bytes) {
  auto const* const known = row(change.session_id);
  growing_log_seq_ = log_seq;
  if (known != nullptr && log_seq <= known->folded) return true;
  auto& entry = this->entry(change.session_id);
  if (change.forgets) {
    entry = Entry{};
    entry.forgets = known != nullptr || folding_.contains(change.session_id);
  }
  if (change.event && !follows(*change.event, entry.last_seq)) return false;
  if (entry.id == 0 && adds_something(change)) entry.id = ++last_id_;
  if (entry.id == 0 && !entry.forgets) {
    growing_.erase(change.session_id);
    return true;
  }
  ++changes_;
  bytes_ += bytes;
  if (entry.id == 0) return true;
  if (change.event) {
    if (entry.last_seq == 0) entry.first_seq = change.event->seq;
    entry.last_seq = change.event->seq;
    entry.events.push_back(change.event);
  }
  for (auto const& mark : change.marks) entry.marks.insert_or_assign(mark.name, mark.value);
  entry.first_seq = std::max(entry.first_seq, std::min(change.first_seq, entry.last_seq + 1));
  return true;
}

void Tail::begin_folding() {
  folding_ = std::exchange(growing_, {});
  folding_log_seq_ = growing_log_seq_;
  changes_ = bytes_ = 0;
  to_fold_.clear();
  to_fold_.reserve(folding_.size());
  folded_ = 0;
  for (auto const& each : folding_) to_fold_.push_back(&each);
  std::ranges::sort(to_fold_, {}, [](auto const* each) { return each->second.id; });
}

Tail::Layer::value_type const* Tail::to_fold(std::size_t at) const {
  return at < to_fold_.size() - folded_ ? to_fold_[folded_ + at] : nullptr;
}

void Tail::folded(std::vector<Row> const& rows) {
  for (auto const& row : rows) {
    auto const name = to_fold_[folded_++]->first;
    if (row.id == 0)
      rows_.erase(name);
    else
      rows_.insert_or_assign(name, row);
    folding_.erase(name);
  }
}

Tail::Seen Tail::see(std::string const& name) const {
  Seen seen;
  seen.held = seen.row = row(name);
  if (seen.row != nullptr) {
    seen.id = seen.row->id;
    seen.first_seq = seen.row->first_seq;
    seen.last_seq = seen.row->last_seq;
  }
  for (auto const* const layer : {&folding_, &growing_}) {
    auto const place = layer->find(name);
    if (place == layer->end()) continue;
    auto const& entry = place->second;
    if (entry.forgets) {
      seen.row = nullptr;
      seen.entries.clear();
    }
    seen.entries.push_back(&entry);
    seen.id = entry.id;
    seen.first_seq = entry.first_seq;
    seen.last_seq = entry.last_seq;
  }
  return seen;
}

std::vector<std::string> Tail::newcomers() const {
  std::map<std::uint64_t, std::string> by_id;
  for (auto const* const layer : {&folding_, &growing_}) {
    for (auto const& [name, entry] : *layer) {
      auto const seen = see(name);
      if (seen.row == nullptr && seen.id != 0) by_id.insert_or_assign(seen.id, name);
    }
  }
  std::vector<std::string> names;
  names.reserve(by_id.size());
  std::ranges::transform(by_id, std::back_inserter(names), [](auto const& each) { return each.second; });
  return names;
}

}  // namespace sojourn

#include "core/tombstones.h"

#include <utility>

namespace sojourn {
namespace {

constexpr std::int64_t kept_us = std::int64_t{24} * 3600 * 1'000'000;

}  // namespace

std::vector<std::string> Tombstones::add(std::string const& id, Tombstone tombstone) {
  std::vector<std::string> gone;
  auto const now_us = tombstone.at_us;
  if (stones_.insert_or_assign(id, std::move(tombstone)).second) order_.push_back(id);
  while (!order_.empty()) {
    auto const oldest = stones_.find(order_.front());
    if (stones_.size() <= count_max_ && oldest->second.at_us + kept_us > now_us) break;
    stones_.erase(oldest);
    gone.push_back(std::move(order_.front()));
    order_.pop_front();
  }
  return gone;
}

Tombstone const* Tombstones::find(std::string const& id, std::int64_t now_us) const {
  auto const place = stones_.find(id);
  return place == stones_.end() || place->second.at_us + kept_us <= now_us ? nullptr : &place->second;
}

}  // namespace sojourn

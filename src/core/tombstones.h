// Sessions that are over, remembered for a day, so that their owner can tell "expired" from "never existed".
// Bounded by age and count; the oldest give way. The hub's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/session.h"

namespace sojourn {

struct Tombstone {
  std::string owner;
  bool expired = false;  // else somebody ended it
  std::int64_t at_us = 0;
  SessionKind kind = SessionKind::shared;
  bool crashed = false;  // its browser did, and took it along
};

class Tombstones {
 public:
  // At most `count_max`.
  explicit Tombstones(std::size_t count_max) : count_max_(count_max) {}

  // Returns those that had to give way.
  std::vector<std::string> add(std::string const& id, Tombstone tombstone);
  // What is known at `now_us`, or null.
  Tombstone const* find(std::string const& id, std::int64_t now_us) const;
  std::size_t size() const { return stones_.size(); }

 private:
  std::size_t count_max_;
  std::unordered_map<std::string, Tombstone> stones_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace sojourn

// The state of a session: keys and JSON values, each with the revision that set it last.
// Invariant: within the limits; a revision is the seq of the event that made the change, so it only grows.
// plan() checks and changes nothing, apply() does what was planned. The hub's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/limits.h"
#include "base/result.h"

namespace sojourn {

// What is asked of a state.
struct StateEdit {
  enum class Verb : std::uint8_t {
    set,     // the key's value, or the whole map
    merge,   // JSON merge patch (RFC 7396) into the key's value, or into the map
    remove,  // the key, or all keys
  };
  Verb verb = Verb::set;
  std::optional<std::string> key;  // none: the whole map
  std::string value;               // JSON text; of the whole map an object; of remove empty
  // Only if this is the present revision of the key (0: it is not there), or of the map.
  std::optional<std::uint64_t> if_revision;
  bool if_exists = false;  // only if the key is there (If-Match: *)
};

// What an edit comes to.
struct StateChange {
  std::vector<std::pair<std::string, std::string>> set;  // key, JSON text
  std::vector<std::string> removed;
};

// {"set":{...},"removed":[...]}
std::string to_text(StateChange const& change);

class State {
 public:
  struct Entry {
    std::string value;  // JSON text
    std::uint64_t revision = 0;
  };

  // Code::invalid, not_found (remove of a key that is not there), precondition_failed, too_large.
  Result<StateChange> plan(StateEdit const& edit, Limits const& limits) const;

  // `seq` of the event that tells of it.
  void apply(StateChange const& change, std::uint64_t seq);

  // A key as it was kept, and the revision of the whole.
  void restore(std::string key, std::string value, std::uint64_t revision);
  void restore_revision(std::uint64_t revision) { revision_ = revision; }

  // The entry, or null.
  Entry const* find(std::string_view key) const;
  // Of the last change of any key; 0 = there was none.
  std::uint64_t revision() const { return revision_; }
  std::size_t size() const { return entries().size(); }
  std::size_t bytes() const { return bytes_; }

  // The whole map as JSON text, appended.
  void append(std::string& out) const;
  // The same; whoever asks while somebody still has it gets that one.
  std::shared_ptr<std::string const> text() const;

 private:
  Result<StateChange> plan_key(StateEdit const& edit, std::string const& key) const;
  Result<StateChange> plan_map(StateEdit const& edit) const;
  Result<> check_limits(StateChange const& change, Limits const& limits) const;
  std::string merge_into(std::string_view key, json::value const& patch) const;

  using Entries = std::map<std::string, Entry, std::less<>>;
  Entries const& entries() const;

  std::unique_ptr<Entries> entries_;  // null = there never were any, as in most sessions
  mutable std::weak_ptr<std::string const> text_;
  std::size_t bytes_ = 0;
  std::uint64_t revision_ = 0;
};

// RFC 7396.
json::value merge_patch(json::value target, json::value const& patch);

}  // namespace sojourn

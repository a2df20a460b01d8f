// What was committed but is not in the tables yet, folded by session, on top of what the tables hold of each.
// It comes in two layers, so that one can be brought into the tables while the other grows.
// Invariant: an event follows the last one of its log; ids count in the order in which sessions were first kept.
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/store.h"

namespace sojourn {

// What the tables hold of a session.
struct Row {
  std::uint64_t id = 0;
  std::uint64_t first_seq = 1;
  std::uint64_t last_seq = 0;
  std::uint64_t marks = 0;       // how many
  std::uint64_t folded = 0;      // the last row of the log that is in it
  std::uint64_t open_chunk = 0;  // first seq of its last chunk; 0 = it has none
  std::uint64_t open_bytes = 0;  // of that
};

// What came after that.
struct Entry {
  std::uint64_t id = 0;  // 0 = nothing is kept of it
  std::uint64_t first_seq = 1;
  std::uint64_t last_seq = 0;
  bool forgets = false;               // what the tables hold of it
  std::vector<EventRef> events = {};  // those before first_seq do not count
  std::map<std::string, std::optional<std::string>> marks = {};
};

class Tail {
 public:
  using Layer = std::unordered_map<std::string, Entry>;

  // What the tables hold, of about so many. Before anything else. False when there is one of that name.
  void expect_rows(std::size_t count) { rows_.reserve(count); }
  [[nodiscard]] bool add_row(std::string name, Row row);
  Row const* row(std::string const& name) const;
  std::size_t row_count() const { return rows_.size(); }

  // Whether the changes follow what is kept, and those that were checked since the last forget_checked().
  // Code::internal otherwise.
  [[nodiscard]] Result<> check(std::vector<Change> const& changes);
  void forget_checked() { checked_.clear(); }

  // The change, `bytes` large, is in row `log_seq` of the log; one that the tables have already is left out. False when
  // it does not follow.
  [[nodiscard]] bool apply(Change const& change, std::uint64_t log_seq, std::size_t bytes);

  // How much is in the layer that grows.
  std::size_t changes() const { return changes_; }
  std::size_t bytes() const { return bytes_; }

  bool is_folding() const { return folded_ < to_fold_.size(); }
  // Sets the layer that grows aside, to be folded. Nothing may be folding.
  void begin_folding();
  // The last row of the log that is in the layer set aside.
  std::uint64_t folding_log_seq() const { return folding_log_seq_; }
  // One of those that are left to be folded, in the order of their ids; null = there are not so many.
  Layer::value_type const* to_fold(std::size_t at) const;
  // The first of them are in the tables now, which hold this of each; an id of 0 = nothing.
  void folded(std::vector<Row> const& rows);

  // What there is of a session.
  struct Seen {
    Row const* held = nullptr;          // by the tables; null = nothing
    Row const* row = nullptr;           // the same, if it was not forgotten since
    std::vector<Entry const*> entries;  // from the older to the newer
    std::uint64_t id = 0;
    std::uint64_t first_seq = 1;
    std::uint64_t last_seq = 0;
  };
  Seen see(std::string const& name) const;
  // Those of whom the tables hold nothing that counts, in the order of their ids.
  std::vector<std::string> newcomers() const;

 private:
  Entry& entry(std::string const& name);
  using LastSeqs = std::unordered_map<std::string, std::uint64_t>;

  std::unordered_map<std::string, Row> rows_;
  Layer growing_;
  Layer folding_;
  std::vector<Layer::value_type const*> to_fold_;  // into folding_
  std::size_t folded_ = 0;                         // of to_fold_
  LastSeqs checked_;
  std::uint64_t last_id_ = 0;
  std::uint64_t growing_log_seq_ = 0;
  std::uint64_t folding_log_seq_ = 0;
  std::size_t changes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace sojourn

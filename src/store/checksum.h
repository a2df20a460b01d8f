// What tells that a row is not the one that was written: a sum over its table, its keys and its body, so that neither
// a flipped bit nor a row in another's place goes unseen. Not against people. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace sojourn {

struct Row;

class Checksum {
 public:
  explicit Checksum(std::string_view table) { text(table); }

  Checksum& number(std::uint64_t number);
  Checksum& text(std::string_view text);
  std::uint64_t value() const { return value_; }

 private:
  void add(void const* bytes, std::size_t size);

  std::uint32_t value_ = 0;
};

// Of a row of each table.
std::uint64_t meta_checksum(std::string_view name, std::uint64_t number);
std::uint64_t log_checksum(std::uint64_t seq, std::string_view body);
std::uint64_t session_checksum(std::string_view name, Row const& row);
std::uint64_t mark_checksum(std::uint64_t session, std::string_view name, std::string_view value);
std::uint64_t chunk_checksum(std::uint64_t session, std::uint64_t first_seq, std::uint64_t last_seq,
                             std::string_view body);

}  // namespace sojourn

#include "store/checksum.h"

#include <gtest/gtest.h>

#include <set>

#include "store/tail.h"

namespace sojourn {
namespace {

TEST(Checksum, TellsTablesKeysAndBodiesApart) {
  std::set<std::uint64_t> const sums{
      log_checksum(1, "x"),         log_checksum(2, "x"),         log_checksum(1, "y"),
      chunk_checksum(1, 1, 1, "x"), chunk_checksum(1, 1, 2, "x"), chunk_checksum(2, 1, 1, "x"),
      mark_checksum(1, "a", "b"),   mark_checksum(1, "ab", ""),   mark_checksum(1, "", "ab"),
      mark_checksum(2, "a", "b"),   meta_checksum("fence", 1),    meta_checksum("fence", 2)};
  EXPECT_EQ(sums.size(), 12U);
}

TEST(Checksum, CountsEachNumberOfASession) {
  std::set<std::uint64_t> sums;
  Row row;
  sums.insert(session_checksum("a", row));
  for (auto* const number : {&row.id, &row.first_seq, &row.last_seq, &row.marks, &row.folded}) {
    *number += 7;
    sums.insert(session_checksum("a", row));
  }
  sums.insert(session_checksum("b", row));
  EXPECT_EQ(sums.size(), 7U);
}

TEST(Checksum, CountsWhatComesBeforeAnEmptyText) {
  EXPECT_NE(Checksum("a").text({}).value(), Checksum("b").text({}).value());
}

}  // namespace
}  // namespace sojourn

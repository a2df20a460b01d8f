#include "store/tables.h"

#include <gtest/gtest.h>

#include "store/reading.h"
#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

class TablesTest : public testing::Test {
 protected:
  TablesTest() {
    EXPECT_TRUE(make_file({file, {}}, schema_steps()));
    database = std::make_unique<Database>(*Database::open({file, {}}));
    tables = std::make_unique<Tables>(*Tables::open(*database, 0));
  }
  // Folds a session's next entry; what the tables hold of it afterwards is in `row`.
  void fold(Entry const& entry) {
    ASSERT_TRUE(tables->begin());
    auto const folded = tables->fold("a", entry, row.id == 0 ? nullptr : &row, ++log_seq);
    ASSERT_TRUE(folded) << folded.error().message;
    ASSERT_TRUE(tables->count_sessions());
    ASSERT_TRUE(tables->commit());
    row = *folded;
    Tail tail;
    auto const read = read_rows(*database, tail);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(tail.row_count(), row.id == 0 ? 0U : 1U);
  }
  static Entry events(std::uint64_t from, std::uint64_t to, std::size_t bytes = 10) {
    Entry entry{.id = 1, .first_seq = 1, .last_seq = to};
    for (auto seq = from; seq <= to; ++seq) entry.events.push_back(stored_event(seq, std::string(bytes, 'x')));
    return entry;
  }
  // "1-64 65-70 "
  std::string chunks() {
    auto statement = *database->prepare("SELECT first_seq, last_seq FROM chunk ORDER BY first_seq");
    std::string text;
    while (*statement.next())
      text += std::to_string(statement.number(0)) + "-" + std::to_string(statement.number(1)) + " ";
    return text;
  }

  StoreFolder folder;
  std::string file = folder / "x.db";
  std::unique_ptr<Database> database;
  std::unique_ptr<Tables> tables;
  Row row;
  std::uint64_t log_seq = 0;
};

TEST_F(TablesTest, PutsSoManyEventsIntoOneChunk) {
  fold(events(1, 70));
  EXPECT_EQ(chunks(), "1-64 65-70 ");
  fold(events(71, 72));
  EXPECT_EQ(chunks(), "1-64 65-72 ") << "one that fills less than a page is written again";
  fold(events(73, 200));
  EXPECT_EQ(chunks(), "1-64 65-128 129-192 193-200 ");
}

TEST_F(TablesTest, PutsSoManyBytesIntoOneChunk) {
  fold(events(1, 3, 40'000));
  EXPECT_EQ(chunks(), "1-2 3-3 ");
  fold(events(4, 4));
  EXPECT_EQ(chunks(), "1-2 3-3 4-4 ") << "one that fills pages is left alone";
}

TEST_F(TablesTest, DropsChunksOfWhichNothingIsKept) {
  fold(events(1, 200));
  auto entry = events(201, 201);
  entry.first_seq = 130;
  fold(entry);
  EXPECT_EQ(chunks(), "129-192 193-201 ");
  entry = events(202, 210);
  entry.first_seq = 206;
  fold(entry);
  EXPECT_EQ(chunks(), "206-210 ");
  fold({.id = 1, .first_seq = 211, .last_seq = 210});
  EXPECT_EQ(chunks(), "");
  EXPECT_EQ(row.last_seq, 210U);
  fold({.id = 1, .first_seq = 211, .last_seq = 211, .events = {stored_event(211)}});
  EXPECT_EQ(chunks(), "211-211 ");
}

TEST_F(TablesTest, CountsMarks) {
  fold({.id = 1, .marks = {{"a", "1"}, {"b", "2"}, {"c", std::nullopt}}});
  EXPECT_EQ(row.marks, 2U);
  fold({.id = 1, .marks = {{"a", "3"}, {"b", std::nullopt}, {"d", "4"}}});
  EXPECT_EQ(row.marks, 2U);
  fold({.id = 1, .marks = {{"a", std::nullopt}, {"d", std::nullopt}}});
  EXPECT_EQ(row.id, 0U) << "nothing is left of it";
}

TEST_F(TablesTest, ForgetsWhatThereWas) {
  fold(events(1, 100));
  Entry anew{.id = 2, .first_seq = 1, .last_seq = 1, .forgets = true, .events = {stored_event(1)}};
  fold(anew);
  EXPECT_EQ(row.id, 2U);
  EXPECT_EQ(chunks(), "1-1 ");
  fold({.forgets = true});
  EXPECT_EQ(row.id, 0U);
  EXPECT_EQ(chunks(), "");
}

TEST_F(TablesTest, RefusesToGoOnFromADamagedChunk) {
  fold(events(1, 3));
  ASSERT_TRUE(database->run("UPDATE chunk SET body = x'00'"));
  ASSERT_TRUE(tables->begin());
  auto const folded = tables->fold("a", events(4, 4), &row, ++log_seq);
  ASSERT_FALSE(folded);
  EXPECT_EQ(folded.error().code, Code::damaged);
}

TEST_F(TablesTest, DropsTheBeginningOfTheLog) {
  for (std::uint64_t seq = 1; seq <= 5; ++seq) ASSERT_TRUE(tables->append_log(seq, ""));
  ASSERT_TRUE(tables->drop_log(1, 4));
  Tail tail;
  auto const log = read_log(*database, tail);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->first, 4U);
  EXPECT_EQ(log->last, 5U);
}

}  // namespace
}  // namespace sojourn

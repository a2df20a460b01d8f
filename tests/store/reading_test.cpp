#include "store/reading.h"

#include <gtest/gtest.h>

#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

// Tables with three sessions, and a log of two rows; then something happens to them.
class ReadingTest : public testing::Test {
 protected:
  ReadingTest() {
    stage.settings.pace = {.changes_max = 1, .age_max = std::chrono::milliseconds(0)};
    EXPECT_TRUE(stage.open());
    std::vector<Change> changes;
    for (std::uint64_t seq = 1; seq <= 200; ++seq) changes.push_back({.session_id = "a", .event = stored_event(seq)});
    changes.push_back({.session_id = "b", .event = stored_event(1), .marks = {{"x", "1"}, {"y", "2"}}});
    changes.push_back({.session_id = "c", .marks = {{"x", "1"}}});
    EXPECT_TRUE(stage.commit(changes));
    EXPECT_TRUE(stage.wait_for_tables());
    stage.settings.pace = lazy_pace();
    EXPECT_TRUE(stage.open());
    EXPECT_TRUE(stage.commit({{.session_id = "a", .event = stored_event(201)}}));
    EXPECT_TRUE(stage.commit({{.session_id = "b", .marks = {{"x", "3"}}}}));
    stage.store.reset();
  }

  // What is read after this SQL; or where the damage is, without file and advice.
  std::string after(std::string const& sql) {
    auto database = *Database::open({stage.settings.file, {}});
    EXPECT_TRUE(database.run(sql)) << sql;
    if (!stage.open()) return place_of(stage.refusal);
    auto text = stage.loaded();
    auto const events = stage.store->read("a", 0, 1000);
    if (!events) return place_of(events.error());
    stage.store.reset();
    auto const place = text.find(".db: ");
    return place == std::string::npos ? text : text.substr(place + 5, text.find(" is damaged") - place - 5);
  }
  static std::string place_of(Error const& error) {
    EXPECT_EQ(error.code, Code::damaged) << error.message;
    EXPECT_NE(error.message.find("`sojourn restore BACKUP`"), std::string::npos) << error.message;
    auto const place = error.message.find(".db: ");
    return error.message.substr(place + 5, error.message.find(" is damaged") - place - 5);
  }

  SqliteStage stage;
};

TEST_F(ReadingTest, PutsTablesAndLogTogether) { EXPECT_EQ(after(""), "a1-201, b1-1 x=3 y=2, c1-0 x=1"); }

TEST_F(ReadingTest, NoticesAChangedRowInEachTable) {
  EXPECT_EQ(after("UPDATE session SET last_seq = 199 WHERE id = 1"), "table session, row 1");
}
TEST_F(ReadingTest, NoticesAChangedName) {
  EXPECT_EQ(after("UPDATE session SET name = x'64' WHERE id = 1"), "table session, row 1");
}
TEST_F(ReadingTest, NoticesAChangedMark) {
  EXPECT_EQ(after("UPDATE mark SET value = x'35' WHERE session = 2 AND name = x'79'"), "table mark, session 2, row y");
}
TEST_F(ReadingTest, NoticesAChangedChunk) {
  EXPECT_EQ(after("UPDATE chunk SET body = x'00' WHERE first_seq = 65"), "table chunk, session 1, row 65");
}
TEST_F(ReadingTest, NoticesAChangedRowOfTheLog) {
  EXPECT_EQ(after("UPDATE log SET body = x'00' WHERE seq = (SELECT max(seq) FROM log)").substr(0, 15),
            "table log, row ");
}
TEST_F(ReadingTest, NoticesALostSession) {
  EXPECT_NE(after("DELETE FROM session WHERE id = 3").find("2 rows of 3"), std::string::npos);
}
TEST_F(ReadingTest, NoticesALostMark) {
  EXPECT_EQ(after("DELETE FROM mark WHERE session = 2 AND name = x'78'"), "table mark, session 2, row of 2");
}
TEST_F(ReadingTest, NoticesALostChunkWhereverItWas) {
  EXPECT_EQ(after("DELETE FROM chunk WHERE session = 1 AND first_seq = 1"), "table chunk, session 1, row 65");
}
TEST_F(ReadingTest, NoticesALostChunkInTheMiddle) {
  EXPECT_EQ(after("DELETE FROM chunk WHERE session = 1 AND first_seq = 65"), "table chunk, session 1, row 129");
}
TEST_F(ReadingTest, NoticesALostLastChunk) {
  EXPECT_EQ(after("DELETE FROM chunk WHERE session = 1 AND last_seq = 200"), "table chunk, session 1, row 193");
}
TEST_F(ReadingTest, NoticesTheChunksOfNobody) {
  EXPECT_EQ(after("UPDATE chunk SET session = 9 WHERE session = 2"), "table chunk, session 2, row 1");
}
TEST_F(ReadingTest, NoticesMarksOfNobody) {
  EXPECT_EQ(after("INSERT INTO mark VALUES(9, x'78', x'78', 0)"), "table session, row 9");
}
TEST_F(ReadingTest, NoticesALostFirstRowOfTheLog) {
  EXPECT_EQ(after("DELETE FROM log WHERE seq = (SELECT min(seq) FROM log)").substr(0, 15), "table log, row ");
}
TEST_F(ReadingTest, NoticesALostNumber) {
  EXPECT_EQ(after("DELETE FROM meta WHERE name = 'log_first'"), "table meta, row log_first");
}

TEST_F(ReadingTest, ReadsAPieceOfALog) {
  auto database = *Database::open({stage.settings.file, {}});
  auto reader = *ChunkReader::open(database);
  std::vector<EventRef> events;
  ASSERT_TRUE(reader.read({1, 60, 70, 100}, events));
  ASSERT_EQ(events.size(), 10U);
  EXPECT_EQ(events.front()->seq, 60U);
  EXPECT_EQ(events.back()->seq, 69U);
  ASSERT_TRUE(reader.read({1, 70, 1000, 3}, events));
  EXPECT_EQ(events.size(), 13U);
  EXPECT_EQ(events.back()->seq, 72U);
}

}  // namespace
}  // namespace sojourn

#include "store/wal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "store/checkpointer.h"
#include "store/database.h"
#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_bytes = 24 + 4096;

std::string bytes_of(std::string const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A log of five commits of one page each, as a killed process leaves it.
class WalTest : public testing::Test {
 protected:
  WalTest() {
    std::ofstream(file).close();
    auto database = *Database::open({file, {}});
    EXPECT_TRUE(database.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(a)"));
    EXPECT_TRUE(checkpoint(database));
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(database.run("INSERT INTO t VALUES(1)"));
    wal = bytes_of(file + "-wal");
    wal.resize(header_bytes + 5 * frame_bytes);
    base = bytes_of(file);
  }

  // What is left of the rows, or what the check said.
  std::string rows_with(std::string const& bytes) {
    StoreFolder other;
    auto const copy = other / "x.db";
    std::ofstream(copy, std::ios::binary) << base;
    std::ofstream(copy + "-wal", std::ios::binary) << bytes;
    auto const checked = check_wal(copy);
    if (!checked) return std::string(row(checked.error().code).word);
    auto database = *Database::open({copy, {}});
    return std::to_string(*database.number("SELECT count(*) FROM t"));
  }

  StoreFolder folder;
  std::string file = folder / "x.db";
  std::string wal, base;
};

TEST_F(WalTest, LeavesASoundOneAlone) {
  EXPECT_EQ(rows_with(wal), "5");
  EXPECT_EQ(rows_with(""), "0");
  EXPECT_TRUE(check_wal(folder / "none.db"));
}

TEST_F(WalTest, CutsOffAnUnfinishedLastCommit) {
  EXPECT_EQ(rows_with(wal.substr(0, wal.size() - 1)), "4");
  auto torn = wal;
  torn[torn.size() - 10] ^= 1;
  EXPECT_EQ(rows_with(torn), "4");
  std::ofstream(file + "-wal", std::ios::binary) << torn;
  ASSERT_TRUE(check_wal(file));
  EXPECT_EQ(std::filesystem::file_size(file + "-wal"), header_bytes + 4 * frame_bytes);
}

TEST_F(WalTest, RefusesWhenCommitsLieBehindTheDamage) {
  for (std::size_t frame = 0; frame < 4; ++frame) {
    for (std::size_t const offset : {0U, 5U, 9U, 17U, 30U, 4000U}) {
      auto damaged = wal;
      damaged[header_bytes + frame * frame_bytes + offset] ^= 1;
      // A damaged mark of the round makes the frame look older; those behind it tell.
      EXPECT_EQ(rows_with(damaged), frame == 3 && offset == 9 ? "3" : "damaged") << frame << " " << offset;
    }
  }
  auto zeroed = wal;
  zeroed.replace(header_bytes + frame_bytes, frame_bytes, std::string(frame_bytes, '\0'));
  EXPECT_EQ(rows_with(zeroed), "damaged");
}

TEST_F(WalTest, RefusesADamagedHeaderUnlessNothingWasEverWritten) {
  for (std::size_t at = 0; at < header_bytes; ++at) {
    auto damaged = wal;
    damaged[at] ^= 1;
    EXPECT_EQ(rows_with(damaged), "damaged") << at;
  }
  EXPECT_EQ(rows_with(std::string(wal.size(), '\0')), "0");
  EXPECT_EQ(rows_with(wal.substr(0, 20)), "0");
}

TEST_F(WalTest, NamesTheFileThePlaceAndWhatToDo) {
  wal[header_bytes + frame_bytes] ^= 1;
  std::ofstream(file + "-wal", std::ios::binary) << wal;
  auto const message = check_wal(file).error().message;
  EXPECT_NE(message.find(file + "-wal: frame 1 at byte 4152"), std::string::npos) << message;
  EXPECT_NE(message.find("sojourn restore"), std::string::npos) << message;
}

}  // namespace
}  // namespace sojourn

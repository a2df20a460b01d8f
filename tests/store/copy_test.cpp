#include "store/copy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/sqlite_stage.h"
#include "support/store_script.h"

namespace sojourn {
namespace {

class CopyTest : public testing::Test {
 protected:
  CopyTest() {
    EXPECT_TRUE(stage.open());
    for (std::uint64_t seq = 1; seq <= 3; ++seq)
      EXPECT_TRUE(stage.commit({{.session_id = "a", .event = stored_event(seq)}}));
  }
  // What is kept in a file.
  std::string kept_in(std::string const& file) {
    SqliteStage other;
    other.settings.file = file;
    return other.open() ? other.loaded() : other.refusal.message;
  }

  SqliteStage stage;
  std::string copy = stage.folder / "copy.db";
};

TEST_F(CopyTest, IsOneFileForItsOwnerOnlyAndNeverReplacesAnother) {
  auto const made = backup(stage.settings.file, copy);
  ASSERT_TRUE(made) << made.error().message;
  struct stat found {};
  ASSERT_EQ(stat(copy.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(copy + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(copy + ".new"));
  EXPECT_TRUE(verify(copy).empty());
  EXPECT_EQ(backup(stage.settings.file, copy).error().code, Code::conflict);
  EXPECT_EQ(kept_in(copy), "a1-3");
}

TEST_F(CopyTest, SaysWhatIsWrongWithTheOriginal) {
  EXPECT_EQ(backup(stage.folder / "none.db", copy).error().code, Code::not_found);
  std::ofstream(stage.folder / "text.db") << std::string(5000, 'x');
  EXPECT_EQ(backup(stage.folder / "text.db", copy).error().code, Code::damaged);
  EXPECT_FALSE(std::filesystem::exists(copy));
  EXPECT_EQ(backup(stage.settings.file, stage.folder / "none/copy.db").error().code, Code::cannot_create);
}

TEST(CopyWhileWriting, HasAPrefixOfWhatWasAcknowledged) {
  SqliteStage stage({.changes_max = 40, .age_max = std::chrono::milliseconds(5), .slice = 8});
  ASSERT_TRUE(stage.open());
  StoreScript script(5);
  std::atomic<bool> ended = false;
  std::vector<std::string> copies;
  std::vector<StoreScript> befores;
  StoreScript before(5);
  for (int round = 0; round < 5; ++round) {
    auto const copy = stage.folder / ("copy" + std::to_string(round));
    ended = false;
    Result<> made;
    std::thread copier([&] {
      made = backup(stage.settings.file, copy);
      ended = true;
    });
    befores.push_back(script);
    while (!ended) {
      auto const step = script.next();
      ASSERT_TRUE(stage.commit({script.change(step)}));
      script.acknowledge(step);
    }
    copier.join();
    ASSERT_TRUE(made) << made.error().message;
    copies.push_back(copy);
    for (std::size_t i = 0; i < 5; ++i) befores.back().set(i, script.asked(i), befores.back().asked(i));
  }
  stage.store.reset();
  for (std::size_t i = 0; i < copies.size(); ++i) {
    auto const damages = verify(copies[i]);
    ASSERT_TRUE(damages.empty()) << damages.front();
    SqliteStage after;
    after.settings.file = copies[i];
    ASSERT_TRUE(after.open()) << after.refusal.message;
    EXPECT_EQ(befores[i].check(*after.store), "");
  }
}

TEST_F(CopyTest, VerifyReadsEverything) {
  EXPECT_TRUE(verify(stage.settings.file).empty());
  stage.store.reset();
  EXPECT_TRUE(verify(stage.settings.file).empty());
  ASSERT_TRUE(Database::open({stage.settings.file, {}})->run("UPDATE log SET crc = 1 WHERE seq = 2"));
  auto const damages = verify(stage.settings.file);
  ASSERT_EQ(damages.size(), 1U);
  EXPECT_NE(damages[0].find("table log, row 2"), std::string::npos);
  EXPECT_EQ(verify(stage.folder / "none.db").size(), 1U);
}

TEST_F(CopyTest, VerifyNoticesAPageThatIsNot) {
  stage.store.reset();
  std::fstream file(stage.settings.file, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(2 * 4096);
  file << std::string(4096, '\0');
  file.close();
  EXPECT_FALSE(verify(stage.settings.file).empty());
}

TEST_F(CopyTest, RefusesAFileOfANewerVersionAsAServerDoes) {
  ASSERT_TRUE(backup(stage.settings.file, copy));
  stage.store.reset();
  ASSERT_TRUE(Database::open({copy, {}})->run("PRAGMA user_version = 99"));
  auto const found = verify(copy);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("newer version (its format is 99"), std::string::npos);
  EXPECT_EQ(restore(copy, stage.settings.file).error().code, Code::damaged);
  EXPECT_EQ(backup(copy, stage.folder / "again.db").error().code, Code::damaged);
  EXPECT_EQ(kept_in(stage.settings.file), "a1-3");
}

TEST_F(CopyTest, RestorePutsABackupInPlaceAndKeepsWhatWasThere) {
  ASSERT_TRUE(backup(stage.settings.file, copy));
  ASSERT_TRUE(stage.commit({{.session_id = "b", .event = stored_event(1)}}));
  EXPECT_EQ(restore(copy, stage.settings.file).error().code, Code::unavailable) << "somebody uses it";
  stage.store.reset();
  auto const kept = restore(copy, stage.settings.file);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept_in(stage.settings.file), "a1-3");
  EXPECT_EQ(kept_in(*kept), "a1-3, b1-1");
  EXPECT_TRUE(std::filesystem::exists(copy));
}

TEST_F(CopyTest, RestoreMakesAFileWhereThereIsNone) {
  ASSERT_TRUE(backup(stage.settings.file, copy));
  auto const kept = restore(copy, stage.folder / "other.db");
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(*kept, "");
  EXPECT_EQ(kept_in(stage.folder / "other.db"), "a1-3");
}

TEST_F(CopyTest, RestoreRefusesABackupThatIsNotSound) {
  ASSERT_TRUE(backup(stage.settings.file, copy));
  stage.store.reset();
  ASSERT_TRUE(Database::open({copy, {}})->run("UPDATE log SET crc = 1"));
  EXPECT_EQ(restore(copy, stage.settings.file).error().code, Code::damaged);
  EXPECT_EQ(kept_in(stage.settings.file), "a1-3");
}

TEST_F(CopyTest, WhatIsPreparedIsThereAtOnceOrNothingIsReplaced) {
  ASSERT_TRUE(backup(stage.settings.file, copy));
  stage.store.reset();
  auto const refused = restore(copy, stage.settings.file, [](auto const&) { return error(Code::internal, "no"); });
  EXPECT_EQ(refused.error().message, "no");
  EXPECT_EQ(kept_in(stage.settings.file), "a1-3");
  auto const add = [&](std::string const& draft) -> Result<> {
    EXPECT_TRUE(std::filesystem::exists(stage.settings.file)) << "still what it was";
    SqliteStage other;
    other.settings.file = draft;
    EXPECT_TRUE(other.open());
    EXPECT_TRUE(other.commit({{.session_id = "c", .event = stored_event(1)}}));
    return {};
  };
  ASSERT_TRUE(restore(copy, stage.settings.file, add));
  for (auto const* const beside : {".restored", ".restored-wal", ".restored-shm", ".restored.lock", "-wal", "-shm"})
    EXPECT_FALSE(std::filesystem::exists(stage.settings.file + beside)) << beside;
  EXPECT_EQ(kept_in(stage.settings.file), "a1-3, c1-1");
}

TEST_F(CopyTest, WhatRootRestoresBelongsToTheOwnerOfTheFolder) {
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  constexpr unsigned nobody = 65534;
  ASSERT_TRUE(backup(stage.settings.file, copy));
  auto const folder = stage.folder / "theirs";
  std::filesystem::create_directory(folder);
  ASSERT_EQ(chown(folder.c_str(), nobody, nobody), 0);
  auto const file = folder + "/sessions.db";
  ASSERT_TRUE(restore(copy, file));
  for (auto const* const ending : {"", ".lock"}) {
    struct stat found {};
    ASSERT_EQ(stat((file + ending).c_str(), &found), 0);
    EXPECT_EQ(found.st_uid, nobody);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
  }
}

TEST_F(CopyTest, OthersFilesStayWhatTheyAre) {
  std::ofstream(copy + ".new") << "mine";
  ASSERT_TRUE(backup(stage.settings.file, copy));
  std::string text;
  std::ifstream(copy + ".new") >> text;
  EXPECT_EQ(text, "mine");
}

// A log of which the end is not what was acknowledged.
TEST_F(CopyTest, VerifyAndBackupMissWhatWasAcknowledgedAndIsNotThere) {
  auto const wal = stage.settings.file + "-wal";
  auto const aside = stage.folder / "aside";
  std::filesystem::create_directory(aside);
  for (auto const* const ending : {"", "-wal"})
    std::filesystem::copy_file(stage.settings.file + ending, aside + "/sessions.db" + ending);
  auto const size = std::filesystem::file_size(wal);
  ASSERT_GT(size, 8192U);
  ASSERT_TRUE(stage.commit({{.session_id = "a", .event = stored_event(4)}}));
  std::filesystem::copy_file(stage.settings.file + ".lock", aside + "/sessions.db.lock");
  auto const damages = verify(aside + "/sessions.db");
  ASSERT_EQ(damages.size(), 1U);
  EXPECT_NE(damages[0].find("which was acknowledged"), std::string::npos) << damages[0];
  EXPECT_EQ(backup(aside + "/sessions.db", copy).error().code, Code::damaged);
}

}  // namespace
}  // namespace sojourn

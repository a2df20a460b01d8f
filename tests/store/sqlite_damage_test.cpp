// What the store promises of files that were damaged while nobody had them: it has what was acknowledged, or it says
// which file is damaged, where, and what to do. Never anything else, and never a crash.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>

#include "support/sqlite_stage.h"
#include "support/store_script.h"

namespace sojourn {
namespace {

using Files = std::map<std::string, std::string>;  // what each begins with, by the ending of its name

Files files_of(std::string const& file) {
  Files files;
  for (auto const* const ending : {"", "-wal", ".lock"}) {
    std::ifstream in(file + ending, std::ios::binary);
    if (in) files[ending] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

// Files with something in each table and in the log.
class Damage : public testing::Test {
 protected:
  Damage() {
    SqliteStage stage({.changes_max = 300, .age_max = std::chrono::hours(1), .slice = 50});
    EXPECT_TRUE(stage.open());
    commit(stage, 900);
    stage.settings.pace = lazy_pace();
    EXPECT_TRUE(stage.open());
    commit(stage, 40);
    killed = files_of(stage.settings.file);
    stage.store.reset();
    ended = files_of(stage.settings.file);
  }

  void commit(SqliteStage& stage, int steps) {
    for (int i = 0; i < steps; ++i) {
      auto const step = script.next();
      EXPECT_TRUE(stage.commit({script.change(step)}));
      script.acknowledge(step);
    }
  }

  // "" = all is there; "refused"; or what is wrong.
  std::string open(Files const& files) {
    SqliteStage stage(lazy_pace());
    for (auto const& [ending, bytes] : files) std::ofstream(stage.settings.file + ending, std::ios::binary) << bytes;
    if (stage.open()) return script.check(*stage.store);
    auto const& message = stage.refusal.message;
    bool const names_all =
        message.find(stage.settings.file) != std::string::npos && message.find("sojourn restore") != std::string::npos;
    if (stage.refusal.code != Code::damaged || !names_all) return "a refusal that does not help: " + message;
    return "refused";
  }

  // One of those accidents, at one place.
  static void harm(std::string& bytes, std::mt19937_64& random) {
    if (bytes.empty()) return;
    auto const at = random() % bytes.size();
    switch (random() % 5) {
      case 0:
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << (random() % 8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.replace(at / 4096 * 4096, std::min<std::size_t>(4096, bytes.size() - at / 4096 * 4096),
                      std::min<std::size_t>(4096, bytes.size() - at / 4096 * 4096), '\0');
        break;
      default:
        bytes.replace(at, std::min<std::size_t>(16, bytes.size() - at), std::min<std::size_t>(16, bytes.size() - at),
                      static_cast<char>(random()));
    }
  }

  StoreScript script{5};
  Files killed, ended;
};

TEST_F(Damage, FilesAreWholeBeforeTheyAreDamaged) {
  EXPECT_EQ(open(killed), "");
  EXPECT_EQ(open(ended), "");
}

TEST_F(Damage, OfTheFileIsSeenOrDoesNotMatter) {
  std::mt19937_64 random(1);
  int refused = 0;
  for (int i = 0; i < 350; ++i) {
    auto files = i % 4 == 0 ? killed : ended;
    harm(files.at(""), random);
    auto const found = open(files);
    ASSERT_TRUE(found.empty() || StoreScript::is_refused(found)) << i << ": " << found;
    refused += found.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

TEST_F(Damage, OfTheLogBesideItIsSeenOrDoesNotMatter) {
  std::mt19937_64 random(2);
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    auto files = killed;
    harm(files.at("-wal"), random);
    auto const found = open(files);
    ASSERT_TRUE(found.empty() || StoreScript::is_refused(found)) << i << ": " << found;
    refused += found.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 50);
}

// After a power cut nobody knows what was acknowledged last: what the last commit alone wrote may be missing.
TEST_F(Damage, OfTheLogBesideItIsSeenButForItsLastCommitWhenNothingWasNoted) {
  killed.erase(".lock");
  killed.at("-wal").back() ^= 1;
  script.set(4, 188, 187);
  EXPECT_EQ(open(killed), "");
}

TEST_F(Damage, OfTheKindThatChangesWhatAFileIsIsRefused) {
  EXPECT_EQ(open({{"", ""}}), "refused");
  EXPECT_EQ(open({{"", "no database at all"}}), "refused");
  auto magic = ended;
  magic.at("")[0] = 's';
  EXPECT_EQ(open(magic), "refused");
  auto newer = ended;
  newer.at("")[63] = 99;  // user_version
  EXPECT_EQ(open(newer), "refused");
  auto other = ended;
  other.at("")[68] = 1;  // application_id
  EXPECT_EQ(open(other), "refused");
}

}  // namespace
}  // namespace sojourn

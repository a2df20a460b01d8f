// What the store promises when the machine does not keep its own: killed at any moment, an error of the disk at any
// call, the power gone at any moment.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "store/copy.h"
#include "support/shim_vfs.h"
#include "support/sqlite_stage.h"
#include "support/store_script.h"

namespace sojourn {
namespace {

// Folds all the time, so that each accident meets commits, folding, dropping and checkpoints.
SqliteStore::Pace busy_pace() { return {.changes_max = 40, .age_max = std::chrono::milliseconds(5), .slice = 8}; }

// Keeps `outstanding` steps under way until `enough` says so or one fails.
template <typename Acknowledge, typename Enough>
void play(SqliteStage& stage, StoreScript& script, Acknowledge const& acknowledge, Enough const& enough) {
  std::size_t running = 0;
  bool failed = false;
  while (!failed && !enough()) {
    for (; running < 6; ++running) {
      auto const step = script.next();
      stage.store->commit({1, {script.change(step)}}, 1, [&, step](Result<> result) {
        --running;
        EXPECT_FALSE(result && failed) << "nothing is kept after a failure";
        if (!result) failed = true;
        if (result) acknowledge(step);
      });
    }
    stage.posts.turn();
  }
  for (int i = 0; i < 5'000 && running > 0; ++i) stage.posts.turn();
  EXPECT_EQ(running, 0U);
}

// What a child writes for each step that was acknowledged.
[[noreturn]] void live_until_killed(SqliteStage& stage, StoreScript script, int out) {
  if (!stage.open()) _exit(1);
  play(
      stage, script,
      [&](StoreScript::Step step) {
        std::array<std::uint64_t, 2> const word{step.session, step.number};
        if (write(out, word.data(), sizeof(word)) != sizeof(word)) _exit(1);
      },
      [] { return false; });
  _exit(1);
}

TEST(SqliteKilled, LosesNothingThatWasAcknowledged) {
  SqliteStage stage(busy_pace());
  std::mt19937_64 random(1);
  std::vector<StoreScript> scripts;
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 25; ++round) {
    scripts.emplace_back(5, "r" + std::to_string(round) + ".");
    std::array<int, 2> pipes{};
    ASSERT_EQ(pipe(pipes.data()), 0);
    auto const child = fork();
    if (child == 0) live_until_killed(stage, scripts.back(), pipes[1]);
    close(pipes[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 80));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
    // How much was asked beyond is not known, but bounded by what may be under way.
    std::array<std::uint64_t, 2> word{};
    while (read(pipes[0], word.data(), sizeof(word)) == sizeof(word)) {
      scripts.back().set(word[0], word[1] + 6, word[1]);
      ++acknowledged;
    }
    close(pipes[0]);
    for (std::size_t i = 0; i < 5; ++i) {
      if (scripts.back().asked(i) == 0) scripts.back().set(i, 6, 0);
    }
    ASSERT_TRUE(stage.open()) << stage.refusal.message;
    for (auto const& script : scripts) ASSERT_EQ(script.check(*stage.store), "") << "round " << round;
    stage.store.reset();
  }
  EXPECT_GT(acknowledged, 1000U);
}

TEST(SqliteFailing, KeepsWhatItAcknowledgedAndNothingMoreAfterAnErrorAtAnyCall) {
  ShimVfs vfs("failing");
  for (std::uint64_t call = 1; call <= 500; ++call) {
    SqliteStage stage(busy_pace(), vfs.name());
    StoreScript script(5);
    vfs.fail_from(0);
    ASSERT_TRUE(stage.open()) << stage.refusal.message;
    vfs.fail_from(call, call % 3 == 0);
    bool failed = false;
    int steps = 0;
    play(
        stage, script, [&](StoreScript::Step step) { script.acknowledge(step); },
        [&] { return ++steps > 2'000 || (failed = !stage.store->has_room()); });
    EXPECT_GE(vfs.calls(), call);
    EXPECT_FALSE(stage.store->has_room());
    EXPECT_EQ(stage.commit({}).error().code, Code::storage_full);
    vfs.fail_from(0);
    ASSERT_TRUE(stage.open()) << stage.refusal.message;
    ASSERT_EQ(script.check(*stage.store), "") << "error at call " << call;
  }
}

TEST(SqliteFailing, RefusesToBeginWhenTheFileCanNotBeMadeAndBeginsWhenItCan) {
  ShimVfs vfs("unmade");
  int refused = 0;
  for (std::uint64_t call = 1; call <= 60; ++call) {
    SqliteStage stage(busy_pace(), vfs.name());
    vfs.fail_from(call, call % 2 == 0);
    if (!stage.open()) ++refused;
    if (stage.store) continue;
    EXPECT_NE(stage.refusal.message.find(stage.settings.file), std::string::npos) << stage.refusal.message;
    vfs.fail_from(0);
    ASSERT_TRUE(stage.open()) << call << ": " << stage.refusal.message;
    EXPECT_TRUE(stage.commit({{.session_id = "a", .event = stored_event(1)}}));
  }
  EXPECT_GT(refused, 10);
}

std::map<std::string, std::string> files_of(std::string const& file) {
  std::map<std::string, std::string> files;
  for (auto const* const ending : {"", "-wal"}) {
    std::ifstream in(file + ending, std::ios::binary);
    if (in) files[file + ending] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

TEST(SqliteWithoutPower, LosesNothingThatWasAcknowledgedWhateverTheDiskHadNotWritten) {
  ShimVfs vfs("power");
  SqliteStage stage(busy_pace(), vfs.name());
  ASSERT_TRUE(stage.open()) << stage.refusal.message;
  Disk disk(files_of(stage.settings.file));
  vfs.keep_journal();
  StoreScript script(5);
  std::vector<StoreScript::Step> acknowledged;
  int turns = 0;
  play(
      stage, script,
      [&](StoreScript::Step step) {
        vfs.note(acknowledged.size());
        acknowledged.push_back(step);
      },
      [&] { return ++turns > 400; });
  stage.store.reset();
  auto const journal = vfs.take_journal();
  std::mt19937_64 random(1);
  StoreScript known(5);
  for (std::size_t i = 0; i < 5; ++i) known.set(i, script.asked(i), 0);
  auto const every = std::max<std::size_t>(journal.size() / 400, 1);
  int cuts = 0;
  for (std::size_t at = 0; at < journal.size(); ++at) {
    auto const& call = journal[at];
    disk.take(call);
    if (call.what == ShimVfs::Call::What::note) {
      auto const step = acknowledged.at(call.at);
      known.set(step.session, script.asked(step.session), step.number);
    }
    if (random() % every != 0) continue;
    ++cuts;
    SqliteStage after(busy_pace());
    for (auto const& [file, bytes] : disk.cut(random)) {
      auto const name = after.settings.file + file.substr(stage.settings.file.size());
      std::ofstream(name, std::ios::binary) << bytes;
    }
    ASSERT_TRUE(after.open()) << "cut at call " << at << ": " << after.refusal.message;
    ASSERT_EQ(known.check(*after.store), "") << "cut at call " << at;
    after.store.reset();
    if (cuts % 10 == 0) {
      auto const damages = verify(after.settings.file);
      ASSERT_TRUE(damages.empty()) << damages.front();
    }
  }
  EXPECT_GT(cuts, 200);
}

}  // namespace
}  // namespace sojourn

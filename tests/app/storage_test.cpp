#include "app/storage.h"

#include <sys/stat.h>

#include <optional>
#include <utility>

#include "app/command_fixture.h"
#include "support/sqlite_stage.h"

namespace sojourn {
namespace {

class StorageTest : public test::CommandFixture {
 protected:
  StorageTest() {
    config_.data = folder_.path();
    target_.data = folder_.path();
  }
  // Keeps one record, as a server does.
  void keep(std::string const& id) {
    Posts posts;
    auto const store = open_store(config_, posts.post());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->load([](Record const&) {}));
    std::optional<bool> is_kept;
    (*store)->commit({1, {{.session_id = id, .marks = {{"birth", "x"}}}}}, 0,
                     [&](Result<> const& result) { is_kept = result.has_value(); });
    for (int i = 0; i < 10'000 && !is_kept; ++i) posts.turn();
    EXPECT_EQ(is_kept, true);
  }
  std::string kept() {
    Posts posts;
    auto const store = open_store(config_, posts.post());
    if (!store) return store.error().message;
    std::string ids;
    auto const loaded = (*store)->load([&](Record const& record) { ids += record.session_id + " "; });
    return loaded ? ids : loaded.error().message;
  }

  Config config_;
  Target target_;
};

TEST_F(StorageTest, WhatIsKeptIsInOneFileOfItsOwner) {
  keep("a");
  EXPECT_EQ(kept(), "a ");
  struct stat info {};
  ASSERT_EQ(::stat(store_file(folder_.path()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(StorageTest, InMemoryNothingIsKept) {
  config_.store = "memory";
  keep("a");
  EXPECT_EQ(kept(), "");
  struct stat info {};
  EXPECT_NE(::stat(store_file(folder_.path()).c_str(), &info), 0);
}

TEST_F(StorageTest, ABackupBringsBackWhatItHas) {
  keep("a");
  auto const copy = folder_.path() + "/copy";
  EXPECT_EQ(failure(run_backup(target_, {copy}, terminal_)), "done");
  EXPECT_TRUE(take_out().starts_with("Copied " + store_file(folder_.path()) + " to " + copy + ", "));
  EXPECT_TRUE(failure(run_backup(target_, {copy}, terminal_)).starts_with("75: ")) << "it replaces nothing";
  keep("b");
  EXPECT_EQ(failure(run_verify(target_, {}, terminal_)), "done");
  EXPECT_EQ(take_out(), store_file(folder_.path()) + " is sound.\n");
  EXPECT_EQ(failure(run_restore(target_, {copy}, terminal_)), "done");
  EXPECT_NE(take_out().find("What was there is kept as " + store_file(folder_.path())), std::string::npos);
  EXPECT_EQ(kept(), "a server ") << "and that it is a backup";
}

TEST_F(StorageTest, ProgramsGetJson) {
  keep("a");
  target_.json = true;
  EXPECT_EQ(failure(run_verify(target_, {}, terminal_)), "done");
  EXPECT_EQ(take_out(), "{\"file\":\"" + store_file(folder_.path()) + "\",\"sound\":true}\n");
}

TEST_F(StorageTest, WhatIsNotThereOrNoStoreIsSaid) {
  EXPECT_TRUE(failure(run_backup(target_, {"/tmp/x"}, terminal_)).starts_with("66: there is nothing kept at "));
  EXPECT_TRUE(failure(run_verify(target_, {}, terminal_)).starts_with("66: "));
  EXPECT_TRUE(failure(run_restore(target_, {folder_.path() + "/none"}, terminal_)).starts_with("66: "));
  auto const text = folder_.write("text", std::string(9000, 'x'));
  EXPECT_TRUE(failure(run_verify(target_, {text}, terminal_)).starts_with("65: " + text + " is damaged"));
  EXPECT_NE(take_out(), "");
  EXPECT_TRUE(failure(run_restore(target_, {text}, terminal_)).starts_with("65: "));
}

TEST_F(StorageTest, AFileThatIsInUseIsNotReplaced) {
  keep("a");
  auto const copy = folder_.path() + "/copy";
  EXPECT_EQ(failure(run_backup(target_, {copy}, terminal_)), "done");
  Posts posts;
  auto const store = open_store(config_, posts.post());
  ASSERT_TRUE(store);
  EXPECT_TRUE(failure(run_restore(target_, {copy}, terminal_)).starts_with("69: "));
}

}  // namespace
}  // namespace sojourn

// When checkpoints are told: after what may have changed something, not too often, and never twice the same.
#include "browser/autosave.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "browser/checkpoint.h"
#include "support/seats_stage.h"

namespace sojourn {
namespace {

class AutosaveTest : public test::SeatsStage {
 protected:
  void SetUp() override {
    SeatsStage::SetUp();
    site.serve("/a", "<!doctype html><title>A</title><script>localStorage.setItem('here', '1')</script>");
  }
  Checkpoint last() {
    auto const text = unseal(settings.seal_key, checkpoints.back().session_id, checkpoints.back().sealed);
    return text ? *read_checkpoint(*text) : Checkpoint();
  }
  std::string kept() {
    auto const checkpoint = last();
    return checkpoint.origins.empty() ? "" : checkpoint.origins[0].text;
  }
  void pass(int ms) {
    until([] { return false; }, std::chrono::milliseconds(ms));
  }
};

TEST_F(AutosaveTest, AtTheBeginningItIsWhatWasWished) {
  BrowserWish wish;
  wish.width = 801;
  wish.proxy_password = "secret";
  seats->open("sess_a", wish);
  ASSERT_EQ(checkpoints.size(), 1U);
  EXPECT_EQ(checkpoints[0].session_id, "sess_a");
  EXPECT_EQ(checkpoints[0].sealed.find("secret"), std::string::npos);
  EXPECT_EQ(last().wish, wish);
  EXPECT_FALSE(last().is_open);
}

TEST_F(AutosaveTest, ThatSomethingIsOpenIsToldAtOnce) {
  seats->open("sess_a", {});
  bool is_told = false;
  auto const opened = ask("sess_a", Function::open, {{"url", site.url("/a")}});
  EXPECT_TRUE(until([&] {
    if (opened->has_value() && !is_told) is_told = last().is_open && last().url == site.url("/a");
    return opened->has_value();
  }));
  EXPECT_TRUE(is_told);
}

TEST_F(AutosaveTest, ChangesFollowByThemselves) {
  seats->open("sess_a", {});
  open("sess_a", site.url("/a"));
  wait_for_checkpoint();
  EXPECT_EQ(last().url, site.url("/a"));
  value("sess_a", "localStorage.setItem('n', '1')");
  value("sess_a", "localStorage.setItem('n', '2')");
  wait_for_checkpoint();
  EXPECT_NE(kept().find(R"(["n","2"])"), std::string::npos) << "one for both";
}

TEST_F(AutosaveTest, WhatIsAsBeforeIsNotToldAgain) {
  seats->open("sess_a", {});
  open("sess_a", site.url("/a"));
  wait_for_checkpoint();
  auto const count = checkpoints.size();
  value("sess_a", "1");
  pass(2500);
  EXPECT_EQ(checkpoints.size(), count);
}

TEST_F(AutosaveTest, APageThatHangsLeavesWhatWasKnown) {
  seats->open("sess_a", {});
  open("sess_a", site.url("/a"));
  wait_for_checkpoint();
  auto const count = checkpoints.size();
  value("sess_a", "localStorage.setItem('n', '1'); setTimeout(() => { for (;;); }, 1)");
  bool is_told = false;
  pass(50);
  seats->save([&] { is_told = true; });
  EXPECT_TRUE(until([&] { return is_told; }, std::chrono::milliseconds(4000))) << "nobody waits for it";
  EXPECT_EQ(checkpoints.size(), count);
  EXPECT_EQ(last().url, site.url("/a"));
}

TEST_F(AutosaveTest, WithNothingToReadSavingIsDoneAtOnce) {
  bool is_told = false;
  seats->save([&] { is_told = true; });
  EXPECT_TRUE(is_told);
}

}  // namespace
}  // namespace sojourn

// Sessions that lose their pages, with their browser or with the server, and get them again.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "support/seats_stage.h"

namespace sojourn {
namespace {

class RebuildTest : public test::SeatsStage {
 protected:
  void SetUp() override {
    SeatsStage::SetUp();
    site.serve("/a", "<!doctype html><title>A</title><button>Press</button>");
    site.serve("/b", "<!doctype html><title>B</title>");
  }
  // A session with a page that keeps something, all of which is kept.
  void settle(std::string const& id) {
    seats->open(id, {});
    EXPECT_EQ(open(id, site.url("/a")).at("title"), "A");
    value(id, "localStorage.setItem('k', 'kept'); window.mark = 1; document.cookie = 'c=1'");
    until_kept();
  }
  void until_kept() {
    bool is_told = false;
    until([] { return false; }, std::chrono::milliseconds(50));
    seats->save([&] { is_told = true; });
    EXPECT_TRUE(until([&] { return is_told; }));
  }
  // A server after this one, that has the session's last checkpoint.
  void restart(std::string const& id) {
    auto const sealed = checkpoints.back().sealed;
    begin();
    seats->resume(id, sealed);
  }
  void crash() {
    auto const before = count_news("crashed");
    kill_browsers();
    EXPECT_TRUE(until([&] { return count_news("crashed") > before; }, std::chrono::milliseconds(3000)));
  }
  static std::string lost_of(json::object const& output) {
    return output.contains("lost") ? json::to_text(output.at("lost")) : "";
  }
};

TEST_F(RebuildTest, WhoseBrowserEndedGoesOnWhereItWas) {
  settle("sess_a");
  auto const endless = ask("sess_a", Function::execute, {{"code", "new Promise(() => 0)"}});
  auto const waiting = ask("sess_a", Function::snapshot, {});
  until([] { return false; }, std::chrono::milliseconds(100));
  crash();
  EXPECT_EQ(error_of(endless).code, Code::crashed);
  EXPECT_EQ(error_of(waiting).code, Code::crashed);
  EXPECT_FALSE(has_ended());
  auto const first = output_of(ask("sess_a", Function::snapshot, {}));
  EXPECT_EQ(first.at("title"), "A");
  EXPECT_EQ(first.at("recovered"), true);
  EXPECT_EQ(lost_of(first), R"(["what the page held in memory","refs of earlier snapshots","the history"])");
  ASSERT_EQ(count_news("recovered"), 1U);
  auto const second = output_of(ask("sess_a", Function::snapshot, {}));
  EXPECT_FALSE(second.contains("recovered") || second.contains("lost"));
  EXPECT_EQ(value("sess_a", "localStorage.getItem('k') + document.cookie + window.mark"), R"("keptc=1undefined")");
}

TEST_F(RebuildTest, OfAServerBeforeItIsMadeWithItsFirstCall) {
  settle("sess_a");
  restart("sess_a");
  EXPECT_EQ(output_of(ask("sess_a", Function::snapshot, {})).at("title"), "A");
  EXPECT_EQ(value("sess_a", "localStorage.getItem('k') + document.cookie"), R"("keptc=1")");
}

TEST_F(RebuildTest, WhoOpensAnAddressGoesThereAtOnce) {
  settle("sess_a");
  auto const asked = site.asked("/a");
  restart("sess_a");
  auto const output = open("sess_a", site.url("/b"));
  EXPECT_EQ(output.at("title"), "B");
  EXPECT_EQ(output.at("recovered"), true);
  EXPECT_EQ(site.asked("/a"), asked);
  EXPECT_EQ(value("sess_a", "localStorage.getItem('k') + document.cookie"), R"("keptc=1")");
}

TEST_F(RebuildTest, OneThatHadNoPageHasLostNothing) {
  seats->open("sess_a", {});
  restart("sess_a");
  EXPECT_EQ(error_of(ask("sess_a", Function::snapshot, {})).code, Code::conflict);
  auto const output = open("sess_a", site.url("/a"));
  EXPECT_EQ(output.at("title"), "A");
  EXPECT_FALSE(output.contains("recovered"));
}

TEST_F(RebuildTest, WhenItsPageCannotBeReachedTheCallRunsAndSaysSo) {
  {
    test::SmallSite gone;
    gone.serve("/gone", "<title>Gone</title>");
    seats->open("sess_a", {});
    open("sess_a", gone.url("/gone"));
    until_kept();
  }
  crash();
  auto const output = output_of(ask("sess_a", Function::execute, {{"code", "6 * 7"}}));
  EXPECT_EQ(output.at("result"), "42");
  EXPECT_NE(lost_of(output).find("the page: net::ERR_CONNECTION_REFUSED at http://127.0.0.1:"), std::string::npos)
      << lost_of(output);
}

TEST_F(RebuildTest, ACheckpointThatCannotBeOpenedIsAnErrorAndTheEnd) {
  settle("sess_a");
  settings.seal_key[0] = 8;
  restart("sess_a");
  auto const why = error_of(ask("sess_a", Function::snapshot, {}));
  EXPECT_EQ(why.code, Code::damaged);
  EXPECT_EQ(why.message,
            "this session can't be made again: what was sealed can't be opened: it was changed, or another key has "
            "sealed it");
  EXPECT_TRUE(has_ended());
  EXPECT_EQ(news.back().name, "not_recovered");
}

TEST_F(RebuildTest, ItsCheckpointIsItsOwn) {
  settle("sess_a");
  auto const sealed = checkpoints.back().sealed;
  begin();
  seats->resume("sess_b", sealed);
  EXPECT_EQ(error_of(ask("sess_b", Function::snapshot, {})).code, Code::damaged);
}

TEST_F(RebuildTest, WithoutACallThatComesToSomethingItEndsAfterThree) {
  settle("sess_a");
  settings.executable = "/bin/false";
  crash();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(has_ended()) << i;
    EXPECT_EQ(error_of(ask("sess_a", Function::snapshot, {})).code, Code::unavailable);
  }
  EXPECT_TRUE(has_ended());
}

TEST_F(RebuildTest, WhoseFirstPageNeverCameHasLostNothing) {
  site.serve("/slow", "<title>Slow</title>", 2000);
  seats->open("sess_a", {});
  auto const opened = ask("sess_a", Function::open, {{"url", site.url("/slow")}});
  EXPECT_TRUE(until([&] { return site.asked("/slow") == 1; }));
  crash();
  EXPECT_EQ(error_of(opened).code, Code::crashed);
  auto const output = open("sess_a", site.url("/a"));
  EXPECT_EQ(output.at("title"), "A");
  EXPECT_FALSE(output.contains("recovered"));
}

TEST_F(RebuildTest, OneThatIsClosedWhileItIsMadeAgainLeavesNothing) {
  settle("sess_a");
  restart("sess_a");
  auto const asked = ask("sess_a", Function::snapshot, {});
  until([] { return false; }, std::chrono::milliseconds(400));
  bool is_closed = false;
  seats->close("sess_a", [&](Result<std::string> const&) { is_closed = true; });
  EXPECT_TRUE(until([&] { return is_closed; }));
  EXPECT_TRUE(until([&] { return asked->has_value(); }));
  EXPECT_EQ(seats->size(), 0U);
  until([] { return false; }, std::chrono::milliseconds(300));
}

}  // namespace
}  // namespace sojourn

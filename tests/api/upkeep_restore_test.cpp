#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "api/upkeep_stage.h"

namespace sojourn {
namespace {

using namespace test;

// A log that lost its beginning in one way or another.
class LostBeginning : public UpkeepTest, public testing::WithParamInterface<std::string_view> {
 protected:
  void SetUp() override {
    DeskSetup setup;
    if (GetParam() == "trimmed") setup.stage.limits.log_events = 10;
    open(std::move(setup), R"({"state":{"a":1}})");
    if (GetParam() == "cleaned") post("/cleanup");
    for (int i = 0; i < 12; ++i) put("a", std::to_string(i));
  }
};

TEST_P(LostBeginning, FMV_35_CanBeRestoredExactlyWhenRecoveryInfoSaysSo) {
  bool const is_whole = GetParam() == "whole";
  auto const info = parsed(get("/recovery-info"));
  auto const& recovery = info.at("recovery_info");
  EXPECT_EQ(recovery.at("can_restore"), is_whole);
  for (auto const* name : {"full_restore", "partial_restore", "data_only"})
    EXPECT_EQ(info.at("restoration_options").at(name), is_whole) << name;
  auto const before = log();
  auto const& asked =
      post("/restore", R"({"restore_point":")" + std::string(recovery.at("oldest_point").as_string()) + "\"}");
  EXPECT_EQ(asked.status(), is_whole ? 200 : 409);
  if (is_whole) return;
  EXPECT_EQ(
      asked.body(),
      refused("the log does not go back to its beginning any more: it can't tell what the state was", "conflict"));
  EXPECT_EQ(log(), before) << "nothing changed";
  EXPECT_EQ(state(), R"({"a":11})");
  EXPECT_EQ(post("/restore", R"({"restore_point":"latest"})").status(), 200) << "what is now is known all the same";
  EXPECT_EQ(state(), R"({"a":11})");
}

INSTANTIATE_TEST_SUITE_P(All, LostBeginning, testing::Values("whole", "trimmed", "cleaned"),
                         [](auto const& instance) { return std::string(instance.param); });

class RestoreTest : public UpkeepTest {
 protected:
  // 1 opened, 2 {a:1}, 3 {a:1,b:[2]}, 4 a note, 5 {a:3,b:[2]}, 6 {a:3,b:[2],c:4}, a second apart
  void SetUp() override { fill({}); }
  void fill(DeskSetup setup) {
    open(std::move(setup), R"({"state":{"a":1}})");
    tick();
    put("b", "[2]");
    tick();
    post("/events", R"({"type":"note"})");
    tick();
    put("a", "3");
    tick();
    put("c", "4");
    tick();
  }
  void tick() { desk->stage.clock.advance_us(second_us); }
  Ask& restore(std::string const& point, std::string const& more = {}) {
    return post("/restore", "{\"restore_point\":" + point + more + "}");
  }
  // A restore that is on its way, and one that waits in between.
  Ask& begin(std::string const& point) {
    return desk->begin("POST", path("/restore"), R"({"restore_point":)" + point + "}", as("alice"));
  }
  Ask& begin_put(std::string const& key, std::string const& value) {
    return desk->begin("PUT", path("/state/" + key), value, as("alice"));
  }
  void finish() {
    for (int i = 0; i < 40; ++i) desk->turn();
  }
  static std::string cursor_of(Ask const& asked) {
    return std::string(parsed(asked).at("restoration_details").at("restore_point").as_string());
  }

  std::string const whole = R"({"a":3,"b":[2],"c":4})";
};

TEST_F(RestoreTest, FMV_35_SetsTheStateToWhatItWasAsOneChange) {
  auto& line = desk->connect(path("/stream"), as("alice"));
  line.outlet.take_lines();
  auto const& asked = restore("\"" + epoch() + "3\"");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), "{\"session_id\":\"" + id +
                              R"~(","status":"restored","message":"Session restored successfully (full restoration)",)~"
                              R"("restoration_details":{"type":"full","restored_at":"2026-02-24T19:22:21.015000Z",)"
                              R"("restore_point":")" +
                              epoch() + R"(3","items_restored":{"data_uploads":0,"case_history":0,"state_keys":2}}})");
  EXPECT_EQ(state(), R"({"a":1,"b":[2]})");
  EXPECT_EQ(log(), "session.opened session.state session.state note session.state session.state session.state ");
  auto const heard = line.outlet.take_lines();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_NE(heard[0].find(R"("data":{"set":{"a":1,"b":[2]},"removed":["c"]})"), std::string::npos) << heard[0];
  EXPECT_EQ(parsed(restore("6")).at("restoration_details").at("items_restored").at("state_keys"), 3);
  EXPECT_EQ(state(), whole) << "and back again";
}

TEST_F(RestoreTest, FMV_35_APointIsACursorANumberOrATime) {
  auto const e = epoch();
  for (auto const& [point, place, expected] :
       {std::tuple<std::string, std::string, std::string>{"\"2\"", "2", R"({"a":1})"},
        {"1", "1", "{}"},
        {"\"" + e + "4\"", "4", R"({"a":1,"b":[2]})"},
        {R"("2026-02-24T19:22:16.015000Z")", "2", R"({"a":1})"},
        {R"("2026-02-24T19:22:17.014999Z")", "2", R"({"a":1})"},
        {R"("2026-02-24T19:22:17.015Z")", "3", R"({"a":1,"b":[2]})"},
        {R"("2026-02-24T20:22:19.5+01:00")", "5", R"({"a":3,"b":[2]})"},
        {R"("2026-02-24T19:22:20.1")", "6", whole}}) {
    auto const& asked = restore(point);
    EXPECT_EQ(asked.status(), 200) << point << asked.body();
    EXPECT_EQ(cursor_of(asked), e + place) << point;
    EXPECT_EQ(state(), expected) << point;
  }
}

TEST_F(RestoreTest, FMV_35_TheLatestPointIsWhatThereIs) {
  auto const& asked = restore("\"latest\"");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(cursor_of(asked), epoch() + "6");
  EXPECT_EQ(state(), whole);
  EXPECT_EQ(cursor_of(restore("\"latest\"")), epoch() + "7") << "that was a change too";
}

TEST_F(RestoreTest, FMV_35_APartialOneLeavesWhatCameLater) {
  auto const partial = parsed(restore("2", R"(,"type":"partial")"));
  EXPECT_EQ(partial.at("message"), "Session restored successfully (partial restoration)");
  EXPECT_EQ(partial.at("restoration_details").at("type"), "partial");
  EXPECT_EQ(partial.at("restoration_details").at("items_restored").at("state_keys"), 1);
  EXPECT_EQ(state(), R"({"a":1,"b":[2],"c":4})");
  EXPECT_EQ(parsed(restore("2", R"(,"type":"data_only","include_data":true)")).at("message"),
            "Session restored successfully (data_only restoration)");
  EXPECT_EQ(state(), R"({"a":1})");
  EXPECT_EQ(restore("6", R"(,"type":null,"include_data":null)").status(), 200);
  EXPECT_EQ(restore("6", R"(,"include_data":false)").status(), 200) << "there are no uploads to leave out";
  EXPECT_EQ(state(), whole);
}

TEST_F(RestoreTest, FMV_35_WhatIsNoPointOrNoTypeIsUnprocessable) {
  auto const before = log();
  struct Row {
    std::string body;
    std::string_view field;
  };
  for (auto const& row :
       {Row{"", "restore_point"}, Row{"{}", "restore_point"}, Row{R"({"restore_point":null})", "restore_point"},
        Row{R"({"restore_point":""})", "restore_point"}, Row{R"({"restore_point":"soon"})", "restore_point"},
        Row{R"({"restore_point":-1})", "restore_point"}, Row{R"({"restore_point":1.5})", "restore_point"},
        Row{R"({"restore_point":0})", "restore_point"}, Row{R"({"restore_point":7})", "restore_point"},
        Row{R"({"restore_point":"ffffffff.1"})", "restore_point"},
        Row{R"({"restore_point":"2026-02-24T19:22:16.014999Z"})", "restore_point"},
        Row{R"({"restore_point":"2026-02-24T19:22:21.015001Z"})", "restore_point"},
        Row{R"({"restore_point":"2026-02-30T00:00:00Z"})", "restore_point"},
        Row{R"({"restore_point":"latest","type":"some"})", "type"},
        Row{R"({"restore_point":"latest","type":7})", "type"}, Row{R"({"restore_point":"latest","type":""})", "type"},
        Row{R"({"restore_point":"latest","include_data":"yes"})", "include_data"},
        Row{R"({"restore_point":"latest","include_data":1})", "include_data"}}) {
    auto const& asked = post("/restore", row.body);
    EXPECT_EQ(asked.status(), 422) << row.body;
    auto const body = parsed(asked);
    EXPECT_EQ(body.at("code"), "unprocessable");
    EXPECT_EQ(body.at("detail").as_array().size(), 1u);
    auto const& only = body.at("detail").at(0);
    EXPECT_EQ(json::to_text(only.at("loc")), "[\"body\",\"" + std::string(row.field) + "\"]") << row.body;
    EXPECT_TRUE(only.at("msg").as_string().starts_with(std::string(row.field) + " has to be ")) << asked.body();
  }
  for (std::string_view const body : {"[]", "{", "\"latest\""})
    EXPECT_EQ(post("/restore", std::string(body)).status(), 400);
  EXPECT_EQ(log(), before) << "nothing changed";
}

TEST_F(RestoreTest, FMV_35_ALogOfManyPagesIsReadToItsEnd) {
  for (int i = 0; i < 2500; ++i) desk->stage.hub.submit(local_principal(), PostMessage{{}, id, "note", "1"});
  finish();
  put("d", "5");
  EXPECT_EQ(restore("2504").status(), 200);
  EXPECT_EQ(state(), whole);
  auto const& latest = restore("\"latest\"");
  EXPECT_EQ(cursor_of(latest), epoch() + "2508");
}

// Whatever changes while the log is read, and whenever: what was changed is not lost, or the restore says so.
TEST_F(RestoreTest, FMV_35_AChangeInBetweenIsNeverLost) {
  for (unsigned commit_turns : {1u, 3u}) {
    for (int turns = 0; turns < 12; ++turns) {
      DeskSetup setup;
      setup.stage.commit_turns_max = commit_turns;
      fill(std::move(setup));
      auto const& restored = begin("\"latest\"");
      for (int i = 0; i < turns; ++i) desk->stage.turn();
      auto const& changed = begin_put("d", "5");
      finish();
      EXPECT_EQ(changed.status(), 200) << turns;
      EXPECT_EQ(restored.status(), 200) << turns << restored.body();
      EXPECT_EQ(state(), R"({"a":3,"b":[2],"c":4,"d":5})") << turns;
    }
  }
}

TEST_F(RestoreTest, FMV_35_AnOlderPointWinsOverAChangeThatItReplaces) {
  for (int turns = 0; turns < 8; ++turns) {
    fill({});
    auto const& restored = begin("2");
    for (int i = 0; i < turns && !restored.is_answered(); ++i) desk->stage.turn();
    bool const is_later = restored.is_answered();
    auto const& changed = begin_put("d", "5");
    finish();
    EXPECT_EQ(changed.status(), 200);
    EXPECT_EQ(restored.status(), 200);
    auto const events = log();
    EXPECT_EQ(std::count(events.begin(), events.end(), ' '), 8) << "the change and the restore stand in the log";
    bool const is_kept = state() == R"({"a":1,"d":5})";
    EXPECT_TRUE(is_kept || (!is_later && state() == R"({"a":1})")) << turns << state();
  }
}

TEST_F(RestoreTest, FMV_35_WhoIsOvertakenTwiceIsToldSoAndChangesNothing) {
  auto const& restored = begin("2");
  int changes = 0;
  for (; changes < 40 && !restored.is_answered(); ++changes) {
    desk->stage.hub.submit(local_principal(), ChangeState{{}, id, {{}, "n", std::to_string(changes), {}}});
    desk->stage.turn();
  }
  EXPECT_EQ(restored.answers(), 1);
  EXPECT_EQ(restored.status(), 409);
  EXPECT_EQ(restored.body(), refused("the state is being changed by others; try again", "conflict"));
  finish();
  EXPECT_EQ(state(), R"({"a":3,"b":[2],"c":4,"n":)" + std::to_string(changes - 1) + "}");
  EXPECT_EQ(restore("2").status(), 200) << "in peace it works";
}

TEST_F(RestoreTest, FMV_35_ASessionThatEndsMeanwhileIsNotFound) {
  for (int turns = 0; turns < 6; ++turns) {
    fill({});
    auto const& restored = begin("2");
    for (int i = 0; i < turns && !restored.is_answered(); ++i) desk->stage.turn();
    bool const is_early = !restored.is_answered();
    auto const& ended = desk->begin("DELETE", path(), {}, as("alice"));
    finish();
    EXPECT_EQ(ended.status(), 204);
    EXPECT_EQ(restored.answers(), 1);
    EXPECT_TRUE(restored.status() == 404 || restored.status() == 200) << restored.status();
    if (turns == 0) {
      EXPECT_TRUE(is_early);
      EXPECT_EQ(restored.body(), refused("Session not found: " + id, "not_found", "SESSION_NOT_FOUND"));
    }
  }
}

TEST_F(RestoreTest, FMV_35_ACleanupMeanwhileLeavesOneAnswer) {
  for (int turns = 0; turns < 6; ++turns) {
    fill({});
    auto const& restored = begin("2");
    for (int i = 0; i < turns; ++i) desk->stage.turn();
    desk->begin("POST", path("/cleanup"), {}, as("alice"));
    finish();
    EXPECT_EQ(restored.answers(), 1);
    EXPECT_TRUE(restored.status() == 200 || restored.status() == 409) << restored.body();
    EXPECT_EQ(state(), restored.status() == 200 ? R"({"a":1})" : whole);
  }
}

TEST_F(RestoreTest, FMV_35_IsAnsweredAfterTheCommit) {
  desk->stage.store.hold();
  auto const& restored = begin("2");
  finish();
  EXPECT_FALSE(restored.is_answered());
  desk->stage.store.release();
  finish();
  EXPECT_EQ(restored.status(), 200);
}

TEST_F(RestoreTest, FMV_35_FailsWithTheStorage) {
  desk->stage.store.fail(error(Code::storage_full, "no space left"));
  auto const& restored = begin("2");
  finish();
  EXPECT_EQ(restored.answers(), 1);
  EXPECT_EQ(restored.status(), 507);
  EXPECT_EQ(restored.body(), refused("no space left", "storage_full"));
}

TEST_F(RestoreTest, FMV_35_ASingleUseTokenIsGoodForTheWholeOfIt) {
  auto const once = guest(R"({"scope":"write","single_use":true})");
  EXPECT_EQ(desk->ask("POST", path("/restore"), R"({"restore_point":2})", once).status(), 200);
  EXPECT_EQ(state(), R"({"a":1})");
  EXPECT_EQ(desk->ask("POST", path("/restore"), R"({"restore_point":6})", once).status(), 401);
  auto const look = guest(R"({"scope":"read","single_use":true})");
  EXPECT_EQ(desk->ask("GET", path("/recovery-info"), {}, look).status(), 200);
  EXPECT_EQ(desk->ask("GET", path("/recovery-info"), {}, look).status(), 401);
}

}  // namespace
}  // namespace sojourn

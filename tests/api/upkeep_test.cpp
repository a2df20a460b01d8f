#include "api/upkeep.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/upkeep_stage.h"

namespace sojourn {
namespace {

using namespace test;

struct Call {
  std::string method;
  std::string_view rest;
  std::string body = {};
  bool writes = true;
};

std::vector<Call> calls() {
  return {{"POST", "/heartbeat"},
          {"GET", "/stats", {}, false},
          {"POST", "/cleanup"},
          {"GET", "/recovery-info", {}, false},
          {"POST", "/restore", R"({"restore_point":"latest"})"}};
}

TEST_F(UpkeepTest, FMV_35_AHeartbeatStartsTheIdleTimeAnew) {
  desk->stage.clock.advance_us(60 * second_us);
  auto const& asked = post("/heartbeat");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), "{\"session_id\":\"" + id +
                              R"(","status":"active","last_activity":"2026-02-24T19:23:16.015000Z",)"
                              R"("expires_at":"2026-02-24T20:23:16.015000Z","message":"Session heartbeat updated"})");
  desk->stage.clock.advance_us(3599 * second_us);
  desk->turn();
  EXPECT_EQ(post("/heartbeat/").status(), 200) << "with a slash too";
  desk->stage.clock.advance_us(3600 * second_us);
  desk->turn();
  EXPECT_EQ(post("/heartbeat").status(), 404);
}

TEST_F(UpkeepTest, FMV_35_AHeartbeatOfNoSessionIsInvalid) {
  for (std::string_view const blank : {"", "%20", "%09", "%20%20%09", "+"}) {
    auto const& asked = desk->ask("POST", "/api/v1/sessions/" + std::string(blank) + "/heartbeat", {}, as("alice"));
    if (blank == "+") {
      EXPECT_EQ(asked.status(), 404) << "a plus is a plus in a path";
      continue;
    }
    EXPECT_EQ(asked.status(), 400) << blank;
    EXPECT_EQ(asked.body(), refused("Session ID cannot be empty", "invalid", "SESSION_INVALID")) << blank;
  }
}

TEST_F(UpkeepTest, FMV_35_AHeartbeatThatComesTooLateIsToldSo) {
  auto const heartbeat = [&](std::string const& of, Fields fields) {
    auto const& asked = desk->ask("POST", "/api/v1/sessions/" + of + "/heartbeat", {}, std::move(fields));
    return std::to_string(asked.status()) + " " + asked.body();
  };
  auto const gone = [](std::string const& of, std::string_view code, std::string_view word) {
    return "404 " + refused("Session not found or expired: " + of, code, word);
  };
  EXPECT_EQ(heartbeat("nothing", as("alice")), gone("nothing", "not_found", "SESSION_NOT_FOUND"));
  EXPECT_EQ(heartbeat("%ff", as("alice")), gone("\xc3\xbf", "not_found", "SESSION_NOT_FOUND"));
  EXPECT_EQ(heartbeat(id, as("bob")), gone(id, "not_found", "SESSION_NOT_FOUND"));
  desk->stage.clock.advance_us(3600 * second_us);
  desk->turn();
  EXPECT_EQ(heartbeat(id, as("alice")), gone(id, "expired", "SESSION_EXPIRED"));
  EXPECT_EQ(heartbeat(id, {}), gone(id, "expired", "SESSION_EXPIRED")) << "an admin";
  EXPECT_EQ(heartbeat(id, as("bob")), gone(id, "not_found", "SESSION_NOT_FOUND"));
}

TEST_F(UpkeepTest, FMV_35_StatisticsCountThemselvesToo) {
  desk->stage.clock.advance_us(second_us);
  post("/heartbeat");
  desk->stage.clock.advance_us(89 * second_us);
  auto const& asked = get("/stats");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(),
            "{\"session_id\":\"" + id +
                R"(","user_id":"alice","created_at":"2026-02-24T19:22:16.015000Z",)"
                R"("last_activity":"2026-02-24T19:23:46.015000Z","statistics":{"total_cases":0,"total_data_uploads":0,)"
                R"("total_heartbeats":1,"total_stats_requests":1,"total_queries":0,"latest_confidence_score":null,)"
                R"("session_duration_minutes":1.5},"total_requests":2,"operations_history":[)"
                R"({"operation":"heartbeat","timestamp":"2026-02-24T19:22:17.015000Z"},)"
                R"({"operation":"stats","timestamp":"2026-02-24T19:23:46.015000Z"}]})");
}

TEST_F(UpkeepTest, FMV_35_OperationsAreTheLastTwenty) {
  put("a", "1");
  EXPECT_EQ(post("/restore", R"({"restore_point":"latest"})").status(), 200);
  EXPECT_EQ(post("/cleanup").status(), 200);
  auto stats = parsed(get("/stats"));
  std::string operations;
  for (auto const& each : stats.at("operations_history").as_array())
    operations += std::string(each.at("operation").as_string()) + " ";
  EXPECT_EQ(operations, "restore cleanup stats ");
  EXPECT_EQ(stats.at("total_requests"), 3);
  for (int i = 0; i < 25; ++i) post("/heartbeat");
  stats = parsed(get("/stats"));
  EXPECT_EQ(stats.at("operations_history").as_array().size(), 20u);
  EXPECT_EQ(stats.at("operations_history").as_array().front().at("operation"), "heartbeat");
  EXPECT_EQ(stats.at("operations_history").as_array().back().at("operation"), "stats");
  EXPECT_EQ(stats.at("total_requests"), 29) << "all are counted all the same";
  EXPECT_EQ(stats.at("statistics").at("total_heartbeats"), 25);
}

TEST_F(UpkeepTest, FMV_35_CasesQueriesAndConfidenceAreTold) {
  auto& hub = desk->stage.hub;
  auto const alice = Principal{Role::user, "alice"};
  hub.submit(alice, NoteUse{{}, id, Use::case_opened});
  hub.submit(alice, AskQuery{{}, id, "query_1", "{}"});
  hub.submit(alice, RecordAnswer{id, R"({"result":{"answer":"x"},"is_error":false})", "query_1", 0.25});
  desk->turn();
  auto const statistics = parsed(get("/stats")).at("statistics");
  EXPECT_EQ(statistics.at("total_cases"), 1);
  EXPECT_EQ(statistics.at("total_queries"), 1);
  EXPECT_EQ(statistics.at("latest_confidence_score"), 0.25);
  EXPECT_EQ(parsed(get("")).at("metadata").at("case_history_count"), 1);
  EXPECT_EQ(parsed(desk->ask("GET", "/api/v1/sessions", {}, as("alice"))).at("sessions").at(0).at("case_history_count"),
            1);
  EXPECT_EQ(parsed(get("/recovery-info")).at("state_summary").at("cases"), 1);
  EXPECT_EQ(parsed(post("/cleanup")).at("cleaned_items").at("case_history"), 1);
  EXPECT_EQ(parsed(get("")).at("metadata").at("case_history_count"), 0);
}

TEST_F(UpkeepTest, FMV_35_ACleanupForgetsTheLogAndKeepsTheState) {
  put("a", "1");
  post("/events", R"({"type":"note"})");
  auto& line = desk->connect(path("/stream"), as("alice"));
  auto const& asked = post("/cleanup");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), "{\"session_id\":\"" + id +
                              R"(","success":true,"status":"cleaned","message":"Session data cleaned successfully",)"
                              R"("cleaned_items":{"data_uploads":0,"case_history":0,"temp_files":0,"events":3}})");
  desk->turn();
  EXPECT_EQ(log(), "session.cleaned ");
  EXPECT_EQ(state(), R"({"a":1})");
  EXPECT_NE(line.outlet.text.find(R"("type":"session.cleaned")"), std::string::npos) << line.outlet.text;
  EXPECT_EQ(parsed(post("/cleanup")).at("cleaned_items").at("events"), 1) << "again harms nobody";
}

TEST_F(UpkeepTest, FMV_35_ASweepEndsWhatHasExpired) {
  auto const sweep = [&](Fields fields) { return desk->ask("POST", "/api/v1/sessions/cleanup", {}, fields).body(); };
  EXPECT_EQ(sweep(as("alice")), R"({"message":"Successfully cleaned up 0 expired sessions","cleaned_sessions":0,)"
                                R"("timestamp":"2026-02-24T19:22:16.015000Z"})");
  open_another();
  open_another(R"({"timeout_minutes":1440})");
  desk->stage.clock.advance_us(3600 * second_us);
  EXPECT_EQ(sweep(as("alice")), R"({"message":"Successfully cleaned up 2 expired sessions","cleaned_sessions":2,)"
                                R"("timestamp":"2026-02-24T20:22:16.015000Z"})");
  EXPECT_EQ(get("").status(), 404);
  EXPECT_EQ(desk->stage.hub.session_count(), 1u);
  EXPECT_EQ(desk->ask("POST", "/api/v1/sessions/cleanup/", {}, as("alice", Scope::read)).status(), 403);
}

TEST_F(UpkeepTest, FMV_35_RecoveryInfoTellsWhatThereIsToGoBackTo) {
  open({}, R"({"metadata":{"b":[1.50],"a":{"last_activity":"mine"}},"state":{"x":1,"y":{"z":2}}})");
  desk->stage.clock.advance_us(second_us);
  post("/events", R"({"type":"note"})");
  desk->stage.clock.advance_us(second_us);
  auto const& asked = get("/recovery-info");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(),
            "{\"session_id\":\"" + id +
                R"(","user_id":"alice","created_at":"2026-02-24T19:22:16.015000Z",)"
                R"("last_activity":"2026-02-24T19:22:18.015000Z","state_summary":{"active":true,"data_uploads":0,)"
                R"("cases":0,"keys":2,"revision":2},"metadata":{"b":[1.5],"a":{"last_activity":"mine"}},)"
                R"("recovery_info":{"can_restore":true,"backup_available":true,)"
                R"("last_backup":"2026-02-24T19:22:17.015000Z","data_integrity":"good","oldest_point":")" +
                epoch() + R"(1","newest_point":")" + epoch() +
                R"(3"},"restoration_options":{"full_restore":true,"partial_restore":true,"data_only":true}})");
}

TEST_F(UpkeepTest, FMV_35_RecoveryInfoOfAnExtensionHasNothingUntilSomethingIsSaid) {
  auto& browser = desk->connect("/ws");
  id = browser.session();
  auto info = parsed(desk->ask("GET", path("/recovery-info")));
  EXPECT_EQ(json::to_text(info.at("metadata")), "{}");
  auto const& empty = info.at("recovery_info");
  EXPECT_EQ(empty.at("backup_available"), false);
  EXPECT_TRUE(empty.at("last_backup").is_null());
  EXPECT_EQ(empty.at("oldest_point"), empty.at("newest_point"));
  EXPECT_EQ(parsed(desk->ask("POST", path("/heartbeat"))).at("expires_at"), json::value());
  EXPECT_EQ(desk->ask("PUT", path("/state/a"), "1").status(), 200);
  info = parsed(desk->ask("GET", path("/recovery-info")));
  EXPECT_EQ(info.at("recovery_info").at("backup_available"), true);
  EXPECT_EQ(info.at("recovery_info").at("can_restore"), true);
}

TEST_F(UpkeepTest, FMV_06_OfAnUnknownAForeignAndAnExpiredSession) {
  auto const expired = open_another(R"({"timeout_minutes":1})");
  desk->stage.clock.advance_us(60 * second_us);
  desk->turn();
  for (auto const& call : calls()) {
    std::string_view const what = call.rest == "/heartbeat" ? " not found or expired: " : " not found: ";
    for (auto const& [of, user] : {std::pair<std::string, std::string>{"nothing", "alice"},
                                   {"550e8400-e29b-41d4-a716-446655440000", "alice"},
                                   {id, "bob"},
                                   {expired, "bob"}}) {
      auto const& asked =
          desk->ask(call.method, "/api/v1/sessions/" + of + std::string(call.rest), call.body, as(user));
      EXPECT_EQ(asked.status(), 404) << call.rest << of;
      EXPECT_EQ(asked.body(), refused("Session" + std::string(what) + of, "not_found", "SESSION_NOT_FOUND"));
    }
    auto const& asked =
        desk->ask(call.method, "/api/v1/sessions/" + expired + std::string(call.rest), call.body, as("alice"));
    auto const told = call.rest == "/heartbeat" ? "Session not found or expired: " : "Session expired: ";
    EXPECT_EQ(asked.status(), 404);
    EXPECT_EQ(asked.body(), refused(told + expired, "expired", "SESSION_EXPIRED")) << call.rest;
  }
  EXPECT_EQ(desk->stage.hub.session_count(), 1u) << "and none is made by it";
}

TEST_F(UpkeepTest, FMV_35_ATokenThatMayOnlyReadLooksAndChangesNothing) {
  auto const before = log();
  auto const reader = guest(R"({"scope":"read"})");
  auto const writer = guest(R"({"scope":"write"})");
  for (auto const& call : calls()) {
    for (auto const& fields : {as("alice", Scope::read), reader}) {
      auto const& asked = desk->ask(call.method, path(call.rest), call.body, fields);
      EXPECT_EQ(asked.status(), call.writes ? 403 : 200) << call.rest;
      EXPECT_EQ(asked.body() == refused("this token may only read", "forbidden"), call.writes) << asked.body();
    }
  }
  EXPECT_EQ(log(), before + "session.token_minted session.token_minted ");
  for (auto const& call : calls()) EXPECT_EQ(desk->ask(call.method, path(call.rest), call.body, writer).status(), 200);
  EXPECT_EQ(desk->ask("POST", "/api/v1/sessions/cleanup", {}, writer).status(), 403) << "one session, nothing else";
}

TEST_F(UpkeepTest, FMV_14_EveryPathMayEndWithASlash) {
  for (auto const& call : calls())
    EXPECT_EQ(desk->ask(call.method, path(std::string(call.rest) + "/"), call.body, as("alice")).status(), 200)
        << call.rest;
  for (auto const& call : calls()) {
    auto const& asked = desk->ask("PUT", path(call.rest), "{}", as("alice"));
    EXPECT_EQ(asked.status(), 405) << call.rest;
  }
}

TEST_F(UpkeepTest, FMV_35_ARepeatedKeyIsAnsweredOnce) {
  put("a", "1");
  auto fields = as("alice");
  fields.emplace_back("Idempotency-Key", "the-first-one");
  auto const first = desk->ask("POST", path("/cleanup"), {}, fields).body();
  EXPECT_EQ(desk->ask("POST", path("/cleanup"), {}, fields).body(), first);
  EXPECT_EQ(log(), "session.cleaned ") << "once";
}

}  // namespace
}  // namespace sojourn

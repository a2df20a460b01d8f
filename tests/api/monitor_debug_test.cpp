#include "api/monitor_debug.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "api/monitor_stage.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::Fields;
using test::MonitorStage;
using test::MonitorTest;
using test::second_us;

class MonitorDebugTest : public MonitorTest {
 public:
  // "200 body", with the ids of sockets and sessions replaced.
  std::string get(std::string const& target, Fields fields = {}) { return get(stage, target, std::move(fields)); }
  static std::string get(MonitorStage& of, std::string const& target, Fields fields = {}) {
    auto const& asked = of.desk.ask("GET", target, {}, std::move(fields));
    return std::to_string(asked.status()) + " " + of.plain(asked.body());
  }
};

TEST_F(MonitorDebugTest, AMI_17_AThreadListsWhoFollowsIt) {
  auto const follower = [](std::string const& name, std::string const& connected, std::string const& active) {
    return R"({"session_id":")" + name + R"(","thread_id":"kitchen","user_id":"thefusionlab","status":"ready",)" +
           R"("transport":"polling","connected_at":"2026-02-24T19:22:)" + connected +
           R"(.015000","last_activity":"2026-02-24T19:22:)" + active + ".015000\"";
  };
  auto& ann = stage.follow("ann", "kitchen");
  stage.pass(second_us);
  stage.follow("ben", "kitchen");
  stage.follow("cat", "garden");
  stage.enter("dan");
  stage.pass(second_us);
  stage.emit(ann, R"(["ping",{"client_info":{"browser":"Firefox"}}])");
  EXPECT_EQ(get("/debug/thread-sessions?thread_id=kitchen"),
            R"(200 {"thread_id":"kitchen","active_session_count":2,"active_sessions":[)" + follower("ann", "16", "18") +
                R"(,"client_info":{"browser":"Firefox"}},)" + follower("ben", "17", "17") + "}]}");
  EXPECT_EQ(get("/debug/thread-sessions?thread_id=unknown"),
            R"(200 {"thread_id":"unknown","active_session_count":0,"active_sessions":[]})");
  EXPECT_EQ(get("/debug/thread-sessions"), R"(400 {"error":"thread_id parameter is required"})");
}

TEST_F(MonitorDebugTest, AMI_18_AllSocketsAreShownToWhoHasTheKey) {
  EXPECT_EQ(get("/debug/websocket-sessions"), R"(401 {"error":"Unauthorized"})");
  EXPECT_EQ(get("/debug/websocket-sessions?api_key="), R"(401 {"error":"Unauthorized"})");
  EXPECT_EQ(get("/debug/websocket-sessions?api_key=the%20keys"), R"(401 {"error":"Unauthorized"})");
  EXPECT_EQ(get("/debug/websocket-sessions?api_key=the%20key"), R"(200 {"total_sessions":0,"sessions":[]})");
  EXPECT_EQ(get("/debug/websocket-sessions", {Desk::bearer(stage.desk.mint("alice"))}),
            R"(401 {"error":"Unauthorized"})");
  EXPECT_EQ(get("/debug/websocket-sessions", {Desk::bearer(stage.desk.mint("root", Scope::admin))}),
            R"(200 {"total_sessions":0,"sessions":[]})");
  EXPECT_EQ(get("/debug/websocket-sessions", {Desk::bearer("nonsense")}), R"(401 {"error":"Unauthorized"})");
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  EXPECT_EQ(get("/debug/websocket-sessions?api_key=the%20key"),
            R"(200 {"total_sessions":1,"sessions":[{"session_id":"ann","thread_id":null,"user_id":"local",)"
            R"("status":"connected","transport":"polling","connected_at":"2026-02-24T19:22:16.015000",)"
            R"("last_activity":"2026-02-24T19:22:16.015000","pre_registered":true}]})");
  ann.client->move(test::frame_packets, "websocket");
  EXPECT_NE(get("/debug/websocket-sessions?api_key=the%20key").find(R"("transport":"websocket")"), std::string::npos);
}

TEST_F(MonitorDebugTest, WithoutAKeyNobodyHasIt) {
  MonitorDebug keyless{{stage.monitor, stage.desk.stage.hub, stage.desk.identity, "", true}};
  MonitorDebug hidden{{stage.monitor, stage.desk.stage.hub, stage.desk.identity, "the key", false}};
  for (auto const& [debug, path, query, status] : {std::tuple<MonitorDebug*, std::string_view, std::string_view, int>{
                                                       &keyless, "/debug/websocket-sessions", "api_key=", 401},
                                                   {&keyless, "/debug/websocket-sessions", "", 401},
                                                   {&hidden, "/debug/websocket-sessions", "api_key=the%20key", 404},
                                                   {&hidden, "/debug/thread-sessions", "thread_id=x", 404},
                                                   {&hidden, "/debug/all-sessions", "", 404}}) {
    Router each{stage.desk.access, stage.desk.identity, stage.desk.stage.log, Random(3)};
    each.add(debug, MonitorDebug::routes());
    Header const host{"Host", "localhost:5409"};
    Request request;
    request.method = "GET";
    request.path = path;
    request.query = query;
    request.headers = {&host, 1};
    request.remote_address = "127.0.0.1";
    int answered = 0;
    each.handle(request, Respond([](void* place, std::uint64_t,
                                    Response response) { *static_cast<int*>(place) = response.status; },
                                 &answered, 0));
    EXPECT_EQ(answered, status) << path << query;
  }
}

TEST_F(MonitorDebugTest, AMI_19_WhatWaitsIsCounted) {
  open_with(3);
  stage.follow("ann", "garden");
  stage.follow("ben", "garden");
  stage.enter("cat");
  EXPECT_EQ(get("/debug/all-sessions"),
            R"(200 {"socketio_sessions":{"total":3,"active_threads":["garden"]},)"
            R"("undelivered_messages":{"total_threads":1,"threads":["kitchen"],"counts":{"kitchen":3}}})");
  stage.follow("dan", "kitchen");
  EXPECT_EQ(get("/debug/all-sessions"), R"(200 {"socketio_sessions":{"total":4,"active_threads":["garden","kitchen"]},)"
                                        R"("undelivered_messages":{"total_threads":0,"threads":[],"counts":{}}})");
}

TEST(MonitorDebugWithUsers, ShowsEachOnlyTheirOwn) {
  MonitorStage stage(DeskSetup{.is_open = false});
  auto const alice = stage.desk.mint("alice");
  auto const root = stage.desk.mint("root", Scope::admin);
  stage.follow("alice", "kitchen", "{\"token\":\"" + alice + "\"}");
  stage.follow("bob", "kitchen", "{\"token\":\"" + stage.desk.mint("bob") + "\"}");
  auto const get = [&](std::string const& target, std::string const& token) {
    return MonitorDebugTest::get(stage, target, token.empty() ? Fields() : Fields{Desk::bearer(token)});
  };
  auto const hers = get("/debug/thread-sessions?thread_id=kitchen", alice);
  EXPECT_NE(hers.find(R"("active_session_count":1)"), std::string::npos) << hers;
  EXPECT_NE(hers.find(R"("user_id":"alice")"), std::string::npos) << hers;
  EXPECT_NE(get("/debug/thread-sessions?thread_id=kitchen", root).find(R"("active_session_count":2)"),
            std::string::npos);
  EXPECT_TRUE(get("/debug/thread-sessions?thread_id=kitchen", "").starts_with("401 "));
  EXPECT_TRUE(get("/debug/all-sessions", alice).starts_with("403 "));
  EXPECT_TRUE(get("/debug/all-sessions", root).starts_with("200 "));
  EXPECT_TRUE(get("/debug/websocket-sessions?api_key=the%20key", "").starts_with("200 ")) << "the key is enough";
}

}  // namespace
}  // namespace sojourn

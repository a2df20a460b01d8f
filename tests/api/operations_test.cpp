#include "api/operations.h"

#include <gtest/gtest.h>

#include "api/openapi.h"
#include "base/json.h"
#include "base/version.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;

TEST(Operations, TheProcessIsAlive) {
  Desk desk;
  EXPECT_EQ(desk.ask("GET", "/healthz").status(), 200);
  EXPECT_EQ(desk.ask("GET", "/healthz").body(), "{\"status\":\"ok\"}");
}

TEST(Operations, TheDocumentedHealthCheckHasBothItsShapes) {
  Desk desk;
  EXPECT_EQ(desk.ask("GET", "/api/health").body(), "{\"status\":\"ok\",\"timestamp\":1771960936015,\"success\":true}");
}

TEST(Operations, ReadinessTellsWhatTheServerRunsOn) {
  Desk desk;
  desk.connect();
  desk.connect();
  auto const& asked = desk.ask("GET", "/readyz");
  EXPECT_EQ(asked.status(), 200);
  auto const body = json::parse(asked.body());
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("status"), "ready");
  EXPECT_EQ(body->at("sending"), "send");
  EXPECT_EQ(body->at("sessions"), 2);
  EXPECT_EQ(body->at("connections"), 2);
  EXPECT_EQ(body->at("draining"), false);
}

TEST(Operations, AServerThatEndsIsNotReady) {
  Desk desk;
  desk.operations.drain();
  auto const& asked = desk.ask("GET", "/readyz");
  EXPECT_EQ(asked.status(), 503);
  EXPECT_EQ(json::parse(asked.body())->at("draining"), true);
  EXPECT_EQ(desk.ask("GET", "/healthz").status(), 200) << "but alive";
}

TEST(Operations, AServerWithoutItsStoreIsNotReady) {
  Desk desk;
  desk.stage.store.fail(error(Code::storage_full, "no space left"));
  desk.stage.hub.submit(local_principal(), OpenSession{SessionKind::shared, {}});
  desk.stage.turns(3);
  auto const& asked = desk.ask("GET", "/readyz");
  EXPECT_EQ(asked.status(), 503);
  EXPECT_EQ(json::parse(asked.body())->at("status"), "not_ready");
  EXPECT_EQ(json::parse(asked.body())->at("store"), "memory");
  EXPECT_EQ(json::parse(asked.body())->at("storage"), "failed");
}

TEST(Operations, AServerWithoutRoomIsNotReady) {
  Desk desk;
  EXPECT_EQ(json::parse(desk.ask("GET", "/readyz").body())->at("storage"), "ok");
  desk.stage.store.set_room(false);
  auto const& asked = desk.ask("GET", "/readyz");
  EXPECT_EQ(asked.status(), 503);
  EXPECT_EQ(json::parse(asked.body())->at("storage"), "full");
}

TEST(Operations, TheDescriptionIsOfWhatTheRouterHas) {
  Desk desk;
  auto const& asked = desk.ask("GET", "/openapi.json");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), to_openapi(desk.router.doors()));
  EXPECT_EQ(asked.response().content_type, "application/json; charset=utf-8");
}

TEST(Operations, TheRootOfAListenerOfSharedSessionsSaysWhatThisIs) {
  Desk desk;
  EXPECT_EQ(desk.ask("GET", "/").body(), "{\"error\":\"Endpoint not found\"}");
  EXPECT_EQ(desk.ask("GET", "/").status(), 404);
  Request request;
  request.listener = ListenerDialect::sessions;
  Response answer;
  desk.operations.show_root(
      request, {},
      Respond([](void* place, std::uint64_t, Response given) { *static_cast<Response*>(place) = std::move(given); },
              &answer, 0));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"name\":\"sojourn\",\"version\":\"" + std::string(version) +
                             "\",\"api\":\"/api/v1\",\"description\":\"/openapi.json\"}");
}

TEST(Operations, TheRootOfAListenerOfTheMonitorIsAGreeting) {
  Desk desk;
  desk.way_in = ListenerDialect::monitor;
  auto const& asked = desk.ask("GET", "/");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.response().content_type, "text/plain; charset=utf-8");
  EXPECT_TRUE(asked.body().starts_with("Sojourn " + std::string(version))) << asked.body();
}

}  // namespace
}  // namespace sojourn

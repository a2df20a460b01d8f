#include "api/operations.h"

#include <gtest/gtest.h>

#include "base/json.h"
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
  EXPECT_EQ(json::parse(asked.body())->at("store"), "failed");
}

}  // namespace
}  // namespace sojourn

#include "api/tracked.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Fields;
using test::Line;

class TrackedTest : public testing::Test {
 protected:
  Line& join(std::string user, std::string const& session = "") {
    return desk.connect("/ws/session?token=" + desk.mint(std::move(user)) + "&session_id=" + session);
  }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk.mint(user, scope))}; }
  Ask& post(std::string const& path, std::string body, Fields fields = {}) {
    return desk.ask("POST", path, std::move(body), std::move(fields));
  }
  // Frames without their ends, which name the time, the session and the request.
  static std::vector<std::string> heard(Line& line) {
    auto lines = line.outlet.take_lines();
    for (auto& frame : lines) frame.erase(frame.rfind(",\"timestamp\":"));
    return lines;
  }
  static std::string request_id(std::string const& frame) {
    auto const parsed = json::parse(frame);
    return std::string(json::find_string(parsed->get_object(), "requestId"));
  }

  Desk desk;
};

TEST_F(TrackedTest, AnAdminSeesAllSharedSessionsWithTheirState) {
  EXPECT_EQ(desk.ask("GET", "/sessions").body(), R"({"count":0,"sessions":[]})");
  auto& alice = join("alice");
  desk.ask("PUT", "/sessions/" + alice.session() + "/state/k", R"({"a":[1]})");
  desk.stage.clock.advance_us(1'500'000);
  auto& bob = join("bo\"b");
  join("bo\"b", bob.session());
  desk.connect("/ws");
  auto const expected =
      R"({"count":2,"sessions":[{"session_id":")" + alice.session() +
      R"(","user":{"username":"alice"},"created_at":"2026-02-24T19:22:16.015Z",)"
      R"("last_active":"2026-02-24T19:22:16.015Z","expires_at":"2026-02-24T20:22:17.515Z","connections":1,)"
      R"("state":{"k":{"a":[1]}}},{"session_id":")" +
      bob.session() +
      R"(","user":{"username":"bo\"b"},"created_at":"2026-02-24T19:22:17.515Z",)"
      R"("last_active":"2026-02-24T19:22:17.515Z","expires_at":"2026-02-24T20:22:17.515Z","connections":2,"state":{}}]})";
  EXPECT_EQ(desk.ask("GET", "/sessions").body(), expected) << "no token is the admin of this machine";
  EXPECT_EQ(desk.ask("GET", "/sessions/", {}, as("root", Scope::admin)).body(), expected);
  EXPECT_EQ(desk.ask("GET", "/sessions?token=" + desk.mint("root", Scope::admin)).body(), expected);
}

TEST_F(TrackedTest, TheListIsForAdmins) {
  for (auto const scope : {Scope::read, Scope::write, Scope::control}) {
    auto const& asked = desk.ask("GET", "/sessions", {}, as("alice", scope));
    EXPECT_EQ(asked.status(), 403);
    EXPECT_EQ(asked.body(), R"({"detail":"Admin privileges required"})");
  }
  EXPECT_EQ(desk.ask("GET", "/sessions?token=" + desk.mint("alice")).status(), 403);
  EXPECT_EQ(desk.ask("GET", "/sessions?token=nonsense").status(), 401);
  Desk server(DeskSetup{.is_open = false});
  auto const& asked = server.ask("GET", "/sessions");
  EXPECT_EQ(asked.status(), 401);
  EXPECT_TRUE(asked.body().starts_with(R"({"detail":"Not authenticated")"));
}

TEST_F(TrackedTest, TheListIsPaged) {
  std::vector<std::string> all;
  for (int i = 0; i < 3; ++i) all.push_back(join("alice").session());
  for (auto const& [query, count] : {std::pair<std::string_view, std::size_t>{"?limit=2", 2},
                                     {"?limit=2&offset=2", 1},
                                     {"?offset=3", 0},
                                     {"?limit=10000", 3}}) {
    auto const body = json::parse(desk.ask("GET", "/sessions" + std::string(query)).body());
    EXPECT_EQ(body->at("count"), 3) << query;
    EXPECT_EQ(body->at("sessions").as_array().size(), count) << query;
  }
  for (std::string_view const query : {"?limit=0", "?limit=10001", "?limit=x", "?offset=-1"})
    EXPECT_EQ(desk.ask("GET", "/sessions" + std::string(query)).status(), 422) << query;
}

TEST_F(TrackedTest, ABroadcastGoesToItsSessionAlone) {
  auto& one = join("alice");
  auto& two = join("alice", one.session());
  auto& other = join("alice");
  auto const path = "/sessions/" + one.session() + "/broadcast";
  auto const& asked = post(path, R"({"type":"notice","payload":{"n":1}})");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), R"({"status":"sent","session_id":")" + one.session() + R"(","connections":2})");
  for (auto* line : {&one, &two})
    EXPECT_EQ(heard(*line), std::vector<std::string>{R"({"type":"notice","payload":{"n":1})"});
  EXPECT_EQ(heard(other), std::vector<std::string>());
  EXPECT_EQ(post(path, R"({"type":"x"})", as("alice")).status(), 200);
  auto const& foreign = post(path, R"({"type":"x"})", as("bob"));
  EXPECT_EQ(foreign.status(), 404);
  EXPECT_EQ(foreign.body(), R"({"detail":"Session not found: )" + one.session() +
                                R"(","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
  EXPECT_EQ(post(path, R"({"type":"x"})", as("alice", Scope::read)).status(), 403);
  EXPECT_EQ(post("/sessions/nothing/broadcast", R"({"type":"x"})").status(), 404);
}

TEST_F(TrackedTest, AMessageIsItsPayloadOrItself) {
  auto& line = join("alice");
  auto const path = "/sessions/" + line.session() + "/broadcast";
  for (auto const& [body, frame] :
       {std::pair<std::string_view, std::string_view>{R"({"type":"a"})", R"({"type":"a")"},
        {R"({"type":"a","payload":null})", R"({"type":"a","payload":null)"},
        {R"({"type":"a","payload":[1],"x":2})", R"({"type":"a","payload":[1])"},
        {R"({"type":"a","x":2,"timestamp":5,"session_id":"z"})", R"({"type":"a","payload":{"x":2})"},
        {R"({"type":"contextual_update","text":"quote_ready","data":{"cost":1}})",
         R"({"type":"contextual_update","text":"quote_ready","data":{"cost":1})"},
        {R"({"type":"contextual_update","payload":{"text":"t","data":1}})",
         R"({"type":"contextual_update","text":"t","data":1)"}}) {
    EXPECT_EQ(post(path, std::string(body)).status(), 200) << body;
    EXPECT_EQ(heard(line), std::vector<std::string>{std::string(frame)}) << body;
  }
}

TEST_F(TrackedTest, AMessageKeepsItsRequestIdOrGetsOne) {
  auto& line = join("alice");
  auto const path = "/sessions/" + line.session() + "/broadcast";
  auto const sent = [&](std::string const& members) {
    EXPECT_EQ(post(path, R"({"type":"a")" + members + "}").status(), 200);
    return request_id(line.outlet.take_lines().at(0));
  };
  EXPECT_EQ(sent(R"(,"requestId":"mine")"), "mine");
  EXPECT_EQ(sent(R"(,"requestId":")" + std::string(128, 'x') + "\""), std::string(128, 'x'));
  EXPECT_EQ(sent(R"(,"requestId":")" + std::string(129, 'x') + "\"").size(), 36u);
  EXPECT_EQ(sent(R"(,"requestId":7)").size(), 36u);
  EXPECT_NE(sent(""), sent(""));
}

TEST_F(TrackedTest, AMessageNeedsATypeThatIsNotOurs) {
  auto& line = join("alice");
  for (std::string const& path : {"/sessions/" + line.session() + "/broadcast", std::string("/send-message")}) {
    for (std::string_view const body : {"{}", "", R"({"type":""})", R"({"type":7})"}) {
      auto const& asked = post(path, std::string(body));
      EXPECT_EQ(asked.status(), 422) << body;
      EXPECT_EQ(asked.body(), R"({"detail":"type has to be given","code":"unprocessable"})");
    }
    EXPECT_EQ(post(path, R"({"type":"session.closed"})").status(), 422);
    EXPECT_EQ(post(path, "[]").status(), 400);
    EXPECT_EQ(post(path, "{").status(), 400);
  }
  EXPECT_EQ(heard(line), std::vector<std::string>());
}

TEST_F(TrackedTest, AMessageToAllGoesToEverySharedSession) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  auto& browser = desk.connect("/ws");
  auto const& asked = post("/send-message", R"({"type":"notice","payload":{"n":12.50},"more":1})");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), R"({"status":"sent","broadcast":{"type":"notice","payload":{"n":12.5},"more":1}})");
  for (auto* line : {&alice, &bob})
    EXPECT_EQ(heard(*line), std::vector<std::string>{R"({"type":"notice","payload":{"n":12.5})"});
  EXPECT_EQ(browser.outlet.take_lines().size(), 0u);
  EXPECT_EQ(post("/send-message", R"({"type":"mine"})", as("alice")).status(), 200);
  EXPECT_EQ(heard(alice), std::vector<std::string>{R"({"type":"mine")"});
  EXPECT_EQ(heard(bob), std::vector<std::string>()) << "a user's goes to their own";
  EXPECT_EQ(post("/send-message", R"({"type":"mine"})", as("alice", Scope::read)).status(), 403);
  EXPECT_EQ(heard(alice), std::vector<std::string>());
}

TEST_F(TrackedTest, ASessionIsEndedByItsOwner) {
  auto& line = join("alice");
  auto const path = "/sessions/" + line.session();
  EXPECT_EQ(desk.ask("DELETE", path, {}, as("bob")).status(), 404);
  auto const& asked = desk.ask("DELETE", path, {}, as("alice"));
  EXPECT_EQ(asked.status(), 204);
  EXPECT_EQ(asked.body(), "");
  EXPECT_EQ(line.outlet.close_code, 1000);
  EXPECT_EQ(desk.ask("DELETE", path).body(), R"({"detail":"Session not found: )" + line.session() +
                                                 R"(","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
  auto& browser = desk.connect("/ws");
  EXPECT_EQ(desk.ask("DELETE", "/sessions/" + browser.session()).status(), 404) << "of another kind";
  EXPECT_TRUE(browser.is_open());
}

}  // namespace
}  // namespace sojourn

#include "api/tracking.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::Line;

constexpr std::string_view now_ms = "1771960936015";

// Two members of one session of alice, and a frame's end as each of them hears it.
class TrackingTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(DeskSetup setup = {}) {
    desk = std::make_unique<Desk>(std::move(setup));
    agent = &join();
    page = &join("&session_id=" + agent->session());
    agent->outlet.take_lines();
    page->outlet.take_lines();
  }
  Line& join(std::string const& query = "", std::string user = "alice") {
    return desk->connect("/ws/session?token=" + desk->mint(std::move(user)) + query);
  }
  std::string ending(std::string_view request_id = "r1") const {
    return ",\"timestamp\":" + std::string(now_ms) + ",\"requestId\":\"" + std::string(request_id) +
           "\",\"session_id\":\"" + agent->session() + "\",\"user\":\"alice\"}";
  }
  // What the two of them hear of what the agent says.
  void hear(std::string message, std::vector<std::string> to_agent, std::vector<std::string> to_page) {
    desk->say(*agent, message);
    desk->turn();
    EXPECT_EQ(agent->outlet.take_lines(), to_agent) << message;
    EXPECT_EQ(page->outlet.take_lines(), to_page) << message;
  }
  // The one answer to what the agent says, without its end; nothing of it for the others.
  std::string answer(std::string message) {
    desk->say(*agent, std::move(message));
    desk->turn();
    EXPECT_EQ(page->outlet.take_lines(), std::vector<std::string>());
    auto const lines = agent->outlet.take_lines();
    if (lines.size() != 1) return std::to_string(lines.size()) + " answers";
    auto const end = ending();
    return lines.front().ends_with(end) ? lines.front().substr(0, lines.front().size() - end.size()) : lines.front();
  }
  static std::string member(std::string const& frame, std::string_view name) {
    auto const parsed = json::parse(frame);
    return parsed && parsed->is_object() ? std::string(json::find_string(parsed->get_object(), name)) : "";
  }

  std::unique_ptr<Desk> desk;
  Line* agent = nullptr;
  Line* page = nullptr;
};

TEST_F(TrackingTest, TheFirstFrameSaysWhereOneIs) {
  EXPECT_EQ(agent->greeting, R"({"type":"connected","session_id":")" + agent->session() +
                                 R"(","session_resumed":false,"message":"Session created","timestamp":1771960936015,)"
                                 R"("user":"alice"})");
  EXPECT_EQ(page->greeting, R"({"type":"connected","session_id":")" + agent->session() +
                                R"(","session_resumed":true,"message":"Session resumed","timestamp":1771960936015,)"
                                R"("user":"alice"})");
}

TEST_F(TrackingTest, WhatCanNotBeJoinedBecomesANewSessionAndIsSaidWhy) {
  auto const asked = [&](std::string const& id, std::string user) {
    auto& line = join("&session_id=" + id, std::move(user));
    EXPECT_EQ(member(line.greeting, "session_id").size(), 36u);
    EXPECT_NE(member(line.greeting, "session_id"), id);
    EXPECT_EQ(member(line.greeting, "message"), "Session created");
    return member(line.greeting, "requested_session_id") + " " + member(line.greeting, "reason");
  };
  EXPECT_EQ(asked("nothing", "alice"), "nothing invalid");
  EXPECT_EQ(asked(agent->session(), "bob"), agent->session() + " not_owner");
  EXPECT_EQ(asked(desk->connect("/ws").session(), "alice").substr(17), "invalid") << "of another kind";
  auto const gone =
      member(desk->ask("POST", "/api/v1/sessions?user_id=alice", R"({"timeout_minutes":1})").body(), "session_id");
  desk->stage.clock.advance_us(61'000'000);
  desk->turn();
  EXPECT_EQ(asked(gone, "alice"), gone + " expired");
  EXPECT_EQ(asked(gone, "bob"), gone + " invalid") << "what others had is not told";
  auto const deleted = member(desk->ask("POST", "/api/v1/sessions?user_id=alice").body(), "session_id");
  EXPECT_EQ(desk->ask("DELETE", "/sessions/" + deleted).status(), 204);
  EXPECT_EQ(asked(deleted, "alice"), deleted + " invalid");
  EXPECT_EQ(member(join("&session_id=").greeting, "requested_session_id"), "") << "an empty one asks for nothing";
}

TEST_F(TrackingTest, WithoutAGoodTokenTheConnectionIsAcceptedAndClosed) {
  for (bool const is_open : {true, false}) {
    Desk local(DeskSetup{.is_open = is_open});
    auto const nameless = local.identity.keys().mint({"", 0, Scope::write, {}, {}}, 0);
    for (auto const& [target, reason] :
         {std::pair<std::string, std::string_view>{"/ws/session", "Missing authentication token"},
          {"/ws/session?session_id=x", "Missing authentication token"},
          {"/ws?session_id=x", "Missing authentication token"},
          {"/ws?token=", "Missing authentication token"},
          {"/ws?token=nonsense", "Invalid or expired token"},
          {"/ws/session?token=nonsense", "Invalid or expired token"},
          {"/ws/session?token=" + nameless, "Invalid token payload"}}) {
      auto const& line = local.connect(target);
      EXPECT_FALSE(line.refusal) << target << ": a page's script sees no status";
      EXPECT_EQ(line.connection, 0u);
      EXPECT_EQ(line.outlet.close_code, 1008) << target;
      EXPECT_EQ(line.outlet.close_reason, reason) << target;
      EXPECT_EQ(line.outlet.closes, 1);
    }
    EXPECT_EQ(local.stage.hub.session_count(), 0u);
  }
}

TEST_F(TrackingTest, ATokenThatMayOnlyReadOpensNothingButJoinsItsOwn) {
  auto const token = desk->mint("alice", Scope::read);
  auto const& refused = desk->connect("/ws/session?token=" + token);
  EXPECT_EQ(refused.outlet.close_code, 1008);
  EXPECT_EQ(refused.outlet.close_reason, "not allowed to open a session");
  auto& reader = desk->connect("/ws/session?token=" + token + "&session_id=" + agent->session());
  ASSERT_TRUE(reader.is_open());
  desk->say(reader, R"({"type":"contextual_update","text":"x","requestId":"r1"})");
  desk->turn();
  EXPECT_EQ(reader.outlet.take_lines(),
            std::vector<std::string>{
                R"({"type":"error","payload":{"message":"this token may only read","code":"forbidden"})" + ending()});
  EXPECT_EQ(page->outlet.take_lines(), std::vector<std::string>());
}

TEST_F(TrackingTest, APingIsAnsweredToItsSenderAlone) {
  EXPECT_EQ(answer(R"({"type":"ping","requestId":"r1"})"), R"({"type":"pong","payload":{"message":"pong"})");
}

TEST_F(TrackingTest, AContextualUpdateIsTakenAndThenTold) {
  for (std::string const message :
       {R"({"type":"contextual_update","text":"quote_ready","data":{"cost":12.99},"requestId":"r1"})",
        R"({"type":"contextual_update","payload":{"text":"quote_ready","data":{"cost":12.99}},"requestId":"r1"})",
        R"({"type":"contextual_update","text":"quote_ready","payload":{"data":{"cost":12.99}},"requestId":"r1"})"}) {
    auto const update = R"({"type":"contextual_update","text":"quote_ready","data":{"cost":12.99})" + ending();
    hear(message,
         {R"({"type":"contextual_update_received","payload":{"message":"Contextual update received",)"
          R"("update_type":"quote_ready","status":"success"})" +
              ending(),
          update},
         {update});
  }
  auto const bare = R"({"type":"contextual_update","text":"x")" + ending();
  hear(R"({"type":"contextual_update","text":"x","requestId":"r1"})",
       {R"({"type":"contextual_update_received","payload":{"message":"Contextual update received",)"
        R"("update_type":"x","status":"success"})" +
            ending(),
        bare},
       {bare});
  EXPECT_EQ(answer(R"({"type":"contextual_update","data":1,"requestId":"r1"})"),
            R"({"type":"error","payload":{"message":"Missing required parameter: text","original_request":)"
            R"({"type":"contextual_update","data":1,"requestId":"r1"}})");
}

TEST_F(TrackingTest, ANavigationIsProcessedAndThenTold) {
  auto const update = R"({"type":"navigation_update","payload":{"target":"/labels","replace":true})" + ending();
  hear(R"({"type":"navigate","payload":{"target":"/labels","replace":true},"requestId":"r1"})",
       {R"({"type":"navigation_processed","payload":{"target":"/labels","status":"success"})" + ending(), update},
       {update});
  for (std::string_view const payload : {"", R"("payload":{},)", R"("payload":{"target":""},)", R"("payload":"x",)"}) {
    auto const message = R"({"type":"navigate",)" + std::string(payload) + R"("requestId":"r1"})";
    EXPECT_EQ(answer(message),
              R"({"type":"error","payload":{"message":"Missing required parameter: target","original_request":)" +
                  message + "}");
  }
}

TEST_F(TrackingTest, ANotificationIsSentAndThenTold) {
  auto const note = R"({"type":"notification","payload":{"type":"info","title":"a","message":"b"})" + ending();
  hear(R"({"type":"notification","payload":{"type":"info","title":"a","message":"b"},"requestId":"r1"})",
       {R"({"type":"notification_sent","payload":{"message":"Notification sent","status":"success"})" + ending(), note},
       {note});
  EXPECT_EQ(answer(R"({"type":"notification","requestId":"r1"})"),
            R"({"type":"error","payload":{"message":"Missing required parameter: payload","original_request":)"
            R"({"type":"notification","requestId":"r1"}})");
}

TEST_F(TrackingTest, TheStateIsReadAndSet) {
  EXPECT_EQ(answer(R"({"type":"get_session_state","requestId":"r1"})"),
            R"({"type":"session_state","state":{},"revision":0)");
  auto const update =
      R"({"type":"session_state_update","payload":{"set":{"k":{"cost":12.99}},"removed":[]},"revision":2)" + ending();
  hear(R"({"type":"set_session_state","payload":{"key":"k","value":{"cost":12.99}},"requestId":"r1"})",
       {R"({"type":"session_state_set","payload":{"key":"k","revision":2,"status":"success"})" + ending(), update},
       {update});
  EXPECT_EQ(answer(R"({"type":"get_session_state","requestId":"r1"})"),
            R"({"type":"session_state","state":{"k":{"cost":12.99}},"revision":2)");
  for (auto const& [payload, missing] : {std::pair<std::string_view, std::string_view>{R"({"value":1})", "key"},
                                         {R"({"key":5,"value":1})", "key"},
                                         {R"({"key":"k"})", "value"}}) {
    auto const message = R"({"type":"set_session_state","payload":)" + std::string(payload) + R"(,"requestId":"r1"})";
    EXPECT_EQ(answer(message), R"({"type":"error","payload":{"message":"Missing required parameter: )" +
                                   std::string(missing) + R"(","original_request":)" + message + "}");
  }
  EXPECT_EQ(answer(R"({"type":"set_session_state","payload":{"key":"","value":1},"requestId":"r1"})"),
            R"({"type":"error","payload":{"message":"a state key is 1 to 256 bytes of UTF-8 without control )"
            R"(characters","code":"invalid"})");
}

TEST_F(TrackingTest, WhatIsNotUnderstoodIsSaidBack) {
  EXPECT_EQ(answer(R"({"type":"dance","x":[1],"requestId":"r1"})"),
            R"({"type":"error","payload":{"message":"Unsupported message type: dance","original_request":)"
            R"({"type":"dance","x":[1],"requestId":"r1"}})");
  for (std::string_view const type : {"", R"("type":null,)", R"("type":7,)", R"("type":"",)", R"("type":{},)"}) {
    auto const message = "{" + std::string(type) + R"("requestId":"r1"})";
    EXPECT_EQ(
        answer(message),
        R"({"type":"error","payload":{"message":"Unsupported message type: ","original_request":)" + message + "}")
        << type;
  }
  EXPECT_TRUE(answer(R"({"type":"session.closed","requestId":"r1"})").starts_with(R"({"type":"error")"));
}

TEST_F(TrackingTest, WhatIsNoObjectIsInvalidJson) {
  for (std::string_view const message : {"", "x", "{", "[]", "null", "7", "\"ping\"", "{\"type\":\"ping\"} x"}) {
    desk->say(*agent, std::string(message));
    auto const lines = agent->outlet.take_lines();
    ASSERT_EQ(lines.size(), 1u) << message;
    EXPECT_TRUE(lines.front().starts_with(R"({"type":"error","payload":{"message":"Invalid JSON"},"timestamp":)"));
    auto const id = member(lines.front(), "requestId");
    EXPECT_EQ(id.size(), 36u);
    EXPECT_EQ(lines.front().substr(lines.front().find(",\"timestamp\"")), ending(id));
  }
  EXPECT_TRUE(agent->is_open());
}

TEST_F(TrackingTest, ARequestIdIsEchoedIfItIsOneAndElseMade) {
  for (std::string const& id : {std::string("a b\xc3\xbc\\\""), std::string(128, 'x'), std::string("1")}) {
    std::string message = R"({"type":"ping","requestId":)";
    json::append_string(message, id);
    desk->say(*agent, message + "}");
    EXPECT_EQ(member(agent->outlet.take_lines().at(0), "requestId"), id);
  }
  std::vector<std::string> made;
  for (std::string const& id :
       {std::string(""), std::string(R"("requestId":"",)"), std::string(R"("requestId":7,)"),
        std::string(R"("requestId":null,)"), R"("requestId":")" + std::string(129, 'x') + "\","}) {
    desk->say(*agent, "{" + id + R"("type":"ping"})");
    made.push_back(member(agent->outlet.take_lines().at(0), "requestId"));
    EXPECT_EQ(made.back().size(), 36u) << id;
  }
  std::ranges::sort(made);
  EXPECT_EQ(std::ranges::adjacent_find(made), made.end()) << "each its own";
}

TEST_F(TrackingTest, EveryMessageCountsAsASignOfLife) {
  for (std::string_view const message :
       {"nonsense", "{}", R"({"type":"dance"})", R"({"type":"ping"})", R"({"type":"contextual_update","text":"x"})"}) {
    desk->stage.clock.advance_us(1'000'000);
    desk->say(*agent, std::string(message));
    auto const shown = desk->ask("GET", "/api/v1/sessions/" + agent->session() + "/connections").body();
    EXPECT_NE(shown.find("\"last_seen\":\"" + to_iso_us(desk->stage.clock.now().utc_us)), std::string::npos)
        << message << shown;
  }
}

TEST_F(TrackingTest, WhatOthersWriteComesAsAFrame) {
  auto const path = "/api/v1/sessions/" + agent->session();
  EXPECT_EQ(desk->ask("POST", path + "/events", R"({"type":"shipped","data":{"n":1}})").status(), 201);
  auto const cursor = member(desk->ask("GET", path).body(), "cursor");
  auto const epoch = std::string(8 - cursor.find('.'), '0') + cursor.substr(0, cursor.find('.'));
  auto const id = epoch + "-0000-4000-8000-000000000002";
  auto const frame = R"({"type":"shipped","payload":{"n":1},"timestamp":1771960936015,"requestId":")" + id +
                     R"(","session_id":")" + agent->session() + R"(","user":"local"})";
  EXPECT_EQ(agent->outlet.take_lines(), std::vector<std::string>{frame});
  EXPECT_EQ(page->outlet.take_lines(), std::vector<std::string>{frame});
  desk->ask("POST", path + "/events", R"({"type":"typing","volatile":true})");
  EXPECT_EQ(member(agent->outlet.take_lines().at(0), "type"), "typing");
  desk->ask("POST", path + "/tokens", "{}");
  auto& third = join("&session_id=" + agent->session());
  desk->leave(third);
  EXPECT_EQ(agent->outlet.take_lines(), std::vector<std::string>()) << "of the rest this language says nothing";
}

TEST_F(TrackingTest, ASessionThatEndsClosesItsMembers) {
  EXPECT_EQ(desk->ask("DELETE", "/sessions/" + agent->session()).status(), 204);
  EXPECT_EQ(agent->outlet.close_code, 1000);
  EXPECT_EQ(agent->outlet.take_lines(), std::vector<std::string>());
}

TEST_F(TrackingTest, ASessionTokenLeadsToItsSessionAlone) {
  auto const path = "/api/v1/sessions/" + agent->session() + "/tokens";
  auto const token = member(desk->ask("POST", path, R"({"scope":"write","user":"guest"})").body(), "token");
  auto& guest = desk->connect("/ws/session?token=" + token);
  EXPECT_EQ(guest.session(), agent->session()) << "without naming it";
  EXPECT_EQ(member(guest.greeting, "user"), "guest");
  EXPECT_EQ(desk->connect("/ws?token=" + token + "&session_id=" + agent->session()).session(), agent->session());
  auto const other = join().session();
  auto const& refused = desk->connect("/ws/session?token=" + token + "&session_id=" + other);
  EXPECT_EQ(refused.outlet.close_code, 1008);
  EXPECT_EQ(refused.outlet.close_reason, "Invalid or expired token");
  EXPECT_EQ(refused.greeting, "") << "and no new session";
  auto const tokens = json::parse(desk->ask("GET", path).body());
  auto const id = std::string(tokens->at("tokens").at(0).at("id").as_string());
  EXPECT_EQ(desk->ask("DELETE", path + "/" + id).status(), 204);
  EXPECT_EQ(guest.outlet.close_code, 1008);
  EXPECT_EQ(guest.outlet.close_reason, "token revoked");
  EXPECT_EQ(desk->connect("/ws/session?token=" + token).outlet.close_reason, "Invalid or expired token");
}

TEST_F(TrackingTest, WhenStorageFailsNobodyIsLetIn) {
  desk->stage.store.fail(error(Code::storage_full, "no space left"));
  desk->ask("POST", "/api/v1/sessions");
  auto const& line = join();
  ASSERT_TRUE(line.refusal);
  EXPECT_EQ(line.refusal->code, Code::unavailable);
}

TEST_F(TrackingTest, WithoutRoomOneIsToldToComeBackLater) {
  desk->stage.store.set_room(false);
  auto const& line = join();
  EXPECT_FALSE(line.refusal);
  EXPECT_EQ(line.outlet.close_code, 1013);
  EXPECT_NE(line.outlet.close_reason.find("nearly full"), std::string::npos) << line.outlet.close_reason;
  EXPECT_EQ(join("&session_id=" + agent->session()).outlet.closes, 0) << "to what is there, one comes";
}

}  // namespace
}  // namespace sojourn

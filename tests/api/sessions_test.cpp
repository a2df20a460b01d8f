#include "api/sessions.h"

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

constexpr std::string_view sessions = "/api/v1/sessions";

class SessionsTest : public testing::Test {
 protected:
  static std::string header_of(Ask const& asked, std::string_view name) {
    for (auto const& [given, value] : asked.response().headers) {
      if (given == name) return value;
    }
    return {};
  }
  static std::string text_of(Ask const& asked, std::string_view name) {
    auto const body = json::parse(asked.body());
    return body && body->is_object() ? std::string(json::find_string(body->get_object(), name)) : "";
  }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk.mint(user, scope))}; }
  Ask& open(std::string body = {}, Fields fields = {}, std::string_view query = "") {
    return desk.ask("POST", std::string(sessions) + std::string(query), std::move(body), std::move(fields));
  }
  std::string open_id(std::string body = {}, Fields fields = {}) {
    return text_of(open(std::move(body), std::move(fields)), "session_id");
  }
  static std::string path(std::string const& id, std::string_view rest = "") {
    return std::string(sessions) + "/" + id + std::string(rest);
  }
  // The refusal of the field that `detail` begins with.
  static std::string unprocessable(std::string_view place, std::string_view detail, std::string_view word = {}) {
    std::string out = R"({"detail":[{"type":"value_error","loc":[")" + std::string(place) + "\",\"";
    out.append(detail.substr(0, detail.find(' '))).append("\"],\"msg\":\"").append(detail);
    out += "\"}],\"code\":\"unprocessable\"";
    return word.empty() ? out + "}" : out + ",\"error_code\":\"" + std::string(word) + "\"}";
  }
  // The ids of a page, in its order, and what it says of itself: "a b |total|limit|offset".
  std::string page(std::string_view query, Fields fields = {}) {
    auto const& asked = desk.ask("GET", std::string(sessions) + std::string(query), {}, std::move(fields));
    auto const body = json::parse(asked.body());
    if (asked.status() != 200 || !body) return asked.body();
    std::string out;
    for (auto const& session : body->at("sessions").as_array())
      out += names[std::string(session.at("session_id").as_string())] + " ";
    for (auto const* name : {"total_count", "limit", "offset"}) out += "|" + std::to_string(body->at(name).as_int64());
    EXPECT_EQ(header_of(asked, "X-Total-Count"), std::to_string(body->at("total_count").as_int64()));
    return out;
  }

  Desk desk;
  std::map<std::string, std::string> names;  // what a test calls a session
};

TEST_F(SessionsTest, ANewSessionSaysWhatItIs) {
  auto const& asked = open();
  EXPECT_EQ(asked.status(), 201);
  auto const id = text_of(asked, "session_id");
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(header_of(asked, "Location"), path(id));
  EXPECT_EQ(asked.body(),
            "{\"session_id\":\"" + id +
                R"(","user_id":"local","client_id":null,"kind":"shared",)"
                R"("created_at":"2026-02-24T19:22:16.015000Z","expires_at":"2026-02-24T20:22:16.015000Z",)"
                R"("status":"active","session_type":"troubleshooting","session_resumed":false,)"
                R"("timeout_minutes":60,"message":"Session created successfully"})");
}

TEST_F(SessionsTest, AClientFindsItsSessionAgain) {
  auto const wish = R"({"client_id":"tab \"1\"","session_type":"demo","timeout_minutes":5})";
  auto const first = open_id(wish, as("alice"));
  desk.stage.clock.advance_us(60'000'000);
  auto const& again = open(R"({"client_id":"tab \"1\"","session_type":"other","timeout_minutes":9})", as("alice"));
  EXPECT_EQ(again.status(), 201);
  EXPECT_EQ(again.body(),
            "{\"session_id\":\"" + first +
                R"(","user_id":"alice","client_id":"tab \"1\"","kind":"shared",)"
                R"("created_at":"2026-02-24T19:22:16.015000Z","expires_at":"2026-02-24T19:28:16.015000Z",)"
                R"("status":"active","session_type":"demo","session_resumed":true,)"
                R"("timeout_minutes":5,"message":"Session resumed successfully"})");
  EXPECT_EQ(header_of(again, "Location"), path(first));
  EXPECT_NE(open_id(wish, as("bob")), first) << "another user's is another";
  EXPECT_NE(open_id("{}", as("alice")), first);
  EXPECT_EQ(desk.ask("DELETE", path(first)).status(), 204);
  EXPECT_EQ(json::parse(open(wish, as("alice")).body())->at("session_resumed"), false) << "what has ended is not found";
}

TEST_F(SessionsTest, WhatIsAskedOfANewOneIsChecked) {
  struct Row {
    std::string_view body;
    std::string_view detail;
    std::string_view word = {};
  };
  std::string const long_id = R"({"client_id":")" + std::string(256, 'x') + "\"}";
  std::string const long_type = R"({"session_type":")" + std::string(129, 'x') + "\"}";
  for (auto const& row :
       {Row{R"({"client_id":""})", "client_id has to be a text of 1 to 255 characters", "INVALID_CLIENT_ID"},
        Row{R"({"client_id":7})", "client_id has to be a text of 1 to 255 characters", "INVALID_CLIENT_ID"},
        Row{long_id, "client_id has to be a text of 1 to 255 characters", "INVALID_CLIENT_ID"},
        Row{R"({"session_type":[]})", "session_type has to be a text of at most 128 characters"},
        Row{long_type, "session_type has to be a text of at most 128 characters"},
        Row{R"({"timeout_minutes":0})", "timeout_minutes has to be a whole number from 1 to 1440",
            "TIMEOUT_OUT_OF_RANGE"},
        Row{R"({"timeout_minutes":1441})", "timeout_minutes has to be a whole number from 1 to 1440",
            "TIMEOUT_OUT_OF_RANGE"},
        Row{R"({"timeout_minutes":1.5})", "timeout_minutes has to be a whole number from 1 to 1440",
            "TIMEOUT_OUT_OF_RANGE"},
        Row{R"({"timeout_minutes":"5"})", "timeout_minutes has to be a whole number from 1 to 1440",
            "TIMEOUT_OUT_OF_RANGE"},
        Row{R"({"metadata":[]})", "metadata has to be an object"}, Row{R"({"state":"x"})", "state has to be an object"},
        Row{R"({"kind":"extension"})", "kind of a session that is opened here has to be shared or browser"}}) {
    auto const& asked = open(std::string(row.body));
    EXPECT_EQ(asked.status(), 422) << row.body;
    EXPECT_EQ(asked.body(), unprocessable("body", row.detail, row.word)) << row.body;
  }
  for (std::string_view const body : {"[]", "{", "7"}) EXPECT_EQ(open(std::string(body)).status(), 400) << body;
  EXPECT_EQ(open(R"({"state":{"":1}})").status(), 400) << "not a key";
  EXPECT_EQ(desk.stage.hub.session_count(), 0u);
  for (std::string_view const body :
       {R"({"client_id":null,"session_type":null,"timeout_minutes":null,"metadata":null,"state":null})",
        R"({"timeout_minutes":1})", R"({"timeout_minutes":1440})", R"({"unknown":1})", R"({"kind":"shared"})"})
    EXPECT_EQ(open(std::string(body)).status(), 201) << body;
}

TEST_F(SessionsTest, ANameIsCountedInCharactersAndMetadataInBytes) {
  std::string umlauts;
  for (int i = 0; i < 255; ++i) umlauts += "\xc3\xbc";
  EXPECT_EQ(open(R"({"client_id":")" + umlauts + "\"}").status(), 201);
  EXPECT_EQ(open(R"({"client_id":")" + umlauts + "x\"}").status(), 422);
  auto const metadata = [](std::size_t bytes) {
    return R"({"metadata":{"a":")" + std::string(bytes - 8, 'x') + "\"}}";
  };
  EXPECT_EQ(open(metadata(16 * 1024)).status(), 201);
  auto const& large = open(metadata(16 * 1024 + 1));
  EXPECT_EQ(large.status(), 413);
  EXPECT_EQ(large.body(), R"({"detail":"metadata has at most 16 KiB; a state has room for more","code":"too_large"})");
}

TEST_F(SessionsTest, AnAdminOpensForAnotherUserAndNobodyElseDoes) {
  EXPECT_EQ(text_of(open("{}", {}, "?user_id=alice"), "user_id"), "alice");
  EXPECT_EQ(text_of(open("{}", as("root", Scope::admin), "?user_id=alice"), "user_id"), "alice");
  EXPECT_EQ(text_of(open("{}", as("alice"), "?user_id=alice"), "user_id"), "alice");
  auto const& foreign = open("{}", as("bob"), "?user_id=alice");
  EXPECT_EQ(foreign.status(), 403);
  EXPECT_EQ(foreign.body(), R"({"detail":"only an admin opens a session for another user","code":"forbidden"})");
  EXPECT_EQ(open("{}", {}, "?user_id=a%00").body(), unprocessable("query", "user_id has to be a name"));
  EXPECT_EQ(open("{}", {}, "?user_id=" + std::string(257, 'x')).status(), 422);
  auto const& reader = open("{}", as("alice", Scope::read));
  EXPECT_EQ(reader.status(), 403);
  EXPECT_EQ(reader.body(), R"({"detail":"not allowed to open a session","code":"forbidden"})");
}

TEST_F(SessionsTest, OneSessionIsShownWhole) {
  auto const id =
      open_id(R"({"client_id":"c","metadata":{"room":"7","last_activity":"mine"},"state":{"a":1}})", as("alice"));
  desk.connect(path(id, "/stream"), as("alice"));
  desk.stage.clock.advance_us(1'000'001);
  auto const& asked = desk.ask("GET", path(id), {}, as("alice"));
  EXPECT_EQ(asked.status(), 200);
  auto const cursor = text_of(asked, "cursor");
  EXPECT_TRUE(cursor.ends_with(".2")) << cursor;
  EXPECT_EQ(asked.body(),
            R"({"schema_version":"3.1.0","session_id":")" + id +
                R"(","user_id":"alice","client_id":"c","kind":"shared","created_at":"2026-02-24T19:22:16.015000Z",)"
                R"("expires_at":"2026-02-24T20:22:17.015001Z","status":"active","session_type":"troubleshooting",)"
                R"("last_activity":"2026-02-24T19:22:17.015001Z","timeout_minutes":60,"connections":1,"cursor":")" +
                cursor +
                R"(","revision":2,"metadata":{"room":"7","last_activity":"2026-02-24T19:22:17.015001Z",)"
                R"("data_uploads_count":0,"case_history_count":0},"session_resumed":false})");
}

TEST_F(SessionsTest, WhatIsNotThereAndWhatIsNotYoursAreTheSame) {
  auto const id = open_id("{}", as("alice"));
  for (auto const& [path_of, fields] :
       {std::pair<std::string, Fields>{path("nothing"), {}}, {path(id), as("bob")}, {path("a%22b"), as("bob")}}) {
    for (std::string const method : {"GET", "DELETE"}) {
      auto const& asked = desk.ask(method, path_of, {}, fields);
      EXPECT_EQ(asked.status(), 404);
      auto const named = path_of.ends_with("22b") ? R"(a\"b)" : path_of.substr(sessions.size() + 1);
      EXPECT_EQ(asked.body(), R"({"detail":"Session not found: )" + named +
                                  R"(","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
    }
  }
  EXPECT_EQ(desk.ask("GET", path(id), {}, as("alice")).status(), 200);
  EXPECT_EQ(desk.ask("GET", path(id)).status(), 200) << "an admin sees all";
}

TEST_F(SessionsTest, AnExpiredSessionIsToldToItsOwnerOnly) {
  auto const id = open_id(R"({"timeout_minutes":1})", as("alice"));
  desk.stage.clock.advance_us(60'000'000);
  desk.turn();
  for (auto const& fields : {as("alice"), Fields{}}) {
    auto const& asked = desk.ask("GET", path(id), {}, fields);
    EXPECT_EQ(asked.status(), 404);
    EXPECT_EQ(asked.body(),
              R"({"detail":"Session expired: )" + id + R"(","code":"expired","error_code":"SESSION_EXPIRED"})");
  }
  EXPECT_EQ(text_of(desk.ask("GET", path(id), {}, as("bob")), "code"), "not_found");
}

TEST_F(SessionsTest, ADeletedSessionIsGoneAndItsMembersHearIt) {
  auto const id = open_id("{}", as("alice"));
  auto& line = desk.connect(path(id, "/stream"), as("alice"));
  auto const& asked = desk.ask("DELETE", path(id), {}, as("alice"));
  EXPECT_EQ(asked.status(), 204);
  EXPECT_EQ(asked.body(), "");
  EXPECT_EQ(line.outlet.close_code, 1000);
  EXPECT_EQ(line.outlet.close_reason, "Session closed");
  EXPECT_EQ(desk.ask("DELETE", path(id), {}, as("alice")).status(), 404);
  auto const reader_id = open_id("{}", as("alice"));
  EXPECT_EQ(desk.ask("DELETE", path(reader_id), {}, as("alice", Scope::read)).status(), 403);
}

TEST_F(SessionsTest, TheListIsFilteredAndPaged) {
  names[open_id(R"({"session_type":"a","metadata":{"room":"7","n":1,"b":true}})", as("alice"))] = "one";
  names[open_id(R"({"session_type":"b","metadata":{"room":"8"}})", as("alice"))] = "two";
  auto const third = open_id(R"({"session_type":"a"})", as("bob"));
  names[third] = "three";
  names[desk.connect("/ws").session()] = "browser";
  desk.connect(path(third, "/stream"), as("bob"));
  for (auto const& [query, expected] : {std::pair<std::string_view, std::string_view>{"", "one two three |3|50|0"},
                                        {"?kind=shared", "one two three |3|50|0"},
                                        {"?kind=extension", "browser |1|50|0"},
                                        {"?kind=all", "browser one two three |4|50|0"},
                                        {"?user_id=alice", "one two |2|50|0"},
                                        {"?user_id=nobody", "|0|50|0"},
                                        {"?session_type=a", "one three |2|50|0"},
                                        {"?usage_type=b", "two |1|50|0"},
                                        {"?session_type=a&user_id=alice", "one |1|50|0"},
                                        {"?label=room:7", "one |1|50|0"},
                                        {"?label=n:1", "one |1|50|0"},
                                        {"?label=b:true", "one |1|50|0"},
                                        {"?label=room:", "|0|50|0"},
                                        {"?label=nothing:7", "|0|50|0"},
                                        {"?connected=true", "three |1|50|0"},
                                        {"?connected=false", "one two |2|50|0"},
                                        {"?kind=all&connected=true", "browser three |2|50|0"},
                                        {"?limit=2", "one two |3|2|0"},
                                        {"?limit=2&offset=2", "three |3|2|2"},
                                        {"?limit=1&offset=9", "|3|1|9"},
                                        {"?session_type=a&limit=1&offset=1", "three |2|1|1"}}) {
    EXPECT_EQ(page(query), expected) << query;
  }
  EXPECT_EQ(page("", as("alice")), "one two |2|50|0") << "one's own";
  EXPECT_EQ(page("?user_id=alice", as("alice", Scope::read)), "one two |2|50|0");
  EXPECT_EQ(page("?kind=all", as("carol")), "|0|50|0");
  EXPECT_EQ(page("?user_id=bob", as("alice")),
            R"({"detail":"only an admin lists another user's sessions","code":"forbidden"})");
}

TEST_F(SessionsTest, AListedSessionHasTheDocumentedMembers) {
  auto const id = open_id(R"({"client_id":"c","session_type":"demo"})", as("alice"));
  EXPECT_EQ(desk.ask("GET", sessions, {}, as("alice")).body(),
            R"({"sessions":[{"session_id":")" + id +
                R"(","user_id":"alice","client_id":"c","kind":"shared","created_at":"2026-02-24T19:22:16.015000Z",)"
                R"("expires_at":"2026-02-24T20:22:16.015000Z","status":"active","session_type":"demo",)"
                R"("last_activity":"2026-02-24T19:22:16.015000Z","usage_type":"demo","connections":0,)"
                R"("data_uploads_count":0,"case_history_count":0}],"total_count":1,"limit":50,"offset":0})");
  EXPECT_EQ(desk.ask("GET", std::string(sessions) + "/?limit=1", {}, as("bob")).body(),
            R"({"sessions":[],"total_count":0,"limit":1,"offset":0})");
}

TEST_F(SessionsTest, AFilterThatMakesNoSenseIsUnprocessable) {
  for (auto const& [query, detail] :
       {std::pair<std::string_view, std::string_view>{"?kind=both", "kind has to be shared, extension, browser or all"},
        {"?limit=0", "limit has to be a whole number from 1 to 100"},
        {"?limit=101", "limit has to be a whole number from 1 to 100"},
        {"?limit=ten", "limit has to be a whole number from 1 to 100"},
        {"?offset=-1", "offset has to be a whole number from 0 on"},
        {"?offset=1x", "offset has to be a whole number from 0 on"},
        {"?label=room", "label has to be NAME:VALUE"},
        {"?connected=yes", "connected has to be true or false"}}) {
    auto const& asked = desk.ask("GET", std::string(sessions) + std::string(query));
    EXPECT_EQ(asked.status(), 422) << query;
    EXPECT_EQ(asked.body(), unprocessable("query", detail));
  }
}

TEST_F(SessionsTest, MembersAreListedAndSentAway) {
  auto const id = open_id("{}", as("alice"));
  EXPECT_EQ(desk.ask("GET", path(id, "/connections")).body(), R"({"connections":[],"count":0})");
  auto& agent = desk.connect(path(id, "/stream"), {Desk::bearer(desk.mint("alice")), {"User-Agent", "Agent/1 \"x\""}});
  desk.stage.clock.advance_us(1'000'000);
  auto& reader = desk.follow(path(id, "/events"), as("alice"));
  desk.say(agent, R"({"type":"ping"})");
  auto const name = "c" + std::to_string(agent.connection);
  EXPECT_EQ(desk.ask("GET", path(id, "/connections"), {}, as("alice")).body(),
            R"({"connections":[{"connection_id":")" + name +
                R"(","user":"alice","transport":"websocket","connected_at":"2026-02-24T19:22:16.015000Z",)"
                R"("last_seen":"2026-02-24T19:22:17.015000Z","user_agent":"Agent/1 \"x\"","address":"127.0.0.1"},)"
                R"({"connection_id":"c)" +
                std::to_string(reader.connection) +
                R"(","user":"alice","transport":"event_stream","connected_at":"2026-02-24T19:22:17.015000Z",)"
                R"("last_seen":"2026-02-24T19:22:17.015000Z","user_agent":"","address":"127.0.0.1"}],"count":2})");
  EXPECT_EQ(desk.ask("GET", path(id, "/connections"), {}, as("bob")).status(), 404);
  EXPECT_EQ(desk.ask("DELETE", path(id, "/connections/" + name), {}, as("bob")).status(), 404);
  EXPECT_EQ(agent.outlet.closes, 0);
  auto const& kicked = desk.ask("DELETE", path(id, "/connections/" + name), {}, as("alice"));
  EXPECT_EQ(kicked.status(), 204);
  EXPECT_EQ(agent.outlet.close_code, 1008);
  EXPECT_EQ(agent.outlet.close_reason, "kicked");
  EXPECT_EQ(reader.outlet.closes, 0);
  for (std::string const& other : {name, std::string("c999"), std::string("7"), std::string("c"), std::string("cx")}) {
    auto const& asked = desk.ask("DELETE", path(id, "/connections/" + other), {}, as("alice"));
    EXPECT_EQ(asked.status(), 404) << other;
    EXPECT_EQ(asked.body(), R"({"detail":"Connection not found","code":"not_found"})");
  }
  auto const elsewhere = open_id("{}", as("alice"));
  auto const there = "/connections/c" + std::to_string(reader.connection);
  EXPECT_EQ(desk.ask("DELETE", path(elsewhere, there), {}, as("alice")).status(), 404) << "of another session";
  EXPECT_EQ(reader.outlet.closes, 0);
}

}  // namespace
}  // namespace sojourn

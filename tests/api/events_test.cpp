#include "api/events.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/stream.h"
#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Fields;

class EventsTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(DeskSetup setup = {}, Fields fields = {}) {
    desk = std::make_unique<Desk>(std::move(setup));
    auto const body = json::parse(desk->ask("POST", "/api/v1/sessions", "{}", std::move(fields)).body());
    id = body->at("session_id").as_string();
    auto const shown = json::parse(desk->ask("GET", "/api/v1/sessions/" + id).body());
    epoch = shown->at("cursor").as_string();
    epoch.erase(epoch.find('.') + 1);
  }
  std::string path(std::string_view rest = "") const {
    return "/api/v1/sessions/" + id + "/events" + std::string(rest);
  }
  Ask& post(std::string body, Fields fields = {}) { return desk->ask("POST", path(), std::move(body), fields); }
  // "types seqs|cursor|last_seq|gap" of a page.
  std::string page(std::string_view query = "") {
    auto const& asked = desk->ask("GET", path(query));
    auto const body = json::parse(asked.body());
    if (asked.status() != 200 || !body) return asked.body();
    std::string out;
    for (auto const& event : body->at("events").as_array())
      out += std::string(event.at("type").as_string()) + std::to_string(event.at("seq").as_int64()) + " ";
    auto const cursor = std::string(body->at("cursor").as_string());
    EXPECT_TRUE(cursor.starts_with(epoch)) << cursor;
    out += "|" + cursor.substr(epoch.size()) + "|" + std::to_string(body->at("last_seq").as_int64());
    return out + (body->at("gap").as_bool() ? "|gap" : "");
  }

  std::unique_ptr<Desk> desk;
  std::string id;
  std::string epoch;  // with the dot
};

TEST_F(EventsTest, AnEventIsAppendedAndNamesItsPlace) {
  auto const& asked = post(R"({"type":"note","data":{"b":1,"a":[12.5]}})");
  EXPECT_EQ(asked.status(), 201);
  EXPECT_EQ(asked.body(), R"({"seq":2,"cursor":")" + epoch + "2\"}");
  EXPECT_EQ(desk->ask("GET", path("?since=1")).body(),
            R"({"events":[{"type":"note","seq":2,"cursor":")" + epoch +
                R"(2","at":"2026-02-24T19:22:16.015000Z","user":"local","data":{"b":1,"a":[12.5]}}],"cursor":")" +
                epoch + R"(2","last_seq":2,"gap":false})");
}

TEST_F(EventsTest, DataIsWhateverItIs) {
  for (auto const& [body, data] : {std::pair<std::string_view, std::string_view>{R"({"type":"a"})", ""},
                                   {R"({"type":"a","data":null})", R"(,"data":null)"},
                                   {R"({"type":"a","data":"x"})", R"(,"data":"x")"},
                                   {R"({"type":"a","data":[]})", R"(,"data":[])"},
                                   {R"({"type":"a","data":0})", R"(,"data":0)"}}) {
    auto const posted = json::parse(post(std::string(body)).body());
    auto const since = std::to_string(posted->at("seq").as_int64() - 1);
    auto const shown = desk->ask("GET", path("?since=" + since)).body();
    EXPECT_NE(shown.find("\"user\":\"local\"" + std::string(data) + "}]"), std::string::npos) << body << shown;
  }
}

TEST_F(EventsTest, PagesFollowEachOther) {
  for (int i = 0; i < 5; ++i) post(R"({"type":"n"})");
  EXPECT_EQ(page(), "session.opened1 n2 n3 n4 n5 n6 |6|6");
  EXPECT_EQ(page("?limit=2"), "session.opened1 n2 |2|6");
  EXPECT_EQ(page("?limit=2&since=2"), "n3 n4 |4|6");
  EXPECT_EQ(page("?limit=2&since=" + epoch + "4"), "n5 n6 |6|6");
  EXPECT_EQ(page("?limit=2&since=6"), "|6|6") << "nothing yet";
  EXPECT_EQ(page("?since=0&limit=1"), "session.opened1 |1|6");
  EXPECT_EQ(page("?since="), "session.opened1 n2 n3 n4 n5 n6 |6|6");
  EXPECT_EQ(page("?limit=1000&since=5"), "n6 |6|6");
}

TEST_F(EventsTest, APlaceThatIsNotInTheLogIsAGap) {
  post(R"({"type":"n"})");
  EXPECT_EQ(page("?since=9"), "session.opened1 n2 |2|2|gap") << "after the end";
  EXPECT_EQ(page("?since=0.1"), "session.opened1 n2 |2|2|gap") << "of another log";
  EXPECT_EQ(page("?since=18446744073709551615"), "session.opened1 n2 |2|2|gap");
}

TEST_F(EventsTest, WhatFellOffTheLogIsAGap) {
  DeskSetup setup;
  setup.stage.limits.log_events = 3;
  open(std::move(setup));
  for (int i = 0; i < 9; ++i) post(R"({"type":"n"})");
  EXPECT_EQ(page("?since=3"), "n8 n9 n10 |10|10|gap");
  EXPECT_EQ(page("?since=7"), "n8 n9 n10 |10|10");
  EXPECT_EQ(page(), "n8 n9 n10 |10|10") << "who names nothing misses nothing";
}

TEST_F(EventsTest, WhatIsNoPlaceOrNoLimitIsRefused) {
  for (std::string_view const since : {"x", "-1", "1.x", ".1", "1.", "1.2.3", "0x1", "%201", "18446744073709551616"}) {
    auto const& asked = desk->ask("GET", path("?since=" + std::string(since)));
    EXPECT_EQ(asked.status(), 400) << since;
    EXPECT_EQ(asked.body(), R"({"detail":"since is a cursor such as )" + epoch + R"(0, or a seq","code":"invalid"})");
  }
  for (std::string_view const limit : {"0", "1001", "-1", "x", "1.5", "1x", "%201", "99999999999999999999"}) {
    auto const& asked = desk->ask("GET", path("?limit=" + std::string(limit)));
    EXPECT_EQ(asked.status(), 422) << limit;
    EXPECT_EQ(asked.body(), R"({"detail":[{"type":"value_error","loc":["query","limit"],)"
                            R"("msg":"limit has to be a whole number from 1 to 1000"}],"code":"unprocessable"})");
  }
}

TEST_F(EventsTest, AVolatileEventIsBroadcastAndNotKept) {
  auto& line = desk->connect("/api/v1/sessions/" + id + "/stream");
  auto const& asked = post(R"({"type":"typing","data":1,"volatile":true})");
  EXPECT_EQ(asked.status(), 202);
  EXPECT_EQ(asked.body(), R"({"volatile":true})");
  EXPECT_EQ(line.outlet.take_lines(),
            std::vector<std::string>{R"({"type":"typing","volatile":true,"at":"2026-02-24T19:22:16.015000Z",)"
                                     R"("user":"local","data":1})"});
  EXPECT_EQ(page(), "session.opened1 |1|1");
  EXPECT_EQ(post(R"({"type":"a","volatile":false})").status(), 201);
}

TEST_F(EventsTest, TypesOfOursAreReserved) {
  for (std::string_view const body :
       {R"({"type":"session.closed"})", R"({"type":"session."})", R"({"type":"connected"})", R"({"type":"pong"})",
        R"({"type":""})", R"({"type":7})", R"({"type":null})", "{}", ""}) {
    auto const& asked = post(std::string(body));
    EXPECT_EQ(asked.status(), 400) << body;
    EXPECT_EQ(asked.body(), R"({"detail":")" + std::string(type_rule) + R"(","code":"invalid"})");
  }
  EXPECT_EQ(post(R"({"type":")" + std::string(257, 'x') + "\"}").status(), 400);
  EXPECT_EQ(post(R"({"type":")" + std::string(256, 'x') + "\"}").status(), 201);
  EXPECT_EQ(post(R"({"type":"session"})").status(), 201);
  EXPECT_EQ(post(R"({"type":"Session.closed"})").status(), 201);
}

TEST_F(EventsTest, WhatIsMalformedIsInvalid) {
  for (std::string_view const body : {"{", "[]", "null", "\"note\"", R"({"type":"a","volatile":1})",
                                      R"({"type":"a","volatile":"true"})", R"({"type":"a","volatile":null})"}) {
    EXPECT_EQ(post(std::string(body)).status(), 400) << body;
  }
  EXPECT_EQ(page(), "session.opened1 |1|1");
}

TEST_F(EventsTest, NothingIsToldBeforeItIsCommitted) {
  auto& line = desk->connect("/api/v1/sessions/" + id + "/stream");
  desk->stage.store.hold();
  auto const& posted = post(R"({"type":"n"})");
  EXPECT_FALSE(posted.is_answered());
  EXPECT_EQ(line.outlet.take_lines().size(), 0u);
  EXPECT_EQ(page(), "session.opened1 |1|1");
  desk->stage.store.release();
  for (int i = 0; i < 3; ++i) desk->turn();
  EXPECT_EQ(posted.status(), 201);
  EXPECT_EQ(line.outlet.take_lines().size(), 1u);
  EXPECT_EQ(page(), "session.opened1 n2 |2|2");
}

TEST_F(EventsTest, AUserIsNamedAndOthersSeeNothing) {
  auto const alice = Desk::bearer(desk->mint("alice"));
  open({}, {Desk::bearer(desk->mint("alice"))});
  EXPECT_EQ(post(R"({"type":"n"})", {alice}).status(), 201);
  EXPECT_NE(desk->ask("GET", path("?since=1"), {}, {alice}).body().find("\"user\":\"alice\""), std::string::npos);
  for (auto const& fields : {Fields{Desk::bearer(desk->mint("bob"))}, Fields{Desk::bearer(desk->mint("bob"))}}) {
    EXPECT_EQ(post(R"({"type":"n"})", fields).status(), 404);
    auto const& asked = desk->ask("GET", path(), {}, fields);
    EXPECT_EQ(asked.status(), 404);
    EXPECT_EQ(asked.body(),
              R"({"detail":"Session not found: )" + id + R"(","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
  }
  auto const reader = Desk::bearer(desk->mint("alice", Scope::read));
  EXPECT_EQ(desk->ask("GET", path(), {}, {reader}).status(), 200);
  EXPECT_EQ(post(R"({"type":"n"})", {reader}).status(), 403);
}

TEST_F(EventsTest, ARepeatedRequestAppendsOnce) {
  Fields const key{{"Idempotency-Key", "key-00001"}};
  auto const first = post(R"({"type":"n"})", key).body();
  EXPECT_EQ(post(R"({"type":"n"})", key).body(), first);
  EXPECT_EQ(page(), "session.opened1 n2 |2|2");
}

}  // namespace
}  // namespace sojourn

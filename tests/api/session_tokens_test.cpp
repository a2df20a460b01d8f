// Session tokens at the native door: handed out, listed, taken back, and what their holders may do.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sessions.h"
#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::Fields;

constexpr std::int64_t now_us = 1'771'960'936'015'000;

class SessionTokensTest : public testing::Test {
 protected:
  void SetUp() override { id = open(); }

  std::string open() { return text_of(desk.ask("POST", "/api/v1/sessions?user_id=alice"), "session_id"); }
  static std::string text_of(Ask const& asked, std::string_view name) {
    auto const body = json::parse(asked.body());
    return body && body->is_object() ? std::string(json::find_string(body->get_object(), name)) : "";
  }
  std::string path(std::string_view rest = "") const { return "/api/v1/sessions/" + id + std::string(rest); }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk.mint(user, scope))}; }
  Ask& mint(std::string body = {}) { return desk.ask("POST", path("/tokens"), std::move(body), as("alice")); }
  Fields guest(std::string body = {}) {
    auto const token = text_of(mint(std::move(body)), "token");
    EXPECT_NE(token, "");
    return {Desk::bearer(token)};
  }
  int status(std::string method, std::string const& target, Fields fields, std::string body = {}) {
    return desk.ask(std::move(method), target, std::move(body), std::move(fields)).status();
  }

  Desk desk;
  std::string id;
};

TEST_F(SessionTokensTest, ATokenSaysWhatItIs) {
  auto const& asked = mint();
  EXPECT_EQ(asked.status(), 201);
  auto const token = text_of(asked, "token");
  auto const token_id = text_of(asked, "id");
  EXPECT_EQ(asked.body(), R"({"token":")" + token + R"(","id":")" + token_id +
                              R"(","scope":"read","expires_at":"2026-02-24T20:22:16.015000Z","single_use":false,)"
                              R"("used":false})");
  auto const claims = desk.identity.keys().verify(token, now_us);
  ASSERT_TRUE(claims);
  EXPECT_EQ(*claims, (Claims{"alice", now_us / 1'000'000 + 3600, Scope::read, id, token_id}));
}

TEST_F(SessionTokensTest, ATokenIsWhatWasAskedFor) {
  auto const& asked = mint(R"({"scope":"write","expires_in_s":60,"single_use":true,"user":"the guest"})");
  auto const claims = desk.identity.keys().verify(text_of(asked, "token"), now_us);
  ASSERT_TRUE(claims);
  EXPECT_EQ(*claims, (Claims{"the guest", now_us / 1'000'000 + 60, Scope::write, id, text_of(asked, "id")}));
  EXPECT_TRUE(asked.body().ends_with(
      R"("scope":"write","expires_at":"2026-02-24T19:23:16.015000Z","single_use":true,"used":false})"));
  EXPECT_EQ(mint(R"({"expires_in_s":1})").status(), 201);
  EXPECT_EQ(mint(R"({"expires_in_s":2592000})").status(), 201);
}

TEST_F(SessionTokensTest, WhatMakesNoSenseIsUnprocessable) {
  for (auto const& [body, detail] :
       {std::pair<std::string_view, std::string_view>{R"({"scope":"admin"})", "scope has to be read, write or control"},
        {R"({"scope":"all"})", "scope has to be read, write or control"},
        {R"({"expires_in_s":0})", "expires_in_s has to be a whole number from 1 to 2592000"},
        {R"({"expires_in_s":2592001})", "expires_in_s has to be a whole number from 1 to 2592000"},
        {R"({"expires_in_s":1.5})", "expires_in_s has to be a whole number from 1 to 2592000"},
        {R"({"expires_in_s":"60"})", "expires_in_s has to be a whole number from 1 to 2592000"},
        {R"({"single_use":1})", "single_use has to be true or false"},
        {R"({"user":""})", "user has to be a name"},
        {R"({"user":7})", "user has to be a name"},
        {R"({"user":"a\u0000"})", "user has to be a name"}}) {
    auto const& asked = mint(std::string(body));
    EXPECT_EQ(asked.status(), 422) << body;
    EXPECT_EQ(asked.body(), R"({"detail":[{"type":"value_error","loc":["body",")" +
                                std::string(detail.substr(0, detail.find(' '))) + R"("],"msg":")" +
                                std::string(detail) + R"("}],"code":"unprocessable"})");
  }
  EXPECT_EQ(mint("[]").status(), 400);
  EXPECT_EQ(desk.ask("GET", path("/tokens")).body(), R"({"tokens":[]})");
}

TEST_F(SessionTokensTest, OnlyTheOwnerAndAdminsHandOut) {
  auto const writer = guest(R"({"scope":"write"})");
  for (auto const& [fields, expected] : {std::pair<Fields, int>{as("bob"), 404},
                                         {as("alice", Scope::read), 403},
                                         {writer, 403},
                                         {as("root", Scope::admin), 201},
                                         {Fields{}, 201}}) {
    EXPECT_EQ(status("POST", path("/tokens"), fields, "{}"), expected);
    EXPECT_EQ(status("GET", path("/tokens"), fields), expected == 201 ? 200 : expected);
    EXPECT_EQ(status("DELETE", path("/tokens/nothing"), fields), expected == 201 ? 404 : expected);
  }
  auto const& more = desk.ask("POST", path("/tokens"), R"({"scope":"control"})", as("alice"));
  EXPECT_EQ(more.status(), 403);
  EXPECT_EQ(more.body(), R"({"detail":"a token can't allow more than your own","code":"forbidden"})");
}

TEST_F(SessionTokensTest, TheListHasThoseThatLive) {
  auto const one = text_of(mint(R"({"expires_in_s":60})"), "id");
  auto const two = text_of(mint(R"({"scope":"write","expires_in_s":120,"single_use":true})"), "id");
  auto const second = R"({"id":")" + two +
                      R"(","scope":"write","expires_at":"2026-02-24T19:24:16.015000Z","single_use":true,"used":false})";
  EXPECT_EQ(desk.ask("GET", path("/tokens"), {}, as("alice")).body(),
            R"({"tokens":[{"id":")" + one +
                R"(","scope":"read","expires_at":"2026-02-24T19:23:16.015000Z","single_use":false,"used":false},)" +
                second + "]}");
  desk.stage.clock.advance_us(60'000'000);
  EXPECT_EQ(desk.ask("GET", path("/tokens"), {}, as("alice")).body(), R"({"tokens":[)" + second + "]}");
}

TEST_F(SessionTokensTest, AGuestReadsItsSessionAndNothingElse) {
  auto const reader = guest();
  auto const other = "/api/v1/sessions/" + open();
  for (std::string_view const rest : {"", "/state", "/events", "/connections"}) {
    EXPECT_EQ(status("GET", path(rest), reader), 200) << rest;
    EXPECT_EQ(status("GET", other + std::string(rest), reader), 404) << rest;
  }
  EXPECT_TRUE(desk.connect(path("/stream"), reader).is_open());
  EXPECT_TRUE(desk.follow(path("/events"), reader).is_open());
  EXPECT_EQ(desk.connect(other + "/stream", reader).refusal->code, Code::not_found);
  EXPECT_EQ(json::parse(desk.ask("GET", "/api/v1/sessions", {}, reader).body())->at("total_count"), 1);
  EXPECT_EQ(status("GET", "/sessions", reader), 403);
  EXPECT_EQ(status("POST", "/api/v1/sessions", reader), 403);
  for (auto const& [method, rest] : {std::pair<std::string, std::string_view>{"POST", "/events"},
                                     {"PUT", "/state/k"},
                                     {"DELETE", "/state/k"},
                                     {"DELETE", ""},
                                     {"DELETE", "/connections/c1"}}) {
    auto const& asked = desk.ask(method, path(rest), R"({"type":"a"})", reader);
    EXPECT_EQ(asked.status(), 403) << method << rest;
    EXPECT_EQ(asked.body(), R"({"detail":"this token may only read","code":"forbidden"})");
  }
}

TEST_F(SessionTokensTest, AGuestWhoMayWriteWritesAndNoMore) {
  auto const writer = guest(R"({"scope":"write","user":"the guest"})");
  EXPECT_EQ(status("POST", path("/events"), writer, R"({"type":"a"})"), 201);
  EXPECT_EQ(status("PUT", path("/state/k"), writer, "1"), 200);
  EXPECT_EQ(status("DELETE", path(), writer), 403);
  EXPECT_EQ(status("POST", "/send-message", writer, R"({"type":"a"})"), 403);
  EXPECT_NE(desk.ask("GET", path("/events"), {}, writer).body().find(R"("user":"the guest")"), std::string::npos);
}

TEST_F(SessionTokensTest, ATokenThatIsTakenBackIsWorthNothing) {
  auto const& minted = mint(R"({"scope":"write"})");
  Fields const holder{Desk::bearer(text_of(minted, "token"))};
  auto& line = desk.connect(path("/stream"), holder);
  auto& other = desk.connect(path("/stream"), guest());
  ASSERT_TRUE(line.is_open());
  auto const token = path("/tokens/" + text_of(minted, "id"));
  EXPECT_EQ(status("DELETE", token, as("alice")), 204);
  EXPECT_EQ(line.outlet.close_code, 1008);
  EXPECT_EQ(line.outlet.close_reason, "token revoked");
  EXPECT_TRUE(other.is_open());
  EXPECT_EQ(status("GET", path(), holder), 401) << "its holder may know";
  EXPECT_EQ(status("GET", "/api/v1/sessions/" + open(), holder), 404);
  auto const& again = desk.ask("DELETE", token, {}, as("alice"));
  EXPECT_EQ(again.status(), 404);
  EXPECT_EQ(again.body(), R"({"detail":"Token not found: )" + text_of(minted, "id") + R"(","code":"not_found"})");
}

TEST_F(SessionTokensTest, ATokenThatRunsOutEndsWhatCameInWithIt) {
  auto const reader = guest(R"({"expires_in_s":60})");
  auto& line = desk.connect(path("/stream"), reader);
  desk.stage.clock.advance_us(59'000'000);
  desk.turn();
  EXPECT_TRUE(line.is_open());
  desk.stage.clock.advance_us(1'000'000);
  desk.turn();
  EXPECT_EQ(line.outlet.close_code, 1008);
  EXPECT_EQ(line.outlet.close_reason, "Invalid or expired token");
  EXPECT_EQ(status("GET", path(), reader), 401);
}

TEST_F(SessionTokensTest, ASingleUseTokenLetsOneInOnce) {
  auto const once = guest(R"({"single_use":true,"scope":"write"})");
  auto& line = desk.connect(path("/stream"), once);
  ASSERT_TRUE(line.is_open());
  EXPECT_EQ(status("GET", path(), once), 401);
  auto const& second = desk.connect(path("/stream"), once);
  ASSERT_TRUE(second.refusal);
  EXPECT_EQ(second.refusal->code, Code::unauthenticated);
  desk.say(line, R"({"type":"note","request_id":"r"})");
  desk.turn();
  EXPECT_NE(line.outlet.text.find(R"({"type":"ack")"), std::string::npos) << "who came in stays";
  EXPECT_NE(desk.ask("GET", path("/tokens"), {}, as("alice")).body().find(R"("single_use":true,"used":true})"),
            std::string::npos);
}

TEST_F(SessionTokensTest, TheLogTellsOfTokensAndNeverShowsOne) {
  auto& line = desk.connect(path("/stream"), as("alice"));
  auto const& minted = mint();
  auto const token = text_of(minted, "token");
  desk.ask("DELETE", path("/tokens/" + text_of(minted, "id")), {}, as("alice"));
  EXPECT_NE(line.outlet.text.find("session.token_minted"), std::string::npos);
  EXPECT_NE(line.outlet.text.find("session.token_revoked"), std::string::npos);
  EXPECT_NE(line.outlet.text.find(text_of(minted, "id")), std::string::npos);
  EXPECT_EQ(line.outlet.text.find(token), std::string::npos);
  EXPECT_EQ(desk.ask("GET", path("/events")).body().find(token), std::string::npos);
}

}  // namespace
}  // namespace sojourn

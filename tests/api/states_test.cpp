#include "api/states.h"

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
using test::Fields;

class StatesTest : public testing::Test {
 protected:
  void SetUp() override { id = open(desk, R"({"state":{"a":{"x":1,"y":2},"b":[1]}})"); }

  static std::string open(Desk& desk, std::string body, Fields fields = {}) {
    auto const& asked = desk.ask("POST", "/api/v1/sessions", std::move(body), std::move(fields));
    auto const opened = json::parse(asked.body());
    return opened && opened->is_object() ? std::string(json::find_string(opened->get_object(), "session_id")) : "";
  }
  std::string path(std::string_view rest = "") const { return "/api/v1/sessions/" + id + "/state" + std::string(rest); }
  Ask& ask(std::string method, std::string_view rest, std::string body = {}, Fields fields = {}) {
    return desk.ask(std::move(method), path(rest), std::move(body), std::move(fields));
  }
  // The status of a change that names a revision.
  int status_if(std::string_view match, std::string_view rest = "/a", std::string method = "PUT") {
    return ask(std::move(method), rest, "{}", {{"If-Match", std::string(match)}}).status();
  }
  static std::string etag(Ask const& asked) {
    for (auto const& [name, value] : asked.response().headers) {
      if (name == "ETag") return value;
    }
    return {};
  }
  std::string state() { return desk.ask("GET", path()).body(); }
  std::string cursor(std::uint64_t seq) {
    auto const body = json::parse(desk.ask("GET", "/api/v1/sessions/" + id).body());
    auto const text = std::string(body->at("cursor").as_string());
    return text.substr(0, text.find('.') + 1) + std::to_string(seq);
  }

  Desk desk;
  std::string id;
};

TEST_F(StatesTest, TheWholeStateHasItsRevisionTwice) {
  auto const& asked = ask("GET", "");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), R"({"state":{"a":{"x":1,"y":2},"b":[1]},"revision":2})");
  EXPECT_EQ(etag(asked), "\"2\"");
  auto const fresh = open(desk, "{}");
  EXPECT_EQ(desk.ask("GET", "/api/v1/sessions/" + fresh + "/state").body(), R"({"state":{},"revision":0})");
}

TEST_F(StatesTest, AKeyHasTheRevisionThatSetItLast) {
  EXPECT_EQ(ask("PUT", "/c", "7").status(), 200);
  EXPECT_EQ(ask("GET", "/b").body(), R"({"value":[1],"revision":2})");
  EXPECT_EQ(etag(ask("GET", "/b")), "\"2\"");
  EXPECT_EQ(ask("GET", "/c").body(), R"({"value":7,"revision":3})");
  auto const& missing = ask("GET", "/nothing");
  EXPECT_EQ(missing.status(), 404);
  EXPECT_EQ(missing.body(), R"({"detail":"State key not found: nothing","code":"not_found"})");
}

TEST_F(StatesTest, PutSetsAKeyToAnyJson) {
  auto const& asked = ask("PUT", "/c", " {\"carrier\":\"FedEx\",\"cost\":12.99} ");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), R"({"key":"c","revision":3,"cursor":")" + cursor(3) + "\"}");
  EXPECT_EQ(etag(asked), "\"3\"");
  EXPECT_EQ(ask("GET", "/c").body(), R"({"value":{"carrier":"FedEx","cost":12.99},"revision":3})");
  for (std::string_view const value : {"null", "false", "0", "\"\"", "[]", "{}"}) {
    EXPECT_EQ(ask("PUT", "/c", std::string(value)).status(), 200) << value;
    EXPECT_TRUE(ask("GET", "/c").body().starts_with("{\"value\":" + std::string(value) + ",")) << value;
  }
}

TEST_F(StatesTest, PutOfTheWholeReplacesIt) {
  auto const& asked = ask("PUT", "", R"({"b":2,"c":null})");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), R"({"revision":3,"cursor":")" + cursor(3) + "\"}");
  EXPECT_EQ(etag(asked), "\"3\"");
  EXPECT_EQ(state(), R"({"state":{"b":2,"c":null},"revision":3})");
}

TEST_F(StatesTest, PatchMerges) {
  EXPECT_EQ(ask("PATCH", "", R"({"a":{"x":null,"z":3},"b":null,"c":1})").status(), 200);
  EXPECT_EQ(state(), R"({"state":{"a":{"y":2,"z":3},"c":1},"revision":3})");
  auto const& one = ask("PATCH", "/a", R"({"y":5})");
  EXPECT_EQ(one.body(), R"({"key":"a","revision":4,"cursor":")" + cursor(4) + "\"}");
  EXPECT_EQ(ask("GET", "/a").body(), R"({"value":{"y":5,"z":3},"revision":4})");
  EXPECT_EQ(ask("PATCH", "/c", "[2]").status(), 200);
  EXPECT_EQ(ask("GET", "/c").body(), R"({"value":[2],"revision":5})") << "what is no object replaces";
}

TEST_F(StatesTest, DeleteRemovesAKeyOrAll) {
  auto const& asked = ask("DELETE", "/a");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(etag(asked), "\"3\"");
  EXPECT_EQ(state(), R"({"state":{"b":[1]},"revision":3})");
  EXPECT_EQ(ask("DELETE", "/a").status(), 404);
  EXPECT_EQ(ask("DELETE", "").status(), 200);
  EXPECT_EQ(state(), R"({"state":{},"revision":4})");
}

TEST_F(StatesTest, AChangeMayNameTheRevisionItWasMadeFor) {
  EXPECT_EQ(ask("PUT", "/c", "1").status(), 200);  // revision 3
  EXPECT_EQ(status_if("\"1\""), 412);
  EXPECT_EQ(status_if("\"3\""), 412) << "a key has a revision of its own";
  EXPECT_EQ(status_if("\"2\""), 200);
  EXPECT_EQ(status_if("4"), 200) << "without quotes too";
  EXPECT_EQ(status_if(" \"5\" "), 200);
  EXPECT_EQ(status_if("\"6\"", "/a", "PATCH"), 200);
  EXPECT_EQ(status_if("\"6\"", "/a", "DELETE"), 412);
  EXPECT_EQ(status_if("\"7\"", "/a", "DELETE"), 200);
  EXPECT_EQ(status_if("\"8\"", "/a"), 412) << "it is not there any more";
  EXPECT_EQ(status_if("\"0\"", "/a"), 200) << "0 is not there";
  EXPECT_EQ(status_if("\"8\"", ""), 412);
  EXPECT_EQ(status_if("\"9\"", ""), 200) << "the whole has the last revision";
  EXPECT_EQ(status_if("\"9\"", "", "DELETE"), 412);
}

TEST_F(StatesTest, WhoWasTooLateIsToldThePresentRevision) {
  auto const& asked = ask("PUT", "/a", "1", {{"If-Match", "\"7\""}});
  EXPECT_EQ(asked.status(), 412);
  EXPECT_EQ(asked.body(), R"({"detail":"the present revision is 2","code":"precondition_failed","revision":2})");
  EXPECT_EQ(ask("GET", "/a").body(), R"({"value":{"x":1,"y":2},"revision":2})") << "nothing changed";
}

TEST_F(StatesTest, AStarIsAnythingThatIsThere) {
  EXPECT_EQ(status_if("*", "/a"), 200);
  EXPECT_EQ(status_if("*", "/new"), 412);
  EXPECT_EQ(status_if("*", "/new", "PATCH"), 412);
  EXPECT_EQ(status_if("*", ""), 200);
}

TEST_F(StatesTest, WhatIsNoRevisionIsInvalid) {
  for (std::string_view const match : {"W/\"2\"", "\"2", "2\"", "\"\"", "\"", "\"a\"", "\"-2\"", "\"2\", \"3\"", "2 3",
                                       "\"99999999999999999999999\"", "**"}) {
    auto const& asked = ask("PUT", "/a", "1", {{"If-Match", std::string(match)}});
    EXPECT_EQ(asked.status(), 400) << match;
    EXPECT_EQ(asked.body(), R"({"detail":"If-Match has to be a revision such as \"7\", or *","code":"invalid"})");
  }
  EXPECT_EQ(ask("GET", "/a").body(), R"({"value":{"x":1,"y":2},"revision":2})");
  EXPECT_EQ(ask("PUT", "/a", "1", {{"If-Match", ""}}).status(), 200) << "an empty one says nothing";
}

TEST_F(StatesTest, WhatIsNoJsonOrNoObjectIsInvalid) {
  for (auto const& [method, rest, body] : {std::tuple<std::string, std::string_view, std::string_view>{"PUT", "/a", ""},
                                           {"PUT", "/a", "{"},
                                           {"PUT", "/a", "'x'"},
                                           {"PUT", "", ""},
                                           {"PUT", "", "[]"},
                                           {"PUT", "", "null"},
                                           {"PATCH", "", "7"},
                                           {"PATCH", "/a", ""},
                                           {"PUT", "", "{\"\":1}"}}) {
    auto const& asked = ask(method, rest, std::string(body));
    EXPECT_EQ(asked.status(), 400) << method << rest << body;
    EXPECT_TRUE(asked.body().ends_with(",\"code\":\"invalid\"}")) << asked.body();
  }
  EXPECT_EQ(state(), R"({"state":{"a":{"x":1,"y":2},"b":[1]},"revision":2})");
}

TEST_F(StatesTest, AKeyIsDecodedFromThePath) {
  EXPECT_EQ(ask("PUT", "/a%2Fb%20c%22+%C3%BC", "1").status(), 200);
  EXPECT_TRUE(ask("PUT", "/a%2Fb%20c%22+%C3%BC", "1").body().starts_with("{\"key\":\"a/b c\\\"+\xc3\xbc\","));
  EXPECT_NE(state().find("\"a/b c\\\"+\xc3\xbc\":1"), std::string::npos) << state();
  for (std::string_view const key : {"/%ff", "/%00", "/a%0Ab"}) {
    EXPECT_EQ(ask("PUT", key, "1").status(), 400) << key;
    EXPECT_EQ(ask("GET", key).status(), 404) << key;
    EXPECT_TRUE(json::parse(ask("GET", key).body())) << "an error is always UTF-8";
  }
  EXPECT_EQ(ask("PUT", "/" + std::string(257, 'k'), "1").status(), 400);
  EXPECT_EQ(ask("PUT", "/" + std::string(256, 'k'), "1").status(), 200);
}

TEST_F(StatesTest, WhatIsTooLargeIsRefused) {
  auto const& value = ask("PUT", "/big", "\"" + std::string(64 * 1024, 'x') + "\"");
  EXPECT_EQ(value.status(), 413);
  EXPECT_TRUE(value.body().ends_with(",\"code\":\"too_large\"}"));
  EXPECT_EQ(ask("PUT", "/big", "\"" + std::string(64 * 1024 - 2, 'x') + "\"").status(), 200);
  std::string many = "{";
  for (int i = 0; i < 1001; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  many.back() = '}';
  EXPECT_EQ(ask("PUT", "", many).status(), 413);
}

TEST_F(StatesTest, TheDocumentedPathsAreTheSameState) {
  auto const documented = "/sessions/" + id + "/state";
  EXPECT_EQ(desk.ask("GET", documented).body(), state());
  EXPECT_EQ(desk.ask("PUT", documented + "/selected", R"({"cost":12.99})").status(), 200);
  EXPECT_EQ(desk.ask("GET", documented + "/selected").body(), R"({"value":{"cost":12.99},"revision":3})");
  EXPECT_EQ(ask("GET", "/selected").body(), R"({"value":{"cost":12.99},"revision":3})");
  EXPECT_EQ(desk.ask("DELETE", documented + "/selected").status(), 200);
  EXPECT_EQ(desk.ask("GET", documented + "/selected").status(), 404);
  EXPECT_EQ(desk.ask("PUT", documented, "{}").status(), 405) << "the whole is the native API's to replace";
  EXPECT_EQ(desk.ask("PATCH", documented, "{}").status(), 405);
}

TEST_F(StatesTest, TheStateOfOthersIsNotThere) {
  auto const alice = open(desk, "{}", {desk.bearer(desk.mint("alice"))});
  for (std::string const method : {"GET", "PUT", "PATCH", "DELETE"}) {
    for (std::string_view const rest : {"/state", "/state/k"}) {
      auto const& asked =
          desk.ask(method, "/api/v1/sessions/" + alice + std::string(rest), "{}", {desk.bearer(desk.mint("bob"))});
      EXPECT_EQ(asked.status(), 404) << method << rest;
      EXPECT_EQ(asked.body(), R"({"detail":"Session not found: )" + alice +
                                  R"(","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
    }
  }
  EXPECT_EQ(desk.ask("GET", "/api/v1/sessions/nothing/state").status(), 404);
}

TEST_F(StatesTest, ATokenThatMayOnlyReadChangesNothing) {
  auto const alice = open(desk, "{}", {desk.bearer(desk.mint("alice"))});
  auto const reader = desk.bearer(desk.mint("alice", Scope::read));
  EXPECT_EQ(desk.ask("GET", "/api/v1/sessions/" + alice + "/state", {}, {reader}).status(), 200);
  auto const& asked = desk.ask("PUT", "/api/v1/sessions/" + alice + "/state/k", "1", {reader});
  EXPECT_EQ(asked.status(), 403);
  EXPECT_EQ(asked.body(), R"({"detail":"this token may only read","code":"forbidden"})");
}

}  // namespace
}  // namespace sojourn

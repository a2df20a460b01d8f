#include "api/accounts.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/scrypt.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Fields;

constexpr std::int64_t now_us = 1'771'960'936'015'000;

class AccountsTest : public testing::Test {
 protected:
  // Kept, since each is made slow on purpose.
  static std::string const& line() {
    static std::string const made = hash_password("correct horse");
    return made;
  }
  static DeskSetup with_users(bool has_demo = false) {
    return {.is_open = false, .accounts = {{{"alice", line()}, {"broken", "scrypt$1$nonsense"}}, has_demo, false}};
  }
  static std::string header_of(Ask const& asked, std::string_view name) {
    for (auto const& [given, value] : asked.response().headers) {
      if (given == name) return value;
    }
    return {};
  }
  // Signs in and turns until it is answered.
  static Ask& sign_in(Desk& desk, std::string form) {
    auto& asked =
        desk.begin("POST", "/token", std::move(form), {{"Content-Type", "application/x-www-form-urlencoded"}});
    for (int i = 0; i < 5 && !asked.is_answered(); ++i) desk.turn();
    return asked;
  }
  static Result<Claims> claims_in(Desk const& desk, Ask const& asked, std::string_view name = "access_token") {
    auto const body = json::parse(asked.body());
    if (!body) return body.error();
    return desk.identity.keys().verify(json::find_string(body->get_object(), name), now_us);
  }
};

TEST_F(AccountsTest, TheDemoUserGetsATokenOfHalfAnHour) {
  Desk desk;
  auto const& asked = sign_in(desk, "username=user&password=password");
  EXPECT_EQ(asked.status(), 200);
  auto const body = json::parse(asked.body());
  ASSERT_TRUE(body);
  EXPECT_EQ(asked.body(), "{\"access_token\":\"" + std::string(json::find_string(body->get_object(), "access_token")) +
                              "\",\"token_type\":\"bearer\",\"expires_in\":1800}");
  auto const claims = claims_in(desk, asked);
  ASSERT_TRUE(claims);
  EXPECT_EQ(*claims, (Claims{"user", now_us / 1'000'000 + 1800, Scope::write, "", ""}));
  EXPECT_EQ(desk.ask("GET", "/api/v1/sessions", {}, {desk.bearer(desk.mint(*claims))}).status(), 200);
}

TEST_F(AccountsTest, AWrongPasswordIsRefusedAsTheDocumentSays) {
  Desk desk;
  for (std::string_view const form :
       {"username=user&password=passwort", "username=User&password=password", "username=nobody&password=password",
        "username=user&password=password+", "username=user&password=passwor"}) {
    auto const& asked = sign_in(desk, std::string(form));
    EXPECT_EQ(asked.status(), 401) << form;
    EXPECT_EQ(asked.body(), "{\"detail\":\"Incorrect username or password\"}");
    EXPECT_EQ(header_of(asked, "WWW-Authenticate"), "Bearer");
    EXPECT_EQ(asked.answers(), 1);
  }
}

TEST_F(AccountsTest, AFormWithoutANameOrAPasswordIsUnprocessable) {
  Desk desk;
  for (std::string_view const form : {"", "username=user", "password=password", "username=&password=password",
                                      "username=user&password=", "{\"username\":\"user\",\"password\":\"password\"}"}) {
    auto const& asked = sign_in(desk, std::string(form));
    EXPECT_EQ(asked.status(), 422) << form;
    EXPECT_EQ(asked.body(), "{\"detail\":\"username and password have to be given as a form\"}");
  }
}

TEST_F(AccountsTest, WithoutTheDemoItsUserIsNobody) {
  Desk desk(with_users());
  EXPECT_EQ(sign_in(desk, "username=user&password=password").status(), 401);
}

TEST_F(AccountsTest, AConfiguredUserSignsInWithTheirPassword) {
  Desk desk(with_users());
  auto const& asked = sign_in(desk, "username=alice&password=correct+horse");
  ASSERT_EQ(asked.status(), 200);
  auto const claims = claims_in(desk, asked);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->user, "alice");
  EXPECT_EQ(claims->scope, Scope::write);
  EXPECT_EQ(sign_in(desk, "username=alice&password=correct%20horse").status(), 200);
  EXPECT_EQ(sign_in(desk, "username=alice&password=password").status(), 401);
  EXPECT_EQ(sign_in(desk, "username=broken&password=correct+horse").status(), 401);
}

TEST_F(AccountsTest, PasswordsAreComparedElsewhereAlsoThoseOfNobody) {
  std::vector<std::function<void()>> jobs;
  std::vector<std::function<void()>> dones;
  Identity const identity(Keys(std::string(64, 'x')), true);
  Accounts accounts(identity, {{{"alice", line()}}, true, false}, [&](auto job, auto done) {
    jobs.push_back(std::move(job));
    dones.push_back(std::move(done));
    return true;
  });
  std::vector<int> answers;
  auto const sign = [&](std::string_view form) {
    Request request;
    request.body = form;
    request.at.utc_us = now_us;
    accounts.give_token(request, {},
                        Respond([](void* place, std::uint64_t,
                                   Response given) { static_cast<std::vector<int>*>(place)->push_back(given.status); },
                                &answers, 0));
  };
  sign("username=alice&password=correct+horse");
  sign("username=nobody&password=correct+horse");
  sign("username=user&password=wrong");
  ASSERT_EQ(jobs.size(), 3u) << "each takes its time, so that nobody learns who there is";
  EXPECT_EQ(answers, std::vector<int>());
  for (auto const& job : jobs) job();
  EXPECT_EQ(answers, std::vector<int>()) << "not from the other thread";
  for (auto const& done : dones) done();
  EXPECT_EQ(answers, (std::vector<int>{200, 401, 401}));
}

TEST_F(AccountsTest, TooManyAtOnceAreToldToComeAgain) {
  Desk desk(with_users());
  desk.is_overworked = true;
  auto const& asked = sign_in(desk, "username=alice&password=correct+horse");
  EXPECT_EQ(asked.status(), 429);
  EXPECT_EQ(asked.body(), "{\"detail\":\"too many sign in at once; try again in a moment\",\"code\":\"too_many\"}");
  EXPECT_EQ(header_of(asked, "Retry-After"), "1");
  desk.is_overworked = false;
  EXPECT_EQ(sign_in(desk, "username=alice&password=correct+horse").status(), 200);
}

TEST_F(AccountsTest, WhatCanBeNoNameOrPasswordIsRefusedWithoutWork) {
  Desk desk(with_users());
  desk.is_overworked = true;  // whatever came so far would be told so
  EXPECT_EQ(sign_in(desk, "username=alice&password=" + std::string(1025, 'x')).status(), 401);
  EXPECT_EQ(sign_in(desk, "username=a%00b&password=x").status(), 401);
  EXPECT_EQ(sign_in(desk, "username=" + std::string(257, 'a') + "&password=x").status(), 401);
  EXPECT_EQ(sign_in(desk, "username=%ff&password=x").status(), 401);
  EXPECT_EQ(sign_in(desk, "username=alice&password=" + std::string(1024, 'x')).status(), 429) << "this one is compared";
}

TEST_F(AccountsTest, SigningInNeedsNoTokenAndMindsNoWrongOne) {
  Desk desk(with_users());
  auto& asked = desk.begin("POST", "/token", "username=alice&password=correct+horse", {desk.bearer("nonsense")});
  for (int i = 0; i < 5 && !asked.is_answered(); ++i) desk.turn();
  EXPECT_EQ(asked.status(), 200);
}

TEST_F(AccountsTest, AnAnswerWithATokenIsNeverKeptForAnother) {
  Desk desk;
  Fields const key{{"Idempotency-Key", "key-00001"}};
  auto const& first = desk.begin("POST", "/token", "username=user&password=password", key);
  EXPECT_EQ(first.status(), 200);
  desk.stage.clock.advance_us(60'000'000);
  auto const& second = desk.begin("POST", "/token", "username=user&password=password", key);
  EXPECT_EQ(second.status(), 200);
  EXPECT_NE(second.body(), first.body()) << "it has half an hour from now on";
  EXPECT_EQ(header_of(second, "Idempotent-Replayed"), "");
}

TEST_F(AccountsTest, TheTestTokenIsThereOnlyWhereItIsSwitchedOn) {
  Desk off(DeskSetup{.accounts = {{}, true, false}});
  EXPECT_EQ(off.ask("GET", "/test-token").status(), 404);
  EXPECT_EQ(off.ask("GET", "/test-token").body(), "{\"detail\":\"Not Found\"}");
  Desk on(DeskSetup{.accounts = {{}, true, true}});
  auto const& asked = on.ask("GET", "/test-token");
  EXPECT_EQ(asked.status(), 200);
  auto const claims = claims_in(on, asked, "test_token");
  ASSERT_TRUE(claims);
  EXPECT_EQ(*claims, (Claims{"user", 0, Scope::write, "", ""})) << "it does not expire";
  EXPECT_TRUE(asked.body().ends_with(",\"note\":\"For trials on this machine only: it does not expire\"}"));
}

}  // namespace
}  // namespace sojourn

#include "app/mint.h"

#include <gtest/gtest.h>

#include "api/token.h"
#include "app/command_fixture.h"
#include "app/folder.h"
#include "base/json.h"
#include "base/scrypt.h"

namespace sojourn {
namespace {

using test::body_of;
using test::first_line;
using test::ScriptedServer;

constexpr std::int64_t now_s = 1771961056;

class Minting : public test::CommandFixture {
 protected:
  Target here() const { return {{}, folder_.path() + "/data", false}; }
  Target here_json() const { return {{}, folder_.path() + "/data", true}; }

  static MintCommand for_user(std::string const& user, std::string const& scope = {}, std::string const& expires = {}) {
    MintCommand command;
    command.user = user;
    command.scope = scope;
    command.expires = expires;
    return command;
  }

  // What a server on the folder reads out of the token on standard output.
  Claims take_claims() {
    auto text = take_out();
    EXPECT_TRUE(text.ends_with('\n'));
    text.pop_back();
    auto const claims = Keys(*load_secret(folder_.path() + "/data")).verify(text, now_.utc_us);
    EXPECT_TRUE(claims) << text;
    return claims ? *claims : Claims{};
  }
};

TEST_F(Minting, ATokenOfAUserNeedsNoServerAndHoldsWhatWasAskedFor) {
  EXPECT_EQ(failure(run_mint(here(), for_user("alice"), terminal_)), "done");
  EXPECT_EQ(take_claims(), (Claims{"alice", now_s + 3600, Scope::write, {}, {}}));
  EXPECT_EQ(failure(run_mint(here(), for_user("b\xc3\xb6", "admin", "7d"), terminal_)), "done");
  EXPECT_EQ(take_claims(), (Claims{"b\xc3\xb6", now_s + 7 * 86400, Scope::admin, {}, {}}));
  EXPECT_EQ(failure(run_mint(here(), for_user("alice", "read", "never"), terminal_)), "done");
  EXPECT_EQ(take_claims(), (Claims{"alice", 0, Scope::read, {}, {}}));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(Minting, ProgramsLearnTheTermsToo) {
  EXPECT_EQ(failure(run_mint(here_json(), for_user("alice", {}, "30m"), terminal_)), "done");
  auto const answer = json::parse(out_.str());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at("user"), "alice");
  EXPECT_EQ(answer->at("scope"), "write");
  EXPECT_EQ(answer->at("expires_at"), "2026-02-24T19:54:16.000Z");
  EXPECT_GT(answer->at("token").as_string().size(), 20U);
}

TEST_F(Minting, ASecretOfTheConfigurationSigns) {
  std::string const secret = "a secret of thirty-two bytes or more";
  auto command = for_user("alice");
  command.config = folder_.write("c.toml", "key = \"" + secret + "\"\n");
  EXPECT_EQ(failure(run_mint(here(), command, terminal_)), "done");
  auto text = take_out();
  text.pop_back();
  EXPECT_TRUE(Keys(std::string(64, 'x'), secret).verify(text, now_.utc_us));
  terminal_.environment["SOJOURN_KEY"] = secret;
  EXPECT_EQ(failure(run_mint(here(), for_user("alice"), terminal_)), "done");
  text = take_out();
  text.pop_back();
  EXPECT_TRUE(Keys(std::string(64, 'x'), secret).verify(text, now_.utc_us));
}

TEST_F(Minting, ASessionsTokenIsMadeByTheServer) {
  ScriptedServer const server({ScriptedServer::answer(
      201, R"({"token":"a.b.c","id":"t1","scope":"read","expires_at":"x","single_use":true})")});
  MintCommand command;
  command.session = "s1";
  EXPECT_EQ(failure(run_mint(target(server), command, terminal_)), "done");
  EXPECT_EQ(take_out(), "a.b.c\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "POST /api/v1/sessions/s1/tokens HTTP/1.1");
  EXPECT_EQ(body_of(server.requests().at(0)), R"({"expires_in_s":3600,"single_use":false})");
  command.scope = "write";
  command.expires = "90s";
  command.user = "bob";
  command.is_single_use = true;
  EXPECT_EQ(failure(run_mint(target(server, true), command, terminal_)), "done");
  EXPECT_EQ(take_out(), R"({"token":"a.b.c","id":"t1","scope":"read","expires_at":"x","single_use":true})"
                        "\n");
  EXPECT_EQ(body_of(server.requests().at(1)), R"({"expires_in_s":90,"single_use":true,"scope":"write","user":"bob"})");
}

TEST_F(Minting, APasswordBecomesALineThatIsOfItAlone) {
  in_.str("correct horse\r\nsecond line\n");
  MintCommand command;
  command.is_hashing = true;
  EXPECT_EQ(failure(run_mint(here(), command, terminal_)), "done");
  auto line = take_out();
  ASSERT_TRUE(line.ends_with('\n'));
  line.pop_back();
  EXPECT_TRUE(verify_password("correct horse", line)) << line;
  EXPECT_FALSE(verify_password("correct hors", line));
  EXPECT_EQ(err_.str(), "");
  in_.clear();
  in_.str("\n");
  EXPECT_EQ(failure(run_mint(here(), command, terminal_)), "65: the password is empty; pass one on standard input");
}

TEST_F(Minting, WhatMakesNoSenseIsWrongUsage) {
  auto const refusal = [&](MintCommand const& command) { return failure(run_mint(here(), command, terminal_)); };
  EXPECT_EQ(refusal({}), "64: token: give --user NAME, --session ID or --hash-password; see: sojourn token --help");
  EXPECT_EQ(refusal(for_user("alice", "wirte")), "64: --scope: there is no scope \"wirte\"; did you mean \"write\"?");
  for (auto const* const expires : {"0s", "1", "h", "-1h", "1w", "1.5h", "99999999999h", "soon"}) {
    EXPECT_EQ(refusal(for_user("alice", {}, expires)).substr(0, 14), "64: --expires:") << expires;
  }
  EXPECT_EQ(refusal(for_user("a\nb")), "64: token: --user: that is no name; see: sojourn token --help");
  auto single = for_user("alice");
  single.is_single_use = true;
  EXPECT_EQ(refusal(single), "64: token: --single-use goes with --session ID; see: sojourn token --help");
  auto hashing = for_user("alice");
  hashing.is_hashing = true;
  EXPECT_EQ(refusal(hashing), "64: token: --hash-password stands alone; see: sojourn token --help");
  MintCommand forever;
  forever.session = "s1";
  forever.expires = "never";
  EXPECT_EQ(refusal(forever), "64: --expires: a session's token can't live forever; write for example 7d");
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace sojourn

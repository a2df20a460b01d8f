#include "app/cli.h"

#include <gtest/gtest.h>

#include <optional>
#include <sstream>

#include "app/help.h"
#include "app/temporary_folder.h"
#include "base/json.h"
#include "net/scripted_server.h"

namespace sojourn {
namespace {

std::optional<Config> served;

int keep_config(Config const& config) {
  served = config;
  return 7;
}

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

class Cli : public testing::Test {
 protected:
  Cli() : environment_{{"HOME", folder_.path()}} { served.reset(); }

  Outcome call(std::vector<std::string> const& arguments) const {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{in, out, err, environment_, Clock(), keep_config};
    int const code = run(arguments, terminal);
    return {code, out.str(), err.str()};
  }

  // Fails with that code and exactly one line, which is given without its beginning.
  std::string failure(int code, std::vector<std::string> const& arguments) const {
    auto const outcome = call(arguments);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("sojourn: ")) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    return outcome.err.size() < 10 ? outcome.err : outcome.err.substr(9, outcome.err.size() - 10);
  }

  test::TemporaryFolder folder_;
  Environment environment_;
};

TEST_F(Cli, HelpsWhereverItIsAsked) {
  EXPECT_EQ(call({}).out, get_help(""));
  EXPECT_EQ(call({"--help"}).out, get_help(""));
  EXPECT_EQ(call({"help"}).out, get_help(""));
  EXPECT_EQ(call({"help", "send"}).out, get_help("send"));
  EXPECT_EQ(call({"--json", "tabs", "-h"}).out, get_help("tabs"));
  for (auto const* const command : {"serve", "sessions", "show", "send", "tabs", "close", "doctor"}) {
    auto const outcome = call({command, "--help"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.out, get_help(command));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(Cli, TellsItsVersion) {
  EXPECT_EQ(call({"--version"}).out, "sojourn " + std::string(version) + "\n");
  EXPECT_EQ(call({"-V"}).code, 0);
}

TEST_F(Cli, WrongUsageIsOneLineThatHelps) {
  EXPECT_EQ(failure(64, {"sesions"}), "unknown command \"sesions\"; did you mean \"sessions\"?");
  EXPECT_EQ(failure(64, {"sessions", "--jsn"}), "unknown option \"--jsn\"; did you mean \"--json\"?");
  EXPECT_EQ(failure(64, {"serve", "--lisen=1"}), "unknown option \"--lisen\"; did you mean \"--listen\"?");
  EXPECT_EQ(failure(64, {"serve", "--limits.headr_ms", "5"}),
            "unknown option \"--limits.headr_ms\"; did you mean \"--limits.header_ms\"?");
  EXPECT_EQ(failure(64, {"show", "-x", "a"}), "unknown option \"-x\"; see: sojourn show --help");
  EXPECT_EQ(failure(64, {"show"}), "show: ID is required; see: sojourn show --help");
  EXPECT_EQ(failure(64, {"show", "a", "b"}), "show takes no further argument \"b\"; see: sojourn show --help");
  EXPECT_EQ(failure(64, {"send", "a"}), "send: JSON is required; see: sojourn send --help");
  EXPECT_EQ(failure(64, {"serve", "--listen"}), "--listen needs a value; see: sojourn serve --help");
  EXPECT_EQ(failure(64, {"serve", "--data", ""}), "serve: --data: the value is empty; see: sojourn serve --help");
  EXPECT_EQ(failure(64, {"show", ""}).substr(0, 18), "show: ID is empty;");
  EXPECT_EQ(failure(64, {"sessions", "--server", "nonsense"}).substr(0, 20), "--server: \"nonsense\"");
  EXPECT_EQ(failure(64, {"no\nsuch\x1b"}).substr(0, 33), "unknown command \"no\\nsuch\\u{1b}\";");
}

TEST_F(Cli, ServePassesEveryFlagOn) {
  auto const outcome = call({"serve", "--listen", "[::1]:0", "--listen=127.0.0.1:0=sessions", "--data", "/d",
                             "--allow-origin", "http://a", "--allow-origin", "http://b", "--log-level", "warn",
                             "--limits.header_ms", "500", "--documented-ports"});
  EXPECT_EQ(outcome.code, 7) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  ASSERT_TRUE(served);
  EXPECT_EQ(served->listen, (std::vector<ListenAddress>{{"::1", 0, "extension"}, {"127.0.0.1", 0, "sessions"}}));
  EXPECT_EQ(served->data, "/d");
  EXPECT_EQ(served->allow_origins, (std::vector<std::string>{"http://a", "http://b", "http://localhost:3000"}));
  EXPECT_EQ(served->log_level, Level::warn);
  EXPECT_EQ(served->limits.header_ms, 500);
  EXPECT_TRUE(served->documented_ports);
}

TEST_F(Cli, DataMayStandBeforeTheCommandToo) {
  EXPECT_EQ(call({"--data", "/d", "serve"}).code, 7);
  ASSERT_TRUE(served);
  EXPECT_EQ(served->data, "/d");
}

TEST_F(Cli, ServeReadsItsFileAndRefusesAWrongOne) {
  auto const path = folder_.write("c.toml", "listen = [\"127.0.0.1:0\"]\n[limits]\ncalls = 5\n");
  EXPECT_EQ(call({"serve", "--config", path}).code, 7);
  ASSERT_TRUE(served);
  EXPECT_EQ(served->limits.calls, 5);
  served.reset();
  folder_.write("c.toml", "listne = []\n");
  EXPECT_EQ(failure(78, {"serve", "--config", path}), path + ":1: unknown key \"listne\"; did you mean \"listen\"?");
  EXPECT_FALSE(served);
}

TEST_F(Cli, CheckConfigShowsWhatItComesToAndServesNothing) {
  auto const text = call({"serve", "--check-config", "--listen", "5001=monitor"});
  EXPECT_EQ(text.code, 0);
  EXPECT_TRUE(text.out.starts_with("The configuration is valid.\n")) << text.out;
  EXPECT_NE(text.out.find("localhost:5001 (monitor)\n"), std::string::npos);
  auto const outcome = call({"serve", "--check-config", "--json", "--limits.calls", "9"});
  auto const value = json::parse(outcome.out);
  ASSERT_TRUE(value) << outcome.out;
  EXPECT_EQ(value->at("limits").at("calls"), 9);
  EXPECT_EQ(value->at("listen").at(0), "localhost:5409=extension");
  EXPECT_EQ(value->at("log").at("level"), "info");
  EXPECT_EQ(failure(78, {"serve", "--check-config", "--listen", "0.0.0.0:1"}).substr(0, 20), "--listen: \"0.0.0.0\" ");
  EXPECT_FALSE(served);
}

TEST_F(Cli, CommandsReachTheServerTheyAreTold) {
  test::ScriptedServer const server({test::ScriptedServer::answer(200, R"({"count":0,"sessions":[]})")});
  EXPECT_EQ(call({"sessions", "--json", "--server", server.url()}).out, "{\"count\":0,\"sessions\":[]}\n");
  environment_["SOJOURN_SERVER"] = server.url();
  EXPECT_EQ(call({"--json", "show", "ext_1"}).code, 0);
  EXPECT_EQ(call({"close", "ext_1"}).code, 0);
  EXPECT_EQ(call({"send", "ext_1", R"({"type":"ping"})"}).code, 0);
  EXPECT_EQ(call({"tabs", "ext_1"}).code, 76);
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), 5U);
  EXPECT_TRUE(requests[1].starts_with("GET /api/websocket/sessions/ext_1 "));
  EXPECT_TRUE(requests[2].starts_with("DELETE /api/websocket/sessions/ext_1 "));
  EXPECT_TRUE(requests[3].starts_with("POST /api/websocket/sessions/ext_1/message "));
  EXPECT_TRUE(requests[4].starts_with("GET /api/browser/ext_1/tabs "));
}

TEST_F(Cli, WithoutAServerCommandsSayWhereTheyLookedAndHowToStartOne) {
  EXPECT_EQ(failure(69, {"sessions", "--data", folder_.path()}),
            "no server is running (looked in " + folder_.path() + "/server.json); start one with: sojourn serve");
}

TEST_F(Cli, ServerTextOnStandardErrorIsHarmless) {
  test::ScriptedServer const server({test::ScriptedServer::answer(404, R"({"error":"a\u001b[2J\nb"})")});
  EXPECT_NE(failure(66, {"show", "x", "--server", server.url()}).find("a\\u{1b}[2J\\nb"), std::string::npos);
}

TEST_F(Cli, DoctorAnswersPrograms) {
  environment_["PATH"] = folder_.path();
  auto const answer = json::parse(call({"doctor", "--json", "--data", folder_.path()}).out);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at("checks").as_array().size(), 8U);
}

}  // namespace
}  // namespace sojourn

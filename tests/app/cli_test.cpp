#include "app/cli.h"

#include <gtest/gtest.h>

#include <algorithm>
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
  for (auto const* const command :
       {"open", "snapshot", "interact", "screenshot", "execute", "app", "serve", "stop", "sessions", "show", "send",
        "state", "events", "watch", "tabs", "close", "token", "doctor"}) {
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
                             "--limits.header_ms", "500", "--documented-ports", "--monitor.sweep_s", "5"});
  EXPECT_EQ(outcome.code, 7) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  ASSERT_TRUE(served);
  EXPECT_EQ(served->listen, (std::vector<ListenAddress>{{"::1", 0, "extension"}, {"127.0.0.1", 0, "sessions"}}));
  EXPECT_EQ(served->data, "/d");
  EXPECT_EQ(served->allow_origins, (std::vector<std::string>{"http://a", "http://b", "http://localhost:3000"}));
  EXPECT_EQ(served->log_level, Level::warn);
  EXPECT_EQ(served->limits.header_ms, 500);
  EXPECT_EQ(served->monitor.sweep_s, 5);
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

TEST_F(Cli, CheckConfigTellsNoSecret) {
  std::string const secret = "a secret of thirty-two bytes or more";
  environment_["SOJOURN_KEY"] = secret;
  for (auto const& arguments : {std::vector<std::string>{"serve", "--check-config"},
                                std::vector<std::string>{"serve", "--check-config", "--json"}}) {
    auto const outcome = call(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out.find(secret), std::string::npos);
    EXPECT_NE(outcome.out.find("configured"), std::string::npos);
  }
  EXPECT_EQ(failure(64, {"serve", "--key", secret}), "unknown option \"--key\"; did you mean \"--key-file\"?");
}

TEST_F(Cli, EverySettingIsAFlagOfItsOwnName) {
  EXPECT_EQ(call({"serve", "--sessions.idle_minutes", "0.05", "--sessions.test_token=true", "--tools.rates.url",
                  "http://127.0.0.1:9/a", "--tools.rates.update=ready", "--responder.url=http://127.0.0.1:9/b",
                  "--responder.timeout_s", "30", "--browser.executable=~/chromium", "--browser.idle_s", "5",
                  "--video.retention_s=0", "--compression=true"})
                .code,
            7);
  ASSERT_TRUE(served);
  EXPECT_EQ(served->browser.executable, folder_.path() + "/chromium");
  EXPECT_EQ(served->browser.idle_s, 5);
  EXPECT_TRUE(served->compression);
  EXPECT_EQ(served->video_retention_s, 0);
  EXPECT_EQ(served->idle_ms, 3000);
  EXPECT_TRUE(served->test_token);
  EXPECT_EQ(served->responder, (ResponderConfig{"http://127.0.0.1:9/b", 30, ""}));
  EXPECT_EQ(served->tools.at("rates"), (ToolConfig{"http://127.0.0.1:9/a", "ready"}));
  EXPECT_EQ(failure(64, {"serve", "--tools.rates.url"}), "--tools.rates.url needs a value; see: sojourn serve --help");
  EXPECT_EQ(failure(64, {"serve", "--tools.a{b.url=x"}).substr(0, 34), "unknown option \"--tools.a{b.url\"; ");
}

TEST_F(Cli, CommandsReachTheServerTheyAreTold) {
  test::ScriptedServer const server({test::ScriptedServer::answer(200, R"({"total_count":0,"sessions":[]})")});
  EXPECT_EQ(call({"sessions", "--json", "--server", server.url()}).out, "{\"sessions\":[],\"total_count\":0}\n");
  environment_["SOJOURN_SERVER"] = server.url();
  EXPECT_EQ(call({"--json", "show", "ext_1"}).code, 0);
  EXPECT_EQ(call({"close", "ext_1"}).code, 0);
  EXPECT_EQ(call({"send", "ext_1", R"({"type":"ping"})"}).code, 0);
  EXPECT_EQ(call({"tabs", "ext_1"}).code, 76);
  EXPECT_EQ(call({"sessions", "--kind", "shared", "--owner", "alice"}).code, 0);
  EXPECT_EQ(call({"token", "--session", "s1", "--scope", "read", "--single-use", "--json"}).code, 0);
  EXPECT_EQ(call({"events", "s1", "--since", "e.3", "--limit", "7"}).code, 76);
  EXPECT_EQ(call({"watch", "s1", "--since=e.3"}).code, 76);
  std::vector<std::string> const expected{"GET /api/v1/sessions?kind=all&limit=100&offset=0",
                                          "GET /api/websocket/sessions/ext_1",
                                          "DELETE /api/websocket/sessions/ext_1",
                                          "POST /api/websocket/sessions/ext_1/message",
                                          "GET /api/browser/ext_1/tabs",
                                          "GET /api/v1/sessions?kind=shared&user_id=alice&limit=100&offset=0",
                                          "POST /api/v1/sessions/s1/tokens",
                                          "GET /api/v1/sessions/s1/events?limit=7&since=e.3",
                                          "GET /api/v1/sessions/s1/events?since=e.3"};
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(requests[i].starts_with(expected[i] + " HTTP/1.1\r\n")) << requests[i];
  }
}

TEST_F(Cli, StateTakesItsPartsInEveryOrder) {
  test::ScriptedServer const server({test::ScriptedServer::answer(200, R"({"state":{},"value":1,"revision":2})")});
  environment_["SOJOURN_SERVER"] = server.url();
  for (auto const& arguments : std::vector<std::vector<std::string>>{{"state", "s1"},
                                                                     {"state", "s1", "k"},
                                                                     {"state", "s1", "k", "12.5"},
                                                                     {"state", "s1", "k", "--if-revision", "4", "true"},
                                                                     {"state", "--delete", "s1", "k"},
                                                                     {"state", "s1", "--patch", R"({"a":null})"},
                                                                     {"state", "s1", "k", "--", "-5"}}) {
    EXPECT_EQ(call(arguments).code, 0) << arguments.back() << call(arguments).err;
  }
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), 7U);
  EXPECT_TRUE(requests[0].starts_with("GET /api/v1/sessions/s1/state HTTP"));
  EXPECT_TRUE(requests[1].starts_with("GET /api/v1/sessions/s1/state/k HTTP"));
  EXPECT_TRUE(requests[2].starts_with("PUT /api/v1/sessions/s1/state/k HTTP"));
  EXPECT_NE(requests[3].find("\r\nIf-Match: \"4\"\r\n"), std::string::npos);
  EXPECT_TRUE(requests[4].starts_with("DELETE /api/v1/sessions/s1/state/k HTTP"));
  EXPECT_TRUE(requests[5].starts_with("PATCH /api/v1/sessions/s1/state HTTP"));
  EXPECT_TRUE(requests[6].ends_with("\r\n\r\n-5"));
}

TEST_F(Cli, WrongUsageOfTheNewerCommandsIsOneLineThatHelpsToo) {
  EXPECT_EQ(failure(64, {"stat", "s1"}), "unknown command \"stat\"; did you mean \"state\"?");
  EXPECT_EQ(failure(64, {"state", "s1", "k", "blue", "green"}),
            "state takes no further argument \"green\"; see: sojourn state --help");
  EXPECT_EQ(failure(64, {"state", "s1", "--if-revision", "x", "k", "1"}),
            "state: --if-revision: \"x\" is no whole number; see: sojourn state --help");
  EXPECT_EQ(failure(64, {"state", "s1", "--dlete"}), "unknown option \"--dlete\"; did you mean \"--delete\"?");
  EXPECT_EQ(failure(64, {"events", "s1", "--limit", "0"}), "--limit: it takes a whole number from 1 on");
  EXPECT_EQ(failure(64, {"events", "s1", "--limit", "-1"}).substr(0, 16), "events: --limit:");
  EXPECT_EQ(failure(64, {"watch"}), "watch: ID is required; see: sojourn watch --help");
  EXPECT_EQ(failure(64, {"sessions", "--kind", "extnsion"}),
            "--kind: there is no kind \"extnsion\" of session; did you mean \"extension\"?");
  EXPECT_EQ(failure(65, {"state", "s1", "k", "blue"}).substr(0, 20), "VALUE can't be taken");
}

TEST_F(Cli, TokenMintsWithoutAServer) {
  auto const outcome = call({"token", "--user", "alice", "--expires", "1h", "--data", folder_.path() + "/d"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '.'), 2);
}

TEST_F(Cli, WithoutAServerCommandsSayWhereTheyLookedAndHowToStartOne) {
  EXPECT_EQ(failure(69, {"sessions", "--data", folder_.path()}),
            "no server is running (looked in " + folder_.path() + "/server.json); start one with: sojourn serve");
}

TEST_F(Cli, FunctionsAreCalledInTheGrammarOfTheDocument) {
  test::ScriptedServer const server({test::ScriptedServer::answer(200, R"({"success":true,"session_id":"s"})")});
  environment_["SOJOURN_SERVER"] = server.url();
  EXPECT_EQ(call({"app", "run", "agent-browser", "--function", "open", "--session", "new", "--input",
                  "{\n  \"url\": \"https://example.com\"\n}"})
                .out,
            "{\"success\":true,\"session_id\":\"s\"}\n");
  EXPECT_EQ(call({"app", "run", "agent-browser", "--session", "s", "--input={}", "--function=close"}).code, 0);
  EXPECT_EQ(call({"open", "example.com", "--no-screenshot", "--session", "s", "--width=300"}).code, 0);
  EXPECT_EQ(call({"interact", "s", "fill", "@e2", "some", "text", "--snapshot", "none"}).code, 0);
  EXPECT_EQ(call({"interact", "s", "--timeout-ms", "50", "press", "Enter", "--json"}).code, 0);
  EXPECT_EQ(call({"snapshot", "s", "--all", "--diff"}).code, 0);
  EXPECT_EQ(call({"execute", "s", "1 + 1"}).code, 0);
  EXPECT_EQ(call({"close", "sess_1"}).code, 0);
  std::vector<std::pair<std::string, std::string>> const expected{
      {"new/functions/open", R"({"url":"https://example.com"})"},
      {"s/functions/close", "{}"},
      {"s/functions/open", R"({"screenshot":false,"width":300,"url":"example.com"})"},
      {"s/functions/interact", R"({"snapshot":"none","action":"fill","ref":"@e2","text":"some text"})"},
      {"s/functions/interact", R"({"timeout_ms":50,"action":"press","text":"Enter"})"},
      {"s/functions/snapshot", R"({"interactive_only":false,"diff":true})"},
      {"s/functions/execute", R"({"code":"1 + 1"})"},
      {"sess_1/functions/close", "{}"}};
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(requests[i].starts_with("POST /api/v1/sessions/" + expected[i].first + " HTTP/1.1\r\n")) << requests[i];
    auto const body = json::parse(requests[i].substr(requests[i].find("\r\n\r\n") + 4));
    EXPECT_EQ(*body, *json::parse(expected[i].second)) << requests[i];
  }
}

TEST_F(Cli, WrongUsageOfFunctionsIsOneLineThatHelps) {
  EXPECT_EQ(failure(64, {"opn", "example.com"}), "unknown command \"opn\"; did you mean \"open\"?");
  EXPECT_EQ(failure(64, {"open"}), "open: URL is required; see: sojourn open --help");
  EXPECT_EQ(failure(64, {"open", "a", "--widht", "3"}), "unknown option \"--widht\"; did you mean \"--width\"?");
  EXPECT_EQ(failure(64, {"open", "a", "--width", "x"}),
            "open: --width: \"x\" is no whole number; see: sojourn open --help");
  EXPECT_EQ(failure(64, {"interact", "s"}), "interact: ACTION is required; see: sojourn interact --help");
  EXPECT_EQ(failure(64, {"interact", "s", "clik", "@e1"}),
            "interact: there is no action \"clik\"; did you mean \"click\"?");
  EXPECT_EQ(failure(64, {"snapshot", ""}).substr(0, 22), "snapshot: ID is empty;");
  EXPECT_EQ(failure(64, {"app", "run", "agent-browser", "--functon", "open"}),
            "unknown option \"--functon\"; did you mean \"--function\"?");
  EXPECT_EQ(failure(64, {"app", "run", "agent-browser", "--session", "--input", "{}"}),
            "app takes no further argument \"{}\"; see: sojourn app --help")
      << "as where a script's variable is not set";
  EXPECT_EQ(failure(64, {"app", "list"}), "app takes no further argument \"list\"; see: sojourn app --help");
}

TEST_F(Cli, WithoutAServerThereIsNoSessionToCall) {
  auto const text = failure(66, {"snapshot", "sess_1", "--data", folder_.path()});
  EXPECT_EQ(text, "session not found: sess_1 (no server is running); open a new one with: sojourn open URL");
}

TEST_F(Cli, StopIsHappyWithoutAServer) {
  EXPECT_EQ(call({"stop", "--data", folder_.path()}).out, "No server is running.\n");
}

TEST_F(Cli, ServerTextOnStandardErrorIsHarmless) {
  test::ScriptedServer const server({test::ScriptedServer::answer(404, R"({"error":"a\u001b[2J\nb"})")});
  EXPECT_NE(failure(66, {"show", "x", "--server", server.url()}).find("a\\u{1b}[2J\\nb"), std::string::npos);
}

TEST_F(Cli, DoctorAnswersPrograms) {
  environment_["PATH"] = folder_.path();
  auto const answer = json::parse(call({"doctor", "--json", "--data", folder_.path()}).out);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at("checks").as_array().size(), 10U);
}

}  // namespace
}  // namespace sojourn

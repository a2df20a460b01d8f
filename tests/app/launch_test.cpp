#include "app/launch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>

#include "app/command_fixture.h"
#include "app/folder.h"

namespace sojourn {
namespace {

// What stands for the program: takes the folder's lock, leaves a record of a server that another one plays.
constexpr std::string_view server_script = R"(#!/bin/sh
exec 9>"$3/lock"
flock -n 9 || { echo "sojourn: another server uses the data folder"; exit 69; }
echo "$@" >>"$3/starts"
if [ -n "$REFUSAL" ]; then echo "Listening on nothing"; echo "sojourn: $REFUSAL" >&2; exit 69; fi
trap 'rm "$3/server.json"; exit 0' TERM
printf '{"address":"URL","pid":%s,"token":"t"}' $$ >"$3/draft"
mv "$3/draft" "$3/server.json"
while :; do sleep 0.02; done
)";

class Launch : public test::CommandFixture {
 protected:
  Launch() : server_({test::ScriptedServer::answer(200, R"({"status":"ok"})")}) {
    std::string script(server_script);
    script.replace(script.find("URL"), 3, server_.url());
    terminal_.executable = folder_.write("server", script);
    ::chmod(terminal_.executable.c_str(), 0700);
    terminal_.environment["SOJOURN_DATA"] = data_;
  }
  ~Launch() override { std::ignore = stop_server({}, terminal_); }

  std::string read(std::string const& name) const {
    std::ifstream file(data_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string const data_ = folder_.path() + "/data";
  test::ScriptedServer server_;
};

TEST_F(Launch, StartsAServerOnceAndSaysHowToStopIt) {
  EXPECT_FALSE(has_server({}, terminal_.environment));
  ASSERT_EQ(failure(ensure_server({}, terminal_)), "done");
  EXPECT_EQ(err_.str(), "sojourn: started a server (" + server_.url() + ", log: " + data_ +
                            "/server.log); stop it with: sojourn stop\n");
  EXPECT_TRUE(has_server({}, terminal_.environment));
  ASSERT_EQ(failure(ensure_server({}, terminal_)), "done");
  EXPECT_EQ(read("starts"), "serve --data " + data_ + " --log-level warn\n");
  auto const said = err_.str();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
}

TEST_F(Launch, OfManyCommandsAtOnceOneStartsIt) {
  std::vector<std::thread> others;
  std::array<std::ostringstream, 8> said;
  std::array<bool, 8> is_there{};
  for (std::size_t i = 0; i < said.size(); ++i) {
    others.emplace_back([this, i, &said, &is_there] {
      Terminal terminal{in_, out_, said.at(i), terminal_.environment, Clock(now_), nullptr};
      terminal.executable = terminal_.executable;
      is_there.at(i) = ensure_server({}, terminal).has_value();
    });
  }
  for (auto& other : others) other.join();
  EXPECT_EQ(std::count(is_there.begin(), is_there.end(), true), 8);
  EXPECT_EQ(std::count_if(said.begin(), said.end(), [](auto const& text) { return !text.str().empty(); }), 1);
  auto const starts = read("starts");
  EXPECT_EQ(std::count(starts.begin(), starts.end(), '\n'), 1);
}

TEST_F(Launch, WaitsForTheOneThatIsJustStarting) {
  auto held = Folder::open(data_);
  ASSERT_TRUE(held);
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ASSERT_TRUE((*held)->announce(server_.url(), "t"));
  });
  EXPECT_EQ(failure(ensure_server({}, terminal_)), "done");
  late.join();
  EXPECT_EQ(read("starts"), "");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(Launch, TellsWhyAServerDidNotStart) {
  ::setenv("REFUSAL", "port 5409 is in use; stop the other program", 1);
  EXPECT_EQ(failure(ensure_server({}, terminal_)),
            "69: a server was started and ended at once: port 5409 is in use; stop the other program (see " + data_ +
                "/server.log)");
  ::unsetenv("REFUSAL");
}

TEST_F(Launch, StartsNoneWhereOneWasNamedOrNothingCan) {
  EXPECT_EQ(failure(ensure_server({"http://127.0.0.1:1", {}, false}, terminal_)), "done");
  terminal_.environment["SOJOURN_SERVER"] = "http://127.0.0.1:1";
  EXPECT_EQ(failure(ensure_server({}, terminal_)), "done");
  terminal_.environment.erase("SOJOURN_SERVER");
  terminal_.executable.clear();
  EXPECT_EQ(failure(ensure_server({}, terminal_)), "done");
  EXPECT_EQ(read("starts"), "");
}

TEST_F(Launch, StopEndsItAndIsHappyWithNone) {
  ASSERT_EQ(failure(stop_server({}, terminal_)), "done");
  EXPECT_EQ(take_out(), "No server is running.\n");
  ASSERT_EQ(failure(ensure_server({}, terminal_)), "done");
  ASSERT_EQ(failure(stop_server({}, terminal_)), "done");
  EXPECT_TRUE(take_out().starts_with("Stopped the server (pid "));
  EXPECT_FALSE(is_taken(data_));
  EXPECT_EQ(read("server.json"), "");
  EXPECT_EQ(failure(stop_server({"http://127.0.0.1:1", {}, false}, terminal_)).substr(0, 3), "64:");
  ASSERT_EQ(failure(stop_server({{}, {}, true}, terminal_)), "done");
  EXPECT_EQ(take_out(), "{\"stopped\":false,\"pid\":0}\n");
}

TEST_F(Launch, ARecordOfAServerThatCrashedIsNoServer) {
  ASSERT_TRUE(make_data_folder(data_));
  std::ofstream(data_ + "/server.json") << R"({"address":"http://127.0.0.1:)" << test::find_unused_port()
                                        << R"(","pid":)" << ::getpid() << "}";
  EXPECT_FALSE(has_server({}, terminal_.environment));
  ASSERT_EQ(failure(stop_server({}, terminal_)), "done") << "or the test would be gone";
  ASSERT_EQ(failure(ensure_server({}, terminal_)), "done");
  EXPECT_NE(read("starts"), "");
}

}  // namespace
}  // namespace sojourn

#include "app/watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "app/command_fixture.h"

namespace sojourn {
namespace {

using test::first_line;
using test::ScriptedServer;

int stop_reader = -1;
int open_test_stop() { return ::dup(stop_reader); }

std::string block(std::string const& id, std::string const& type, std::string const& data) {
  return (id.empty() ? "" : "id: " + id + "\n") + "event: " + type + "\ndata: " + data + "\n\n";
}

std::string const snapshot =
    block("e.4", "session.snapshot",
          R"({"type":"session.snapshot","session_id":"s1","cursor":"e.4","revision":0,"state":{}})");
std::string const quote = block(
    "e.5", "quote_ready",
    R"({"type":"quote_ready","seq":5,"cursor":"e.5","at":"2026-02-24T19:24:16.015123Z","user":"alice","data":{"a":"\u001b"}})");
std::string const resumed = block("", "session.resumed", R"({"type":"session.resumed","cursor":"e.5"})");
std::string const closed =
    block("e.6", "session.closed", R"({"type":"session.closed","seq":6,"cursor":"e.6","data":{"reason":"deleted"}})");

class Watching : public test::CommandFixture {
 protected:
  Watching() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~Watching() override {
    stop_reader = -1;
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  Result<> watch(ScriptedServer const& server, bool json = false, std::string const& since = {}) {
    WatchCommand command{"s1", since};
    command.first_pause_ms = 5;
    command.silence_ms_max = 100;
    return watch_session(target(server, json), command, terminal_);
  }

  // From now on, and for every watch after.
  void stop() {
    stop_reader = ends_[0];
    terminal_.open_stop = &open_test_stop;
    ASSERT_EQ(::write(ends_[1], "x", 1), 1);
  }

  std::array<int, 2> ends_{};
};

TEST_F(Watching, ShowsALineAnEventUntilTheSessionEnds) {
  ScriptedServer const server({ScriptedServer::stream(": ping\n\n" + snapshot + quote + closed + "silence")});
  EXPECT_EQ(failure(watch(server)), "done");
  EXPECT_EQ(out_.str(),
            "2026-02-24 (UTC)\n"
            "19:24:16.015      5  quote_ready         alice       {\"a\":\"\\u001b\"}\n"
            "                  6  session.closed                  {\"reason\":\"deleted\"}\n");
  EXPECT_EQ(err_.str(),
            "sojourn: watching s1 from e.4; Ctrl-C ends it\n"
            "sojourn: the session s1 has ended: deleted\n");
  auto const request = server.requests().at(0);
  EXPECT_EQ(first_line(request), "GET /api/v1/sessions/s1/events HTTP/1.1");
  EXPECT_NE(request.find("\r\nAccept: text/event-stream\r\n"), std::string::npos);
}

TEST_F(Watching, ProgramsGetEverythingAsALineOfJson) {
  ScriptedServer const server({ScriptedServer::stream(snapshot + quote + block("", "odd", "no json") + closed)});
  EXPECT_EQ(failure(watch(server, true, "e.4")), "done");
  EXPECT_EQ(out_.str(),
            "{\"type\":\"session.snapshot\",\"session_id\":\"s1\",\"cursor\":\"e.4\",\"revision\":0,\"state\":{}}\n"
            "{\"type\":\"quote_ready\",\"seq\":5,\"cursor\":\"e.5\",\"at\":\"2026-02-24T19:24:16.015123Z\",\"user\":"
            "\"alice\","
            "\"data\":{\"a\":\"\\u001b\"}}\n"
            "{\"type\":\"odd\",\"data\":\"no json\"}\n"
            "{\"type\":\"session.closed\",\"seq\":6,\"cursor\":\"e.6\",\"data\":{\"reason\":\"deleted\"}}\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions/s1/events?since=e.4 HTTP/1.1");
}

TEST_F(Watching, GoesOnAfterABrokenConnectionBehindTheLastEvent) {
  ScriptedServer const server({ScriptedServer::stream(snapshot + quote + "id: e.9\nevent: half"),
                               ScriptedServer::answer(503, R"({"detail":"starting","code":"unavailable"})"), "",
                               ScriptedServer::stream(resumed + closed)});
  EXPECT_EQ(failure(watch(server)), "done");
  EXPECT_EQ(err_.str(),
            "sojourn: watching s1 from e.4; Ctrl-C ends it\n"
            "sojourn: the connection is lost; trying again in 0 s\n"
            "sojourn: the connection is lost; trying again in 0 s\n"
            "sojourn: the connection is lost; trying again in 0 s\n"
            "sojourn: connected again\n"
            "sojourn: the session s1 has ended: deleted\n");
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), 4U);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_NE(requests[i].find("\r\nLast-Event-ID: e.5\r\n"), std::string::npos) << requests[i];
    EXPECT_EQ(first_line(requests[i]), "GET /api/v1/sessions/s1/events HTTP/1.1");
  }
}

TEST_F(Watching, ASilentServerIsABrokenConnection) {
  ScriptedServer const server({ScriptedServer::stream(snapshot + "silence"), ScriptedServer::stream(resumed + closed)});
  EXPECT_EQ(failure(watch(server)), "done");
  EXPECT_NE(err_.str().find("the connection is lost"), std::string::npos);
}

TEST_F(Watching, WhatIsNoLongerKeptIsSaid) {
  auto const gap = block("e.90", "session.gap", R"({"type":"session.gap","since":"e.5","cursor":"e.90","state":{}})");
  ScriptedServer const server({ScriptedServer::stream(gap + closed)});
  EXPECT_EQ(failure(watch(server, false, "e.5")), "done");
  EXPECT_TRUE(err_.str().starts_with("sojourn: events after e.5 are no longer kept; going on from e.90\n"))
      << err_.str();
}

TEST_F(Watching, ASessionThatEndedMeanwhileIsAnEndAndOneThatNeverWasIsAFailure) {
  auto const gone = ScriptedServer::answer(404, R"({"detail":"Session not found: s1","code":"not_found"})");
  ScriptedServer const ended({ScriptedServer::stream(snapshot), gone});
  EXPECT_EQ(failure(watch(ended)), "done");
  EXPECT_TRUE(err_.str().ends_with("sojourn: the session s1 has ended\n"));
  ScriptedServer const never({gone});
  EXPECT_EQ(failure(watch(never)).substr(0, 41), "66: the server says: Session not found: s");
}

TEST_F(Watching, RefusalsThatTryingAgainCanNotMendAreFailures) {
  ScriptedServer const server(
      {ScriptedServer::stream(snapshot), ScriptedServer::answer(401, R"({"detail":"Invalid or expired token"})")});
  EXPECT_EQ(failure(watch(server)).substr(0, 45), "77: the server says: Invalid or expired token");
  ScriptedServer const other({ScriptedServer::answer(200, "hello\n\n")});
  EXPECT_EQ(failure(watch(other)), "76: what answers at " + other.url() + " is no sojourn server; check --server");
  std::string const nobody = "http://127.0.0.1:" + std::to_string(test::find_unused_port());
  EXPECT_EQ(failure(watch_session({nobody, {}, false}, {"s1", {}}, terminal_)).substr(0, 4), "69: ");
}

TEST_F(Watching, WhoIsSentAwayDoesNotComeBack) {
  auto const kicked = block("", "session.close", R"({"code":1008,"reason":"kicked\u0007"})");
  ScriptedServer const server({ScriptedServer::stream(snapshot + kicked + "silence")});
  EXPECT_EQ(failure(watch(server)), "77: the server has sent this command away: kicked\a");
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(Watching, AServerThatEndsIsWaitedFor) {
  auto const ending = block("", "session.close", R"({"code":1012,"reason":"the server is shutting down"})");
  ScriptedServer const server({ScriptedServer::stream(snapshot + ending), ScriptedServer::stream(resumed + closed)});
  EXPECT_EQ(failure(watch(server)), "done");
  EXPECT_NE(err_.str().find("sojourn: the server ends the connection: the server is shutting down\n"
                            "sojourn: the connection is lost; trying again in 0 s\n"
                            "sojourn: connected again\n"),
            std::string::npos)
      << err_.str();
}

TEST_F(Watching, APersonEndsItWithoutAFailure) {
  ScriptedServer const silent({ScriptedServer::stream(snapshot + "silence")});
  stop();
  EXPECT_EQ(failure(watch(silent)), "done");
}

TEST_F(Watching, APersonEndsThePauseToo) {
  ScriptedServer const server({ScriptedServer::stream(snapshot)});
  stop_reader = ends_[0];
  terminal_.open_stop = &open_test_stop;
  std::thread person([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(::write(ends_[1], "x", 1), 1);
  });
  WatchCommand command{"s1", {}};
  command.first_pause_ms = 60'000;
  EXPECT_EQ(failure(watch_session(target(server), command, terminal_)), "done");
  person.join();
}

TEST_F(Watching, AnOutputThatCanNotBeWrittenEndsIt) {
  ScriptedServer const server({ScriptedServer::stream(snapshot + quote + "silence")});
  out_.setstate(std::ios::badbit);
  EXPECT_EQ(failure(watch(server)).substr(0, 4), "74: ");
}

}  // namespace
}  // namespace sojourn

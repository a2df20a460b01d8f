#include "app/timeline.h"

#include <gtest/gtest.h>

#include "app/command_fixture.h"
#include "app/table.h"

namespace sojourn {
namespace {

using test::first_line;
using test::ScriptedServer;

json::object parse(std::string_view text) { return json::parse(text)->as_object(); }

TEST(Timeline, ALineTellsTimeNumberTypeWhoAndData) {
  Timeline timeline(0);
  EXPECT_EQ(timeline.describe(parse(R"({"type":"quote_ready","seq":12,"cursor":"e.12","user":"alice","from":"c7",)"
                                    R"("at":"2026-02-24T19:24:16.015123Z","data":{"cost":12.99}})")),
            "2026-02-24 (UTC)\n"
            "19:24:16.015     12  quote_ready         alice (c7)  {\"cost\":12.99}\n");
}

TEST(Timeline, ADayIsNamedOnceAndAnEventWithoutDataEndsEarly) {
  Timeline timeline(0);
  auto const at = [](std::string const& iso) { return parse(R"({"type":"a","seq":1,"at":")" + iso + "\"}"); };
  EXPECT_EQ(timeline.describe(at("2026-02-24T23:59:59.999999Z")), "2026-02-24 (UTC)\n23:59:59.999      1  a\n");
  EXPECT_EQ(timeline.describe(at("2026-02-24T23:59:59.999999Z")), "23:59:59.999      1  a\n");
  EXPECT_EQ(timeline.describe(at("2026-02-25T00:00:00.000000Z")), "2026-02-25 (UTC)\n00:00:00.000      1  a\n");
}

TEST(Timeline, VolatileEventsHaveNoNumberAndSystemEventsShowWhatTheyHaveInsteadOfData) {
  Timeline timeline(0);
  EXPECT_EQ(timeline.describe(parse(R"({"type":"session.joined","volatile":true,"connection_id":"c9","user":"bob"})")),
            "                  -  session.joined      bob         {\"connection_id\":\"c9\"}\n");
}

TEST(Timeline, WhatWasCalledIsNamed) {
  Timeline timeline(0);
  EXPECT_EQ(timeline.describe(
                parse(R"({"type":"session.function","seq":3,"user":"ann","name":"interact","data":{"success":true}})")),
            "                  3  session.function    ann         interact {\"success\":true}\n");
}

TEST(Timeline, NoLineIsWiderThanTheScreenNorHarmsIt) {
  Timeline timeline(60);
  auto const line =
      timeline.describe(parse(R"({"type":"\u001b[31m","seq":1,"user":"\u202e","from":"\u0007",)"
                              R"("at":"\u001b]0;x","data":"\u009b\u4e16\u4e16\u4e16\u4e16\u4e16\u4e16"})"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_LE(count_columns(line.substr(0, line.size() - 1)), 60U) << line;
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find('\a'), std::string::npos);
  EXPECT_EQ(line.find("\u202e"), std::string::npos);
}

class Events : public test::CommandFixture {
 protected:
  static std::string event(int seq) {
    return R"({"seq":)" + std::to_string(seq) + R"(,"cursor":"e.)" + std::to_string(seq) +
           R"(","type":"note","data":)" + std::to_string(seq) + R"(,"at":"2026-02-24T19:24:16.015123Z"})";
  }
  static std::string page(int first, int last, int last_seq, bool has_gap = false) {
    std::string list;
    for (int i = first; i <= last; ++i) list += (i == first ? "" : ",") + event(i);
    return ScriptedServer::answer(200, R"({"events":[)" + list + R"(],"cursor":"e.)" + std::to_string(last) +
                                           R"(","last_seq":)" + std::to_string(last_seq) + R"(,"gap":)" +
                                           (has_gap ? "true" : "false") + "}");
  }
};

TEST_F(Events, AreListedInOrder) {
  ScriptedServer const server({page(1, 2, 2)});
  EXPECT_EQ(failure(list_events(target(server), {"s1", {}, 100}, terminal_)), "done");
  EXPECT_EQ(out_.str(),
            "2026-02-24 (UTC)\n"
            "19:24:16.015      1  note                            1\n"
            "19:24:16.015      2  note                            2\n");
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions/s1/events?limit=100 HTTP/1.1");
}

TEST_F(Events, ProgramsGetAnObjectALine) {
  ScriptedServer const server({page(1, 2, 2)});
  EXPECT_EQ(failure(list_events(target(server, true), {"s1", "e.0", 5}, terminal_)), "done");
  EXPECT_EQ(out_.str(), event(1) + "\n" + event(2) + "\n");
  EXPECT_EQ(first_line(server.requests().at(0)), "GET /api/v1/sessions/s1/events?limit=5&since=e.0 HTTP/1.1");
}

TEST_F(Events, AreReadPageByPageUpToTheLimitAndTheRestIsMentioned) {
  ScriptedServer const server({page(1, 1000, 5000), page(1001, 1500, 5000)});
  EXPECT_EQ(failure(list_events(target(server, true), {"s1", {}, 1500}, terminal_)), "done");
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(first_line(requests[0]), "GET /api/v1/sessions/s1/events?limit=1000 HTTP/1.1");
  EXPECT_EQ(first_line(requests[1]), "GET /api/v1/sessions/s1/events?limit=500&since=e.1000 HTTP/1.1");
  EXPECT_EQ(err_.str(), "sojourn: there are more; go on with: --since e.1500\n");
}

TEST_F(Events, WhatIsNoLongerKeptIsMentioned) {
  ScriptedServer const server({page(7, 8, 8, true)});
  EXPECT_EQ(failure(list_events(target(server, true), {"s1", "e.2", 100}, terminal_)), "done");
  EXPECT_EQ(err_.str(), "sojourn: events after e.2 are no longer kept\n");
}

TEST_F(Events, ALimitBelowOneIsWrongUsage) {
  EXPECT_EQ(failure(list_events({"http://127.0.0.1:1", {}, false}, {"s1", {}, 0}, terminal_)),
            "64: --limit: it takes a whole number from 1 on");
}

}  // namespace
}  // namespace sojourn

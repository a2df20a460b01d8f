#include "api/stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::Fields;
using test::Line;

constexpr std::string_view at = R"("at":"2026-02-24T19:22:16.015000Z")";

class StreamTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(DeskSetup setup = {}, std::string body = R"({"state":{"a":{"x":1}}})") {
    desk = std::make_unique<Desk>(std::move(setup));
    id = json::parse(desk->ask("POST", "/api/v1/sessions?user_id=alice", std::move(body)).body())
             ->at("session_id")
             .as_string();
    epoch = json::parse(desk->ask("GET", path()).body())->at("cursor").as_string();
    epoch.erase(epoch.find('.') + 1);
  }
  std::string path(std::string_view rest = "") const { return "/api/v1/sessions/" + id + std::string(rest); }
  Fields as(std::string user, Scope scope = Scope::write) const { return {Desk::bearer(desk->mint(user, scope))}; }
  // A member of alice's; `query` with its question mark.
  Line& join(std::string_view query = "") {
    auto& line = desk->connect(path("/stream") + std::string(query), as("alice"));
    desk->turn();
    return line;
  }
  void post(std::string_view type, std::string_view more = "") {
    auto const body = R"({"type":")" + std::string(type) + "\"" + std::string(more) + "}";
    EXPECT_EQ(desk->ask("POST", path("/events"), body).status() / 100, 2) << body;
  }
  static std::string name(Line const& line) { return to_text(line.connection); }
  std::string place(std::uint64_t seq) const {
    return "\"seq\":" + std::to_string(seq) + ",\"cursor\":\"" + epoch + std::to_string(seq) + "\"";
  }
  // A presence event.
  std::string presence(std::string_view type, Line const& of) const {
    return R"({"type":"session.)" + std::string(type) + R"(","volatile":true,)" + std::string(at) + R"(,"from":")" +
           name(of) + R"(","user":"alice","data":{"connection_id":")" + name(of) + R"(","user":"alice"}})";
  }
  // Everything that a line heard since, and what it hears of what it says.
  static std::vector<std::string> heard(Line& line) { return line.outlet.take_lines(); }
  std::string answer(Line& line, std::string_view message) {
    heard(line);
    desk->say(line, std::string(message));
    desk->turn();
    auto const lines = heard(line);
    return lines.size() == 1 ? lines.front() : std::to_string(lines.size()) + " answers";
  }

  std::unique_ptr<Desk> desk;
  std::string id;
  std::string epoch;  // with the dot
};

TEST_F(StreamTest, ANewcomerGetsASnapshotAndThePlaceItStandsFor) {
  auto const& line = join();
  EXPECT_EQ(line.greeting, R"({"type":"session.snapshot","session_id":")" + id + R"(","connection_id":")" + name(line) +
                               R"(","cursor":")" + epoch +
                               R"(2","revision":2,"state":{"a":{"x":1}},"connection_count":1,"connections":[)"
                               R"({"connection_id":")" +
                               name(line) +
                               R"(","user":"alice","since":"2026-02-24T19:22:16.015000Z","transport":"websocket"}]})");
}

TEST_F(StreamTest, EveryEventIsShownOnceInItsOrder) {
  auto& line = join();
  post("note", R"(,"data":{"n":1.50})");
  post("note", R"(,"volatile":true)");
  desk->ask("PUT", path("/state/b"), "[2]");
  EXPECT_EQ(heard(line),
            (std::vector<std::string>{
                R"({"type":"note",)" + place(3) + "," + std::string(at) + R"(,"user":"local","data":{"n":1.5}})",
                R"({"type":"note","volatile":true,)" + std::string(at) + R"(,"user":"local"})",
                R"({"type":"session.state",)" + place(4) + "," + std::string(at) +
                    R"(,"user":"local","data":{"set":{"b":[2]},"removed":[]}})"}));
}

TEST_F(StreamTest, WhoComesAndGoesIsToldToTheOthers) {
  auto& one = join();
  EXPECT_EQ(heard(one), std::vector<std::string>()) << "nobody is told of themselves alone";
  auto& two = join();
  EXPECT_EQ(heard(one), std::vector<std::string>{presence("joined", two)});
  EXPECT_EQ(heard(two), std::vector<std::string>());
  auto const left = presence("left", two);
  desk->leave(two);
  EXPECT_EQ(heard(one), std::vector<std::string>{left});
}

TEST_F(StreamTest, ManyMembersAreCountedAndNotNamed) {
  for (int i = 0; i < 99; ++i) join();
  auto const hundred = json::parse(join().greeting);
  EXPECT_EQ(hundred->at("connection_count"), 100);
  EXPECT_EQ(hundred->at("connections").as_array().size(), 100u);
  auto const more = json::parse(join().greeting);
  EXPECT_EQ(more->at("connection_count"), 101);
  EXPECT_FALSE(more->as_object().contains("connections"));
}

TEST_F(StreamTest, WhoNamesAPlaceGetsWhatCameAfterIt) {
  for (int i = 3; i <= 6; ++i) post("n" + std::to_string(i));
  for (auto const& since : {std::string("4"), epoch + "4"}) {
    auto& line = join("?since=" + since);
    EXPECT_EQ(line.greeting, R"({"type":"session.resumed","session_id":")" + id + R"(","connection_id":")" +
                                 name(line) + R"(","cursor":")" + epoch + "4\"}");
    EXPECT_EQ(heard(line),
              (std::vector<std::string>{R"({"type":"n5",)" + place(5) + "," + std::string(at) + R"(,"user":"local"})",
                                        R"({"type":"n6",)" + place(6) + "," + std::string(at) + R"(,"user":"local"})"}))
        << since;
    desk->leave(line);
  }
  auto& last = join("?since=" + epoch + "6");
  EXPECT_EQ(json::parse(last.greeting)->at("type"), "session.resumed");
  EXPECT_EQ(heard(last), std::vector<std::string>());
  post("n7");
  EXPECT_EQ(heard(last).size(), 1u) << "and then it goes on";
}

TEST_F(StreamTest, APlaceThatIsNotInTheLogIsAGapWithASnapshot) {
  for (std::string const& since : {std::string("9"), std::string("1.1"), std::string("nonsense\"")}) {
    auto& line = join("?since=" + since);
    auto const end = line.greeting.find(R"(,"connection_count")");
    std::string quoted;
    json::append_string(quoted, since);
    EXPECT_EQ(line.greeting.substr(0, end), R"({"type":"session.gap","session_id":")" + id + R"(","connection_id":")" +
                                                name(line) + R"(","since":)" + quoted + R"(,"cursor":")" + epoch +
                                                R"(2","revision":2,"state":{"a":{"x":1}})");
    EXPECT_EQ(heard(line), std::vector<std::string>());
    desk->leave(line);
  }
  EXPECT_TRUE(json::parse(join("?since=%ff").greeting)) << "always UTF-8";
}

TEST_F(StreamTest, ChangesInARowAreShownAsOne) {
  for (std::string_view const value : {"1", "2", "3"}) desk->ask("PUT", path("/state/k"), std::string(value));
  desk->ask("DELETE", path("/state/a"));
  auto& line = join("?since=" + epoch + "3");
  EXPECT_EQ(heard(line),
            std::vector<std::string>{R"({"type":"session.state",)" + place(6) + R"(,"first_seq":4,)" + std::string(at) +
                                     R"(,"user":"local","data":{"set":{"k":3},"removed":["a"]}})"});
}

TEST_F(StreamTest, AConnectionTakesOverItsPredecessor) {
  auto& before = join();
  auto& after = join("?takes_over=" + name(before));
  EXPECT_TRUE(after.is_open());
  EXPECT_EQ(before.outlet.close_code, 4001);
  EXPECT_EQ(before.outlet.close_reason, "taken over by a newer connection");
  auto& foreign = desk->connect(path("/stream?takes_over=" + name(after)));  // the local admin's
  EXPECT_TRUE(foreign.is_open());
  EXPECT_EQ(after.outlet.closes, 0) << "nobody takes over another's";
  EXPECT_TRUE(join("?takes_over=nonsense").is_open());
}

TEST_F(StreamTest, WhatCanNotBeJoinedIsRefusedByName) {
  for (auto const& [target, fields] :
       {std::pair<std::string, Fields>{path("/stream"), as("bob")}, {"/api/v1/sessions/nothing/stream", {}}}) {
    auto const& line = desk->connect(target, fields);
    ASSERT_TRUE(line.refusal);
    EXPECT_EQ(line.refusal->code, Code::not_found);
    EXPECT_EQ(line.refusal->message, "Session not found: " + target.substr(17, target.size() - 24));
  }
  EXPECT_EQ(desk->stage.hub.session_count(), 1u) << "and opens none";
}

TEST_F(StreamTest, APingIsAnsweredToItsSenderAlone) {
  auto& line = join();
  auto& other = join();
  EXPECT_EQ(answer(line, R"({"type":"ping"})"), R"({"type":"pong"})");
  EXPECT_EQ(answer(line, R"({"type":"ping","request_id":"r\"1"})"), R"({"type":"pong","request_id":"r\"1"})");
  EXPECT_EQ(heard(other), std::vector<std::string>());
}

TEST_F(StreamTest, AnEventIsAcknowledgedAfterItsCommitIfItIsNamed) {
  auto& line = join();
  auto& other = join();
  heard(line);
  desk->stage.store.hold();
  desk->say(line, R"({"type":"note","data":[1],"request_id":"r1"})");
  EXPECT_EQ(heard(line), std::vector<std::string>());
  EXPECT_EQ(heard(other), std::vector<std::string>());
  desk->stage.store.release();
  for (int i = 0; i < 3; ++i) desk->turn();
  auto const event = R"({"type":"note",)" + place(3) + "," + std::string(at) + R"(,"from":")" + name(line) +
                     R"(","user":"alice","request_id":"r1","data":[1]})";
  EXPECT_EQ(heard(line), (std::vector<std::string>{R"({"type":"ack","request_id":"r1",)" + place(3) + "}", event}));
  EXPECT_EQ(heard(other), std::vector<std::string>{event});
  desk->say(line, R"({"type":"note","payload":{"x":1}})");
  desk->turn();
  EXPECT_EQ(heard(line), std::vector<std::string>{R"({"type":"note",)" + place(4) + "," + std::string(at) +
                                                  R"(,"from":")" + name(line) + R"(","user":"alice","data":{"x":1}})"})
      << "payload stands for data, and nobody asked for an ack";
}

TEST_F(StreamTest, AVolatileEventHasNoPlace) {
  auto& line = join();
  desk->say(line, R"({"type":"typing","volatile":true,"request_id":"r1"})");
  desk->turn();
  EXPECT_EQ(heard(line),
            (std::vector<std::string>{R"({"type":"ack","request_id":"r1","volatile":true})",
                                      R"({"type":"typing","volatile":true,)" + std::string(at) + R"(,"from":")" +
                                          name(line) + R"(","user":"alice","request_id":"r1"})"}));
  EXPECT_EQ(answer(line, R"({"type":"n","volatile":1})").find("volatile"), std::string::npos) << "only true is";
}

TEST_F(StreamTest, TheStateIsReadSetAndPatched) {
  auto& line = join();
  EXPECT_EQ(answer(line, R"({"type":"get_session_state"})"),
            R"({"type":"session_state","state":{"a":{"x":1}},"revision":2,"cursor":")" + epoch + "2\"}");
  desk->say(line, R"({"type":"set_session_state","payload":{"key":"k","value":1},"request_id":"r1"})");
  desk->turn();
  EXPECT_EQ(heard(line),
            (std::vector<std::string>{
                R"({"type":"ack","request_id":"r1",)" + place(3) + "}",
                R"({"type":"session.state",)" + place(3) + "," + std::string(at) + R"(,"from":")" + name(line) +
                    R"(","user":"alice","request_id":"r1","data":{"set":{"k":1},"removed":[]}})"}));
  desk->say(line, R"({"type":"patch_session_state","payload":{"a":{"y":2},"k":null}})");
  desk->turn();
  EXPECT_EQ(heard(line).front(), R"({"type":"ack",)" + place(4) + "}") << "without a name it has none";
  EXPECT_EQ(answer(line, R"({"type":"get_session_state","request_id":"r2"})"),
            R"({"type":"session_state","request_id":"r2","state":{"a":{"x":1,"y":2}},"revision":4,"cursor":")" + epoch +
                "4\"}");
}

TEST_F(StreamTest, AChangeMayNameARevision) {
  auto& line = join();
  auto const set = [](std::string_view revision) {
    return R"({"type":"set_session_state","payload":{"key":"a","value":7,"if_revision":)" + std::string(revision) +
           R"(},"request_id":"r1"})";
  };
  EXPECT_EQ(answer(line, set("1")),
            R"({"type":"error","request_id":"r1","code":"precondition_failed","message":"the present revision is 2"})");
  for (std::string_view const wrong : {"-1", "\"2\"", "2.0", "null"})
    EXPECT_EQ(answer(line, set(wrong)),
              R"({"type":"error","request_id":"r1","code":"invalid","message":"if_revision has to be a revision"})");
  desk->say(line, set("2"));
  desk->turn();
  EXPECT_EQ(heard(line).front(), R"({"type":"ack","request_id":"r1",)" + place(3) + "}");
}

TEST_F(StreamTest, WhatIsWrongIsSaidWithItsNameIfItHasOne) {
  struct Row {
    std::string_view message;
    std::string_view error;  // what follows the type
  };
  auto& line = join();
  auto& other = join();
  heard(other);
  auto const bad_type = R"("code":"invalid","message":")" + std::string(type_rule) + "\"";
  auto const bad_named_type = R"("request_id":"r",)" + bad_type;
  auto const long_type = R"({"type":")" + std::string(257, 'x') + "\"}";
  for (auto const& row :
       {Row{"nonsense", R"("code":"invalid","message":"a message is a JSON object")"},
        Row{"[]", R"("code":"invalid","message":"a message is a JSON object")"},
        Row{"", R"("code":"invalid","message":"a message is a JSON object")"}, Row{"{}", bad_type},
        Row{R"({"type":"pong"})", bad_type}, Row{long_type, bad_type},
        Row{R"({"type":7,"request_id":"r"})", bad_named_type},
        Row{R"({"type":"session.closed","request_id":"r"})", bad_named_type},
        Row{R"({"type":"set_session_state"})", R"("code":"invalid","message":"payload has to be an object")"},
        Row{R"({"type":"patch_session_state","payload":[]})",
            R"("code":"invalid","message":"payload has to be an object")"},
        Row{R"({"type":"set_session_state","payload":{"key":"k"}})",
            R"("code":"invalid","message":"payload has to have a key and a value")"},
        Row{R"({"type":"set_session_state","payload":{"key":7,"value":1}})",
            R"("code":"invalid","message":"a state key is 1 to 256 bytes of UTF-8 without control characters")"},
        Row{R"({"type":"patch_session_state","payload":{"":1}})",
            R"("code":"invalid","message":"a state key is 1 to 256 bytes of UTF-8 without control characters")"},
        Row{R"({"type":"offer","tools":[1]})", R"("code":"invalid","message":"tools has to be a list of names")"},
        Row{R"({"type":"client_tool_call"})", R"("code":"invalid","message":"Missing required parameter: tool_name")"},
        Row{R"({"type":"client_tool_result","tool_call_id":"x","request_id":"r"})",
            R"("request_id":"r","code":"not_found","message":"No tool call waits for this result")"}}) {
    EXPECT_EQ(answer(line, row.message), R"({"type":"error",)" + std::string(row.error) + "}") << row.message;
  }
  EXPECT_EQ(heard(other), std::vector<std::string>());
  EXPECT_TRUE(answer(line, R"({"type":"set_session_state","request_id":"r","payload":{"key":"k","value":")" +
                               std::string(65536, 'x') + "\"}}")
                  .starts_with(R"({"type":"error","request_id":"r","code":"too_large",)"));
}

// A name that is cut within a character would be no text at all, and end the connections of all who hear it.
TEST_F(StreamTest, ANameThatIsTooLongIsRefused) {
  auto& line = join();
  auto& other = join();
  heard(other);
  auto const say = [&](std::string const& request_id) {
    return answer(line, R"({"type":"typing","volatile":true,"request_id":")" + request_id + "\"}");
  };
  EXPECT_EQ(say(std::string(129, 'x')),
            R"({"type":"error","code":"invalid","message":"request_id has at most 128 bytes"})");
  EXPECT_EQ(say(std::string(127, 'x') + "\xc3\xbc"),
            R"({"type":"error","code":"invalid","message":"request_id has at most 128 bytes"})");
  EXPECT_EQ(heard(other), std::vector<std::string>());
  EXPECT_EQ(say(std::string(126, 'x') + "\xc3\xbc"), "2 answers");
  EXPECT_EQ(heard(other).size(), 1u);
}

TEST_F(StreamTest, WhoMayOnlyReadHearsAllAndSaysNothing) {
  auto& line = join();
  auto& reader = desk->connect(path("/stream"), as("alice", Scope::read));
  heard(line);
  for (std::string_view const message :
       {R"({"type":"note"})", R"({"type":"set_session_state","payload":{"key":"k","value":1}})",
        R"({"type":"offer","tools":[]})"})
    EXPECT_EQ(answer(reader, message), R"({"type":"error","code":"forbidden","message":"this token may only read"})");
  EXPECT_EQ(heard(line), std::vector<std::string>());
  post("note");
  EXPECT_EQ(heard(reader).size(), 1u);
}

TEST_F(StreamTest, AToolIsOfferedCalledAndAnswered) {
  auto& caller = join();
  auto& provider = join();
  auto& watch = join();
  EXPECT_EQ(answer(provider, R"({"type":"offer","tools":["dance"],"queries":true,"request_id":"o"})"),
            R"({"type":"offered","request_id":"o"})");
  heard(watch);
  auto const told = answer(caller, R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":"call_1",)"
                                   R"("parameters":{"n":1},"request_id":"r1"})");
  EXPECT_EQ(heard(watch), std::vector<std::string>{told}) << "that somebody was asked is told to all";
  auto const asked = heard(provider).at(0);
  auto const call_id = std::string(json::parse(asked)->at("tool_call_id").as_string());
  EXPECT_EQ(told, R"({"type":"session.call","volatile":true,)" + std::string(at) + R"(,"from":")" + name(caller) +
                      R"(","user":"alice","request_id":")" + call_id + R"(","name":"dance","data":{"n":1}})");
  auto const parts = R"("tool_name":"dance","tool_call_id":")" + call_id + R"(","parameters":{"n":1})";
  EXPECT_EQ(asked,
            R"({"type":"client_tool_call",)" + parts + R"(,"client_tool_call":{)" + parts + R"(},"user":"alice"})");
  heard(caller);
  desk->say(provider, R"({"type":"client_tool_result","tool_call_id":")" + call_id +
                          R"(","result":{"steps":3},"is_error":false,"request_id":"a"})");
  desk->turn();
  auto const result =
      R"({"type":"session.result",)" + place(3) + "," + std::string(at) + R"(,"from":")" + name(caller) +
      R"(","user":"alice","request_id":"call_1","name":"dance","data":{"result":{"steps":3},"is_error":false}})";
  EXPECT_EQ(heard(caller),
            (std::vector<std::string>{R"({"type":"client_tool_result","request_id":"r1","tool_call_id":"call_1",)"
                                      R"("tool_name":"dance","result":{"steps":3},"is_error":false})",
                                      result}));
  EXPECT_EQ(heard(provider), (std::vector<std::string>{R"({"type":"ack","request_id":"a"})", result}));
  EXPECT_EQ(heard(watch), std::vector<std::string>{result});
}

TEST_F(StreamTest, AnAnswerWithoutANameIsNotAcknowledged) {
  auto& caller = join();
  auto& provider = join();
  desk->say(provider, R"({"type":"offer","tools":["dance"]})");
  desk->say(caller, R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":"1"})");
  auto const asked = heard(provider).at(1);
  auto const call_id = std::string(json::parse(asked)->at("tool_call_id").as_string());
  heard(provider);
  desk->say(provider, R"({"type":"client_tool_result","tool_call_id":")" + call_id + R"("})");
  desk->turn();
  for (auto const& line : heard(provider)) EXPECT_NE(json::parse(line)->at("type"), "ack");
}

TEST_F(StreamTest, ACallOfAToolThatNobodyRunsIsAnErrorOfTheResult) {
  auto& line = join();
  desk->say(line, R"({"type":"client_tool_call","client_tool_call":{"tool_name":"sing","tool_call_id":"1"}})");
  desk->turn();
  EXPECT_EQ(heard(line).front(),
            R"({"type":"client_tool_result","tool_call_id":"1","tool_name":"sing","result":{"error":)"
            R"("Unsupported tool: sing","original_request":{"type":"client_tool_call","client_tool_call":)"
            R"({"tool_name":"sing","tool_call_id":"1"}}},"is_error":true})");
}

TEST_F(StreamTest, AnExtensionSessionIsWatchedTheSameWay) {
  auto& browser = desk->connect("/ws");
  auto& line = desk->connect("/api/v1/sessions/" + browser.session() + "/stream");
  ASSERT_TRUE(line.is_open());
  EXPECT_EQ(json::parse(line.greeting)->at("session_id").as_string(), browser.session());
  desk->ask("POST", "/api/websocket/sessions/" + browser.session() + "/message",
            R"({"type":"navigate","data":{"url":"u"}})");
  auto const told = heard(line);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(json::parse(told.front())->at("type"), "navigate");
}

}  // namespace
}  // namespace sojourn

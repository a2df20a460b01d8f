// monitor_commands.cpp: what registered clients, and those that are not, ask and say.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "api/monitor_stage.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::MonitorStage;
using test::MonitorTest;
using test::register_kitchen;
using test::Visitor;
using test::Words;

constexpr std::string_view now = "2026-02-24T19:22:16.015000";
constexpr std::string_view not_registered =
    R"([{"status":"error","code":"not_connected","message":"register_session comes first"}])";

class MonitorCommandsTest : public MonitorTest {
 public:
  // The same question with and without a wish to be answered: the answer, and what is heard in either case.
  std::string answer(Visitor& visitor, std::string const& list) {
    stage.hear(visitor);
    return stage.ask(visitor, list);
  }
  Words heard_of(Visitor& visitor, std::string const& list) {
    stage.hear(visitor);
    stage.emit(visitor, list);
    return stage.hear(visitor);
  }
  // Asks a question of the session, from outside.
  std::string ask_why() {
    auto const& asked =
        stage.desk.begin("POST", "/api/v1/query", R"({"session_id":")" + stage.id_of("S1") + R"(","query":"why?"})",
                         {{"Content-Type", "application/json"}, {"Prefer", "respond-async"}});
    stage.turn();
    auto const parsed = json::parse(asked.body());
    return parsed ? std::string(json::find_string(parsed->get_object(), "query_id")) : asked.body();
  }
  std::string log() { return stage.desk.ask("GET", "/api/v1/sessions/" + stage.id_of("S1") + "/events").body(); }
};

TEST_F(MonitorCommandsTest, AMI_06_APingIsAnsweredByItsAcknowledgementOrByAPong) {
  auto& ann = stage.enter("ann");
  EXPECT_EQ(answer(ann, R"(["ping",{"thread_id":"t"}])"),
            R"([{"pong":true,"timestamp":")" + std::string(now) +
                R"(","session_id":"ann","thread_id":"t","transport":"polling"}])");
  EXPECT_EQ(stage.hear(ann), Words());
  EXPECT_EQ(heard_of(ann, R"(["ping",{"thread_id":"t"}])"),
            Words{R"(42["pong",{"thread_id":"t","timestamp":")" + std::string(now) + "\"}]"});
  auto& ben = stage.follow("ben", "kitchen");
  EXPECT_EQ(heard_of(ben, R"(["ping"])"),
            Words{R"(42["pong",{"thread_id":"kitchen","timestamp":")" + std::string(now) + "\"}]"});
  ben.client->move(test::frame_packets, "websocket");
  EXPECT_NE(answer(ben, R"(["ping",7])").find(R"("transport":"websocket")"), std::string::npos);
}

TEST_F(MonitorCommandsTest, ASystemPingIsAnswered) {
  auto& ann = stage.enter("ann");
  EXPECT_EQ(answer(ann, R"(["system_ping_response",{"thread_id":"t"}])"),
            R"([{"status":"acknowledged","timestamp":")" + std::string(now) + "\"}]");
  EXPECT_EQ(heard_of(ann, R"(["system_ping_response",{}])"), Words());
}

TEST_F(MonitorCommandsTest, NamesThatAreTooLongAreRefused) {
  auto& ann = stage.enter("ann");
  auto const refusal =
      R"({"status":"error","code":"too_large","message":"thread_id and user_id have at most 256 bytes"})";
  EXPECT_EQ(answer(ann, R"(["register_session",{"thread_id":")" + std::string(257, 'x') + "\"}]"),
            "[" + std::string(refusal) + "]");
  EXPECT_EQ(answer(ann, R"(["register_session",{"user_id":")" + std::string(257, 'x') + "\"}]"),
            "[" + std::string(refusal) + "]");
  EXPECT_EQ(heard_of(ann, R"(["register_session",{"user_id":")" + std::string(257, 'x') + "\"}]"),
            Words{R"(42["error",{"message":"thread_id and user_id have at most 256 bytes","code":"too_large"}])"});
  EXPECT_EQ(answer(ann, R"(["register_session",{"thread_id":")" + std::string(256, 'x') + "\"}]"),
            R"([{"status":"ready"}])");
}

TEST_F(MonitorCommandsTest, MissedMessagesAreGivenOnceWithoutRegistering) {
  open_with(2);
  auto& ann = stage.enter("ann");
  stage.hear(ann);
  EXPECT_EQ(stage.ask(ann, R"(["request_missed_messages",{"thread_id":"kitchen"}])"), R"([{"status":"ok"}])");
  EXPECT_EQ(stage.hear(ann), (Words{R"(42["note",1])", R"(42["note",2])",
                                    R"(42["missed_messages_delivered",{"count":2,"thread_id":"kitchen"}])"}));
  auto const none = Words{R"(42["missed_messages_status",{"status":"none","thread_id":"kitchen"}])"};
  EXPECT_EQ(heard_of(ann, R"(["request_missed_messages",{"thread_id":"kitchen"}])"), none);
  stage.emit(ann, std::string(register_kitchen));
  EXPECT_EQ(stage.hear(ann), Words{registered("ann", "S1", "S1@3")});
  EXPECT_EQ(heard_of(ann, R"(["request_missed_messages",{"thread_id":"kitchen"}])"), none) << "it hears all of it";
  EXPECT_EQ(answer(ann, R"(["request_missed_messages"])"), R"([{"status":"ok"}])") << "of no thread";
  EXPECT_EQ(stage.hear(ann), Words());
  EXPECT_EQ(heard_of(ann, R"(["request_missed_messages",{"thread_id":"unknown"}])"),
            Words{R"(42["missed_messages_status",{"status":"none","thread_id":"unknown"}])"});
  auto& bob = stage.enter("bob", "{\"token\":\"" + stage.desk.mint("bob") + "\"}");
  post("note");
  EXPECT_EQ(heard_of(bob, R"(["request_missed_messages",{"thread_id":"kitchen"}])"), none) << "another's";
}

TEST_F(MonitorCommandsTest, ARoomIsJoinedByForce) {
  auto& ann = stage.enter("ann");
  auto const joined = [](std::string const& thread) {
    return R"(42["room_joined",{"thread_id":")" + thread + R"(","session_id":"ann","success":true}])";
  };
  EXPECT_EQ(answer(ann, R"(["force_room_join",{"thread_id":"kitchen"}])"), R"([{"status":"ok"}])");
  EXPECT_EQ(stage.hear(ann), (Words{registered("ann", "S1", "S1@1"), joined("kitchen")}));
  EXPECT_EQ(answer(ann, R"(["force_room_join",{"thread_id":"kitchen"}])"), R"([{"status":"ok"}])");
  EXPECT_EQ(stage.hear(ann), Words{joined("kitchen")}) << "where it is already";
  EXPECT_EQ(heard_of(ann, R"(["force_room_join",{"thread_id":"garden"}])"),
            (Words{registered("ann", "S2", "S2@1", "garden"), joined("garden")}));
  for (std::string const list : {R"(["force_room_join"])", R"(["force_room_join",{"thread_id":7}])"})
    EXPECT_EQ(heard_of(ann, list), Words{R"(42["error",{"message":"Missing thread_id parameter"}])"});
}

TEST_F(MonitorCommandsTest, TheStatusCountsWhomOneMaySee) {
  auto& ann = stage.enter("ann");
  EXPECT_EQ(answer(ann, R"(["debug_socket_status"])"), R"([{"status":"ok"}])");
  EXPECT_EQ(stage.hear(ann), Words{R"(42["debug_status",{"session_id":"ann","thread_id":null,"session_count":0,)"
                                   R"("thread_counts":{},"is_registered":false,"timestamp":")" +
                                   std::string(now) + "\"}]"});
  stage.follow("ben", "kitchen");
  stage.follow("cat", "garden");
  auto const alice = "{\"token\":\"" + stage.desk.mint("alice") + "\"}";
  auto& alice_there = stage.follow("alice", "kitchen", alice);
  EXPECT_EQ(heard_of(alice_there, R"(["debug_socket_status"])"),
            Words{R"(42["debug_status",{"session_id":"alice","thread_id":"kitchen","session_count":1,)"
                  R"("thread_counts":{"kitchen":1},"is_registered":true,"timestamp":")" +
                  std::string(now) + "\"}]"});
  stage.emit(ann, std::string(register_kitchen));
  auto const heard = heard_of(ann, R"(["debug_socket_status"])");
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_NE(heard.front().find(R"("session_count":4,"thread_counts":{"garden":1,"kitchen":3})"), std::string::npos)
      << heard.front() << " of all, for whoever may see all";
}

TEST_F(MonitorCommandsTest, NothingIsSaidOrAskedBeforeRegistering) {
  auto& ann = stage.enter("ann");
  for (std::string const list :
       {R"(["chat",1])", R"(["set_session_state",{"key":"k","value":1}])", R"(["get_session_state"])",
        R"(["offer",{"queries":true}])", R"(["client_tool_result",{}])", R"(["query_progress",{}])",
        R"(["query_result",{}])"}) {
    EXPECT_EQ(answer(ann, list), not_registered) << list;
    EXPECT_EQ(heard_of(ann, list),
              Words{R"(42["error",{"message":"register_session comes first","code":"not_connected"}])"})
        << list;
  }
}

TEST_F(MonitorCommandsTest, WhatIsSaidIsAcknowledgedOnceItIsKept) {
  auto& ann = stage.follow("ann", "kitchen");
  stage.desk.stage.store.hold();
  stage.emit(ann, R"(["chat",{"n":1}])", "5");
  EXPECT_EQ(stage.hear(ann), Words());
  stage.desk.stage.store.release();
  stage.turn();
  auto const heard = stage.hear(ann);
  EXPECT_EQ(heard, (Words{R"(435[{"status":"ok","seq":2,"cursor":@2}])", R"(42["chat",{"n":1},"S1@2"])"}));
  EXPECT_EQ(heard_of(ann, R"(["chat",1,"two"])"), Words{R"(42["chat",1,"two","S1@3"])"});
  stage.hear(ann);
  ann.say(R"(51-["photo",{"_placeholder":true,"num":0}])");
  ann.send_bytes("\x01\x02\x03");
  stage.turn();
  EXPECT_EQ(stage.hear(ann), (Words{R"(451-["photo",{"_placeholder":true,"num":0},"S1@4"])", "bAQID"}));
  EXPECT_NE(log().find(R"("data":{"$bytes":"AQID"})"), std::string::npos);
}

TEST_F(MonitorCommandsTest, NamesOfTheServersOwnAreNotSaid) {
  auto& ann = stage.follow("ann", "kitchen");
  for (std::string const name : {"", "session.closed", "case.opened", "pong", "session_registered", "error"})
    EXPECT_TRUE(answer(ann, "[\"" + name + "\",1]").starts_with(R"([{"status":"error","code":"invalid")")) << name;
  EXPECT_EQ(answer(ann, R"([7,1])"),
            R"([{"status":"error","code":"invalid","message":"the name of an event has to be text"}])");
  EXPECT_TRUE(heard_of(ann, R"(["session.closed"])").at(0).starts_with(R"(42["error",{"message":)"));
  EXPECT_FALSE(ann.is_closed());
}

TEST_F(MonitorCommandsTest, WhatIsSentAgainUnderItsIdIsSaidOnce) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.hear(ann);
  auto const order = R"(["order",{"coffee":1,"message_id":"m1"}])";
  auto const first = stage.ask(ann, order);
  EXPECT_EQ(first, R"([{"status":"ok","seq":2,"cursor":@2}])");
  EXPECT_EQ(stage.ask(ann, order), first) << "the same acknowledgement";
  EXPECT_EQ(stage.ask(ben, order), first) << "of the same user";
  EXPECT_EQ(stage.hear(ben), Words{R"(42["order",{"coffee":1,"message_id":"m1"},"S1@2"])"}) << "one effect";
  EXPECT_EQ(stage.ask(ann, R"(["order",1,{"message_id":"m2"}])"), R"([{"status":"ok","seq":3,"cursor":@3}])")
      << "in any argument";
  EXPECT_EQ(stage.ask(ann, R"(["order",1,{"message_id":"m2"}])"), R"([{"status":"ok","seq":3,"cursor":@3}])");
  EXPECT_EQ(stage.ask(ann, R"(["order",1])"), R"([{"status":"ok","seq":4,"cursor":@4}])");
  EXPECT_EQ(stage.ask(ann, R"(["order",1])"), R"([{"status":"ok","seq":5,"cursor":@5}])")
      << "without an id each is new";
  for (std::string const& id : {std::string("\"\""), std::string("7"), "\"" + std::string(129, 'x') + "\""}) {
    auto const list = R"(["order",{"message_id":)" + id + "}]";
    EXPECT_NE(stage.ask(ann, list), stage.ask(ann, list)) << "what is none is ignored";
  }
  ann.go();
  auto& back = stage.follow("again", "kitchen");
  EXPECT_EQ(stage.ask(back, order), first) << "also under a new id";
}

TEST_F(MonitorCommandsTest, TheStateIsSetAndRead) {
  auto& ann = stage.follow("ann", "kitchen");
  EXPECT_EQ(answer(ann, R"(["get_session_state"])"), R"([{"status":"ok","state":{},"revision":0,"cursor":@1}])");
  EXPECT_EQ(answer(ann, R"(["set_session_state",{"key":"k","value":{"cost":12.99}}])"),
            R"([{"status":"ok","revision":2,"cursor":@2}])");
  auto const heard = stage.hear(ann);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard.front().starts_with(R"(42["session.state",{"type":"session.state")")) << heard.front();
  EXPECT_TRUE(heard.front().ends_with(R"("S1@2"])")) << heard.front();
  EXPECT_EQ(heard_of(ann, R"(["get_session_state"])"),
            Words{R"(42["session_state",{"status":"ok","state":{"k":{"cost":12.99}},"revision":2,"cursor":@2}])"});
  for (std::string const list :
       {R"(["set_session_state"])", R"(["set_session_state",{"key":"k"}])", R"(["set_session_state",{"value":1}])"})
    EXPECT_TRUE(answer(ann, list).starts_with(R"([{"status":"error","code":"invalid")")) << list;
}

TEST_F(MonitorCommandsTest, AQuestionIsAnsweredByItsAcknowledgement) {
  auto& ann = stage.follow("ann", "kitchen");
  EXPECT_EQ(answer(ann, R"(["offer",{"queries":true}])"), R"([{"status":"ok"}])");
  for (auto const& [words, result] : {std::pair<std::string, std::string>{R"([{"answer":"42"}])", R"("answer":"42")"},
                                      {R"(["42"])", R"("answer":"42")"}}) {
    stage.hear(ann);
    auto const query = ask_why();
    auto const heard = stage.hear(ann);
    ASSERT_FALSE(heard.empty());
    auto const asked = std::ranges::find_if(
        heard, [](auto const& line) { return line.find(R"(["query",)") != line.npos && line[2] != '['; });
    ASSERT_NE(asked, heard.end()) << heard.front();
    auto const id = asked->substr(2, asked->find('[') - 2);
    ann.say("3" + id + words);
    stage.turn();
    stage.turn();
    auto const body = stage.desk.ask("GET", "/api/v1/query/" + query).body();
    EXPECT_NE(log().find(result), std::string::npos) << log();
    ann.say("3" + id + R"([{"answer":"43"}])");
    stage.turn();
    EXPECT_EQ(log().find("\"43\""), std::string::npos) << "only once";
  }
}

TEST_F(MonitorCommandsTest, AQuestionIsAnsweredByEventsToo) {
  auto& ann = stage.follow("ann", "kitchen");
  stage.ask(ann, R"(["offer",{"queries":true}])");
  auto const query = ask_why();
  EXPECT_EQ(stage.ask(ann, R"(["query_progress",{"query_id":")" + query + R"(","text":"well"}])"),
            R"([{"status":"ok"}])");
  EXPECT_EQ(stage.ask(ann, R"(["query_result",{"query_id":")" + query + R"(","answer":"42"}])"),
            R"([{"status":"ok"}])");
  EXPECT_EQ(stage.ask(ann, R"(["query_result",{"query_id":")" + query + R"(","answer":"43"}])"),
            R"([{"status":"error","code":"not_found","message":"nobody waits for this answer"}])");
  EXPECT_NE(log().find(R"("answer":"42")"), std::string::npos) << log();
}

TEST_F(MonitorCommandsTest, AnotherOneDoesNotAnswerWhatItWasNotAsked) {
  auto& ann = stage.follow("ann", "kitchen");
  auto& ben = stage.follow("ben", "kitchen");
  stage.ask(ann, R"(["offer",{"queries":true}])");
  auto const query = ask_why();
  for (int id = 0; id < 5; ++id) ben.say("3" + std::to_string(id) + R"([{"answer":"wrong"}])");
  stage.turn();
  EXPECT_EQ(stage.ask(ben, R"(["query_result",{"query_id":")" + query + R"(","answer":"wrong"}])"),
            R"([{"status":"error","code":"not_found","message":"nobody waits for this answer"}])");
  EXPECT_EQ(log().find("wrong"), std::string::npos);
  EXPECT_EQ(stage.ask(ann, R"(["query_result",{"query_id":")" + query + R"(","answer":"42"}])"),
            R"([{"status":"ok"}])");
}

TEST_F(MonitorCommandsTest, AToolIsOfferedCalledAndAnsweredInEitherWay) {
  auto& ann = stage.follow("ann", "kitchen");
  EXPECT_EQ(answer(ann, R"(["offer",{"tools":["dance"]}])"), R"([{"status":"ok"}])");
  EXPECT_TRUE(answer(ann, R"(["offer",{"tools":[7]}])").starts_with(R"([{"status":"error","code":"invalid")"));
  auto& page = stage.desk.connect("/api/v1/sessions/" + stage.id_of("S1") + "/stream");
  ASSERT_TRUE(page.is_open());
  auto const call = [&] {
    page.outlet.take_lines();
    stage.hear(ann);
    stage.desk.say(page, R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":"c1","parameters":{"n":1}})");
    stage.turn();
    for (auto const& line : stage.hear(ann)) {
      if (auto const at = line.find(R"(["client_tool_call",)"); at != line.npos && at > 2)
        return line.substr(2, at - 2);
    }
    return std::string("not called");
  };
  auto const result = [&] {
    std::string all;
    for (auto const& line : page.outlet.take_lines()) all += line;
    auto const at = all.find("\"result\":");
    return at == all.npos ? all : all.substr(at, all.find(",\"is_error\"", at) - at + 16);
  };
  for (auto const& [words, expected] :
       {std::pair<std::string, std::string>{R"([{"result":{"steps":3}}])", R"("result":{"steps":3},"is_error":fals)"},
        {R"([{"steps":3}])", R"("result":{"steps":3},"is_error":fals)"},
        {R"([5])", R"("result":5,"is_error":fals)"},
        {R"([])", R"("result":null,"is_error":fals)"},
        {R"([{"result":"no","is_error":true}])", R"("result":"no","is_error":true)"}}) {
    auto const id = call();
    ann.say("3" + id + words);
    stage.turn();
    EXPECT_EQ(result(), expected) << words;
  }
  call();
  EXPECT_EQ(stage.ask(ann, R"(["client_tool_result",{"tool_call_id":"nobody's","result":1}])"),
            R"([{"status":"error","code":"not_found","message":"nobody waits for this answer"}])");
}

TEST_F(MonitorCommandsTest, WhoeverGoesBeforeItsAnswerHearsNothing) {
  auto& ben = stage.follow("ben", "kitchen");
  for (std::string const list :
       {R"(["chat",1])", R"(["set_session_state",{"key":"k","value":1}])", R"(["get_session_state"])",
        R"(["request_missed_messages",{"thread_id":"kitchen"}])", R"(["offer",{"queries":true}])",
        R"(["register_session",{"thread_id":"garden"}])", R"(["force_room_join",{"thread_id":"garden"}])",
        R"(["query_result",{"query_id":"x"}])"}) {
    auto& ann = stage.follow("ann", "kitchen");
    stage.desk.stage.store.hold();
    stage.emit(ben, R"(["chat",0])");
    ann.say("21" + list);
    ann.go();
    auto const pushed = ann.outlet.pushed.size();
    stage.desk.stage.store.release();
    stage.turn();
    EXPECT_EQ(ann.outlet.pushed.size(), pushed) << list;
  }
  EXPECT_EQ(stage.desk.stage.hub.connection_count(), 1u);
}

TEST(MonitorUsers, AreKeptApartByTheirTokens) {
  MonitorStage stage(DeskSetup{.is_open = false});
  auto const auth = [&](std::string const& name) { return "{\"token\":\"" + stage.desk.mint(name) + "\"}"; };
  auto& alice = stage.enter("alice", auth("alice"));
  stage.emit(alice, R"(["register_session",{"thread_id":"kitchen","user_id":"bob"}])");
  auto& bob = stage.follow("bob", "kitchen", auth("bob"));
  stage.hear(alice);
  EXPECT_EQ(stage.ask(bob, R"(["set_session_state",{"key":"k","value":"bob's"}])"),
            R"([{"status":"ok","revision":2,"cursor":@2}])");
  EXPECT_EQ(stage.ask(alice, R"(["get_session_state"])"), R"([{"status":"ok","state":{},"revision":0,"cursor":@1}])");
  EXPECT_EQ(stage.hear(alice), Words());
  for (auto const* socket : stage.monitor.sockets())
    EXPECT_EQ(socket->facts().user_id, socket->principal().name) << "whatever it says of itself";
}

}  // namespace
}  // namespace sojourn

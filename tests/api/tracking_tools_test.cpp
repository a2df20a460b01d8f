// The tools of session tracking: how a call is spelled, what the caller hears, and what all hear after it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/tracking.h"
#include "base/json.h"
#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::Line;

constexpr std::string_view quotes =
    R"([{"carrier":"UPS","price":24.5,"eta":"2 days"},{"carrier":"FedEx","price":12.99,"eta":"3 days"}])";

class TrackingToolsTest : public testing::Test {
 protected:
  void SetUp() override {
    desk = std::make_unique<Desk>(DeskSetup{.tools = {{"get_shipping_quotes", {"http://127.0.0.1:9000/quotes", ""}},
                                                      {"dance", {"http://127.0.0.1:9000/dance", ""}}}});
    agent = &desk->connect("/ws/session?token=" + desk->mint("alice"));
    page = &desk->connect("/ws/session?token=" + desk->mint("alice") + "&session_id=" + agent->session());
  }
  // What a line hears of what is said, frame by frame and without the ends.
  std::vector<std::string> heard(Line& line) {
    std::vector<std::string> out;
    for (auto const& frame : line.outlet.take_lines()) {
      auto const end = frame.rfind(",\"timestamp\":1771960936015,\"requestId\":\"");
      EXPECT_NE(end, frame.npos) << frame;
      auto const tail = ",\"session_id\":\"" + agent->session() + "\",\"user\":\"alice\"}";
      EXPECT_TRUE(frame.ends_with(tail)) << frame;
      ids.push_back(frame.substr(end + 40, frame.size() - end - 41 - tail.size()));
      out.push_back(frame.substr(0, end));
    }
    return out;
  }
  void say(Line& line, std::string_view message) {
    desk->say(line, std::string(message));
    desk->turn();
  }
  static std::string result(std::string_view name, std::string_view id, std::string_view value, bool is_error = false) {
    auto const quoted = "\"" + std::string(name) + "\"";
    return R"({"type":"client_tool_result","tool_call_id":")" + std::string(id) + R"(","tool_name":)" + quoted +
           R"(,"client_tool_call":{"tool_name":)" + quoted + R"(},"result":)" + std::string(value) + R"(,"is_error":)" +
           (is_error ? "true" : "false");
  }
  static std::string update(std::string_view text, std::string_view data) {
    return R"({"type":"contextual_update","text":")" + std::string(text) + R"(","data":)" + std::string(data);
  }
  static std::string summary(std::string const& name, bool is_error = false) {
    return update(name + "_result", R"({"message":"Tool )" + name + (is_error ? " failed" : " succeeded") +
                                        R"(","tool_name":")" + name + R"(","is_error":)" +
                                        (is_error ? "true}" : "false}"));
  }

  std::unique_ptr<Desk> desk;
  Line* agent = nullptr;
  Line* page = nullptr;
  std::vector<std::string> ids;  // request ids of what was heard
};

TEST_F(TrackingToolsTest, TheResultComesFirstAndThenTheUpdatesForAll) {
  desk->caller.will_answer(std::string(quotes));
  say(*agent,
      R"({"type":"client_tool_call","client_tool_call":{"tool_name":"get_shipping_quotes","tool_call_id":"call_1",)"
      R"("parameters":{"from_zip":"90210"}},"requestId":"r1"})");
  auto const quote = update("quote_ready", R"({"carrier":"FedEx","price":12.99,"eta":"3 days","all_options":)" +
                                               std::string(quotes) + R"(,"cost":12.99})");
  EXPECT_EQ(heard(*agent), (std::vector<std::string>{result("get_shipping_quotes", "call_1", quotes), quote,
                                                     summary("get_shipping_quotes")}));
  EXPECT_EQ(ids.at(0), "r1");
  EXPECT_EQ(ids.at(1).size(), 36u);
  EXPECT_NE(ids.at(1), ids.at(2));
  EXPECT_EQ(heard(*page), (std::vector<std::string>{quote, summary("get_shipping_quotes")}));
  ASSERT_EQ(desk->caller.calls().size(), 1u);
  EXPECT_EQ(desk->caller.calls().front().body,
            R"({"tool_name":"get_shipping_quotes","tool_call_id":"call_1","parameters":{"from_zip":"90210"},)"
            R"("session_id":")" +
                agent->session() + "\"}");
}

TEST_F(TrackingToolsTest, AToolWithoutAnUpdateHasItsSummaryOnly) {
  desk->caller.will_answer(R"({"cost":1})");
  say(*agent, R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":"1","requestId":"r1"})");
  EXPECT_EQ(heard(*agent), (std::vector<std::string>{result("dance", "1", R"({"cost":1})"), summary("dance")}));
  EXPECT_EQ(heard(*page), (std::vector<std::string>{summary("dance")}));
}

TEST_F(TrackingToolsTest, ACallHasThreeSpellings) {
  desk->caller.will_answer("1");
  for (
      auto const& [message, question] :
      {std::pair<std::string_view, std::string_view>{
           R"({"type":"client_tool_call","client_tool_call":{"tool_name":"dance","tool_call_id":"a","parameters":{"n":1}}})",
           R"("tool_call_id":"a","parameters":{"n":1})"},
       {R"({"type":"client_tool_call","payload":{"client_tool_call":{"tool_name":"dance","tool_call_id":"b"}}})",
        R"("tool_call_id":"b","parameters":{})"},
       {R"({"type":"client_tool_call","payload":{"tool_name":"dance","tool_call_id":"c","parameters":[2]}})",
        R"("tool_call_id":"c","parameters":[2])"},
       {R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":"d","parameters":{"n":4}})",
        R"("tool_call_id":"d","parameters":{"n":4})"},
       {R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":7})", R"("tool_call_id":"7","parameters":{})"},
       {R"({"type":"client_tool_call","tool_name":"dance"})", R"("tool_call_id":"","parameters":{})"}}) {
    say(*agent, message);
    EXPECT_EQ(heard(*agent).size(), 2u) << message;
    EXPECT_EQ(desk->caller.calls().back().body,
              R"({"tool_name":"dance",)" + std::string(question) + R"(,"session_id":")" + agent->session() + "\"}");
  }
}

TEST_F(TrackingToolsTest, ACallWithoutANameIsAnErrorOfTheResult) {
  for (std::string const message :
       {R"({"type":"client_tool_call"})", R"({"type":"client_tool_call","client_tool_call":{"tool_name":""}})",
        R"({"type":"client_tool_call","client_tool_call":"dance"})", R"({"type":"client_tool_call","payload":[]})",
        R"({"type":"client_tool_call","tool_name":7})"}) {
    say(*agent, message);
    auto const told = heard(*agent);
    ASSERT_EQ(told.size(), 1u) << message;
    EXPECT_EQ(told.front(),
              result("", "", R"({"error":"Missing required parameter: tool_name","original_request":)" + message + "}",
                     true));
    EXPECT_EQ(heard(*page), std::vector<std::string>()) << "nothing to tell the others";
  }
}

TEST_F(TrackingToolsTest, AFailureIsToldToAllAsAFailure) {
  std::string const message = R"({"type":"client_tool_call","tool_name":"get_shipping_quotes","requestId":"r1"})";
  desk->caller.will_fail(Code::timeout, "late");
  say(*agent, message);
  auto const refused = R"({"error":"timeout calling rates endpoint","original_request":)" + message + "}";
  EXPECT_EQ(heard(*agent), (std::vector<std::string>{result("get_shipping_quotes", "", refused, true),
                                                     summary("get_shipping_quotes", true)}));
  EXPECT_EQ(heard(*page), std::vector<std::string>{summary("get_shipping_quotes", true)}) << "and no quote";
  say(*agent, R"({"type":"client_tool_call","tool_name":"sing","requestId":"r1"})");
  EXPECT_NE(heard(*agent).at(0).find("Unsupported tool: sing"), std::string::npos);
  EXPECT_EQ(heard(*page), std::vector<std::string>{summary("sing", true)});
}

TEST_F(TrackingToolsTest, AMemberThatOffersIsAskedInBothSpellings) {
  say(*page, R"({"type":"offer","queries":true,"tools":["dance","sing"],"requestId":"o"})");
  EXPECT_EQ(heard(*page),
            std::vector<std::string>{R"({"type":"offered","payload":{"tools":["dance","sing"],"queries":true})"});
  EXPECT_EQ(heard(*agent), std::vector<std::string>());
  say(*agent, R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":"1","parameters":{"n":1}})");
  auto const question = heard(*page);
  ASSERT_EQ(question.size(), 1u);
  auto const parsed = json::parse(question.front() + "}");
  ASSERT_TRUE(parsed) << question.front();
  auto const id = std::string(parsed->at("tool_call_id").as_string());
  auto const parts = R"("tool_name":"dance","tool_call_id":")" + id + R"(","parameters":{"n":1})";
  EXPECT_EQ(question.front(), R"({"type":"client_tool_call",)" + parts + R"(,"client_tool_call":{)" + parts + "}");
  EXPECT_EQ(heard(*agent), std::vector<std::string>()) << "it has not answered yet";
  say(*page, R"({"type":"client_tool_result","tool_call_id":")" + id + R"(","result":{"steps":3}})");
  EXPECT_EQ(heard(*agent), (std::vector<std::string>{result("dance", "1", R"({"steps":3})"), summary("dance")}));
  EXPECT_EQ(heard(*page), std::vector<std::string>{summary("dance")}) << "an answer is not answered";
  say(*page, R"({"type":"client_tool_result","tool_call_id":")" + id + R"(","result":1})");
  EXPECT_EQ(heard(*page),
            std::vector<std::string>{R"({"type":"error","payload":{"message":"No tool call waits for this result"})"});
}

TEST_F(TrackingToolsTest, AnOfferIsAListOfNames) {
  for (std::string const message : {R"({"type":"offer","tools":[7]})", R"({"type":"offer","tools":["a",null]})"}) {
    say(*page, message);
    EXPECT_EQ(heard(*page),
              std::vector<std::string>{
                  R"({"type":"error","payload":{"message":"tools has to be a list of names","original_request":)" +
                  message + "}"});
  }
  for (auto const& [members, payload] :
       {std::pair<std::string_view, std::string_view>{"", R"({"tools":[],"queries":false})"},
        {R"(,"queries":true)", R"({"tools":[],"queries":true})"},
        {R"(,"queries":"yes","tools":"all")", R"({"tools":[],"queries":false})"},
        {R"(,"payload":{"tools":["a"],"queries":true})", R"({"tools":["a"],"queries":true})"}}) {
    say(*page, R"({"type":"offer")" + std::string(members) + "}");
    EXPECT_EQ(heard(*page), std::vector<std::string>{R"({"type":"offered","payload":)" + std::string(payload)});
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "\"t\",";
  many.pop_back();
  for (std::string const& tools : {many, "\"" + std::string(129, 'x') + "\""}) {
    say(*page, R"({"type":"offer","tools":[)" + tools + "]}");
    EXPECT_EQ(heard(*page), std::vector<std::string>{
                                R"({"type":"error","payload":{"message":"an offer names at most 100 tools of at )"
                                R"(most 128 bytes each","code":"too_large"})"});
  }
}

TEST_F(TrackingToolsTest, RatesAreAskedForByTheOlderMessage) {
  desk->caller.will_answer(std::string(quotes));
  auto const ready =
      R"({"type":"quote_ready","payload":{"cheapest_option":{"carrier":"FedEx","price":12.99,"eta":"3 days"},)"
      R"("fastest_option":{"carrier":"UPS","price":24.5,"eta":"2 days"},"all_options":)" +
      std::string(quotes) + "}";
  say(*agent, R"({"type":"get_rates","payload":{"origin_zip":"90210","destination_zip":"10001","weight":2.5},)"
              R"("requestId":"r1"})");
  EXPECT_EQ(heard(*agent), std::vector<std::string>{ready});
  EXPECT_EQ(ids, std::vector<std::string>{"r1"});
  EXPECT_EQ(heard(*page), std::vector<std::string>());
  EXPECT_EQ(desk->caller.calls().front().body,
            R"({"tool_name":"get_shipping_quotes","tool_call_id":"r1","parameters":{"origin_zip":"90210",)"
            R"("destination_zip":"10001","weight":2.5,"from_zip":"90210","to_zip":"10001"},"session_id":")" +
                agent->session() + "\"}");
  for (std::string_view const broadcast : {"false", "\"true\"", "1", "null"}) {
    say(*agent, R"({"type":"get_rates","payload":{},"broadcast":)" + std::string(broadcast) + "}");
    EXPECT_EQ(heard(*page), std::vector<std::string>()) << broadcast;
  }
  heard(*agent);
  say(*agent, R"({"type":"get_rates","payload":{},"broadcast":true})");
  EXPECT_EQ(heard(*page), std::vector<std::string>{ready});
  EXPECT_EQ(heard(*agent), std::vector<std::string>{ready}) << "once";
}

TEST_F(TrackingToolsTest, RatesThatAreNotThereAreAnError) {
  struct Row {
    int status;
    std::string_view body;
    std::string_view result;
  };
  for (auto const& row : {Row{200, "[]", ""}, Row{200, R"({"a":1})", R"({"a":1})"}, Row{200, "7", "7"},
                          Row{500, R"({"error":"closed"})",
                              R"({"error":"closed","original_request":{"type":"get_rates","broadcast":true}})"}}) {
    desk->caller.forget_plans();
    desk->caller.will_answer(std::string(row.body), row.status);
    say(*agent, R"({"type":"get_rates","broadcast":true})");
    auto const told = heard(*agent);
    if (row.result.empty()) {
      EXPECT_EQ(told.front(), R"({"type":"quote_ready","payload":{"cheapest_option":null,"fastest_option":null,)"
                              R"("all_options":[]})");
      heard(*page);
      continue;
    }
    EXPECT_EQ(told,
              std::vector<std::string>{R"({"type":"error","payload":{"message":"Rates are not available","result":)" +
                                       std::string(row.result) + "}"});
    EXPECT_EQ(heard(*page), std::vector<std::string>());
  }
}

}  // namespace
}  // namespace sojourn

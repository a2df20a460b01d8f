#include "api/tools.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/desk.h"

namespace sojourn {
namespace {

using test::Desk;
using test::DeskSetup;
using test::Line;

constexpr std::string_view url = "http://127.0.0.1:9000/quotes";

class ToolsTest : public testing::Test {
 protected:
  // A caller, a provider and somebody else in one session of alice; the tools as the configuration names them.
  void open(Tools::Table table = {}) {
    desk = std::make_unique<Desk>(DeskSetup{.tools = std::move(table)});
    caller = &join("");
    provider = &join(caller->session());
    other = &join(caller->session());
    watch = &desk->connect("/api/v1/sessions/" + caller->session() + "/stream");
    forget();
  }
  Line& join(std::string const& session) {
    return desk->connect("/ws/session?token=" + desk->mint("alice") + "&session_id=" + session);
  }
  void forget() {
    for (auto* line : {caller, provider, other, watch}) line->outlet.take_lines();
  }
  void offer(Line& line, std::string_view tools) {
    desk->say(line, R"({"type":"offer","tools":[)" + std::string(tools) + "]}");
    forget();
  }
  // Calls, and turns once: what is there at once is there.
  void call(std::string name, std::string_view parameters = R"({"weight":2})") {
    ToolCall asked{caller->connection, std::move(name), "call \"1\"", *json::parse(parameters),
                   *json::parse(R"({"the":"message"})")};
    desk->tools.call(std::move(asked), [this](ToolResult given) { results.push_back(std::move(given)); });
    desk->turn();
  }
  // The only result so far: "result|update", or "error: result".
  std::string result() {
    if (results.size() != 1) return std::to_string(results.size()) + " results";
    auto const given = std::exchange(results, {}).front();
    EXPECT_EQ(given.id, "call \"1\"");
    EXPECT_TRUE(!given.is_error || given.update.empty()) << given.update;
    return given.is_error ? "error: " + given.result : given.result + "|" + given.update;
  }
  std::string failure(std::string_view reason) const {
    return R"(error: {"error":")" + std::string(reason) + R"(","original_request":{"the":"message"}})";
  }
  // What the provider was asked; its id of the call goes to call_id.
  std::string question(Line& line) {
    auto const lines = line.outlet.take_lines();
    if (lines.size() != 1) return std::to_string(lines.size()) + " questions";
    auto const parsed = json::parse(lines.front());
    call_id = std::string(json::find_string(parsed->get_object(), "tool_call_id"));
    return std::string(json::find_string(parsed->get_object(), "tool_name")) +
           json::to_text(parsed->get_object().at("parameters"));
  }
  // The provider answers, with members behind the id.
  void answer(Line& line, std::string_view tail) {
    told.clear();
    auto const message = json::parse(R"({"tool_call_id":")" + call_id + "\"" + std::string(tail) + "}");
    ASSERT_TRUE(message) << tail;
    desk->tools.take_result(line.connection, message->get_object(), [this](bool was) { told.push_back(was); });
    desk->turn();
  }
  // What the log has of results: their data.
  std::vector<std::string> recorded() {
    std::vector<std::string> out;
    for (auto const& line : watch->outlet.take_lines()) {
      auto const event = json::parse(line);
      if (event->at("type") != "session.result") continue;
      EXPECT_EQ(event->at("request_id"), "call \"1\"");
      out.push_back(std::string(event->at("name").as_string()) + json::to_text(event->at("data")));
    }
    return out;
  }

  std::unique_ptr<Desk> desk;
  Line* caller = nullptr;
  Line* provider = nullptr;
  Line* other = nullptr;
  Line* watch = nullptr;
  std::vector<ToolResult> results;
  std::vector<bool> told;
  std::string call_id;
};

TEST_F(ToolsTest, AConnectionThatOffersAToolRunsIt) {
  open();
  offer(*provider, R"("dance","sing")");
  call("dance");
  EXPECT_EQ(results.size(), 0u) << "not before it has";
  EXPECT_EQ(question(*provider), R"(dance{"weight":2})");
  EXPECT_EQ(other->outlet.take_lines().size(), 0u);
  answer(*provider, R"(,"result":{"steps":[1,2.5]},"is_error":false)");
  EXPECT_EQ(told, std::vector<bool>{true});
  EXPECT_EQ(result(), R"({"steps":[1,2.5]}|)");
  EXPECT_EQ(recorded(), std::vector<std::string>{R"(dance{"result":{"steps":[1,2.5]},"is_error":false})"});
  EXPECT_EQ(desk->caller.calls().size(), 0u);
}

TEST_F(ToolsTest, WhoOfferedLastIsAskedBeforeTheEndpoint) {
  open({{"dance", {std::string(url), ""}}});
  offer(*provider, R"("dance")");
  offer(*other, R"("dance")");
  call("dance");
  EXPECT_EQ(question(*other), R"(dance{"weight":2})");
  EXPECT_EQ(provider->outlet.take_lines().size(), 0u);
  answer(*other, R"(,"result":1)");
  EXPECT_EQ(result(), "1|");
  EXPECT_EQ(desk->caller.calls().size(), 0u);
}

TEST_F(ToolsTest, NobodyRunsTheirOwnCallOrThatOfAnotherSession) {
  open();
  offer(*caller, R"("dance")");
  auto& stranger = join("");
  offer(stranger, R"("dance")");
  call("dance");
  EXPECT_EQ(result(), failure("Unsupported tool: dance"));
  EXPECT_EQ(stranger.outlet.text.find("client_tool_call"), std::string::npos);
}

TEST_F(ToolsTest, AnOfferReplacesTheOneBefore) {
  open();
  offer(*provider, R"("dance")");
  offer(*provider, R"("sing")");
  call("dance");
  EXPECT_EQ(result(), failure("Unsupported tool: dance"));
}

TEST_F(ToolsTest, AnAnswerCountsOnceAndFromWhomWasAsked) {
  open();
  offer(*provider, R"("dance")");
  call("dance");
  question(*provider);
  answer(*other, R"(,"result":1)");
  EXPECT_EQ(told, std::vector<bool>{false});
  EXPECT_EQ(results.size(), 0u);
  answer(*provider, R"(,"result":2)");
  EXPECT_EQ(result(), "2|");
  answer(*provider, R"(,"result":3)");
  EXPECT_EQ(told, std::vector<bool>{false});
  EXPECT_EQ(results.size(), 0u);
  call_id = "nothing";
  answer(*provider, "");
  EXPECT_EQ(told, std::vector<bool>{false});
}

TEST_F(ToolsTest, AnAnswerMayFailAndNameItsUpdate) {
  struct Row {
    std::string_view tail;
    std::string_view result;
  };
  open();
  offer(*provider, R"("dance","get_shipping_quotes")");
  for (auto const& row :
       {Row{R"(,"result":7,"is_error":true)", "error: 7"},
        Row{R"(,"error":"no room")", R"(error: {"error":"no room"})"},
        Row{R"(,"error":{"a":1},"is_error":true)", R"(error: {"error":{"a":1}})"},
        Row{R"(,"error":"x","is_error":false)", R"({"error":"x"}|)"}, Row{R"(,"result":7,"error":"x")", "error: 7"},
        Row{R"(,"result":7,"is_error":"yes")", "7|"}, Row{"", "null|"}, Row{R"(,"result":null)", "null|"},
        Row{R"(,"result":7,"update":"danced")", "7|danced"}, Row{R"(,"result":7,"update":5)", "7|"},
        Row{R"(,"result":7,"is_error":true,"update":"danced")", "error: 7"}}) {
    call("dance");
    question(*provider);
    answer(*provider, row.tail);
    EXPECT_EQ(result(), row.result) << row.tail;
  }
  call("get_shipping_quotes");
  question(*provider);
  answer(*provider, R"(,"result":[],"update":"mine")");
  EXPECT_EQ(result(), "[]|mine") << "before the documented one";
}

TEST_F(ToolsTest, AProviderThatTakesTooLongIsATimeout) {
  open();
  offer(*provider, R"("dance","get_shipping_quotes")");
  for (auto const& [tool, text] : {std::pair<std::string, std::string>{"dance", "timeout calling dance endpoint"},
                                   {"get_shipping_quotes", "timeout calling rates endpoint"}}) {
    call(tool);
    question(*provider);
    desk->stage.clock.advance_us(9'999'999);
    desk->turn();
    EXPECT_EQ(results.size(), 0u);
    desk->stage.clock.advance_us(1);
    desk->turn();
    desk->turn();
    EXPECT_EQ(result(), failure(text));
    answer(*provider, R"(,"result":1)");
    EXPECT_EQ(told, std::vector<bool>{false}) << "too late";
    EXPECT_EQ(results.size(), 0u);
  }
  auto const kept = recorded();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0], R"(dance{"result":{"error":"timeout calling dance endpoint","original_request":)"
                     R"({"the":"message"}},"is_error":true})");
}

TEST_F(ToolsTest, AProviderThatLeavesAnswersNoMore) {
  open();
  offer(*provider, R"("dance")");
  call("dance");
  desk->leave(*provider);
  desk->turn();
  EXPECT_EQ(result(), failure("Session is not connected"));
}

TEST_F(ToolsTest, WhatALeavingCallerAskedIsToldToTheOthersAllTheSame) {
  open();
  offer(*provider, R"("dance")");
  call("dance");
  question(*provider);
  desk->leave(*caller);
  answer(*provider, R"(,"result":1)");
  EXPECT_EQ(told, std::vector<bool>{true});
  EXPECT_EQ(result(), "1|");
  EXPECT_EQ(recorded(), std::vector<std::string>{R"(dance{"result":1,"is_error":false})"});
}

TEST_F(ToolsTest, WithoutAnOfferTheEndpointIsAsked) {
  open({{"dance", {std::string(url), ""}}});
  desk->caller.will_answer(" { \"steps\" : [ 1.50 ] } ");
  call("dance", R"(["a","\u00fc\n"])");
  ASSERT_EQ(desk->caller.calls().size(), 1u);
  auto const& asked = desk->caller.calls().front();
  EXPECT_EQ(asked.url, url);
  EXPECT_EQ(asked.body, R"({"tool_name":"dance","tool_call_id":"call \"1\"","parameters":["a",")"
                        "\xc3\xbc"
                        R"(\n"],"session_id":")" +
                            caller->session() + "\"}");
  EXPECT_EQ(asked.timeout_us, 10'000'000);
  desk->turn();
  EXPECT_EQ(result(), R"({"steps":[1.5]}|)");
  EXPECT_EQ(recorded(), std::vector<std::string>{R"(dance{"result":{"steps":[1.5]},"is_error":false})"});
}

TEST_F(ToolsTest, OnlyA2xxWithJsonIsAResult) {
  struct Row {
    int status;
    std::string_view body;
    std::string_view result;
  };
  open({{"dance", {std::string(url), ""}}});
  for (auto const& row :
       {Row{200, "null", "null|"}, Row{201, "[1]", "[1]|"}, Row{299, "{}", "{}|"},
        Row{200, R"({"error":"x"})", R"({"error":"x"}|)"}, Row{200, "", "the tool's answer is not JSON"},
        Row{200, "<html>", "the tool's answer is not JSON"}, Row{204, "", "the tool's answer is not JSON"},
        Row{302, "{}", "the tool answered with status 302"}, Row{404, "not here", "the tool answered with status 404"},
        Row{400, R"({"error":"weight has to be positive"})", "weight has to be positive"},
        Row{500, R"({"error":""})", "the tool answered with status 500"},
        Row{500, R"({"error":{"a":1}})", "the tool answered with status 500"},
        Row{500, R"(["error"])", "the tool answered with status 500"},
        Row{199, "{}", "the tool answered with status 199"}, Row{300, "{}", "the tool answered with status 300"}}) {
    desk->caller.forget_plans();
    desk->caller.will_answer(std::string(row.body), row.status);
    call("dance");
    desk->turn();
    bool const is_good = row.result.ends_with('|');
    EXPECT_EQ(result(), is_good ? std::string(row.result) : failure(row.result)) << row.status << row.body;
  }
}

TEST_F(ToolsTest, AnEndpointThatFailsSaysHow) {
  open({{"dance", {std::string(url), ""}}, {"get_shipping_quotes", {std::string(url), ""}}});
  desk->caller.will_fail(Code::timeout, "no answer in time");
  call("get_shipping_quotes");
  desk->turn();
  EXPECT_EQ(result(), failure("timeout calling rates endpoint"));
  call("dance");
  desk->turn();
  EXPECT_EQ(result(), failure("timeout calling dance endpoint"));
  desk->caller.forget_plans();
  desk->caller.will_fail(Code::unavailable, "127.0.0.1:9000 does not answer");
  call("dance");
  desk->turn();
  EXPECT_EQ(result(), failure("127.0.0.1:9000 does not answer"));
}

TEST_F(ToolsTest, WhatNobodyRunsIsNotSupported) {
  open({{"named", {"", "update"}}});
  for (std::string const name : {"dance", "named", "get_shipping_quotes"}) {
    call(name);
    EXPECT_EQ(result(), failure("Unsupported tool: " + name));
  }
  EXPECT_EQ(desk->caller.calls().size(), 0u);
}

TEST_F(ToolsTest, TheUpdateIsTheConfiguredOrTheDocumentedOne) {
  open({{"get_shipping_quotes", {std::string(url), ""}},
        {"create_label", {std::string(url), ""}},
        {"dance", {std::string(url), ""}},
        {"sing", {std::string(url), "sung"}}});
  desk->caller.will_answer("1");
  for (auto const& [tool, update] : {std::pair<std::string, std::string>{"get_shipping_quotes", "quote_ready"},
                                     {"create_label", "label_created"},
                                     {"dance", ""},
                                     {"sing", "sung"}}) {
    call(tool);
    desk->turn();
    EXPECT_EQ(result(), "1|" + update) << tool;
  }
  open({{"get_shipping_quotes", {std::string(url), "mine"}}});
  desk->caller.will_answer("1");
  call("get_shipping_quotes");
  desk->turn();
  EXPECT_EQ(result(), "1|mine");
}

TEST_F(ToolsTest, ANameHasItsLimit) {
  open({{"dance", {std::string(url), ""}}});
  desk->caller.will_answer("1");
  for (auto const& [name, id] : {std::pair<std::string, std::string>{std::string(129, 'x'), "1"},
                                 {"dance", std::string(129, 'x')},
                                 {"dance", std::string(127, 'x') + "\xc3\xbc"}}) {
    desk->tools.call({caller->connection, name, id, json::object(), *json::parse("1")},
                     [this](ToolResult given) { results.push_back(std::move(given)); });
    for (int i = 0; i < 3; ++i) desk->turn();
    ASSERT_EQ(results.size(), 1u);
    EXPECT_TRUE(results.front().is_error);
    EXPECT_EQ(results.front().result,
              R"({"error":"tool_name and tool_call_id have at most 128 bytes","original_request":1})");
    EXPECT_TRUE(json::parse("\"" + results.front().id + results.front().name + "\"")) << "what is cut is still text";
    results.clear();
  }
  EXPECT_EQ(desk->caller.calls().size(), 0u);
}

TEST_F(ToolsTest, WhoMayOnlyReadCallsNothing) {
  open({{"dance", {std::string(url), ""}}});
  offer(*provider, R"("dance")");
  caller = &desk->connect("/ws/session?token=" + desk->mint("alice", Scope::read) + "&session_id=" + other->session());
  forget();
  call("dance");
  desk->turn();
  EXPECT_EQ(result(), failure("this token may only read"));
  EXPECT_EQ(provider->outlet.take_lines().size(), 0u);
  EXPECT_EQ(desk->caller.calls().size(), 0u);
}

// What a client says is as deep as it may be; with our own words around it, it is deeper.
TEST_F(ToolsTest, AnAnswerThatIsTooDeepIsAnErrorAndNoMore) {
  open();
  offer(*provider, R"("dance")");
  auto const nested = [](int depth) { return std::string(static_cast<std::size_t>(depth), '['); };
  auto const closed = [](int depth) { return std::string(static_cast<std::size_t>(depth), ']'); };
  for (int const depth : {60, 61, 62, 63}) {
    for (std::string const name : {"result", "error"}) {
      call("dance");
      question(*provider);
      answer(*provider, ",\"" + name + "\":" + nested(depth) + closed(depth));
      EXPECT_EQ(told, std::vector<bool>{true});
      ASSERT_EQ(results.size(), 1u) << name << depth;
      EXPECT_EQ(results.front().is_error, name == "error");
      results.clear();
    }
  }
}

TEST(Options, TheCheapestIsByCostOrPrice) {
  auto const cheapest = [](std::string_view options) {
    return json::to_text(find_cheapest(json::parse(options)->get_array()));
  };
  EXPECT_EQ(cheapest("[]"), "null");
  EXPECT_EQ(cheapest(R"([{"cost":2},{"price":1.5},{"cost":3}])"), R"({"price":1.5})");
  EXPECT_EQ(cheapest(R"([{"n":1,"cost":2},{"n":2,"cost":2}])"), R"({"n":1,"cost":2})") << "the first of equals";
  EXPECT_EQ(cheapest(R"([{"cost":5,"price":1},{"cost":4}])"), R"({"cost":4})") << "cost counts before price";
  EXPECT_EQ(cheapest(R"([{"cost":"1"},7,{"cost":9}])"), R"({"cost":9})") << "what has no number is never cheaper";
  EXPECT_EQ(cheapest(R"([{"x":1},{"y":1}])"), R"({"x":1})");
  EXPECT_EQ(cheapest(R"([{"cost":-1},{"cost":18446744073709551615}])"), R"({"cost":-1})");
}

TEST(Options, TheFastestIsByTheNumberThatItsTimeBeginsWith) {
  auto const fastest = [](std::string_view options) {
    return json::to_text(find_fastest(json::parse(options)->get_array()));
  };
  EXPECT_EQ(fastest("[]"), "null");
  EXPECT_EQ(fastest(R"([{"eta":"3 days"},{"eta":"10 days"},{"eta":"2.5 days"}])"), R"({"eta":"2.5 days"})");
  EXPECT_EQ(fastest(R"([{"eta":"soon"},{"eta":4},{"eta":"9 days"}])"), R"({"eta":"9 days"})");
  EXPECT_EQ(fastest(R"([7,{"n":1}])"), "7");
}

TEST(ToUpdateData, AnObjectHasBothCostAndPrice) {
  EXPECT_EQ(to_update_data(R"({"cost":12.99})"), R"({"cost":12.99,"price":12.99})");
  EXPECT_EQ(to_update_data(R"({"price":"free"})"), R"({"price":"free","cost":"free"})");
  EXPECT_EQ(to_update_data(R"({"cost":1,"price":2})"), R"({"cost":1,"price":2})");
  EXPECT_EQ(to_update_data(R"({"a":1})"), R"({"a":1})");
}

TEST(ToUpdateData, AListIsItsCheapestEntryWithAllOfThem) {
  EXPECT_EQ(
      to_update_data(R"([{"carrier":"A","price":2},{"carrier":"B","price":1}])"),
      R"({"carrier":"B","price":1,"all_options":[{"carrier":"A","price":2},{"carrier":"B","price":1}],"cost":1})");
  EXPECT_EQ(to_update_data("[]"), R"({"all_options":[]})");
  EXPECT_EQ(to_update_data("[1,2]"), R"({"all_options":[1,2]})");
}

TEST(ToUpdateData, WhateverElseIsItself) {
  for (std::string_view const result : {"null", "7", "\"x\"", "true"}) EXPECT_EQ(to_update_data(result), result);
  EXPECT_EQ(to_update_data("nonsense"), "null");
}

}  // namespace
}  // namespace sojourn

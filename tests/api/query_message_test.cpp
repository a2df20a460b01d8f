#include "api/query_message.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"

namespace sojourn {
namespace {

Event message(std::string name, std::string data) { return {.name = std::move(name), .data = std::move(data)}; }
Event query(std::string text) {
  return {.type = EventType::query, .data = json::to_text(json::object{{"query", text}, {"priority", "normal"}})};
}
Event result(std::string data) { return {.type = EventType::query_result, .data = std::move(data)}; }
Event answer(std::string text) {
  return result(json::to_text(json::object{{"result", {{"answer", text}}}, {"is_error", false}}));
}

std::string to_history_of(std::vector<Event> const& events) {
  std::vector<EventRef> refs;
  for (auto const& event : events) refs.push_back(std::make_shared<Event const>(event));
  return to_history(refs);
}

std::size_t count_turns(std::string const& history) { return json::parse(history)->get_array().size(); }

TEST(QueryMessage, HistoryTellsMessagesQuestionsAndAnswersInTheirOrder) {
  EXPECT_EQ(to_history_of({message("note", R"("it is \"slow\"")"), query("why?"), answer("because"),
                           message("step", R"({"clicked":"buy"})"), message("ping", "")}),
            R"([{"role":"user","content":"note: it is \"slow\""},{"role":"user","content":"why?"},)"
            R"({"role":"assistant","content":"because"},{"role":"user","content":"step: {\"clicked\":\"buy\"}"},)"
            R"({"role":"user","content":"ping"}])");
}

TEST(QueryMessage, FailuresAndOtherEventsAreNotHistory) {
  EXPECT_EQ(to_history_of({query("why?"),
                           result(R"({"result":{"error":"no","code":"failed"},"is_error":true})"),
                           result("nonsense"),
                           {.type = EventType::state, .data = R"({"set":{},"removed":[]})"}}),
            R"([{"role":"user","content":"why?"}])");
  EXPECT_EQ(to_history_of({}), "[]");
}

TEST(QueryMessage, WhatAResponderRemarkedIsNobodysWord) {
  Event remark{.type = EventType::message, .name = "analysis_update", .data = R"({"type":"analysis"})"};
  EXPECT_EQ(to_history_of({query("why?"), remark}), R"([{"role":"user","content":"why?"}])");
}

TEST(QueryMessage, OnlyTheLastTwentyAreTold) {
  std::vector<Event> events;
  for (int i = 0; i < 25; ++i) events.push_back(query(std::to_string(i)));
  auto const history = to_history_of(events);
  EXPECT_EQ(count_turns(history), 20u);
  EXPECT_EQ(history.find(R"({"role":"user","content":"5"})"), 1u);
}

TEST(QueryMessage, HistoryHasAtMost64KiBAndLongTextsAreCut) {
  std::vector<Event> const events(10, answer(std::string(50'000, 'x')));
  auto const history = to_history_of(events);
  EXPECT_LT(history.size(), 64U * 1024);
  EXPECT_EQ(count_turns(history), 3u);
  EXPECT_NE(history.find("x…\"}"), std::string::npos);
}

TEST(QueryMessage, AConnectionIsToldWhatWasSaidBeforeTheQuestion) {
  Session session("s", SessionKind::shared, 1);
  session.journal.append(message("note", R"("a")"));
  session.journal.append({.type = EventType::state, .data = "{}"});
  auto asked = query("why?");
  asked.request_id = "query_1";
  auto const event = session.journal.append(asked);
  session.journal.append(message("note", R"("later")"));
  EXPECT_EQ(
      to_query_members(session, *event),
      R"("query_id":"query_1","query":"why?","priority":"normal","history":[{"role":"user","content":"note: a"}])");
}

TEST(QueryMessage, HistoryStopsWhereTheLogBegins) {
  Session session("s", SessionKind::shared, 1);
  session.journal.append(message("note", R"("a")"));
  auto const event = session.journal.append(query("why?"));
  Limits limits;
  limits.log_events = 1;
  session.journal.trim(limits, 10);
  EXPECT_NE(to_query_members(session, *event).find("\"history\":[]"), std::string::npos);
}

TEST(QueryMessage, AnEndpointIsCalledInTheWordsOfChatCompletionsToo) {
  std::vector<EventRef> const before{std::make_shared<Event const>(query("why?")),
                                     std::make_shared<Event const>(answer("because"))};
  QueryCall call{"query_1", "and \"then\"?", R"({"query":"and \"then\"?","context":{"a":1},"priority":"high"})",
                 "s",       "alice",         ""};
  std::string const history = R"({"role":"user","content":"why?"},{"role":"assistant","content":"because"})";
  std::string const head = R"({"query_id":"query_1","query":"and \"then\"?","context":{"a":1},"priority":"high",)"
                           R"("session_id":"s","user":"alice","history":[)";
  EXPECT_EQ(to_query_call(call, before), head + history + R"(],"stream":true,"messages":[)" + history +
                                             R"(,{"role":"user","content":"and \"then\"?"}]})");
  call.model = "small";
  EXPECT_EQ(to_query_call(call, {}),
            head + R"(],"stream":true,"messages":[{"role":"user","content":"and \"then\"?"}],"model":"small"})");
}

}  // namespace
}  // namespace sojourn

#include "api/query_answer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::string_view session = "9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310";
constexpr std::string_view digits = "9d2f6c1e6f0b4c578f4e2b9a54b7d310";
constexpr std::int64_t at_us = 1'771'960'936'015'000;

class QueryAnswerTest : public testing::Test {
 protected:
  void ask(std::string data) { add(EventType::query, std::move(data), 0); }
  void answer(std::string data) { add(EventType::query_result, std::move(data), 1'500'000); }
  void add(EventType type, std::string data, std::int64_t later_us) {
    page.events.push_back(std::make_shared<Event const>(
        Event{.at_us = at_us + later_us, .type = type, .data = std::move(data), .request_id = id}));
  }
  QueryRecord find() const { return find_query(page, id); }
  std::string header(Response const& response, std::string_view name) const {
    for (auto const& [key, value] : response.headers)
      if (key == name) return value;
    return {};
  }

  std::string id = "query_" + std::string(digits) + "_00112233";
  EventPage page;
};

TEST_F(QueryAnswerTest, AnIdNamesItsSession) {
  Random random(1);
  auto const query = make_query_id(session, random);
  auto const opened = make_case_id(session, random);
  EXPECT_EQ(query.substr(0, 39), "query_" + std::string(digits) + "_");
  EXPECT_EQ(query.size(), 47u);
  EXPECT_EQ(session_of_query(query), session);
  EXPECT_EQ(session_of_case(opened), session);
  EXPECT_EQ(session_of_case(query), "");
  EXPECT_EQ(session_of_query(opened), "");
  EXPECT_NE(make_query_id(session, random), query);
}

TEST_F(QueryAnswerTest, WhatIsNoIdHasNoSession) {
  for (auto const& text : {std::string(), std::string("query_"), id + "0", id.substr(0, 46),
                           "query_" + std::string(32, 'g') + "_00112233", "query_" + std::string(digits) + "-00112233",
                           "query_" + std::string(digits) + "_0011223G", "QUERY_" + id.substr(6)})
    EXPECT_EQ(session_of_query(text), "") << text;
  Random random(1);
  EXPECT_EQ(session_of_query(make_query_id("ext_0123456789ab", random)), "");
}

TEST_F(QueryAnswerTest, AnAnswerHasEveryMemberEvenThoseThatNobodyGave) {
  ask(R"({"query":"why?","priority":"high"})");
  answer(R"({"result":{"answer":"because"},"is_error":false})");
  auto const response = to_query_response(find());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            R"({"session_id":"9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310","query_id":")" + id + R"(","investigation_id":")" +
                id +
                R"(","status":"completed","query":"why?","answer":"because","content":"because",)"
                R"("response_type":"ANSWER","findings":[],"root_cause":null,"recommendations":[],)"
                R"("confidence_score":null,"estimated_mttr":null,"next_steps":[],"sources":[],)"
                R"("created_at":"2026-02-24T19:22:16.015000Z","completed_at":"2026-02-24T19:22:17.515000Z"})");
}

TEST_F(QueryAnswerTest, WhatTheResponderGaveIsPassedOn) {
  ask(R"({"query":"why?"})");
  answer(R"({"result":{"answer":"b","root_cause":"disk","confidence_score":0.9,"findings":[{"a":1}],)"
         R"("response_type":"PLAN"},"is_error":false})");
  auto const body = json::parse(to_query_response(find()).body)->as_object();
  EXPECT_EQ(body.at("root_cause"), "disk");
  EXPECT_EQ(body.at("confidence_score"), 0.9);
  EXPECT_EQ(json::to_text(body.at("findings")), R"([{"a":1}])");
  EXPECT_EQ(body.at("response_type"), "PLAN");
}

TEST_F(QueryAnswerTest, AnErrorHasTheStatusOfItsCode) {
  ask(R"({"query":"why?"})");
  for (auto const& [word, status] : {std::pair{"failed", 502},
                                     {"timeout", 504},
                                     {"unavailable", 503},
                                     {"conflict", 409},
                                     {"too_many", 429},
                                     {"nonsense", 502}}) {
    answer(R"({"result":{"error":"oh","code":")" + std::string(word) + R"("},"is_error":true})");
    auto const response = to_query_response(find());
    EXPECT_EQ(response.status, status) << word;
    auto const code = status == 502 ? "failed" : word;
    EXPECT_EQ(response.body, R"({"detail":"oh","code":")" + std::string(code) + R"(","query_id":")" + id + "\"}");
    EXPECT_EQ(to_case_query_response(find(), 201).status, status);
  }
}

TEST_F(QueryAnswerTest, APendingQueryNamesThePlaceWhereItsAnswerWillBe) {
  ask(R"({"query":"why?","case_id":"case_1"})");
  auto const response = to_pending_response(find(), false);
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.body, R"({"job_id":")" + id + R"(","query_id":")" + id +
                               R"(","session_id":"9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310","query":"why?",)"
                               R"("status":"processing","created_at":"2026-02-24T19:22:16.015000Z"})");
  EXPECT_EQ(header(response, "Location"), "/api/v1/query/" + id);
  EXPECT_EQ(header(response, "Retry-After"), "5");
  auto const of_case = to_pending_response(find(), true);
  EXPECT_EQ(of_case.body, R"({"job_id":")" + id + R"(","query_id":")" + id +
                              R"(","case_id":"case_1","query":"why?",)"
                              R"("status":"processing","created_at":"2026-02-24T19:22:16.015000Z"})");
  EXPECT_EQ(header(of_case, "Location"), "/api/v1/cases/case_1/queries/" + id);
}

TEST_F(QueryAnswerTest, AQueryOfACaseHasTheShapeOfThatContract) {
  ask(R"({"query":"why?","case_id":"case_1"})");
  answer(R"({"result":{"answer":"b","plan":[1],"sources":["s"]},"is_error":false})");
  auto const response = to_case_query_response(find(), 201);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, R"({"schema_version":"3.1.0","query_id":")" + id +
                               R"(","content":"b","response_type":"ANSWER",)"
                               R"("session_id":"9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310","case_id":"case_1",)"
                               R"("confidence_score":null,"sources":["s"],"view_state":null,"plan":[1]})");
  EXPECT_EQ(header(response, "Location"), "/api/v1/cases/case_1/queries/" + id);
  EXPECT_EQ(header(to_case_query_response(find(), 200), "Location"), "");
}

TEST_F(QueryAnswerTest, OnlyTheEventsOfTheQueryCount) {
  add(EventType::message, R"({"result":{"answer":"forged"}})", 0);
  EXPECT_EQ(find().query, nullptr);
  EXPECT_EQ(find().result, nullptr);
  ask(R"({"query":"why?"})");
  page.events.push_back(
      std::make_shared<Event const>(Event{.type = EventType::query_result, .data = "{}", .request_id = "other"}));
  EXPECT_NE(find().query, nullptr);
  EXPECT_EQ(find().result, nullptr);
  EXPECT_EQ(find().session_id, session);
}

TEST_F(QueryAnswerTest, AnAnswerWhoseQuestionIsForgottenIsShownWithoutIt) {
  answer(R"({"result":{"answer":"b"},"is_error":false})");
  auto const body = json::parse(to_query_response(find()).body)->as_object();
  EXPECT_EQ(body.at("query"), "");
  EXPECT_TRUE(body.at("created_at").is_null());
  EXPECT_EQ(body.at("answer"), "b");
}

TEST_F(QueryAnswerTest, ACaseIsWhatOpenedIt) {
  add(EventType::query, "{}", 0);
  page.events.push_back(std::make_shared<Event const>(Event{.name = "case.closed"}));
  EXPECT_EQ(find_case(page), nullptr);
  page.events.push_back(std::make_shared<Event const>(
      Event{.at_us = at_us, .name = "case.opened", .data = R"({"title":"t","description":null,"priority":"high"})"}));
  auto const opened = find_case(page);
  ASSERT_NE(opened, nullptr);
  EXPECT_EQ(to_case("case_1", session, *opened),
            R"({"case_id":"case_1","session_id":"9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310","title":"t",)"
            R"("description":null,"priority":"high","status":"open","created_at":"2026-02-24T19:22:16.015000Z"})");
}

}  // namespace
}  // namespace sojourn

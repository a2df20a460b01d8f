#include "api/queries.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Fields;
using test::Line;

constexpr std::string_view nobody = "9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310";
constexpr std::string_view hasty = "respond-async";

std::string member(std::string const& body, std::string_view name) {
  auto const parsed = json::parse(body);
  if (!parsed || !parsed->is_object()) return "not an object: " + body;
  auto const* const value = parsed->get_object().if_contains(name);
  if (value == nullptr) return "nothing";
  return value->is_string() ? std::string(value->get_string()) : json::to_text(*value);
}

class QueriesTest : public testing::Test {
 protected:
  void open(ResponderSettings settings = {.url = "http://127.0.0.1:9100/answer"}) {
    desk = std::make_unique<Desk>(DeskSetup{.responder = std::move(settings)});
    alice = {Desk::bearer(desk->mint("alice"))};
    auto const& made = desk->ask("POST", "/api/v1/sessions", "{}", alice);
    session = member(made.body(), "session_id");
  }
  // Begins a query and turns so often.
  Ask& begin(std::string_view path, std::string body, std::string_view prefer = {}, int turn_count = 3) {
    auto fields = alice;
    if (!prefer.empty()) fields.emplace_back("Prefer", prefer);
    auto& asked = desk->begin("POST", path, std::move(body), std::move(fields));
    turns(turn_count);
    return asked;
  }
  Ask& ask_why(std::string_view prefer = {}, int turn_count = 6) {
    return begin("/api/v1/query", question(), prefer, turn_count);
  }
  std::string question(std::string_view more = {}) const {
    return R"({"session_id":")" + session + R"(","query":"why?")" + std::string(more) + "}";
  }
  Ask& get(std::string const& path) { return desk->ask("GET", path, {}, alice); }
  Ask& remove(std::string const& path) { return desk->ask("DELETE", path, {}, alice); }
  std::string open_case(std::string_view more = {}) {
    auto const& made = begin("/api/v1/cases", R"({"session_id":")" + session + "\"" + std::string(more) + "}");
    EXPECT_EQ(made.status(), 201) << made.body();
    return member(made.body(), "case_id");
  }
  void turns(int count) {
    while (count-- > 0) desk->turn();
  }
  void pass_ms(std::int64_t ms) {
    desk->stage.clock.advance_us(ms * 1000);
    turns(3);
  }
  static std::string header(Ask const& ask, std::string_view name) {
    for (auto const& [key, value] : ask.response().headers)
      if (key == name) return value;
    return {};
  }

  std::unique_ptr<Desk> desk;
  Fields alice;
  std::string session;
};

TEST_F(QueriesTest, FMV_05_AQueryIsAnsweredUnderEachOfItsNames) {
  open();
  desk->caller.will_answer(R"({"answer":"because","confidence_score":0.5})");
  for (auto const* path : {"/api/v1/query", "/api/v1/query/", "/api/v1/query/troubleshoot", "/api/v1/agent/query"}) {
    auto const& asked = begin(path, question(), {}, 6);
    EXPECT_EQ(asked.status(), 200) << path << asked.body();
    EXPECT_EQ(member(asked.body(), "answer"), "because");
    EXPECT_EQ(member(asked.body(), "content"), "because");
    EXPECT_EQ(member(asked.body(), "query"), "why?");
    EXPECT_EQ(member(asked.body(), "session_id"), session);
    EXPECT_EQ(member(asked.body(), "investigation_id"), member(asked.body(), "query_id"));
    EXPECT_EQ(member(asked.body(), "confidence_score"), "0.5");
    EXPECT_EQ(member(asked.body(), "root_cause"), "null") << "nobody gave one";
    EXPECT_EQ(asked.answers(), 1);
  }
}

TEST_F(QueriesTest, FMV_05_ContextAndPriorityReachTheResponder) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  begin("/api/v1/query", question(R"(,"context":{"file":"a.log"},"priority":"critical")"));
  ASSERT_EQ(desk->caller.calls().size(), 1u);
  EXPECT_NE(desk->caller.calls()[0].body.find(R"("query":"why?","context":{"file":"a.log"},"priority":"critical")"),
            std::string::npos);
  begin("/api/v1/query", question(R"(,"context":null,"priority":null)"));
  EXPECT_NE(desk->caller.calls()[1].body.find(R"("query":"why?","priority":"normal","session_id")"), std::string::npos);
}

TEST_F(QueriesTest, WhatIsNotAskedProperlyIsRefusedByField) {
  open();
  auto const refusal = [&](std::string body) {
    auto const& asked = begin("/api/v1/query", std::move(body));
    EXPECT_EQ(asked.status(), 422) << asked.body();
    auto const parsed = json::parse(asked.body());
    auto const& first = parsed->at("detail").at(0);
    return json::to_text(first.at("loc")) + " " + std::string(first.at("msg").as_string());
  };
  EXPECT_EQ(refusal(R"({"query":"why?"})"), R"(["body","session_id"] session_id has to be given)");
  EXPECT_EQ(refusal(R"({"session_id":" ","query":"why?"})"),
            R"(["body","session_id"] session_id has to be a text that is not empty)");
  auto const with = [&](std::string_view rest) {
    return R"({"session_id":")" + session + "\"" + std::string(rest) + "}";
  };
  EXPECT_EQ(refusal(with("")), R"(["body","query"] query has to be given)");
  EXPECT_EQ(refusal(with(R"(,"query":"")")), R"(["body","query"] query has to be a text that is not empty)");
  EXPECT_EQ(refusal(with(R"(,"query":["x"])")), R"(["body","query"] query has to be a text that is not empty)");
  EXPECT_EQ(refusal(question(R"(,"priority":"urgent")")),
            R"(["body","priority"] priority has to be low, normal, medium, high or critical)");
  EXPECT_EQ(refusal(question(R"(,"context":[1])")), R"(["body","context"] context has to be an object)");
  EXPECT_EQ(begin("/api/v1/query", "{").status(), 400);
  EXPECT_EQ(begin("/api/v1/query", question(R"(,"context":{"a":")" + std::string(70'000, 'x') + "\"}")).status(), 413);
  EXPECT_EQ(desk->caller.calls().size(), 0u);
}

TEST_F(QueriesTest, FMV_09_AQueryNeedsASessionThatTheServerKnows) {
  open();
  for (auto const& id : {std::string(nobody), std::string("made-up"), std::string("ext_0123456789ab")}) {
    auto const& asked = begin("/api/v1/query", R"({"session_id":")" + id + R"(","query":"why?"})");
    EXPECT_EQ(asked.status(), 404);
    EXPECT_EQ(member(asked.body(), "detail"), "Session not found: " + id);
    EXPECT_EQ(member(asked.body(), "error_code"), "SESSION_NOT_FOUND");
    auto const& opened = begin("/api/v1/cases", R"({"session_id":")" + id + "\"}");
    EXPECT_EQ(opened.status(), 404);
    EXPECT_EQ(member(opened.body(), "detail"), "Session not found: " + id);
  }
  alice = {Desk::bearer(desk->mint("mallory"))};
  EXPECT_EQ(ask_why().status(), 404) << "not theirs is not there";
  EXPECT_EQ(desk->caller.calls().size(), 0u);
}

TEST_F(QueriesTest, AReaderMayNotAskAndMayLook) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  auto const id = member(ask_why().body(), "query_id");
  alice = {Desk::bearer(desk->mint("alice", Scope::read))};
  EXPECT_EQ(ask_why().status(), 403);
  EXPECT_EQ(get("/api/v1/query/" + id).status(), 200);
  EXPECT_EQ(begin("/api/v1/cases", R"({"session_id":")" + session + "\"}").status(), 403);
}

TEST_F(QueriesTest, FMV_12_WhatGoesWrongIsSaidAndNotMasked) {
  open({});
  auto const& alone = ask_why();
  EXPECT_EQ(alone.status(), 503);
  EXPECT_EQ(member(alone.body(), "detail").find("no responder is attached; "), 0u);
  EXPECT_EQ(member(alone.body(), "code"), "unavailable");
  EXPECT_EQ(get("/api/v1/query/" + member(alone.body(), "query_id")).status(), 503) << "and later too";
  open();
  desk->caller.will_answer(R"({"error":"no model"})", 500);
  auto const& broken = ask_why();
  EXPECT_EQ(broken.status(), 502);
  EXPECT_EQ(member(broken.body(), "detail"), "the responder answered with status 500: no model");
  open();
  desk->caller.will_fail(Code::timeout, "late");
  EXPECT_EQ(ask_why().status(), 504);
}

TEST_F(QueriesTest, WhoPrefersNotToWaitIsToldWhereTheAnswerWillBe) {
  open();
  desk->caller.will_answer(R"({"answer":"because"})", 200, 8);
  auto const& asked = ask_why("return=minimal, Respond-Async", 4);
  ASSERT_EQ(asked.status(), 202) << asked.body();
  auto const id = member(asked.body(), "query_id");
  EXPECT_EQ(member(asked.body(), "job_id"), id);
  EXPECT_EQ(member(asked.body(), "status"), "processing");
  EXPECT_EQ(member(asked.body(), "query"), "why?");
  EXPECT_EQ(header(asked, "Location"), "/api/v1/query/" + id);
  EXPECT_EQ(header(asked, "Retry-After"), "5");
  auto const& early = get("/api/v1/query/" + id);
  EXPECT_EQ(early.status(), 202);
  EXPECT_EQ(early.body(), asked.body());
  turns(10);
  auto const& done = get("/api/v1/query/" + id);
  EXPECT_EQ(done.status(), 200);
  EXPECT_EQ(member(done.body(), "answer"), "because");
  EXPECT_EQ(member(done.body(), "created_at"), member(asked.body(), "created_at"));
  EXPECT_EQ(asked.answers(), 1);
}

TEST_F(QueriesTest, WhoPrefersNotToWaitHearsAtOnceThatThereIsNothingToWaitFor) {
  open({});
  EXPECT_EQ(ask_why(hasty).status(), 503);
  EXPECT_EQ(begin("/api/v1/query", R"({"session_id":"x","query":"y"})", hasty).status(), 404);
}

TEST_F(QueriesTest, AcceptedMeansStored) {
  open();
  desk->caller.will_never_answer();
  desk->stage.store.hold();
  auto const& asked = ask_why(hasty);
  EXPECT_FALSE(asked.is_answered());
  desk->stage.store.release();
  turns(4);
  EXPECT_EQ(asked.status(), 202);
}

TEST_F(QueriesTest, AfterTwentyFiveSecondsTheAnswerIsToBeHadLater) {
  open();
  desk->caller.will_never_answer();
  auto const& first = ask_why();
  pass_ms(10'000);
  auto const& second = ask_why();
  pass_ms(14'999);
  EXPECT_FALSE(first.is_answered());
  pass_ms(1);
  EXPECT_EQ(first.status(), 202);
  EXPECT_FALSE(second.is_answered());
  pass_ms(10'000);
  EXPECT_EQ(second.status(), 202);
  auto const id = member(first.body(), "query_id");
  ASSERT_TRUE(desk->caller.finish(1, CallResult{200, "application/json", R"({"answer":"at last"})"}));
  turns(3);
  EXPECT_EQ(member(get("/api/v1/query/" + id).body(), "answer"), "at last");
  EXPECT_EQ(first.answers(), 1);
}

TEST_F(QueriesTest, OneThatIsAnsweredInTimeIsNotAnsweredAgain) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  auto const& asked = ask_why();
  EXPECT_EQ(asked.status(), 200);
  pass_ms(30'000);
  EXPECT_EQ(asked.answers(), 1);
}

TEST_F(QueriesTest, AQueryThatIsCancelledFailsAsThat) {
  open();
  desk->caller.will_never_answer();
  auto const& asked = ask_why();
  auto const& twin = ask_why(hasty);
  auto const id = member(twin.body(), "query_id");
  EXPECT_EQ(remove("/api/v1/query/" + id).status(), 204);
  auto const& gone = get("/api/v1/query/" + id);
  EXPECT_EQ(gone.status(), 409);
  EXPECT_EQ(member(gone.body(), "detail"), "the query was cancelled");
  auto const& again = remove("/api/v1/query/" + id);
  EXPECT_EQ(again.status(), 409);
  EXPECT_EQ(member(again.body(), "detail"), "the query is done already");
  EXPECT_FALSE(asked.is_answered()) << "the other one goes on";
  EXPECT_EQ(desk->caller.waiting(), 1u);
}

TEST_F(QueriesTest, WhoeverWaitsForACancelledQueryHearsOfIt) {
  open();
  auto& responder = desk->connect("/api/v1/sessions/" + session + "/stream", alice);
  desk->say(responder, R"({"type":"offer","queries":true})");
  responder.outlet.take_lines();
  auto const& asked = ask_why();
  auto const lines = responder.outlet.take_lines();
  ASSERT_FALSE(lines.empty());
  auto const id = member(lines[0], "query_id");
  EXPECT_EQ(remove("/api/v1/query/" + id).status(), 204);
  EXPECT_EQ(asked.status(), 409);
  EXPECT_EQ(member(asked.body(), "detail"), "the query was cancelled");
}

TEST_F(QueriesTest, OthersSeeAndCancelNothing) {
  open();
  desk->caller.will_never_answer();
  auto const id = member(ask_why(hasty).body(), "query_id");
  auto const opened = open_case();
  alice = {Desk::bearer(desk->mint("mallory"))};
  for (auto const* asked : {&get("/api/v1/query/" + id), &remove("/api/v1/query/" + id)}) {
    EXPECT_EQ(asked->status(), 404);
    EXPECT_EQ(member(asked->body(), "detail"), "Query not found: " + id);
  }
  EXPECT_EQ(member(get("/api/v1/cases/" + opened).body(), "detail"), "Case not found: " + opened);
  EXPECT_EQ(begin("/api/v1/cases/" + opened + "/queries", R"({"query":"q"})").status(), 404);
  EXPECT_EQ(desk->caller.waiting(), 1u);
}

TEST_F(QueriesTest, IdsThatAreNoneAreNotFound) {
  open();
  for (auto const& id : {std::string("nonsense"), std::string("%20"), "query_" + std::string(32, '0') + "_00000000"}) {
    EXPECT_EQ(get("/api/v1/query/" + id).status(), 404) << id;
    EXPECT_EQ(remove("/api/v1/query/" + id).status(), 404) << id;
    EXPECT_EQ(get("/api/v1/cases/" + id).status(), 404) << id;
    EXPECT_EQ(begin("/api/v1/cases/" + id + "/queries", R"({"query":"q"})").status(), 404) << id;
  }
}

TEST_F(QueriesTest, AnEventThatCallsItselfAQueryIsNone) {
  open();
  std::string digits = session;
  std::erase(digits, '-');
  auto const id = "query_" + digits + "_00000001";
  auto& line = desk->connect("/api/v1/sessions/" + session + "/stream", alice);
  desk->say(line, R"({"type":"note","data":{"result":{"answer":"forged"}},"request_id":")" + id + "\"}");
  EXPECT_EQ(get("/api/v1/query/" + id).status(), 404);
  for (auto const* type : {"query", "query_progress", "query_result", "query_cancelled", "case.opened"}) {
    auto const& said = begin("/api/v1/sessions/" + session + "/events", R"({"type":")" + std::string(type) + "\"}");
    EXPECT_EQ(said.status(), 400) << type;
  }
}

TEST_F(QueriesTest, ACaseIsOpenedAndShown) {
  open();
  auto const& made = begin("/api/v1/cases", R"({"session_id":")" + session + R"(","title":"Slow","priority":"high"})");
  EXPECT_EQ(made.status(), 201);
  auto const id = member(made.body(), "case_id");
  EXPECT_EQ(header(made, "Location"), "/api/v1/cases/" + id);
  EXPECT_EQ(member(made.body(), "title"), "Slow");
  EXPECT_EQ(member(made.body(), "description"), "null");
  EXPECT_EQ(member(made.body(), "status"), "open");
  auto const& shown = get("/api/v1/cases/" + id);
  EXPECT_EQ(shown.status(), 200);
  EXPECT_EQ(shown.body(), made.body());
  EXPECT_EQ(member(get("/api/v1/sessions/" + session).body(), "metadata").find("\"case_history_count\":1") ==
                std::string::npos,
            false);
  for (auto const* wrong : {R"(,"title":7)", R"(,"description":[])", R"(,"priority":"none")"})
    EXPECT_EQ(begin("/api/v1/cases", R"({"session_id":")" + session + "\"" + wrong + "}").status(), 422) << wrong;
}

TEST_F(QueriesTest, AQueryInACaseIsAnsweredInTheShapeOfThatContract) {
  open();
  desk->caller.will_answer(R"({"answer":"because","plan":["a"]})");
  auto const opened = open_case();
  auto const path = "/api/v1/cases/" + opened + "/queries";
  auto const& asked = begin(path, R"({"query":"why?"})", {}, 8);
  ASSERT_EQ(asked.status(), 201) << asked.body();
  auto const id = member(asked.body(), "query_id");
  EXPECT_EQ(header(asked, "Location"), path + "/" + id);
  EXPECT_EQ(member(asked.body(), "schema_version"), "3.1.0");
  EXPECT_EQ(member(asked.body(), "content"), "because");
  EXPECT_EQ(member(asked.body(), "case_id"), opened);
  EXPECT_EQ(member(asked.body(), "plan"), R"(["a"])");
  auto const& shown = get(path + "/" + id);
  EXPECT_EQ(shown.status(), 200);
  EXPECT_EQ(shown.body(), asked.body());
  EXPECT_NE(desk->caller.calls()[0].body.find(R"("case_id":")" + opened + "\""), std::string::npos);
}

TEST_F(QueriesTest, AQueryBelongsToItsCaseAndToNoOther) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  auto const first = open_case();
  auto const second = open_case();
  auto const& asked = begin("/api/v1/cases/" + first + "/queries", question(), {}, 8);
  EXPECT_EQ(asked.status(), 201);
  auto const id = member(asked.body(), "query_id");
  EXPECT_EQ(get("/api/v1/cases/" + second + "/queries/" + id).status(), 404);
  EXPECT_EQ(remove("/api/v1/cases/" + second + "/queries/" + id).status(), 404);
  auto const& other =
      begin("/api/v1/cases/" + first + "/queries", R"({"query":"q","session_id":")" + std::string(nobody) + "\"}");
  EXPECT_EQ(other.status(), 422);
  EXPECT_NE(other.body().find(R"("msg":"session_id has to be that of the case")"), std::string::npos);
}

TEST_F(QueriesTest, AQueryInACaseMayBePendingAndCancelled) {
  open();
  desk->caller.will_never_answer();
  auto const opened = open_case();
  auto const path = "/api/v1/cases/" + opened + "/queries";
  auto const& asked = begin(path, R"({"query":"why?"})", hasty, 8);
  ASSERT_EQ(asked.status(), 202) << asked.body();
  auto const id = member(asked.body(), "query_id");
  EXPECT_EQ(header(asked, "Location"), path + "/" + id);
  EXPECT_EQ(member(asked.body(), "case_id"), opened);
  EXPECT_EQ(get(path + "/" + id).status(), 202);
  EXPECT_EQ(remove(path + "/" + id).status(), 204);
  EXPECT_EQ(get(path + "/" + id).status(), 409);
}

TEST_F(QueriesTest, AQueryInACaseThatWasCleanedUpMeanwhileIsStillOfThatCase) {
  open();
  desk->caller.will_never_answer();
  auto const opened = open_case();
  auto const path = "/api/v1/cases/" + opened + "/queries";
  auto const& asked = begin(path, R"({"query":"why?"})", {}, 3);
  EXPECT_FALSE(asked.is_answered());
  begin("/api/v1/sessions/" + session + "/cleanup", "", {}, 4);
  ASSERT_TRUE(desk->caller.finish(1, CallResult{200, "application/json", R"({"answer":"a"})"}));
  turns(5);
  ASSERT_EQ(asked.status(), 201) << asked.body();
  EXPECT_EQ(member(asked.body(), "case_id"), opened);
  EXPECT_TRUE(header(asked, "Location").starts_with(path + "/")) << header(asked, "Location");
}

TEST_F(QueriesTest, SoManyQueriesMayBeOnTheirWay) {
  open();
  desk->caller.will_never_answer();
  for (std::size_t i = 0; i < Queries::running_max; ++i) ask_why({}, 0);
  turns(3);
  auto const& refused = ask_why();
  EXPECT_EQ(refused.status(), 429);
  EXPECT_EQ(header(refused, "Retry-After"), "1");
  ASSERT_TRUE(desk->caller.finish(1, CallResult{200, "application/json", R"({"answer":"a"})"}));
  turns(3);
  auto const& next = ask_why();
  EXPECT_FALSE(next.is_answered());
}

TEST_F(QueriesTest, ASessionThatEndsMeanwhileIsNotFound) {
  open();
  desk->caller.will_never_answer();
  auto const& asked = ask_why();
  EXPECT_EQ(remove("/api/v1/sessions/" + session).status(), 204);
  ASSERT_TRUE(desk->caller.finish(1, CallResult{200, "application/json", R"({"answer":"a"})"}));
  turns(3);
  EXPECT_EQ(asked.status(), 404);
  EXPECT_EQ(member(asked.body(), "detail"), "Session not found: " + session);
}

TEST_F(QueriesTest, AnEndpointIsNotHeardToTheEndWhenTheSessionIsGone) {
  open();
  desk->caller.will_never_answer();
  auto const& asked = ask_why();
  EXPECT_EQ(remove("/api/v1/sessions/" + session).status(), 204);
  ASSERT_TRUE(desk->caller.push(1, "data: {\"content\":\"a\"}\n\n"));
  turns(3);
  EXPECT_EQ(desk->caller.waiting(), 0U);
  EXPECT_EQ(asked.status(), 404);
}

TEST_F(QueriesTest, AGuestWithASingleUseTokenGetsTheAnswerItAskedFor) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  auto const& minted = begin("/api/v1/sessions/" + session + "/tokens", R"({"scope":"write","single_use":true})");
  alice = {Desk::bearer(member(minted.body(), "token"))};
  auto const& asked = ask_why();
  EXPECT_EQ(asked.status(), 200) << asked.body();
  EXPECT_EQ(ask_why().status(), 401);
}

TEST_F(QueriesTest, ACleanedUpSessionHasForgottenItsQueriesButNotThoseOnTheirWay) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  auto const id = member(ask_why().body(), "query_id");
  desk->caller.forget_plans();
  desk->caller.will_never_answer();
  auto const& asked = ask_why(hasty);
  auto const running = member(asked.body(), "query_id");
  desk->stage.submit(CleanSession{SessionKind::shared, session});
  turns(4);
  EXPECT_EQ(get("/api/v1/query/" + id).status(), 404);
  EXPECT_EQ(get("/api/v1/query/" + running).status(), 202);
  ASSERT_TRUE(desk->caller.finish(2, CallResult{200, "application/json", R"({"answer":"b"})"}));
  turns(3);
  EXPECT_EQ(member(get("/api/v1/query/" + running).body(), "answer"), "b");
}

}  // namespace
}  // namespace sojourn

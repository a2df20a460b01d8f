#include "api/responder.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
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

constexpr std::string_view url = "http://127.0.0.1:9100/answer";

class ResponderTest : public testing::Test {
 protected:
  // A session of alice with a member on each door; `watch` hears what is in the log.
  void open(ResponderSettings settings = {}) {
    desk = std::make_unique<Desk>(DeskSetup{.responder = std::move(settings)});
    member = &desk->connect("/ws/session?token=" + desk->mint("alice"));
    session = member->session();
    watch = &desk->connect("/api/v1/sessions/" + session + "/stream");
    std::string digits = session;
    std::erase(digits, '-');
    id = "query_" + digits + "_00000001";
    forget();
  }
  void open_with_endpoint() { open({.url = std::string(url)}); }
  void forget() {
    member->outlet.take_lines();
    watch->outlet.take_lines();
  }
  void offer(Line& line) {
    desk->say(line, R"({"type":"offer","queries":true})");
    forget();
  }
  void ask(std::string text = "why?") {
    auto const principal = Principal{Role::user, "alice"};
    desk->responder.ask(principal, {session, id, text, R"({"query":")" + text + R"(","priority":"normal"})"},
                        [this](Result<> const& result) {
                          done.push_back(result ? "done" : std::string(row(result.error().code).word));
                        });
    desk->turn();
  }
  void cancel() {
    desk->responder.cancel({Role::user, "alice"}, session, id, [this](Result<> const& result) {
      cancelled.push_back(result ? "cancelled" : result.error().message);
    });
    desk->turn();
  }
  void turns(int count) {
    while (count-- > 0) desk->turn();
  }
  void pass_ms(std::int64_t ms) {
    desk->stage.clock.advance_us(ms * 1000);
    desk->turn();
  }
  // What `line` heard of that type since it was last asked, without what differs from run to run.
  std::vector<std::string> heard(Line& line, std::string_view type) {
    std::vector<std::string> out;
    for (auto const& text : line.outlet.take_lines()) {
      auto const frame = json::parse(text);
      if (json::find_string(frame->get_object(), "type") != type) continue;
      EXPECT_EQ(json::find_string(frame->get_object(), "request_id", id), id);
      auto const* const data = frame->get_object().if_contains("data");
      out.push_back(data == nullptr ? text : json::to_text(*data));
    }
    return out;
  }
  std::vector<std::string> results() { return heard(*watch, "session.query_result"); }
  static std::vector<std::string> answered(std::string_view text) {
    return {R"({"result":{"answer":")" + std::string(text) + R"("},"is_error":false})"};
  }
  static std::vector<std::string> failed(std::string_view code, std::string_view text) {
    return {R"({"result":{"error":")" + std::string(text) + R"(","code":")" + std::string(code) +
            R"("},"is_error":true})"};
  }
  // How an endpoint's answer ends up in the log.
  std::vector<std::string> result_of(std::string body, int status) {
    open_with_endpoint();
    desk->caller.will_answer(std::move(body), status);
    ask();
    turns(3);
    return results();
  }

  std::unique_ptr<Desk> desk;
  Line* member = nullptr;
  Line* watch = nullptr;
  std::string session;
  std::string id;
  std::vector<std::string> done;
  std::vector<std::string> cancelled;
};

TEST_F(ResponderTest, AConnectionThatOfferedAnswers) {
  open_with_endpoint();
  desk->say(*watch, R"({"type":"note","data":"slow"})");
  offer(*watch);
  ask();
  auto const asked = heard(*watch, "query");
  EXPECT_EQ(asked, std::vector<std::string>{
                       R"({"type":"query","query_id":")" + id +
                       R"(","query":"why?","priority":"normal","history":[{"role":"user","content":"note: slow"}],)"
                       R"("session_id":")" +
                       session + R"(","user":"alice"})"});
  EXPECT_TRUE(desk->responder.is_open(id));
  desk->say(*watch, R"({"type":"query_result","query_id":")" + id + R"(","answer":"because","sources":[1],"x":2})");
  turns(2);
  EXPECT_EQ(results(), std::vector<std::string>{R"({"result":{"answer":"because","sources":[1]},"is_error":false})"});
  EXPECT_EQ(done, std::vector<std::string>{"done"});
  EXPECT_EQ(desk->caller.calls().size(), 0u) << "the endpoint is for those whom nobody offers to answer";
  EXPECT_FALSE(desk->responder.is_running(id));
}

TEST_F(ResponderTest, AMemberOfTheTrackingDoorAnswersInItsOwnFrames) {
  open();
  offer(*member);
  ask();
  auto const asked = heard(*member, "query");
  ASSERT_EQ(asked.size(), 1u);
  auto const frame = json::parse(asked[0])->as_object();
  for (auto const* name : {"timestamp", "requestId", "session_id", "user", "history", "query_id", "query", "priority"})
    EXPECT_TRUE(frame.contains(name)) << name;
  desk->say(*member, R"({"type":"query_progress","query_id":")" + id + R"(","text":"be"})");
  desk->say(*member, R"({"type":"query_progress","query_id":")" + id + R"(","text":"cause"})");
  EXPECT_EQ(heard(*watch, "session.query_progress"),
            (std::vector<std::string>{R"({"text":"be"})", R"({"text":"cause"})"}));
  desk->say(*member, R"({"type":"query_result","query_id":")" + id + R"(","error":"no idea"})");
  turns(2);
  EXPECT_EQ(results(), failed("failed", "no idea"));
  EXPECT_EQ(done, std::vector<std::string>{"done"});
  EXPECT_TRUE(heard(*member, "error").empty());
}

TEST_F(ResponderTest, OnlyWhoWasAskedAnswersAndOnlyOnce) {
  open();
  offer(*watch);
  ask();
  std::string const answer = R"({"type":"query_result","query_id":")" + id + R"(","answer":"a"})";
  desk->say(*member, answer);
  EXPECT_EQ(heard(*member, "error").size(), 1u);
  desk->say(*member, R"({"type":"query_progress","query_id":")" + id + R"(","text":"a"})");
  EXPECT_EQ(heard(*member, "error").size(), 1u);
  EXPECT_TRUE(desk->responder.is_open(id));
  desk->say(*watch, answer);
  desk->say(*watch, answer);
  EXPECT_EQ(heard(*watch, "error").size(), 1u) << "nobody waits for the second";
  EXPECT_EQ(done, std::vector<std::string>{"done"});
}

TEST_F(ResponderTest, AnAnswerWithoutTextIsAFailureAndNotSilence) {
  open();
  offer(*watch);
  ask();
  desk->say(*watch, R"({"type":"query_result","query_id":")" + id + R"("})");
  turns(2);
  EXPECT_EQ(results(), failed("failed", "the responder's answer has no text"));
}

TEST_F(ResponderTest, AToolCallCanNotBeAnsweredAsAQueryNorTheOtherWayRound) {
  open();
  desk->say(*watch, R"({"type":"offer","queries":true,"tools":["dance"]})");
  forget();
  desk->say(*member, R"({"type":"client_tool_call","tool_name":"dance","tool_call_id":"1","parameters":{}})");
  auto const call = heard(*watch, "client_tool_call");
  ASSERT_EQ(call.size(), 1u);
  auto const name = std::string(json::find_string(json::parse(call[0])->as_object(), "tool_call_id"));
  desk->say(*watch, R"({"type":"query_result","query_id":")" + name + R"(","answer":"a"})");
  EXPECT_EQ(heard(*watch, "error").size(), 1u);
  EXPECT_TRUE(heard(*member, "client_tool_result").empty());
  ask();
  desk->say(*watch, R"({"type":"client_tool_result","tool_call_id":")" + id + R"(","result":{"answer":"a"}})");
  turns(2);
  EXPECT_EQ(results(), failed("failed", "the responder's answer has no text"));
}

TEST_F(ResponderTest, AResponderThatLeavesHasFailed) {
  open();
  offer(*member);
  ask();
  desk->leave(*member);
  turns(2);
  EXPECT_EQ(results(), failed("failed", "the responder left before it answered"));
}

TEST_F(ResponderTest, AResponderThatIsSilentIsTooLate) {
  open({.timeout_us = 5'000'000});
  offer(*watch);
  ask();
  pass_ms(4999);
  EXPECT_TRUE(done.empty());
  pass_ms(1);
  turns(2);
  EXPECT_EQ(results(), failed("timeout", "the responder did not answer within 5 s"));
}

TEST_F(ResponderTest, TheEndpointIsCalledWithTheHistoryAndTheModel) {
  open({.url = std::string(url), .timeout_us = 7'000'000, .model = "small"});
  desk->say(*watch, R"({"type":"note","data":"slow"})");
  desk->caller.will_answer(R"({"choices":[{"message":{"content":"because"}}]})");
  forget();
  ask();
  turns(3);
  ASSERT_EQ(desk->caller.calls().size(), 1u);
  auto const& call = desk->caller.calls()[0];
  EXPECT_EQ(call.url, url);
  EXPECT_EQ(call.timeout_us, 7'000'000);
  EXPECT_EQ(call.body, R"({"query_id":")" + id + R"(","query":"why?","priority":"normal","session_id":")" + session +
                           R"(","user":"alice","history":[{"role":"user","content":"note: slow"}],"stream":true,)"
                           R"("messages":[{"role":"user","content":"note: slow"},{"role":"user","content":"why?"}],)"
                           R"("model":"small"})");
  EXPECT_EQ(results(), answered("because"));
  EXPECT_EQ(done, std::vector<std::string>{"done"});
}

TEST_F(ResponderTest, NobodyIsAskedBeforeTheQuestionIsStored) {
  open_with_endpoint();
  desk->stage.store.hold();
  ask();
  turns(3);
  EXPECT_EQ(desk->caller.calls().size(), 0u);
  desk->stage.store.release();
  turns(3);
  EXPECT_EQ(desk->caller.calls().size(), 1u);
}

TEST_F(ResponderTest, NobodyIsToldBeforeTheAnswerIsStored) {
  open_with_endpoint();
  desk->caller.will_answer(R"({"answer":"a"})", 200, 4);
  ask();
  turns(2);
  desk->stage.store.hold();
  turns(5);
  EXPECT_EQ(desk->caller.waiting(), 0u);
  EXPECT_TRUE(done.empty());
  EXPECT_TRUE(desk->responder.is_running(id));
  EXPECT_FALSE(desk->responder.is_open(id));
  desk->stage.store.release();
  turns(2);
  EXPECT_EQ(done, std::vector<std::string>{"done"});
}

TEST_F(ResponderTest, WithoutAnybodyThereIsNoAnswerAndTheLogSaysSo) {
  open();
  ask();
  turns(2);
  auto const said = results();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find(R"({"result":{"error":"no responder is attached; )"), std::string::npos) << said[0];
  EXPECT_NE(said[0].find(R"("code":"unavailable"},"is_error":true})"), std::string::npos);
  EXPECT_EQ(done, std::vector<std::string>{"done"});
}

TEST_F(ResponderTest, WhatAnEndpointSaysBesideAnAnswerIsAFailure) {
  EXPECT_EQ(result_of(R"({"error":{"message":"no such model"}})", 404),
            failed("failed", "the responder answered with status 404: no such model"));
  EXPECT_EQ(result_of(R"({"detail":"not here"})", 500),
            failed("failed", "the responder answered with status 500: not here"));
  EXPECT_EQ(result_of("<html>", 302), failed("failed", "the responder answered with status 302"));
  EXPECT_EQ(result_of(R"({"error":"tired"})", 200), failed("failed", "tired"));
  EXPECT_EQ(result_of("<html>", 200),
            failed("failed", "the responder's answer is neither a JSON object nor an event stream"));
}

TEST_F(ResponderTest, CallsThatComeToNothingAreFailuresOfTheResponderOrLate) {
  for (auto const& [code, word] : {std::pair{Code::unavailable, "failed"},
                                   {Code::forbidden, "failed"},
                                   {Code::too_large, "failed"},
                                   {Code::too_many, "too_many"}}) {
    open_with_endpoint();
    desk->caller.will_fail(code, "said the caller");
    ask();
    turns(3);
    EXPECT_EQ(results(), failed(word, "said the caller"));
  }
  open_with_endpoint();
  desk->caller.will_fail(Code::timeout, "too late");
  ask();
  turns(3);
  EXPECT_EQ(results(), failed("timeout", "the responder did not answer within 120 s"));
}

TEST_F(ResponderTest, AStreamIsToldAsItComesAndItsTextIsTheAnswer) {
  open_with_endpoint();
  desk->caller.will_stream(
      {"data: {\"content\":\"be\"}\n\ndata: {\"con", "tent\":\"cau\"}\n\n", "data: {\"content\":\"se\"}\n\n"}, 2);
  ask();
  std::vector<std::string> told;
  for (int i = 0; i < 6; ++i) {
    pass_ms(100);
    for (auto const& piece : heard(*watch, "session.query_progress")) told.push_back(piece);
  }
  EXPECT_EQ(told, (std::vector<std::string>{R"({"text":"be"})", R"({"text":"cau"})", R"({"text":"se"})"}));
  EXPECT_EQ(done, std::vector<std::string>{"done"});
}

TEST_F(ResponderTest, PiecesThatComeTooFastAreToldTogetherWhenTheTimeHasCome) {
  open_with_endpoint();
  desk->caller.will_never_answer();
  ask();
  turns(2);
  auto const told = [&] { return heard(*watch, "session.query_progress"); };
  auto const push = [&](char c) {
    ASSERT_TRUE(desk->caller.push(1, std::string("data: {\"content\":\"") + c + "\"}\n\n"));
    desk->turn();
  };
  push('a');
  EXPECT_EQ(told(), std::vector<std::string>{R"({"text":"a"})"}) << "the first at once";
  push('b');
  push('c');
  pass_ms(49);
  EXPECT_TRUE(told().empty());
  pass_ms(1);
  EXPECT_EQ(told(), std::vector<std::string>{R"({"text":"bc"})"}) << "without waiting for another piece";
  push('d');
  EXPECT_TRUE(told().empty());
  pass_ms(50);
  EXPECT_EQ(told(), std::vector<std::string>{R"({"text":"d"})"});
}

TEST_F(ResponderTest, AllTextIsToldBeforeTheResult) {
  open_with_endpoint();
  desk->caller.will_stream({"data: {\"content\":\"a\"}\n\n", "data: {\"content\":\"b\"}\n\n",
                            "data: {\"content\":\"c\"}\n\ndata: [DONE]\n\n"});
  ask();
  turns(6);
  std::string text;
  std::vector<std::string> types;
  for (auto const& line : watch->outlet.take_lines()) {
    auto const frame = json::parse(line)->as_object();
    types.emplace_back(json::find_string(frame, "type"));
    if (types.back() == "session.query_progress") text += json::find_string(frame.at("data").as_object(), "text");
  }
  EXPECT_EQ(text, "abc");
  EXPECT_EQ(types.back(), "session.query_result");
}

TEST_F(ResponderTest, AStreamThatIsOverNeedNotHangUp) {
  open_with_endpoint();
  desk->caller.will_stream(
      {"data: {\"content\":\"a\"}\n\n", "data: [DONE]\n\n", ": ping\n\n", ": ping\n\n", ": ping\n\n"});
  ask();
  turns(4);
  EXPECT_EQ(results(), answered("a"));
  EXPECT_EQ(desk->caller.cancelled(), std::vector<CallId>{1});
  EXPECT_EQ(done, std::vector<std::string>{"done"});
}

TEST_F(ResponderTest, AnErrorInAStreamIsAFailure) {
  open_with_endpoint();
  desk->caller.will_stream({"data: {\"content\":\"a\"}\n\n", "data: {\"error\":\"oh\"}\n\n"});
  ask();
  turns(4);
  EXPECT_EQ(results(), failed("failed", "oh"));
}

TEST_F(ResponderTest, ACancelledCallIsNotWaitedForAnyMore) {
  open_with_endpoint();
  desk->caller.will_never_answer();
  ask();
  turns(2);
  ASSERT_EQ(desk->caller.waiting(), 1u);
  cancel();
  turns(2);
  EXPECT_EQ(desk->caller.waiting(), 0u);
  EXPECT_EQ(results(), failed("conflict", "the query was cancelled"));
  EXPECT_EQ(cancelled, std::vector<std::string>{"cancelled"});
  EXPECT_EQ(done, std::vector<std::string>{"done"});
  cancel();
  EXPECT_EQ(cancelled.back(), "the query is done already");
}

TEST_F(ResponderTest, ACancelledConnectionIsToldAndItsAnswerComesTooLate) {
  open();
  offer(*member);
  ask();
  forget();
  cancel();
  turns(2);
  auto const told = heard(*member, "query_cancelled");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(json::find_string(json::parse(told[0])->as_object(), "query_id"), id);
  EXPECT_EQ(results(), failed("conflict", "the query was cancelled"));
  EXPECT_EQ(cancelled, std::vector<std::string>{"cancelled"});
  desk->say(*member, R"({"type":"query_result","query_id":")" + id + R"(","answer":"late"})");
  EXPECT_EQ(heard(*member, "error").size(), 1u);
}

TEST_F(ResponderTest, TheNativeDoorIsToldOfACancelledQueryToo) {
  open();
  offer(*watch);
  ask();
  forget();
  cancel();
  EXPECT_EQ(heard(*watch, "query_cancelled"), std::vector<std::string>{R"({"type":"query_cancelled","query_id":")" +
                                                                       id + R"(","session_id":")" + session + "\"}"});
}

TEST_F(ResponderTest, AQuestionThatIsCancelledBeforeItIsStoredIsNotAsked) {
  open_with_endpoint();
  desk->stage.store.hold();
  ask();
  cancel();
  desk->stage.store.release();
  turns(3);
  EXPECT_EQ(desk->caller.calls().size(), 0u);
  EXPECT_EQ(results(), failed("conflict", "the query was cancelled"));
  EXPECT_EQ(cancelled, std::vector<std::string>{"cancelled"});
}

TEST_F(ResponderTest, WhatIsOnItsWayIntoTheLogIsNotCancelledAnyMore) {
  open_with_endpoint();
  desk->caller.will_answer(R"({"answer":"a"})", 200, 4);
  ask();
  turns(2);
  desk->stage.store.hold();
  turns(3);
  ASSERT_TRUE(desk->responder.is_running(id) && !desk->responder.is_open(id));
  cancel();
  EXPECT_EQ(cancelled, std::vector<std::string>{"the query is done already"});
  desk->stage.store.release();
  turns(2);
  EXPECT_EQ(results(), answered("a"));
}

TEST_F(ResponderTest, WhoeverMayNotWriteMayNotCancel) {
  open_with_endpoint();
  desk->caller.will_never_answer();
  ask();
  turns(2);
  desk->responder.cancel({Role::user, "mallory"}, session, id, [this](Result<> const& result) {
    cancelled.push_back(std::string(row(result.error().code).word));
  });
  desk->turn();
  EXPECT_EQ(cancelled, std::vector<std::string>{"not_found"});
  EXPECT_TRUE(desk->responder.is_open(id));
}

TEST_F(ResponderTest, ASessionThatEndsMeanwhileTakesItsQueriesAlong) {
  for (bool const by_connection : {false, true}) {
    open_with_endpoint();
    done.clear();
    desk->caller.will_answer(R"({"answer":"a"})", 200, 6);
    if (by_connection) offer(*watch);
    ask();
    desk->stage.submit(CloseSession{SessionKind::shared, session});
    turns(10);
    EXPECT_EQ(done, std::vector<std::string>{"not_found"});
    EXPECT_EQ(desk->responder.running(), 0u);
  }
}

TEST_F(ResponderTest, AQuestionThatMayNotBeAskedIsRefusedAndNotLogged) {
  open();
  session = "9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310";
  ask();
  EXPECT_EQ(done, std::vector<std::string>{"not_found"});
  EXPECT_EQ(desk->responder.running(), 0u);
  EXPECT_TRUE(results().empty());
}

TEST_F(ResponderTest, AnAnswerThatNobodyCouldBeShownIsRefused) {
  open_with_endpoint();
  desk->caller.will_answer(json::to_text(json::object{{"answer", std::string(600'000, '\n')}}));
  ask();
  turns(3);
  EXPECT_EQ(results(), failed("failed", "the responder's answer is larger than 1,000,000 bytes of JSON"));
  EXPECT_TRUE(watch->is_open());
}

TEST_F(ResponderTest, TheConfidenceOfTheLastAnswerIsKnownToTheSession) {
  open_with_endpoint();
  desk->caller.will_answer(R"({"answer":"a","confidence_score":0.75})");
  ask();
  turns(3);
  auto const answer = desk->stage.submit(NoteUse{SessionKind::shared, session, Use::stats});
  turns(2);
  ASSERT_NE(answer->as<UseView>(), nullptr);
  EXPECT_EQ(answer->as<UseView>()->use.confidence, 0.75);
  EXPECT_EQ(answer->as<UseView>()->use.count(Use::query), 1u);
}

}  // namespace
}  // namespace sojourn

// calls.cpp: what one end asks of another, who answers, and when nobody does.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {

namespace {

class CallTest : public CoreTest {
 protected:
  // Calls the session, and the request id that its browser was shown.
  std::pair<std::shared_ptr<Answer const>, std::string> call(std::string const& id, RecordingOutlet& to) {
    auto answer = submit(CallSession{extension, id, "do", "{}", second_us});
    turn();
    auto const lines = to.take_lines();
    return {answer, lines.empty() ? "" : last_word(lines.back())};
  }
};

TEST_F(CallTest, ACallIsAnsweredWithWhatTheOtherEndGives) {
  auto const opened = open(extension, outlet);
  auto const [answer, request_id] = call(opened.session.id, outlet);
  EXPECT_FALSE(answer->is_there());
  EXPECT_EQ(hub.next_deadline_us(), clock.now().steady_us + second_us);
  clock.advance_us(7000);
  auto const taken = ask(AnswerCall{opened.connection, request_id, true, R"({"done":1})", {}});
  EXPECT_EQ(*taken->as<bool>(), true);
  ASSERT_TRUE(answer->as<Answered>());
  EXPECT_EQ(answer->as<Answered>()->request_id, request_id);
  EXPECT_EQ(answer->as<Answered>()->data, R"({"done":1})");
  EXPECT_EQ(answer->as<Answered>()->at_us, clock.now().utc_us);
  EXPECT_EQ(hub.next_deadline_us(), never);
}

TEST_F(CallTest, ACallFailsWithWhatTheOtherEndSays) {
  auto const opened = open(extension, outlet);
  auto const [answer, request_id] = call(opened.session.id, outlet);
  ask(AnswerCall{opened.connection, request_id, false, "null", "no such tab"});
  EXPECT_EQ(answer->code(), Code::failed);
  EXPECT_EQ(answer->message(), "no such tab");
}

TEST_F(CallTest, ACallIsAnsweredBySomebodyInItsOwnSessionOnlyAndOnce) {
  auto const opened = open(extension, outlet);
  auto const stranger = open(extension, other_outlet);
  auto const watcher = get<Opened>(JoinSession{{}, opened.session.id, attachment(third_outlet)});
  auto const [answer, request_id] = call(opened.session.id, outlet);
  EXPECT_EQ(*ask(AnswerCall{stranger.connection, request_id, true, "1", {}})->as<bool>(), false);
  EXPECT_EQ(*ask(AnswerCall{watcher.connection, request_id, true, "1", {}})->as<bool>(), false) << "not the browser";
  EXPECT_EQ(*ask(AnswerCall{opened.connection, "zzzzzzzz", true, "2", {}})->as<bool>(), false);
  EXPECT_FALSE(answer->is_there());
  EXPECT_EQ(*ask(AnswerCall{opened.connection, request_id, true, "3", {}})->as<bool>(), true);
  EXPECT_EQ(*ask(AnswerCall{opened.connection, request_id, true, "4", {}})->as<bool>(), false) << "too late";
  EXPECT_EQ(answer->runs, 1);
  EXPECT_EQ(answer->as<Answered>()->data, "3");
}

TEST_F(CallTest, CallsOfOneSessionAreAnsweredInAnyOrder) {
  auto const opened = open(extension, outlet);
  auto const [first, first_id] = call(opened.session.id, outlet);
  auto const [second, second_id] = call(opened.session.id, outlet);
  ask(AnswerCall{opened.connection, second_id, true, "2", {}});
  EXPECT_FALSE(first->is_there());
  EXPECT_EQ(second->as<Answered>()->data, "2");
  ask(AnswerCall{opened.connection, first_id, true, "1", {}});
  EXPECT_EQ(first->as<Answered>()->data, "1");
}

TEST_F(CallTest, PendingCallsFailAtOnceWhenTheOtherEndGoesAway) {
  for (int how = 0; how < 4; ++how) {
    auto const opened = open(extension, outlet);
    auto const bystander = open(extension, other_outlet);
    auto const [answer, request_id] = call(opened.session.id, outlet);
    auto const [unharmed, other_id] = call(bystander.session.id, other_outlet);
    Command const away[] = {Leave{opened.connection}, SayGoodbye{opened.connection},
                            CloseSession{extension, opened.session.id},
                            KickConnection{extension, opened.session.id, opened.connection}};
    submit(away[how]);
    turn();
    EXPECT_EQ(answer->code(), Code::not_connected) << how;
    EXPECT_FALSE(unharmed->is_there()) << how;
    EXPECT_EQ(*ask(AnswerCall{bystander.connection, request_id, true, "1", {}})->as<bool>(), false);
    EXPECT_EQ(answer->runs, 1);
  }
}

TEST_F(CallTest, TheEndOfAnotherMemberHarmsNoCall) {
  auto const opened = open(extension, outlet);
  auto const watcher = get<Opened>(JoinSession{{}, opened.session.id, attachment(third_outlet)});
  auto const [answer, request_id] = call(opened.session.id, outlet);
  ask(Leave{watcher.connection});
  EXPECT_FALSE(answer->is_there());
  ask(AnswerCall{opened.connection, request_id, true, "1", {}});
  EXPECT_TRUE(answer->as<Answered>());
}

TEST_F(CallTest, ASharedSessionStandsForNoBrowser) {
  auto const opened = open(shared, outlet);
  EXPECT_EQ(ask(CallSession{shared, opened.session.id, "do"})->code(), Code::not_connected);
  EXPECT_EQ(outlet.text, "");
}

TEST_F(CallTest, TheLogOfAnExtensionSessionTellsOfCallAndAnswer) {
  auto const opened = open(extension, outlet);
  auto const [answer, request_id] = call(opened.session.id, outlet);
  ask(AnswerCall{opened.connection, request_id, true, "1", {}});
  auto const events = log_of(opened.session.id).events;
  ASSERT_GE(events.size(), 2U);
  EXPECT_EQ(events[events.size() - 2]->type, EventType::call);
  EXPECT_EQ(events[events.size() - 2]->name, "do");
  EXPECT_EQ(events.back()->type, EventType::answer);
  EXPECT_EQ(events.back()->request_id, request_id);
  EXPECT_EQ(events.back()->data, "{\"success\":true}");
}

TEST(CallLimit, RefusesACallOverTheLimitUntilOneIsDone) {
  HubStage::Options options;
  options.limits.calls = 2;
  HubStage stage(options);
  RecordingOutlet outlet, other_outlet;
  auto const opened = stage.open(extension, outlet);
  auto const other = stage.open(extension, other_outlet);
  auto const call = [&](Opened const& to) {
    auto answer = stage.submit(CallSession{extension, to.session.id, "do"});
    stage.turn();
    return answer;
  };
  EXPECT_FALSE(call(opened)->is_there());
  EXPECT_FALSE(call(opened)->is_there());
  auto const refused = call(opened);
  EXPECT_EQ(refused->code(), Code::too_many);
  EXPECT_EQ(outlet.take_lines().size(), 2U) << "a refused call is not shown";
  EXPECT_FALSE(call(other)->is_there()) << "the limit is of one session";
  stage.submit(AnswerCall{opened.connection, last_word(outlet.text.substr(0, outlet.text.find('\n'))), true, "1", {}});
  stage.turn();
  EXPECT_FALSE(call(opened)->is_there()) << "one place is free again";
}

class ToolTest : public CoreTest {
 protected:
  void offer(Opened const& by, std::vector<std::string> tools) {
    EXPECT_TRUE(ask(MakeOffer{by.connection, {std::move(tools), false}})->as<std::monostate>());
    outlet.take_lines();
    other_outlet.take_lines();
    third_outlet.take_lines();
  }
  std::shared_ptr<Answer const> call(Opened const& by, std::string tool = "quote") {
    return submit(CallTool{by.connection, std::move(tool), R"({"zip":1})"});
  }

  std::string id = open_empty("alice").id;
  // How a call failed; nothing for any other answer.
  static std::optional<Code> failure_of(Answer const& answer) {
    auto const* const told = answer.as<ToolAnswer>();
    if (told == nullptr || !told->failure) return std::nullopt;
    return told->failure->code;
  }

  Opened caller = join(id, outlet, user("alice"));
  Opened provider = join(id, other_outlet, user("alice"));
};

TEST_F(ToolTest, AToolCallGoesToWhoOfferedItAndIsAnsweredByThem) {
  offer(provider, {"label", "quote"});
  auto const answer = call(caller);
  auto const asked = other_outlet.take_lines();
  ASSERT_EQ(asked.size(), 1U) << "at once";
  auto const request_id = last_word(asked[0]);
  EXPECT_EQ(asked[0], "run " + std::to_string(caller.connection) + R"( quote {"zip":1} )" + request_id);
  turns(3);
  EXPECT_FALSE(answer->is_there());
  EXPECT_EQ(*ask(AnswerCall{caller.connection, request_id, true, "0", {}})->as<bool>(), false) << "not asked";
  EXPECT_EQ(*ask(AnswerCall{provider.connection, request_id, true, "[1]", {}})->as<bool>(), true);
  ASSERT_TRUE(answer->as<ToolAnswer>());
  EXPECT_EQ(answer->as<ToolAnswer>()->data, "[1]");
  EXPECT_EQ(answer->as<ToolAnswer>()->session_id, id);
  EXPECT_EQ(answer->as<ToolAnswer>()->by.name, "alice");
  EXPECT_EQ(words_of(id), Lines{"session.opened"}) << "what comes of it is recorded by who called";
}

TEST_F(ToolTest, EverybodySeesThatAToolIsCalledWithoutItBeingKept) {
  join(id, third_outlet);
  offer(provider, {"quote"});
  call(caller);
  turn();
  auto const lines = third_outlet.take_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("0 session.call " + std::to_string(caller.connection) + R"( quote {"zip":1} )"))
      << lines[0];
}

TEST_F(ToolTest, WithoutAnOfferTheCallerIsToldWhoseSessionItIs) {
  offer(provider, {"label"});
  auto const answer = call(caller);
  turn();
  ASSERT_TRUE(answer->as<ToolAnswer>());
  EXPECT_EQ(answer->as<ToolAnswer>()->data, "");
  EXPECT_EQ(answer->as<ToolAnswer>()->session_id, id);
  EXPECT_EQ(answer->as<ToolAnswer>()->by.name, "alice");
  EXPECT_EQ(other_outlet.text.find("run"), std::string::npos);
}

TEST_F(ToolTest, NobodyIsAskedWhatTheyWantToKnowThemselves) {
  offer(caller, {"quote"});
  auto const own = call(caller);
  turn();
  EXPECT_TRUE(own->as<ToolAnswer>());
  offer(provider, {"quote"});
  call(caller);
  EXPECT_EQ(outlet.text.find("run"), std::string::npos);
  EXPECT_TRUE(other_outlet.take_lines().at(0).starts_with("run"));
  call(provider);
  EXPECT_NE(outlet.text.find("run"), std::string::npos) << "the other way round it is asked";
}

TEST_F(ToolTest, WhoCameLastIsAsked) {
  auto const newest = join(id, third_outlet, user("alice"));
  offer(newest, {"quote"});
  offer(provider, {"quote"});
  call(caller);
  EXPECT_EQ(other_outlet.text.find("run"), std::string::npos);
  EXPECT_TRUE(third_outlet.take_lines().at(0).starts_with("run"));
}

TEST_F(ToolTest, AnOfferReplacesTheOneBefore) {
  offer(provider, {"quote"});
  offer(provider, {"label"});
  auto const answer = call(caller);
  turn();
  EXPECT_TRUE(answer->as<ToolAnswer>());
}

TEST_F(ToolTest, AnOfferIsOfItsSessionOnly) {
  auto const elsewhere = open(shared, third_outlet, user("alice"));
  offer(elsewhere, {"quote"});
  auto const answer = call(caller);
  turn();
  EXPECT_TRUE(answer->as<ToolAnswer>());
}

TEST_F(ToolTest, AToolCallFailsAtOnceWhenItsProviderGoesAway) {
  for (int how = 0; how < 3; ++how) {
    RecordingOutlet end;
    auto const newest = join(id, end, user("alice"));
    offer(newest, {"quote"});
    auto const answer = call(caller);
    Command const away[] = {Leave{newest.connection}, SayGoodbye{newest.connection},
                            KickConnection{{}, id, newest.connection}};
    submit(away[how]);
    turn();
    EXPECT_EQ(failure_of(*answer), Code::not_connected) << how;
    auto const next = call(caller);
    turn();
    EXPECT_TRUE(next->as<ToolAnswer>()) << "nobody offers it any more";
  }
}

TEST_F(ToolTest, AToolCallRunsOutAtItsDeadline) {
  offer(provider, {"quote"});
  auto const answer = submit(CallTool{caller.connection, "quote", "{}", 5 * second_us});
  clock.advance_us(5 * second_us - 1);
  turn();
  EXPECT_FALSE(answer->is_there());
  clock.advance_us(1);
  turns(2);
  EXPECT_EQ(failure_of(*answer), Code::timeout);
  auto const request_id = last_word(other_outlet.take_lines().at(0));
  EXPECT_EQ(*ask(AnswerCall{provider.connection, request_id, true, "1", {}})->as<bool>(), false);
  EXPECT_EQ(answer->runs, 1);
}

TEST_F(ToolTest, WhatItsProviderSaysOfAFailureIsTheAnswer) {
  offer(provider, {"quote"});
  auto const answer = call(caller);
  ask(AnswerCall{provider.connection, last_word(other_outlet.take_lines().at(0)), false, {}, "no carrier"});
  EXPECT_EQ(failure_of(*answer), Code::failed);
  EXPECT_EQ(answer->as<ToolAnswer>()->failure->message, "no carrier");
  EXPECT_EQ(answer->as<ToolAnswer>()->session_id, id) << "so that the failure can be recorded";
  EXPECT_EQ(answer->as<ToolAnswer>()->by.name, "alice");
}

TEST_F(ToolTest, TheCallerMayLeaveBeforeTheAnswer) {
  offer(provider, {"quote"});
  auto const answer = call(caller);
  ask(Leave{caller.connection});
  EXPECT_FALSE(answer->is_there());
  ask(AnswerCall{provider.connection, last_word(other_outlet.take_lines().at(0)), true, "1", {}});
  EXPECT_TRUE(answer->as<ToolAnswer>());
}

TEST_F(ToolTest, TheEndOfTheSessionFailsItsToolCallsAfterTheCommit) {
  offer(provider, {"quote"});
  auto const answer = call(caller);
  auto const request_id = last_word(other_outlet.take_lines().at(0));
  store.hold();
  submit(CloseSession{{}, id});
  auto const late = submit(AnswerCall{provider.connection, request_id, true, "1", {}});
  turns(4);
  EXPECT_FALSE(answer->is_there());
  EXPECT_FALSE(*late->as<bool>()) << "nobody waits for an answer any more";
  store.release();
  turn();
  EXPECT_EQ(failure_of(*answer), Code::not_connected);
}

TEST_F(ToolTest, AResultIsKeptWithTheNameTheCallerGaveTheCall) {
  auto const recorded = get<Posted>(
      user("alice"), RecordResult{id, caller.connection, "quote", R"({"result":1,"is_error":false})", "my-1"});
  EXPECT_EQ(recorded.seq, 2U);
  auto const line =
      "2 session.result " + std::to_string(caller.connection) + R"( quote {"result":1,"is_error":false} my-1)";
  EXPECT_EQ(outlet.take_lines().back(), line);
  EXPECT_EQ(other_outlet.take_lines().back(), line);
  EXPECT_EQ(log_of(id).events.back()->user, "alice");
}

}  // namespace
}  // namespace sojourn

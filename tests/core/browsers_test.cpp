// browsers.cpp: what is asked of a session's browser, what it tells, and the end of both. How long it lives is in
// browsers_life_test.cpp, who waits for a place in waiting_test.cpp.
#include <gtest/gtest.h>

#include <string>

#include "base/id.h"
#include "core/browser_stage.h"

namespace sojourn {
namespace {

using BrowsersTest = BrowserTest;

class NoBrowserTest : public BrowserTest {
 public:
  NoBrowserTest() : BrowserTest(Options{.has_browser = false}) {}
};

TEST_F(BrowsersTest, INF_01_ASessionIsABrowserOfItsOwn) {
  SessionWish wish{.type = "research", .state = R"({"a":1})"};
  wish.browser = {.width = 800, .height = 600, .proxy_url = "http://proxy.test:1", .records_video = true};
  auto const info = open_browser("alice", wish);
  EXPECT_TRUE(is_browser_id(info.id)) << info.id;
  EXPECT_EQ(info.kind, of_browser);
  EXPECT_EQ(info.owner, "alice");
  EXPECT_EQ(info.width, 800);
  EXPECT_EQ(info.height, 600);
  EXPECT_EQ(info.calls, 0U);
  EXPECT_EQ(state_of(info.id), R"({"a":1})");
  ASSERT_EQ(fake_browser.opened.size(), 1U);
  EXPECT_EQ(fake_browser.opened[0].first, info.id);
  EXPECT_EQ(fake_browser.opened[0].second, wish.browser);
  EXPECT_EQ(words_of(info.id), (Lines{"session.opened", "session.state"}));
  EXPECT_NE(open_browser().id, info.id);
}

TEST_F(NoBrowserTest, WithoutABrowserThereAreNoBrowserSessions) {
  auto const answer = ask(opening());
  EXPECT_EQ(answer->code(), Code::unavailable);
  EXPECT_NE(answer->message().find("browser"), std::string::npos);
  auto const session = open_empty();
  EXPECT_EQ(ask(calling(session.id))->code(), Code::conflict);
  EXPECT_EQ(ask(calling("nobody"))->code(), Code::not_found);
}

TEST_F(BrowsersTest, AnOwnerFindsItAgainByItsClientId) {
  auto const info = open_browser("alice", {.client_id = "desk"});
  auto const again = get<Opened>(user("alice"), opening({.client_id = "desk"}));
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.session.id, info.id);
  EXPECT_NE(open_browser("bob", {.client_id = "desk"}).id, info.id);
  EXPECT_NE(open_empty("alice", {.client_id = "desk"}).id, info.id) << "of another kind";
  EXPECT_EQ(fake_browser.opened.size(), 2U);
}

TEST_F(BrowsersTest, TheyAreListedAmongTheirKindAndAllWithExactTotals) {
  auto const one = open_browser(), two = open_browser("bob");
  auto const other = open_empty();
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{of_browser})), (Lines{one.id, two.id}));
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{})), (Lines{other.id, one.id, two.id}));
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{shared})), Lines{other.id});
  EXPECT_EQ(ids_of(get<SessionPage>(ListSessions{extension})), Lines{});
  EXPECT_EQ(ids_of(get<SessionPage>(user("bob"), ListSessions{of_browser})), Lines{two.id});
  ListSessions few{of_browser};
  few.limit = 1;
  EXPECT_EQ(get<SessionPage>(few).total, 2U);
  EXPECT_EQ(get<SessionPage>(few).sessions.size(), 1U);
}

TEST_F(BrowsersTest, AFunctionIsCalledAndItsOutputIsTheReply) {
  auto const info = open_browser();
  auto command = calling(info.id, Function::interact);
  command.input = {{"action", "click"}, {"ref", "@e1"}};
  command.timeout_us = 7;
  auto const answer = get<FunctionAnswer>(user("alice"), command);
  EXPECT_EQ(answer.output, R"({"success":true,"action":"click","message":null})");
  EXPECT_EQ(answer.session.id, info.id);
  EXPECT_EQ(answer.session.calls, 1U);
  EXPECT_EQ(answer.session.last_call_us, clock.now().utc_us);
  ASSERT_EQ(fake_browser.called.size(), 1U);
  auto const& call = fake_browser.called[0];
  EXPECT_EQ(call.session_id, info.id);
  EXPECT_EQ(call.function, Function::interact);
  EXPECT_EQ(call.input, command.input);
  EXPECT_EQ(call.timeout_us, 7);
}

TEST_F(BrowsersTest, TheLogTellsOfACallWhenItIsDone) {
  auto const info = open_browser();
  fake_browser.answers_by_itself = false;
  auto command = calling(info.id, Function::interact);
  command.note = R"({"action":"fill","ref":"@e2"})";
  command.request_id = "r1";
  auto const answer = submit(user("alice"), command);
  turns(3);
  EXPECT_EQ(words_of(info.id), Lines{"session.opened"});
  clock.advance_us(12'345);
  fake_browser.answer(std::string(R"({"success":false,"action":"fill"})"));
  turns(3);
  ASSERT_TRUE(answer->as<FunctionAnswer>()) << "an action that failed is an answer";
  auto const event = *log_of(info.id).events.back();
  EXPECT_EQ(event.type, EventType::called);
  EXPECT_EQ(event.name, "interact");
  EXPECT_EQ(event.data, R"({"input":{"action":"fill","ref":"@e2"},"success":false,"ms":12})");
  EXPECT_EQ(event.request_id, "r1");
  EXPECT_EQ(event.user, "alice");
}

TEST_F(BrowsersTest, ACallThatFailsIsRefusedWithTheBrowsersWordsAndLogged) {
  auto const info = open_browser();
  fake_browser.outputs.insert_or_assign(Function::snapshot, error(Code::conflict, "Browser not started."));
  auto const answer = ask(calling(info.id));
  EXPECT_EQ(answer->code(), Code::conflict);
  EXPECT_EQ(answer->message(), "Browser not started.");
  EXPECT_EQ(last_of(info.id), R"(snapshot {"input":{},"success":false,"ms":0})");
  EXPECT_EQ(look_at(info.id).calls, 1U);
}

TEST_F(BrowsersTest, AReplyDoesNotWaitUntilTheCallIsInTheStore) {
  auto const info = open_browser();
  auto const answer = submit(calling(info.id));
  fake_browser.turn();
  hub.turn();
  EXPECT_EQ(answer->runs, 1) << "the store has had no turn";
  ASSERT_TRUE(answer->as<FunctionAnswer>());
  EXPECT_EQ(answer->as<FunctionAnswer>()->session.cursor.seq, 1U) << "it tells of nothing that is not kept";
  turns(3);
  EXPECT_EQ(look_at(info.id).cursor.seq, 2U);
}

TEST_F(BrowsersTest, OnlyWhoMayWriteMayCall) {
  auto const info = open_browser();
  EXPECT_EQ(ask(user("alice", Scope::read), calling(info.id))->code(), Code::forbidden);
  EXPECT_EQ(ask(user("bob"), calling(info.id))->code(), Code::not_found);
  EXPECT_TRUE(ask(admin(), calling(info.id))->as<FunctionAnswer>());
  auto const writer = mint(info.id), reader = mint(info.id, Scope::read);
  EXPECT_TRUE(ask(guest(writer), calling(info.id))->as<FunctionAnswer>());
  EXPECT_EQ(ask(guest(reader), calling(info.id))->code(), Code::forbidden);
  EXPECT_EQ(fake_browser.called.size(), 2U);
}

TEST_F(BrowsersTest, AGuestMayCallAndNotClose) {
  auto const info = open_browser();
  auto const writer = mint(info.id);
  EXPECT_EQ(ask(guest(writer), calling(info.id, Function::close))->code(), Code::forbidden);
  EXPECT_TRUE(ask(guest(writer), calling(info.id))->as<FunctionAnswer>());
  EXPECT_TRUE(ask(user("alice"), calling(info.id, Function::close))->as<FunctionAnswer>());
  EXPECT_EQ(ask(guest(writer), calling(info.id, Function::close))->code(), Code::not_found);
}

TEST_F(BrowsersTest, OtherSessionsHaveNoFunctions) {
  auto const session = open_empty();
  auto const answer = ask(calling(session.id, Function::close));
  EXPECT_EQ(answer->code(), Code::conflict);
  EXPECT_NE(answer->message().find("browser session"), std::string::npos);
  EXPECT_TRUE(ask(GetSession{{}, session.id})->as<SessionInfo>()) << "and are not closed by them";
  EXPECT_EQ(ask(calling(open(extension, outlet).session.id))->code(), Code::conflict);
  auto command = calling(session.id);
  command.kind = of_browser;
  EXPECT_EQ(ask(command)->code(), Code::not_found);
}

TEST_F(BrowsersTest, TooManyCallsAtATimeAreRefused) {
  auto const info = open_browser();
  fake_browser.answers_by_itself = false;
  for (int i = 0; i < 1000; ++i) submit(calling(info.id));
  EXPECT_EQ(ask(calling(info.id))->code(), Code::too_many);
  EXPECT_EQ(fake_browser.called.size(), 1000U);
  submit(calling(info.id, Function::close));
  EXPECT_EQ(fake_browser.closed, Lines{info.id}) << "to close it stands behind nothing";
}

TEST_F(BrowsersTest, INF_07_CloseEndsItForEverybodyAndGivesTheVideo) {
  auto const info = open_browser();
  open(extension, other_outlet);
  auto const member = get<Opened>(JoinSession{{}, info.id, attachment(outlet)});
  EXPECT_NE(member.connection, 0U);
  fake_browser.answers_by_itself = false;
  auto const running = submit(calling(info.id, Function::execute));
  turns(3);
  auto const closing = submit(user("alice"), calling(info.id, Function::close));
  EXPECT_EQ(fake_browser.closed, Lines{info.id});
  turns(4);
  EXPECT_EQ(running->code(), Code::ended) << "it does not wait for its turn";
  EXPECT_EQ(running->runs, 1);
  EXPECT_EQ(outlet.close_reason, "Session closed");
  EXPECT_EQ(outlet.take_lines().back(), R"(2 session.closed 0 {"reason":"closed"})");
  EXPECT_EQ(get<SessionPage>(ListSessions{of_browser}).total, 0U);
  EXPECT_EQ(closing->runs, 0) << "the video is not ready";
  fake_browser.finish_closing(std::string(R"({"success":true,"video":{"uri":"/v"}})"));
  turns(3);
  ASSERT_TRUE(closing->as<FunctionAnswer>());
  EXPECT_EQ(closing->as<FunctionAnswer>()->output, R"({"success":true,"video":{"uri":"/v"}})");
  EXPECT_EQ(closing->as<FunctionAnswer>()->session.id, info.id);
  EXPECT_EQ(fake_browser.closed.size(), 1U);
}

TEST_F(BrowsersTest, INF_08_ToCloseItAgainDoesNoHarm) {
  auto const info = open_browser();
  auto const first = submit(user("alice"), calling(info.id, Function::close));
  auto const second = submit(user("alice"), calling(info.id, Function::close));
  turns(5);
  EXPECT_TRUE(first->as<FunctionAnswer>());
  for (auto const& answer : {second, ask(user("alice"), calling(info.id, Function::close)),
                             ask(admin(), calling(info.id, Function::close))}) {
    ASSERT_TRUE(answer->as<FunctionAnswer>()) << answer->message();
    EXPECT_EQ(answer->as<FunctionAnswer>()->output, R"({"success":true,"video":null,"output_meta":null})");
    EXPECT_EQ(answer->as<FunctionAnswer>()->session.id, info.id);
  }
  EXPECT_EQ(ask(user("bob"), calling(info.id, Function::close))->code(), Code::not_found);
  EXPECT_EQ(ask(calling("sess_00000000000000000000000000", Function::close))->code(), Code::not_found);
  EXPECT_EQ(fake_browser.closed.size(), 1U);
}

TEST_F(BrowsersTest, TheSecondCloseIsToldNothingThatIsNotKept) {
  auto const info = open_browser();
  submit(user("alice"), calling(info.id, Function::close));
  auto const second = submit(user("alice"), calling(info.id, Function::close));
  hub.turn();
  hub.turn();
  EXPECT_EQ(second->runs, 0) << "its end is not in the store yet";
  turns(3);
  EXPECT_EQ(second->runs, 1);
}

TEST_F(BrowsersTest, ItsOwnerHearsThatItHasEndedAndNobodyElseThatItWas) {
  auto const info = open_browser();
  EXPECT_TRUE(ask(user("alice"), CloseSession{{}, info.id})->as<SessionInfo>());
  EXPECT_EQ(fake_browser.closed, Lines{info.id});
  for (auto const& who : {user("alice"), admin()}) {
    auto const answer = ask(who, calling(info.id));
    EXPECT_EQ(answer->code(), Code::ended);
    EXPECT_EQ(answer->message(), "Session ended");
    EXPECT_EQ(ask(who, GetSession{{}, info.id})->code(), Code::ended);
    EXPECT_EQ(ask(who, GetSession{shared, info.id})->code(), Code::not_found) << "other doors never knew it";
  }
  EXPECT_EQ(ask(user("bob"), calling(info.id))->message(), "Session not found");
  auto const other = open_empty();
  EXPECT_TRUE(ask(CloseSession{{}, other.id})->as<SessionInfo>());
  EXPECT_EQ(ask(GetSession{{}, other.id})->code(), Code::not_found) << "other kinds answer as ever";
}

TEST_F(BrowsersTest, ACallThatIsDoneAfterItsSessionEndedIsToldOnce) {
  auto const info = open_browser();
  auto const call = submit(calling(info.id));
  submit(CloseSession{{}, info.id});
  turns(5);
  EXPECT_EQ(call->runs, 1);
  EXPECT_EQ(call->code(), Code::ended);
  EXPECT_EQ(hub.session_count(), 0U);
}

TEST_F(BrowsersTest, WhatItsPageDoesByItselfIsInTheLog) {
  auto const info = open_browser();
  fake_browser.tell(info.id, "navigated", R"({"url":"http://site.test/a","title":"A"})");
  fake_browser.tell(info.id, "dialog", R"({"type":"alert","message":"hi","url":"http://site.test/a"})");
  fake_browser.tell("sess_nobody", "navigated", "{}");
  turns(3);
  EXPECT_EQ(words_of(info.id), (Lines{"session.opened", "session.browser", "session.browser"}));
  EXPECT_EQ(last_of(info.id), R"(dialog {"type":"alert","message":"hi","url":"http://site.test/a"})");
  EXPECT_EQ(look_at(info.id).url, "http://site.test/a");
  EXPECT_EQ(look_at(info.id).title, "A");
}

TEST_F(BrowsersTest, TheEmptyPageAtTheStartIsNoNews) {
  auto const info = open_browser();
  fake_browser.tell(info.id, "navigated", R"({"url":"about:blank","title":""})");
  turns(3);
  EXPECT_EQ(words_of(info.id), Lines{"session.opened"});
  EXPECT_EQ(look_at(info.id).url, "");
  fake_browser.tell(info.id, "navigated", R"({"url":"http://site.test/","title":""})");
  fake_browser.tell(info.id, "navigated", R"({"url":"about:blank","title":""})");
  turns(3);
  EXPECT_EQ(look_at(info.id).url, "about:blank");
  EXPECT_EQ(log_of(info.id).events.size(), 3U);
}

TEST_F(BrowsersTest, APageThatMakesNewsWithoutEndDoesNotFillTheLog) {
  auto const info = open_browser();
  for (int i = 0; i < 100; ++i)
    fake_browser.tell(info.id, "navigated", "{\"url\":\"http://site.test/#" + std::to_string(i) + "\",\"title\":\"\"}");
  turns(3);
  EXPECT_EQ(log_of(info.id).events.size(), 21U);
  EXPECT_EQ(look_at(info.id).url, "http://site.test/#99") << "what is told of it is right all the same";
  fake_browser.tell(info.id, "dialog", "{\"message\":\"" + std::string(20'000, 'x') + "\"}");
  advance_s(1);
  EXPECT_EQ(last_of(info.id), "dialog {}") << "a text without end neither";
}

TEST_F(BrowsersTest, ABrowserThatCrashesTakesItsSessionAlong) {
  auto const info = open_browser();
  get<Opened>(JoinSession{{}, info.id, attachment(outlet)});
  fake_browser.answers_by_itself = false;
  auto const running = submit(calling(info.id));
  fake_browser.tell(info.id, "crashed", R"({"reason":"signal 11"})", true);
  turns(4);
  auto const lines = outlet.take_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], R"(2 session.browser 0 crashed {"reason":"signal 11"})");
  EXPECT_EQ(lines[1], R"(3 session.closed 0 {"reason":"browser_crashed"})");
  EXPECT_EQ(running->code(), Code::ended);
  auto const after = ask(user("alice"), calling(info.id));
  EXPECT_EQ(after->code(), Code::ended);
  EXPECT_EQ(after->message(), "Session ended because its browser crashed");
  EXPECT_TRUE(ask(user("alice"), calling(info.id, Function::close))->as<FunctionAnswer>());
  fake_browser.tell(info.id, "navigated", "{}");
  turns(3);
}

TEST_F(BrowsersTest, AFailedCommitAnswersEverybodyWhoWaits) {
  fake_browser.places = 1;
  auto const info = open_browser();
  fake_browser.answers_by_itself = false;
  auto const call = submit(calling(info.id));
  auto const queued = submit(user("bob"), opening());
  turn();
  store.fail(error(Code::storage_full, "no space left"));
  submit(PostMessage{{}, info.id, "x"});
  turns(4);
  EXPECT_TRUE(hub.is_stopped());
  EXPECT_EQ(call->runs, 1);
  EXPECT_NE(call->code(), std::nullopt);
  EXPECT_EQ(queued->runs, 1);
  EXPECT_NE(queued->code(), std::nullopt);
  fake_browser.answer(std::string("{}"));
  fake_browser.tell(info.id, "navigated", "{}");
  turns(3);
  EXPECT_EQ(call->runs, 1);
}

TEST_F(BrowsersTest, SecretsOfAProxyAreNeitherInTheLogNorInAnAnswer) {
  SessionWish wish;
  wish.browser = {.proxy_url = "http://proxy.test:1", .proxy_username = "carl", .proxy_password = "Tr0ub4dor"};
  auto const info = open_browser("alice", wish);
  for (auto const& event : log_of(info.id).events) EXPECT_EQ(event->data.find("Tr0ub4dor"), std::string::npos);
  EXPECT_EQ(fake_browser.opened[0].second.proxy_password, "Tr0ub4dor");
}

}  // namespace
}  // namespace sojourn

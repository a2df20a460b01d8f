#include "api/chat.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/desk.h"

namespace sojourn {
namespace {

using test::Ask;
using test::Desk;
using test::DeskSetup;
using test::Line;

std::string block(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }
std::string message(std::string_view line) { return block(R"({"message":")" + std::string(line) + "\"}"); }
std::string analysis(std::string_view content, bool complete = false) {
  return block(R"({"type":"analysis","content":")" + std::string(content) + R"(","complete":)" +
               (complete ? "true}" : "false}"));
}

class ChatTest : public testing::Test {
 protected:
  void open(bool has_endpoint = true, bool is_open = true) {
    DeskSetup setup;
    if (has_endpoint) setup.responder.url = "http://127.0.0.1:9100/answer";
    setup.is_open = is_open;
    desk = std::make_unique<Desk>(std::move(setup));
  }
  Ask& begin(std::string body, test::Fields fields = {}) {
    auto& asked = desk->begin("POST", "/havefun", std::move(body), std::move(fields));
    turns(3);
    return asked;
  }
  // The whole of it.
  Ask& ask(std::string body, test::Fields fields = {}) {
    auto& asked = begin(std::move(body), std::move(fields));
    for (int i = 0; i < 20 && !asked.is_whole(); ++i) turns(1);
    EXPECT_EQ(asked.answers(), 1);
    return asked;
  }
  void turns(int count) {
    while (count-- > 0) desk->turn();
  }
  void pass_ms(std::int64_t ms) {
    desk->stage.clock.advance_us(ms * 1000);
    desk->turn();
  }
  void push(std::string_view piece) {
    ASSERT_TRUE(desk->caller.push(desk->caller.calls().size(), piece));
    desk->turn();
  }
  void end(int status = 200) {
    desk->caller.finish(desk->caller.calls().size(), CallResult{status, "text/event-stream", {}});
    turns(3);
  }
  // The session of a thread.
  std::string session_of(std::string const& thread, Principal const& by = local_principal()) {
    std::string id;
    OpenSession command{.kind = SessionKind::shared};
    command.wish.thread_id = thread;
    desk->stage.hub.submit(by, std::move(command),
                           [&](Result<Outcome> const& out) { id = std::get<Opened>(*out).session.id; });
    turns(2);
    return id;
  }
  // "name data" of each message in the session's log.
  std::vector<std::string> messages(std::string const& session) {
    std::vector<std::string> out;
    desk->stage.hub.submit(local_principal(), ReadEvents{{}, session}, [&](Result<Outcome> const& outcome) {
      for (auto const& event : std::get<EventPage>(*outcome).events) {
        if (event->type == EventType::message) out.push_back(event->name + " " + event->data);
      }
    });
    turns(2);
    return out;
  }

  std::unique_ptr<Desk> desk;
};

TEST_F(ChatTest, AnAnswerIsAStreamOfItsLines) {
  open();
  desk->caller.will_answer(R"({"answer":"one\n\n  two \r\n \t \n\"three\""})");
  auto& asked = ask(R"({"user_input":"why?"})");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.response().content_type, "text/event-stream");
  EXPECT_EQ(asked.heard(), message("one") + message("  two ") + message(R"(\"three\")"));
  auto const& headers = asked.response().headers;
  EXPECT_EQ(headers, (decltype(asked.response().headers){{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}));
}

TEST_F(ChatTest, LinesAreSaidAsTheyAreCompletedAndOnce) {
  open();
  desk->caller.will_never_answer();
  auto& asked = begin(R"({"user_input":"why?"})");
  push(block(R"({"content":"on"})"));
  EXPECT_FALSE(asked.is_answered()) << "the line is only begun";
  push(block(R"({"content":"e\n\ntw"})"));
  EXPECT_EQ(asked.heard(), message("one"));
  push(block(R"({"content":"o\nthree"})"));
  EXPECT_EQ(asked.heard(), message("one") + message("two"));
  EXPECT_FALSE(asked.is_whole());
  end();
  EXPECT_TRUE(asked.is_whole());
  EXPECT_EQ(asked.heard(), message("one") + message("two") + message("three"));
}

TEST_F(ChatTest, AnAnswerThatIsAnotherInTheEndGoesOnWhereItDiffers) {
  open();
  desk->caller.will_stream({block(R"({"content":"one\nhm\n"})"), block(R"({"answer":"one\ntwo\nhm"})")});
  EXPECT_EQ(ask("{}").heard(), message("one") + message("hm") + message("two") + message("hm"));
  desk->caller.will_stream({block(R"({"content":"one\ntwo\n"})"), block(R"({"answer":"one"})")});
  EXPECT_EQ(ask("{}").heard(), message("one") + message("hm") + message("two") + message("hm"))
      << "the plan before is for two calls";
  EXPECT_EQ(ask("{}").heard(), message("one") + message("two"));
}

TEST_F(ChatTest, RemarksStandInTheStreamInTheirPlace) {
  open();
  desk->caller.will_stream(
      {block(R"({"type":"analysis","content":"Let me "})") +
           block(R"({"type":"analysis","content":"see.","complete":true})"),
       block(R"({"type":"knowledge","content":"ducks"})") + block(R"({"message":"Ducks swim."})")});
  EXPECT_EQ(ask(R"({"thread_id":"t"})").heard(),
            analysis("Let me ") + analysis("see.", true) +
                block(R"({"type":"knowledge","content":"ducks","complete":false})") + message("Ducks swim."));
  EXPECT_TRUE(messages(session_of("t")).empty()) << "and nowhere else";
}

TEST_F(ChatTest, ForSocketsTheyGoToTheThreadAlone) {
  open();
  desk->caller.will_stream(
      {block(R"({"type":"analysis","content":"Let me "})") +
           block(R"({"type":"analysis","content":"see.","complete":true})"),
       block(R"({"type":"knowledge","content":"ducks"})") + block(R"({"message":"Ducks swim."})")});
  EXPECT_EQ(ask(R"({"thread_id":"t","use_websocket":true})").heard(), message("Ducks swim."));
  EXPECT_EQ(messages(session_of("t")),
            (std::vector<std::string>{R"(analysis_update {"type":"analysis","content":"Let me ","complete":false})",
                                      R"(analysis_update {"type":"analysis","content":"see.","complete":true})",
                                      R"(knowledge {"type":"knowledge","content":"ducks","complete":false})"}));
}

TEST_F(ChatTest, RemarksForSocketsThatComeTooFastAreJoined) {
  open();
  desk->caller.will_never_answer();
  begin(R"({"thread_id":"t","use_websocket":true})");
  auto const session = session_of("t");
  auto const say = [&](std::string_view c) {
    push(block(R"({"type":"analysis","content":")" + std::string(c) + "\"}"));
  };
  say("a");
  EXPECT_EQ(messages(session).size(), 1u) << "the first at once";
  say("b");
  say("c");
  EXPECT_EQ(messages(session).size(), 1u);
  pass_ms(50);
  EXPECT_EQ(messages(session).back(), R"(analysis_update {"type":"analysis","content":"bc","complete":false})");
  say("d");
  end();
  EXPECT_EQ(messages(session).back(), R"(analysis_update {"type":"analysis","content":"d","complete":false})")
      << "nothing is left over";
}

TEST_F(ChatTest, WhoeverSaysNothingButAnalysisIsNotSaidTwice) {
  open();
  desk->caller.will_stream({block(R"({"type":"analysis","content":"only this"})")});
  auto& asked = ask("{}");
  EXPECT_EQ(asked.heard(), analysis("only this"));
  EXPECT_EQ(ask(R"({"use_websocket":true})").heard(), "");
}

TEST_F(ChatTest, TheQuestionIsAskedInTheThreadWithWhatWasSaidBefore) {
  open();
  desk->caller.will_answer(R"({"answer":"because"})");
  ask(R"({"user_input":"why?","user_id":"ana","thread_id":"t","graph_version_id":"v1"})");
  ask(R"({"user_input":"really?","thread_id":"t"})");
  ask(R"({"user_input":"elsewhere?"})");
  ASSERT_EQ(desk->caller.calls().size(), 3u);
  auto const call = [&](std::size_t n) { return json::parse(desk->caller.calls()[n].body)->as_object(); };
  EXPECT_EQ(call(0).at("query"), "why?");
  EXPECT_EQ(json::to_text(call(0).at("context")), R"({"user_id":"ana","thread_id":"t","graph_version_id":"v1"})");
  EXPECT_EQ(json::to_text(call(1).at("history")),
            R"([{"role":"user","content":"why?"},{"role":"assistant","content":"because"}])");
  EXPECT_EQ(json::to_text(call(2).at("history")), "[]");
  EXPECT_EQ(call(2).at("context").at("thread_id"), "chat_thread");
  EXPECT_EQ(call(2).at("context").at("user_id"), "thefusionlab");
  EXPECT_EQ(call(0).at("session_id"), call(1).at("session_id"));
  EXPECT_EQ(call(0).at("session_id").as_string(), session_of("t"));
}

TEST_F(ChatTest, AThreadIsASessionOfADayAndMayBeNamedByItsId) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  ask(R"({"thread_id":"t"})");
  auto const id = session_of("t");
  std::optional<SessionInfo> info;
  desk->stage.hub.submit(local_principal(), GetSession{{}, id},
                         [&](Result<Outcome> const& out) { info = std::get<SessionInfo>(*out); });
  turns(2);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->type, "thread");
  EXPECT_EQ(info->thread_id, "t");
  EXPECT_EQ(info->idle_us, std::int64_t{86'400} * 1'000'000);
  EXPECT_EQ(info->owner, local_principal().name);
  ask(R"({"thread_id":")" + id + "\"}");
  EXPECT_NE(desk->caller.calls().back().body.find(id), std::string::npos);
  ask(R"({"thread_id":"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"})");
  auto const other = session_of("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa");
  EXPECT_NE(other, id);
  EXPECT_NE(desk->caller.calls().back().body.find(other), std::string::npos) << "no session's id: a name";
}

TEST_F(ChatTest, NobodyToAnswerIsUnavailableAndSaysSo) {
  open(false);
  auto& asked = ask("{}");
  EXPECT_EQ(asked.status(), 503);
  EXPECT_TRUE(asked.body().starts_with(R"({"error":"no responder is attached; )")) << asked.body();
  ask(R"({"thread_id":"t","use_websocket":true})");
  EXPECT_TRUE(messages(session_of("t")).empty());
}

TEST_F(ChatTest, AFailureBeforeAnythingWasSaidIsAnError) {
  open();
  desk->caller.will_answer(R"({"error":"no model"})", 500);
  auto& asked = ask("{}");
  EXPECT_EQ(asked.status(), 502);
  EXPECT_EQ(asked.body(), R"({"error":"the responder answered with status 500: no model"})");
}

TEST_F(ChatTest, AFailureMidwayIsTheLastLine) {
  open();
  desk->caller.will_stream({block(R"({"content":"one\ntw"})"), block(R"({"error":"out of memory"})")});
  auto& asked = ask(R"({"thread_id":"t"})");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.heard(), message("one") + block(R"({"error":"out of memory"})"));
  EXPECT_TRUE(messages(session_of("t")).empty());
}

TEST_F(ChatTest, AFailureMidwayIsToldToTheSocketsToo) {
  open();
  desk->caller.will_stream({block(R"({"type":"analysis","content":"so far"})"), block(R"({"error":"out of memory"})")});
  auto& asked = ask(R"({"thread_id":"t","use_websocket":true})");
  EXPECT_EQ(asked.status(), 502) << "nothing went into the stream";
  EXPECT_EQ(messages(session_of("t")),
            (std::vector<std::string>{
                R"(analysis_update {"type":"analysis","content":"so far","complete":false})",
                R"(analysis_update {"type":"analysis","content":"out of memory","complete":true,"error":true})"}));
}

TEST_F(ChatTest, AMemberOfTheThreadThatOfferedIsAskedFirst) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  ask(R"({"thread_id":"t"})");
  auto& member = desk->connect("/api/v1/sessions/" + session_of("t") + "/stream");
  desk->say(member, R"({"type":"offer","queries":true})");
  member.outlet.take_lines();
  auto& asked = begin(R"({"thread_id":"t","user_input":"why?"})");
  std::string id;
  for (auto const& line : member.outlet.take_lines()) {
    auto const frame = json::parse(line)->as_object();
    if (json::find_string(frame, "type") == "query") id = json::find_string(frame, "query_id");
  }
  ASSERT_FALSE(id.empty());
  desk->say(member, R"({"type":"query_progress","query_id":")" + id + R"(","text":"one\ntw"})");
  turns(2);
  EXPECT_EQ(asked.heard(), message("one"));
  auto& stranger = desk->connect("/api/v1/sessions/" + session_of("t") + "/stream");
  desk->say(stranger, R"({"type":"query_progress","query_id":")" + id + R"(","text":"\nmine\n"})");
  turns(2);
  EXPECT_EQ(asked.heard(), message("one")) << "only who was asked is heard";
  desk->say(member, R"({"type":"query_result","query_id":")" + id + R"(","answer":"one\ntwo"})");
  turns(3);
  EXPECT_TRUE(asked.is_whole());
  EXPECT_EQ(asked.heard(), message("one") + message("two"));
  EXPECT_EQ(desk->caller.calls().size(), 1u);
}

TEST_F(ChatTest, AReaderThatLeavesEndsNothing) {
  open();
  desk->caller.will_never_answer();
  auto& asked = begin(R"({"thread_id":"t"})");
  push(block(R"({"message":"one"})") + block(R"({"message":"two"})"));
  asked.hang_up();
  push(block(R"({"message":"three"})") + block(R"({"message":"four"})"));
  end();
  EXPECT_EQ(asked.heard(), message("one"));
  desk->caller.forget_plans();
  desk->caller.will_answer(R"({"answer":"a"})");
  ask(R"({"thread_id":"t"})");
  EXPECT_NE(desk->caller.calls().back().body.find(R"(one\ntwo\nthree\nfour)"), std::string::npos)
      << "the answer is in the log";
}

TEST_F(ChatTest, AThreadIsInUseWhileItsAnswerIsOnItsWay) {
  open();
  desk->caller.will_never_answer();
  begin(R"({"thread_id":"t"})");
  EXPECT_EQ(desk->touched, std::vector<std::string>{"t"});
  pass_ms(9'999);
  EXPECT_EQ(desk->touched.size(), 1u);
  pass_ms(1);
  pass_ms(10'000);
  EXPECT_EQ(desk->touched, (std::vector<std::string>{"t", "t", "t"}));
  desk->caller.finish(1, CallResult{200, "application/json", R"({"answer":"a"})"});
  turns(3);
  pass_ms(10'000);
  pass_ms(10'000);
  EXPECT_EQ(desk->touched.size(), 3u);
}

TEST_F(ChatTest, WhatIsNoRequestIsRefused) {
  open();
  for (std::string const body : {"", "{", "text", "[1]", "\"x\"", R"({"user_input":7})", R"({"thread_id":{"a":1}})",
                                 R"({"user_id":[]})", R"({"graph_version_id":1})", R"({"use_websocket":"yes"})"}) {
    auto& asked = ask(body);
    EXPECT_EQ(asked.status(), 400) << body;
    EXPECT_TRUE(asked.body().starts_with("{\"error\":\"")) << asked.body();
  }
  EXPECT_EQ(ask(R"({"user_input":")" + std::string(256 * 1024 + 1, 'x') + "\"}").status(), 413);
  EXPECT_EQ(desk->caller.calls().size(), 0u);
  EXPECT_EQ(desk->ask("GET", "/havefun").status(), 405);
}

TEST_F(ChatTest, WhatIsNullIsLeftOut) {
  open();
  desk->caller.will_answer(R"({"answer":"a"})");
  EXPECT_EQ(ask(R"({"user_input":null,"thread_id":null,"use_websocket":null,"more":[1]})").status(), 200);
  EXPECT_EQ(desk->touched, std::vector<std::string>{"chat_thread"});
}

TEST_F(ChatTest, WithTokensAThreadIsItsUsersOwn) {
  open(true, false);
  desk->caller.will_answer(R"({"answer":"a"})");
  EXPECT_EQ(ask("{}").status(), 401);
  auto const as = [&](std::string user, Scope scope = Scope::write) {
    return test::Fields{Desk::bearer(desk->mint(std::move(user), scope))};
  };
  EXPECT_EQ(ask(R"({"thread_id":"t"})", as("alice")).status(), 200);
  EXPECT_EQ(ask(R"({"thread_id":"t","user_id":"alice"})", as("alice")).status(), 200);
  EXPECT_EQ(ask(R"({"thread_id":"t","user_id":"bob"})", as("alice")).status(), 403);
  EXPECT_EQ(ask(R"({"thread_id":"t"})", as("alice", Scope::read)).status(), 403);
  auto const call = [&](std::size_t n) { return json::parse(desk->caller.calls()[n].body)->as_object(); };
  auto const session = call(0).at("session_id").as_string();
  EXPECT_EQ(call(0).at("user"), "alice");
  EXPECT_EQ(call(1).at("session_id"), session);
  EXPECT_EQ(ask(R"({"thread_id":"t"})", as("bob")).status(), 200);
  EXPECT_NE(call(2).at("session_id"), session);
  EXPECT_EQ(ask(R"({"thread_id":")" + std::string(session) + "\"}", as("bob")).status(), 200);
  EXPECT_NE(call(3).at("session_id"), session) << "nobody else's by its id";
}

TEST_F(ChatTest, ASessionThatEndsEndsTheStream) {
  open();
  desk->caller.will_never_answer();
  auto& asked = begin(R"({"thread_id":"t"})");
  push(block(R"({"message":"one"})") + block(R"({"message":"two"})"));
  desk->stage.hub.submit(local_principal(), CloseSession{{}, session_of("t")}, [](Result<Outcome> const&) {});
  turns(2);
  push(block(R"({"message":"three"})"));
  pass_ms(50);
  turns(3);
  EXPECT_TRUE(asked.is_whole());
  EXPECT_NE(asked.heard().find("data: {\"error\":"), std::string::npos) << asked.heard();
}

TEST_F(ChatTest, PagesHearWhatTheyMaySend) {
  open();
  auto& asked = desk->ask("OPTIONS", "/havefun", {}, {{"Origin", "http://allowed.test"}});
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), "");
  EXPECT_EQ(asked.envelope().allow_origin, "http://allowed.test");
  EXPECT_EQ(asked.response().headers,
            (decltype(asked.response().headers){{"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
                                                {"Access-Control-Allow-Headers", "Content-Type, Authorization"},
                                                {"Access-Control-Max-Age", "86400"}}));
  EXPECT_EQ(desk->ask("OPTIONS", "/ping").status(), 204);
}

TEST_F(ChatTest, PingIsPong) {
  open();
  auto& asked = desk->ask("POST", "/ping");
  EXPECT_EQ(asked.status(), 200);
  EXPECT_EQ(asked.body(), "Pong");
  EXPECT_EQ(asked.response().content_type, "text/plain; charset=utf-8");
}

}  // namespace
}  // namespace sojourn

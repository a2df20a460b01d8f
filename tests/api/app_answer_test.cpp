#include "api/app_answer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sojourn {
namespace {

std::string header_of(Response const& response, std::string_view name) {
  for (auto const& [given, value] : response.headers)
    if (given == name) return value;
  return {};
}

TEST(AppRefusal, INF_09_OfASessionHasItsDocumentedCode) {
  struct Row {
    Error error;
    int status;
    std::string_view body;
  };
  for (auto const& each :
       {Row{{Code::not_found, "Session not found"},
            404,
            R"({"error":{"code":"SESSION_NOT_FOUND","message":"Session not found: s"}})"},
        Row{{Code::expired, "Session expired"},
            410,
            R"({"error":{"code":"SESSION_EXPIRED","message":"Session expired: s"}})"},
        Row{{Code::ended, "Session ended"}, 410, R"({"error":{"code":"SESSION_ENDED","message":"Session ended: s"}})"},
        Row{{Code::forbidden, "this token may only read"},
            403,
            R"({"error":{"code":"FORBIDDEN","message":"this token may only read"}})"}}) {
    auto const response = app_refusal(each.error, "s");
    EXPECT_EQ(response.status, each.status);
    EXPECT_EQ(response.body, each.body);
  }
}

TEST(AppRefusal, NamesWhatIsNotThereAndWhichFieldIsWrong) {
  EXPECT_EQ(app_refusal(error(Code::not_found, "App not found: x")).body,
            R"({"error":{"code":"APP_NOT_FOUND","message":"App not found: x"}})");
  EXPECT_EQ(app_refusal(wrong_field("body", "input.ref", "has to be a text")).body,
            R"({"error":{"code":"UNPROCESSABLE","message":"input.ref has to be a text","field":"input.ref"}})");
  EXPECT_EQ(app_refusal(error(Code::not_found, "else")).body, R"({"error":{"code":"NOT_FOUND","message":"else"}})");
}

TEST(AppRefusal, INF_11_SaysWhenToTryAgain) {
  Error full{Code::too_many, "too many browser sessions"};
  full.retry_s = 7;
  EXPECT_EQ(header_of(app_refusal(full), "Retry-After"), "7");
  EXPECT_EQ(header_of(app_refusal(error(Code::unauthenticated, "who?")), "WWW-Authenticate"), "Bearer");
}

TEST(IsFailedCall, TellsACallThatFailedFromNone) {
  EXPECT_TRUE(is_failed_call(error(Code::conflict, "Browser not started. Call 'open' first.")));
  EXPECT_TRUE(is_failed_call(error(Code::failed, "Failed to open URL: x")));
  EXPECT_TRUE(is_failed_call(error(Code::timeout, "late")));
  EXPECT_TRUE(is_failed_call(error(Code::crashed, "gone")));
  EXPECT_TRUE(is_failed_call(error(Code::forbidden, "Failed to open URL: file: addresses are not allowed")));
  EXPECT_FALSE(is_failed_call(error(Code::forbidden, "this token may only read")));
  for (auto const code : {Code::not_found, Code::expired, Code::ended, Code::too_many, Code::unavailable})
    EXPECT_FALSE(is_failed_call(error(code, "x")));
}

TEST(AppSession, IsTheDocumentedRecord) {
  SessionInfo info;
  info.id = "sess_1";
  info.opened_us = 1'771'960'936'015'000;
  info.expires_us = 1'771'961'536'015'000;
  info.idle_us = 600'000'000;
  info.calls = 3;
  info.url = "http://a.test/";
  EXPECT_EQ(to_app_session(info),
            R"({"id":"sess_1","worker_id":"local","app_id":"agent-browser","status":"active",)"
            R"("created_at":"2026-02-24T19:22:16.015000Z","expires_at":"2026-02-24T19:32:16.015000Z",)"
            R"("ended_at":null,"call_count":3,"last_call_at":null,"idle_timeout":600,"task_id":null,)"
            R"("url":"http://a.test/","title":null})");
  auto const ended = to_app_session(info, 1'771'960'937'000'000);
  EXPECT_NE(ended.find(R"("status":"ended",)"), std::string::npos);
  EXPECT_NE(ended.find(R"("expires_at":null,"ended_at":"2026-02-24T19:22:17.000000Z",)"), std::string::npos);
}

TEST(AppTaskText, SaysHowFarItIs) {
  AppTask task;
  task.id = "task_1";
  task.function = "open";
  task.created_us = 1'771'960'936'015'000;
  EXPECT_EQ(to_text(task), R"({"id":"task_1","app":"agent-browser","function":"open","status":"running","output":null,)"
                           R"("error":null,"error_code":null,"logs":[],"session_id":null,)"
                           R"("created_at":"2026-02-24T19:22:16.015000Z","finished_at":null})");
  task.finished_us = task.created_us;
  task.output = R"({"url":"x"})";
  task.session_id = "sess_1";
  task.video = R"({"uri":"v"})";
  EXPECT_EQ(to_text(task), R"({"id":"task_1","app":"agent-browser","function":"open","status":"completed",)"
                           R"("output":{"url":"x"},"error":null,"error_code":null,"logs":[],"session_id":"sess_1",)"
                           R"("created_at":"2026-02-24T19:22:16.015000Z",)"
                           R"("finished_at":"2026-02-24T19:22:16.015000Z","video":{"uri":"v"}})");
  task.error = "a \"b\"";
  EXPECT_NE(to_text(task).find(R"("status":"failed")"), std::string::npos);
  EXPECT_NE(to_text(task).find(R"("error":"a \"b\"")"), std::string::npos);
}

}  // namespace
}  // namespace sojourn

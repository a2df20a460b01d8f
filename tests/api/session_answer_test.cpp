#include "api/session_answer.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

TEST(SessionRefusal, AnUnknownSessionIsNamed) {
  auto const response = session_refusal(error(Code::not_found, "Session not found"), "a\"b");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            R"({"detail":"Session not found: a\"b","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
}

TEST(SessionRefusal, AnExpiredOneIsNotThereEitherButToldAsExpired) {
  auto const response = session_refusal(error(Code::expired, "Session expired"), "x");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"detail":"Session expired: x","code":"expired","error_code":"SESSION_EXPIRED"})");
}

TEST(SessionRefusal, OneThatHasEndedIsTold) {
  auto const response = session_refusal(error(Code::ended, "Session ended"), "x");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"detail":"Session ended: x","code":"ended","error_code":"SESSION_ENDED"})");
  auto const other = session_refusal(error(Code::ended, "it was closed"), "x");
  EXPECT_EQ(other.body, R"({"detail":"it was closed","code":"ended","error_code":"SESSION_ENDED"})");
}

TEST(SessionRefusal, WhateverElseIsMissingKeepsItsWords) {
  auto const key = session_refusal(error(Code::not_found, "State key not found: k"), "x");
  EXPECT_EQ(key.status, 404);
  EXPECT_EQ(key.body, "{\"detail\":\"State key not found: k\",\"code\":\"not_found\"}");
  auto const large = session_refusal(error(Code::too_large, "too much"), "x");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.body, "{\"detail\":\"too much\",\"code\":\"too_large\"}");
  auto const late = session_refusal(Error{Code::precondition_failed, "the present revision is 3", 3}, "x");
  EXPECT_EQ(late.status, 412);
  EXPECT_EQ(late.body, "{\"detail\":\"the present revision is 3\",\"code\":\"precondition_failed\",\"revision\":3}");
}

TEST(AnswerWith, ShapesAnOutcomeAndRefusesAFailure) {
  Response told;
  told.status = 0;
  Respond const respond(
      [](void* place, std::uint64_t, Response given) { *static_cast<Response*>(place) = std::move(given); }, &told, 0);
  auto const reply = answer_with<Posted>(
      respond, "x", [](Posted const& posted) { return json_response(std::to_string(posted.seq), 201); });
  reply(Outcome(Posted{7, 0, {}}));
  EXPECT_EQ(told.status, 201);
  EXPECT_EQ(told.body, "7");
  reply(error(Code::not_found, "Session not found"));
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.body, R"({"detail":"Session not found: x","code":"not_found","error_code":"SESSION_NOT_FOUND"})");
}

TEST(EmptyResponse, HasNeitherBodyNorType) {
  EXPECT_EQ(empty_response().status, 204);
  EXPECT_EQ(empty_response().body, "");
  EXPECT_EQ(empty_response().content_type, "");
}

TEST(JsonText, IsQuotedAndATimeOfNothingIsNull) {
  EXPECT_EQ(json_text("a\"b\n"), R"("a\"b\n")");
  EXPECT_EQ(json_time(1'771'960'936'015'123), R"("2026-02-24T19:22:16.015123Z")");
  EXPECT_EQ(json_time(0), "null");
}

TEST(AppendTextMember, WritesNameAndTextEscaped) {
  std::string out = "{";
  append_text_member(out, "a", "b\n\"");
  EXPECT_EQ(out, "{\"a\":\"b\\n\\\"\"");
}

}  // namespace
}  // namespace sojourn

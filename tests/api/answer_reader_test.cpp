#include "api/answer_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace sojourn {
namespace {

// The answer as JSON, or "failed: " and why.
std::string to_line(Result<json::object> const& answer) {
  if (answer) return json::to_text(*answer);
  EXPECT_EQ(answer.error().code, Code::failed);
  return "failed: " + answer.error().message;
}

std::string read(std::string_view body) { return to_line(read_answer(body)); }

// Text as it stands, remarks in brackets.
std::string to_line(std::vector<AnswerPart> const& parts) {
  std::string out;
  for (auto const& part : parts) out += part.remark.empty() ? part.text : "[" + json::to_text(part.remark) + "]";
  return out;
}

// What a stream adds up to: "pieces together|the answer".
std::string read_stream(std::vector<std::string_view> const& parts) {
  AnswerReader reader;
  std::string text;
  for (auto const part : parts) text += to_line(reader.feed(part));
  return text + "|" + to_line(reader.finish());
}

// The same, wherever the bytes are cut in two.
std::string read_stream(std::string_view stream) {
  auto const whole = read_stream(std::vector{stream});
  for (std::size_t cut = 0; cut <= stream.size(); ++cut)
    EXPECT_EQ(read_stream({stream.substr(0, cut), stream.substr(cut)}), whole) << "cut at " << cut;
  AnswerReader bytewise;
  std::string text;
  for (auto const& byte : stream) text += to_line(bytewise.feed({&byte, 1}));
  EXPECT_EQ(text + "|" + to_line(bytewise.finish()), whole);
  return whole;
}

std::string chunk(std::string_view content) {
  return "data: " + json::to_text(json::object{{"choices", {{{"index", 0}, {"delta", {{"content", content}}}}}}}) +
         "\n\n";
}

TEST(AnswerReader, TheTextOfABodyIsUnderOneOfSixNames) {
  EXPECT_EQ(read(R"({"answer":"a","message":"b","content":"c","text":"d"})"), R"({"answer":"a"})");
  EXPECT_EQ(read(R"({"message":"b","content":"c","text":"d"})"), R"({"answer":"b"})");
  EXPECT_EQ(read(R"({"content":"c","text":"d"})"), R"({"answer":"c"})");
  EXPECT_EQ(read(R"({"text":"d"})"), R"({"answer":"d"})");
  EXPECT_EQ(read(R"({"choices":[{"message":{"role":"assistant","content":"e"}},{"message":{"content":"x"}}]})"),
            R"({"answer":"e"})");
  EXPECT_EQ(read(R"({"message":{"role":"assistant","content":"f"}})"), R"({"answer":"f"})");
  EXPECT_EQ(read(R"({"answer":""})"), R"({"answer":""})") << "what it says, even if that is nothing";
}

TEST(AnswerReader, ABodyWithoutTextIsNoAnswer) {
  for (auto const* body : {"{}", R"({"answer":7})", R"({"answer":null,"content":["a"]})", R"({"choices":[]})",
                           R"({"choices":[7]})", R"({"choices":[{"message":{"content":null}}]})", R"({"error":null})"})
    EXPECT_EQ(read(body), "failed: the responder's answer has no text") << body;
  for (auto const* body : {"", "hello", "[\"a\"]", "\"a\"", "{\"answer\":\"a\"", "<html>", "{\"answer\":\"\xff\"}"})
    EXPECT_EQ(read(body), "failed: the responder's answer is neither a JSON object nor an event stream") << body;
}

TEST(AnswerReader, OptionalMembersArePassedOnWhenTheirTypeIsRight) {
  EXPECT_EQ(
      read(R"({"answer":"a","findings":[{"x":1}],"root_cause":"r","recommendations":["b"],"confidence_score":0.9,)"
           R"("estimated_mttr":"1 h","next_steps":[],"sources":["s"],"view_state":{"v":1},"plan":[1],)"
           R"("response_type":"PLAN","other":1})"),
      R"({"answer":"a","findings":[{"x":1}],"root_cause":"r","recommendations":["b"],"confidence_score":0.9,)"
      R"("estimated_mttr":"1 h","next_steps":[],"sources":["s"],"view_state":{"v":1},"plan":[1],)"
      R"("response_type":"PLAN"})");
  EXPECT_EQ(read(R"({"answer":"a","findings":"x","root_cause":["r"],"confidence_score":"0.9","estimated_mttr":3,)"
                 R"("next_steps":{},"sources":null,"view_state":[],"plan":"p","response_type":1})"),
            R"({"answer":"a"})");
}

TEST(AnswerReader, AMemberThatNestsTooDeeplyIsLeftOut) {
  auto const nested = [](std::size_t depth) {
    return R"({"answer":"a","findings":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_NE(read(nested(32)).find("findings"), std::string::npos);
  EXPECT_EQ(read(nested(33)), R"({"answer":"a"})");
}

TEST(AnswerReader, AnErrorIsAFailureInItsOwnWords) {
  EXPECT_EQ(read(R"({"error":"no model","answer":"a"})"), "failed: no model");
  EXPECT_EQ(read(R"({"error":{"message":"overloaded","code":529}})"), "failed: overloaded");
  EXPECT_EQ(read(R"({"error":{"code":529}})"), R"(failed: {"code":529})");
  EXPECT_EQ(read(R"({"type":"error","message":"m"})"), "failed: m");
  EXPECT_EQ(read(R"({"error":true,"message":"m"})"), "failed: m");
  EXPECT_EQ(read(R"({"error":true})"), "failed: the responder failed and does not say why");
  EXPECT_EQ(read(R"({"error":false,"answer":"a"})"), R"({"answer":"a"})");
  EXPECT_EQ(read(R"({"error":")" + std::string(1999, 'x') + R"(€"})"), "failed: " + std::string(1999, 'x'));
}

TEST(AnswerReader, TextIsBounded) {
  EXPECT_TRUE(read_answer(R"({"answer":")" + std::string(answer_bytes_max, 'x') + R"("})"));
  EXPECT_EQ(read(R"({"answer":")" + std::string(answer_bytes_max + 1, 'x') + R"("})"),
            "failed: the responder's answer has more than 1,000,000 bytes of text");
}

TEST(AnswerReader, ChunksOfChatCompletionsAddUpUntilDone) {
  EXPECT_EQ(read_stream(R"(data: {"choices":[{"delta":{"role":"assistant","content":""}}]})"
                        "\n\n" +
                        chunk("Hel") + chunk("lo, \xE2\x82\xAC") +
                        R"(data: {"choices":[{"delta":{},"finish_reason":"stop"}]})"
                        "\n\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\n" +
                        chunk("more")),
            "Hello, \xE2\x82\xAC|{\"answer\":\"Hello, \xE2\x82\xAC\"}");
}

TEST(AnswerReader, TextAndLinesAddUpToo) {
  EXPECT_EQ(read_stream("data: {\"content\":\"a\"}\r\n\r\ndata: {\"text\":\"b\"}\r\n\r\n"), R"(ab|{"answer":"ab"})");
  EXPECT_EQ(
      read_stream("data: {\"message\":\"one\"}\n\ndata: {\"message\":\"two\\n\"}\n\ndata: {\"message\":\"three\"}\n\n"),
      "one\ntwo\nthree|{\"answer\":\"one\\ntwo\\nthree\"}");
}

TEST(AnswerReader, TheLastAnswerIsTheWhole) {
  EXPECT_EQ(read_stream("data: {\"content\":\"thinking\",\"sources\":[1]}\n\n"
                        "data: {\"answer\":\"42\",\"confidence_score\":1}\n\ndata: {\"error\":\"late\"}\n\n"),
            R"(thinking|{"answer":"42","sources":[1],"confidence_score":1})");
}

TEST(AnswerReader, AnErrorInAStreamEndsIt) {
  EXPECT_EQ(read_stream(chunk("a") + "data: {\"error\":{\"message\":\"context too long\"}}\n\n" + chunk("b")),
            "a|failed: context too long");
  EXPECT_EQ(read_stream("event: error\ndata: plain words\n\n"), "|failed: plain words");
  auto const latin_1 = read_stream("event: error\ndata: gr\xfc\xdf\n\n");
  EXPECT_TRUE(is_utf8(latin_1)) << "what is kept in a log has to be";
  EXPECT_TRUE(latin_1.starts_with("|failed: gr")) << latin_1;
  EXPECT_EQ(read_stream("event: error\ndata: {\"why\":1}\n\n"), R"(|failed: {"why":1})");
}

TEST(AnswerReader, WhatIsNoObjectIsSkippedAndNothingIsNoAnswer) {
  EXPECT_EQ(read_stream(": ping\n\nevent: x\ndata: 7\n\ndata: {broken\n\n" + chunk("a")), R"(a|{"answer":"a"})");
  EXPECT_EQ(read_stream("data: {}\n\ndata: [DONE]\n\n"), "|failed: the responder's answer has no text");
  EXPECT_EQ(read_stream(""), "|failed: the responder's answer has no text");
  EXPECT_EQ(read_stream("data: {\"content\":\"\"}\n\n"), R"(|{"answer":""})");
}

TEST(AnswerReader, AStreamMayEndWithoutAnEmptyLine) {
  EXPECT_EQ(read_stream("data: {\"answer\":\"a\"}"), R"(|{"answer":"a"})");
}

TEST(AnswerReader, AStreamIsOverWhenNothingCanChangeAnyMore) {
  AnswerReader reader;
  EXPECT_EQ(to_line(reader.feed(chunk("a"))), "a");
  EXPECT_FALSE(reader.is_over());
  EXPECT_EQ(to_line(reader.feed("data: [DONE]\n\n" + chunk("b"))), "");
  EXPECT_TRUE(reader.is_over());
}

TEST(AnswerReader, AStreamThatDoesNotEndFailsAtTheLimit) {
  AnswerReader reader;
  auto const part = chunk(std::string(100'000, 'x'));
  std::size_t bytes = 0;
  for (int i = 0; i < 20 && !reader.is_over(); ++i) bytes += to_line(reader.feed(part)).size();
  EXPECT_EQ(bytes, answer_bytes_max);
  EXPECT_EQ(to_line(reader.finish()), "failed: the responder's answer has more than 1,000,000 bytes of text");
}

TEST(AnswerReader, ATextIsCutBetweenCharacters) {
  EXPECT_EQ(cut_text("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  for (std::size_t max : {1U, 2U, 3U}) EXPECT_EQ(cut_text("a\xE2\x82\xAC", max), "a");
  EXPECT_EQ(cut_text("\xE2\x82\xAC", 2), "");
}

TEST(AnswerReader, RemarksStandBesideTheText) {
  EXPECT_EQ(read_stream(R"(data: {"type":"analysis","content":"Let me ","complete":false}

data: {"type":"analysis","content":"see.","complete":true}

data: {"message":"Ducks"}

data: {"type":"knowledge","content":{"ducks":[1]}}

data: {"message":"swim."}

)"),
            R"([{"type":"analysis","content":"Let me ","complete":false}])"
            R"([{"type":"analysis","content":"see.","complete":true}]Ducks)"
            R"([{"type":"knowledge","content":{"ducks":[1]},"complete":false}])"
            "\nswim.|{\"answer\":\"Ducks\\nswim.\"}");
  EXPECT_EQ(read_stream(R"(data: {"type":"thought","content":"a"}

)"),
            R"(a|{"answer":"a"})")
      << "no other type is one";
}

TEST(AnswerReader, AnalysisAloneIsTheAnswer) {
  EXPECT_EQ(
      read_stream(R"(data: {"type":"knowledge","content":"x"}

data: {"type":"analysis","content":"a"}

data: {"type":"analysis","content":"b"}

)"),
      R"([{"type":"knowledge","content":"x","complete":false}][{"type":"analysis","content":"a","complete":false}])"
      R"([{"type":"analysis","content":"b","complete":false}]|{"answer":"ab"})");
}

TEST(AnswerReader, ARemarkThatWentWrongIsNoFailureOfTheAnswer) {
  EXPECT_EQ(read_stream(R"(data: {"type":"analysis","content":"stuck","error":true,"complete":true}

data: {"answer":"a"}

)"),
            R"([{"type":"analysis","content":"stuck","complete":true,"error":true}]|{"answer":"a"})");
  EXPECT_EQ(read_stream(R"(data: {"type":"analysis","error":null}

)"),
            R"([{"type":"analysis","content":"","complete":false}]|failed: the responder's answer has no text)")
      << "nor is it one";
}

TEST(AnswerReader, ARemarkInTheLastEventIsGivenAfterTheEnd) {
  AnswerReader cut;
  EXPECT_EQ(to_line(cut.feed(R"(data: {"type":"knowledge","content":"x"})")), "");
  EXPECT_FALSE(cut.finish());
  EXPECT_EQ(to_line(cut.feed({})), R"([{"type":"knowledge","content":"x","complete":false}])");
  EXPECT_EQ(to_line(cut.feed({})), "");
}

TEST(AnswerReader, RemarksAreBounded) {
  std::string deep(40, '[');
  deep += std::string(40, ']');
  EXPECT_EQ(read_stream({R"(data: {"type":"analysis","content":)" + deep + "}\n\n", "data: {\"text\":\"a\"}\n\n"}),
            R"(a|{"answer":"a"})");
  auto const large = R"(data: {"type":"analysis","content":")" + std::string(1'000'000, 'x') + "\"}\n\n";
  EXPECT_EQ(read_stream(std::vector<std::string_view>{large}),
            "|failed: the responder's analysis has more than 1,000,000 bytes in one piece");
}

}  // namespace
}  // namespace sojourn

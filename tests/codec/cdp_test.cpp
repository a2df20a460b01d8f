#include "codec/cdp.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sojourn::cdp {
namespace {

std::vector<std::string> frame(std::string_view bytes, std::size_t chop, std::size_t limit = 1000) {
  Framer framer(limit);
  std::vector<std::string> texts;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(chop, bytes.size()))) {
    std::string const piece(bytes.substr(0, chop));  // memory of its own
    framer.take(piece);
    for (std::string_view text; framer.next(text);) texts.emplace_back(text);
  }
  if (framer.has_failed()) texts.emplace_back("failed");
  return texts;
}

TEST(CdpFramer, GivesTheSameTextsHoweverTheBytesAreCut) {
  using namespace std::string_literals;
  auto const bytes = "{\"id\":1}\0\0{\"method\":\"A.b\"}\0begun"s;
  std::vector<std::string> const texts{"{\"id\":1}", "", "{\"method\":\"A.b\"}"};
  for (std::size_t const chop : {1U, 2U, 3U, 7U, 100U}) EXPECT_EQ(frame(bytes, chop), texts) << chop;
}

TEST(CdpFramer, ATextThatGrowsTooLongIsTheEnd) {
  using namespace std::string_literals;
  for (std::size_t const chop : {1U, 3U, 100U}) {
    EXPECT_EQ(frame("12345\0after\0"s, chop, 5), (std::vector<std::string>{"12345", "after"}));
    EXPECT_EQ(frame("1\0"
                    "234567\0after\0"s,
                    chop, 5),
              (std::vector<std::string>{"1", "failed"}))
        << chop;
    EXPECT_EQ(frame("1\0"
                    "234567"s,
                    chop, 5),
              (std::vector<std::string>{"1", "failed"}))
        << "not yet whole";
  }
}

TEST(CdpRead, TellsAnswersErrorsAndEventsApart) {
  auto const answer = read(R"({"id":7,"result":{"a":[1,{"b":"}"}]},"sessionId":"S"})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->id, 7);
  EXPECT_EQ(answer->session, "S");
  EXPECT_EQ(answer->body, R"({"a":[1,{"b":"}"}]})");
  EXPECT_FALSE(answer->is_error);
  auto const failure = read(R"({"id":8,"error":{"code":-32000,"message":"no"}})");
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->is_error);
  EXPECT_EQ(failure->body, R"({"code":-32000,"message":"no"})");
  auto const event = read(R"({"method":"Page.loadEventFired","params":{"timestamp":1.5},"sessionId":"S2"})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->id, 0);
  EXPECT_EQ(event->method, "Page.loadEventFired");
  EXPECT_EQ(event->body, R"({"timestamp":1.5})");
  EXPECT_EQ(event->session, "S2");
  auto const bare = read(R"({"method":"A.b"})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->body, "");
  EXPECT_EQ(bare->session, "");
}

TEST(CdpRead, MembersComeInAnyOrderWithSpacesAndOthersAreIgnored) {
  auto const message = read(
      " { \"sessionId\" : \"S\" ,\n\"extra\": [1, {\"id\": 5}], \"flag\":true, \"none\":null,"
      "\t\"result\" : { \"text\" : \"a\\\"} ,\\\\\" } , \"id\" : 3 } ");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, 3);
  EXPECT_EQ(message->session, "S");
  EXPECT_EQ(message->body, R"({ "text" : "a\"} ,\\" })");
}

TEST(CdpRead, RefusesWhatIsNoMessage) {
  for (auto const* const text : {"",
                                 " ",
                                 "{",
                                 "{}",
                                 "[]",
                                 "null",
                                 "\"x\"",
                                 R"({"id":0,"result":{}})",
                                 R"({"id":-1,"result":{}})",
                                 R"({"id":"1","result":{}})",
                                 R"({"id":99999999999999999999,"result":{}})",
                                 R"({"id":1,"result":{})",
                                 R"({"id":1,"result":{"a":"b}})",
                                 R"({"id":1,)",
                                 R"({"id")",
                                 R"({"id":)",
                                 R"({"id":1 "result":{}})",
                                 R"({id:1})",
                                 R"({"id":1}})",
                                 R"({"id":1} {"id":2})",
                                 R"({"result":{}})",
                                 R"({"method":""})",
                                 R"({"method":5})",
                                 "{\"method\":\"A.b\\"}) {
    auto const message = read(text);
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().code, Code::invalid);
  }
}

TEST(CdpRead, DeepNestingCostsNoStack) {
  std::string const deep = R"({"id":1,"result":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  auto const message = read(deep);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->body.size(), 2'000'000U);
}

TEST(CdpCommand, IsOneTextWithItsZeroByte) {
  using namespace std::string_literals;
  std::string out = "before";
  append_command(out, 12, "Page.navigate", "S\"1", R"({"url":"x"})");
  EXPECT_EQ(out,
            "before{\"id\":12,\"method\":\"Page.navigate\",\"sessionId\":\"S\\\"1\",\"params\":{\"url\":\"x\"}}\0"s);
  out.clear();
  append_command(out, 1, "Browser.close", "", "");
  EXPECT_EQ(out, "{\"id\":1,\"method\":\"Browser.close\"}\0"s);
}

}  // namespace
}  // namespace sojourn::cdp

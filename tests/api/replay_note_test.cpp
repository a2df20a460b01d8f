#include "api/replay_note.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

TEST(ReplayNoteTest, WhatWasWrittenIsReadAgain) {
  ReplayNote const answered{.body = "digest",
                            .until_us = 1'771'960'936'015'000,
                            .status = 201,
                            .content_type = "application/json",
                            .headers = {{"Location", "/a\"b"}, {"ETag", ""}},
                            .text = "{\"a\":\"\u00fc\\n\"}"};
  auto const read = read_replay_note(to_text(answered));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->body, answered.body);
  EXPECT_EQ(read->until_us, answered.until_us);
  EXPECT_EQ(read->status, 201);
  EXPECT_EQ(read->content_type, answered.content_type);
  EXPECT_EQ(read->headers, answered.headers);
  EXPECT_EQ(read->text, answered.text);
}

TEST(ReplayNoteTest, OfOneThatOnlyBeganThereIsNoAnswer) {
  auto const text = to_text({.body = "digest", .until_us = 1, .text = "left out"});
  EXPECT_EQ(text, R"({"body":"digest","until":1})");
  EXPECT_EQ(read_replay_note(text)->status, 0);
}

TEST(ReplayNoteTest, WhatIsNoneOfOursIsRefused) {
  for (std::string const& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("1"), std::string(R"({"body":"d"})"),
        std::string(R"({"until":1})"), std::string(R"({"body":"","until":1})"),
        std::string(R"({"body":"d","until":0})"), std::string(R"({"body":"d","until":"1"})"),
        std::string(R"({"body":1,"until":1})"), std::string(R"({"body":"d","until":1,"status":"200","headers":[]})"),
        std::string(R"({"body":"d","until":1,"status":500,"headers":[]})"),
        std::string(R"({"body":"d","until":1,"status":200})"),
        std::string(R"({"body":"d","until":1,"status":200,"headers":{}})"),
        std::string(R"({"body":"d","until":1,"status":200,"headers":[["a"]]})"),
        std::string(R"({"body":"d","until":1,"status":200,"headers":[["a",1]]})"),
        std::string(R"({"body":"d","until":1,"status":200,"headers":["a"]})")}) {
    auto const read = read_replay_note(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::damaged);
  }
}

}  // namespace
}  // namespace sojourn

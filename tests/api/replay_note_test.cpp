#include "api/replay_note.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

constexpr SealKey seal_key{7};

ReplayNote answered() {
  return {.body = "digest",
          .until_us = 1'771'960'936'015'000,
          .status = 201,
          .content_type = "application/json",
          .headers = {{"Location", "/a\"b"}, {"ETag", ""}},
          .text = "{\"token\":\"\u00fc\\n\"}"};
}

TEST(ReplayNoteTest, WhatWasWrittenIsReadAgain) {
  auto const note = answered();
  auto const read = read_replay_note(to_text(note, seal_key, "key"), seal_key, "key");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->body, note.body);
  EXPECT_EQ(read->until_us, note.until_us);
  EXPECT_EQ(read->status, 201);
  EXPECT_EQ(read->content_type, note.content_type);
  EXPECT_EQ(read->headers, note.headers);
  EXPECT_EQ(read->text, note.text);
}

TEST(ReplayNoteTest, TheAnswerIsSealedUnderItsKeyAndItsName) {
  auto const text = to_text(answered(), seal_key, "key");
  EXPECT_EQ(text.find("token"), std::string::npos);
  EXPECT_EQ(text.find("Location"), std::string::npos);
  for (auto const& read : {read_replay_note(text, SealKey{8}, "key"), read_replay_note(text, seal_key, "another"),
                           read_replay_note(text.substr(0, text.size() - 6) + "\"}", seal_key, "key"),
                           read_replay_note(R"({"body":"d","until":1,"answer":"!"})", seal_key, "key")}) {
    ASSERT_TRUE(read) << "that it ran is known";
    EXPECT_EQ(read->status, 0);
  }
}

TEST(ReplayNoteTest, OfOneThatOnlyBeganThereIsNoAnswer) {
  auto const text = to_text({.body = "digest", .until_us = 1, .text = "left out"}, seal_key, "key");
  EXPECT_EQ(text, R"({"body":"digest","until":1})");
  EXPECT_EQ(read_replay_note(text, seal_key, "key")->status, 0);
}

TEST(ReplayNoteTest, WhatIsNoneOfOursIsRefused) {
  for (std::string const& text : {std::string(), std::string("{"), std::string("[]"), std::string("1"),
                                  std::string(R"({"body":"d"})"), std::string(R"({"until":1})"),
                                  std::string(R"({"body":"","until":1})"), std::string(R"({"body":"d","until":0})"),
                                  std::string(R"({"body":"d","until":"1"})"), std::string(R"({"body":1,"until":1})")}) {
    auto const read = read_replay_note(text, seal_key, "key");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::damaged);
  }
}

}  // namespace
}  // namespace sojourn

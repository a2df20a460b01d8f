#include "app/action.h"

#include <gtest/gtest.h>

#include <vector>

#include "app/command_fixture.h"

namespace sojourn {
namespace {

class Action : public test::CommandFixture {
 protected:
  // The input as JSON, or the refusal.
  std::string of(std::vector<std::string> const& words) {
    auto const input = to_interact_input(words, terminal_);
    return input ? json::to_text(*input) : failure(input.error());
  }
};

TEST_F(Action, WordsAreAnInput) {
  EXPECT_EQ(of({"click", "@e1"}), R"({"action":"click","ref":"@e1"})");
  EXPECT_EQ(of({"dblclick", "e1"}), R"({"action":"dblclick","ref":"e1"})");
  EXPECT_EQ(of({"fill", "@e2", "some text"}), R"({"action":"fill","ref":"@e2","text":"some text"})");
  EXPECT_EQ(of({"fill", "@e2", ""}), R"({"action":"fill","ref":"@e2","text":""})") << "which empties a field";
  EXPECT_EQ(of({"type", "what", "was", "apart"}), R"({"action":"type","text":"what was apart"})");
  EXPECT_EQ(of({"press", "Control+a"}), R"({"action":"press","text":"Control+a"})");
  EXPECT_EQ(of({"select", "@e3", "Two words"}), R"({"action":"select","ref":"@e3","text":"Two words"})");
  EXPECT_EQ(of({"hover", "@e1"}), R"({"action":"hover","ref":"@e1"})");
  EXPECT_EQ(of({"drag", "@e1", "@e2"}), R"({"action":"drag","ref":"@e1","target_ref":"@e2"})");
  EXPECT_EQ(of({"scroll"}), R"({"action":"scroll"})");
  EXPECT_EQ(of({"scroll", "left", "400"}), R"({"action":"scroll","direction":"left","scroll_amount":400})");
  EXPECT_EQ(of({"scroll", "@e9"}), R"({"action":"scroll","ref":"@e9"})");
  EXPECT_EQ(of({"back"}), R"({"action":"back"})");
  EXPECT_EQ(of({"wait", "250"}), R"({"action":"wait","wait_ms":250})");
  EXPECT_EQ(of({"goto", "example.com"}), R"({"action":"goto","url":"example.com"})");
}

TEST_F(Action, ASecretComesFromStandardInput) {
  in_.str("pass word\n");
  EXPECT_EQ(of({"fill", "@e2", "-"}), R"({"action":"fill","ref":"@e2","text":"pass word"})");
}

TEST_F(Action, FilesAreSentAlong) {
  auto const path = folder_.write("a.txt", "hello");
  EXPECT_EQ(of({"upload", "@e4", path}),
            R"({"action":"upload","ref":"@e4","file_paths":[{"filename":"a.txt","content":"aGVsbG8="}]})");
  EXPECT_EQ(of({"upload", "@e4", path + "x"}).substr(0, 3), "65:");
}

TEST_F(Action, WhatMakesNoneIsRefusedWithTheForm) {
  EXPECT_EQ(of({}), "64: interact: ACTION is required; see: sojourn interact --help");
  EXPECT_EQ(of({"clik", "@e1"}), "64: interact: there is no action \"clik\"; did you mean \"click\"?");
  EXPECT_EQ(of({"click"}), "64: interact: write it as: sojourn interact ID click REF");
  EXPECT_EQ(of({"click", "@e1", "@e2"}), "64: interact: write it as: sojourn interact ID click REF");
  EXPECT_EQ(of({"fill", "@e1"}), "64: interact: write it as: sojourn interact ID fill REF TEXT");
  EXPECT_EQ(of({"scroll", "400"}), "64: interact: write it as: sojourn interact ID scroll [up|down|left|right [N]]");
  EXPECT_EQ(of({"scroll", "up", "far"}),
            "64: interact: write it as: sojourn interact ID scroll [up|down|left|right [N]]");
  EXPECT_EQ(of({"back", "2"}), "64: interact: write it as: sojourn interact ID back");
  EXPECT_EQ(of({"wait", "1s"}), "64: interact: write it as: sojourn interact ID wait [MS]");
}

}  // namespace
}  // namespace sojourn

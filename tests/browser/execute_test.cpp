#include "browser/execute.h"

#include "support/page_stage.h"

namespace sojourn {
namespace {

class ExecuteTest : public test::PageTest {
 protected:
  void SetUp() override {
    test::PageTest::SetUp();
    if (page) show("<title>T</title><p>hi</p>");
  }
};

TEST_F(ExecuteTest, ValuesAreGivenAsPythonPrintsThem) {
  EXPECT_EQ(evaluate("1 + 1"), "2");
  EXPECT_EQ(evaluate("true"), "True");
  EXPECT_EQ(evaluate("'text'"), "text");
  EXPECT_EQ(evaluate("({a: [1, null, 'x']})"), "{'a': [1, None, 'x']}");
  EXPECT_EQ(evaluate("null"), "null");
  EXPECT_EQ(evaluate("undefined"), "null");
  EXPECT_EQ(evaluate("NaN"), "nan");
  EXPECT_EQ(evaluate("12345678901234567890n"), "12345678901234567890");
  EXPECT_EQ(evaluate("document.title"), "T");
}

TEST_F(ExecuteTest, StatementsFunctionsPromisesAndBodiesRun) {
  EXPECT_EQ(evaluate("const a = 2; a * 3"), "6");
  EXPECT_EQ(evaluate("const a = 2; a * 3"), "6") << "again: nothing of it stays";
  EXPECT_EQ(evaluate("() => document.title"), "T");
  EXPECT_EQ(evaluate("async () => 7"), "7");
  EXPECT_EQ(evaluate("Promise.resolve(5)"), "5");
  EXPECT_EQ(evaluate("const x = 4; return x"), "4");
  EXPECT_EQ(evaluate("await new Promise(r => setTimeout(r, 5)); 1"), "null");
  EXPECT_EQ(evaluate("return await Promise.resolve(8)"), "8");
}

TEST_F(ExecuteTest, WhatIsThrownIsAnAnswer) {
  EXPECT_EQ(evaluate("nothing.here"), "ReferenceError: nothing is not defined");
  EXPECT_EQ(evaluate("throw new Error('no')"), "Error: no");
  EXPECT_EQ(evaluate("throw 'words'"), "words");
  EXPECT_EQ(evaluate("if ("), "SyntaxError: Unexpected end of input");
  EXPECT_EQ(evaluate("Promise.reject(new TypeError('t'))"), "TypeError: t");
}

TEST_F(ExecuteTest, AScriptThatNeverEndsIsStoppedAndThePageGoesOn) {
  auto const output = call(Function::execute, input("code", "for(;;);", "screenshot", false, "timeout_ms", 500));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->at("error"), json::value("Timeout 500ms exceeded"));
  EXPECT_TRUE(has_news("hung"));
  EXPECT_EQ(evaluate("1"), "1");
}

TEST_F(ExecuteTest, APromiseThatNeverComesIsGivenUpWithoutHarm) {
  auto const output =
      call(Function::execute, input("code", "new Promise(() => {})", "screenshot", false, "timeout_ms", 200));
  ASSERT_TRUE(output);
  EXPECT_EQ(output->at("error"), json::value("Timeout 200ms exceeded"));
  EXPECT_FALSE(has_news("hung"));
  EXPECT_EQ(evaluate("1"), "1");
}

TEST_F(ExecuteTest, AScriptMayGoElsewhere) {
  site.serve("/two", "<title>Two</title>");
  EXPECT_EQ(evaluate("location.href = '/two'; 1"), "1");
  EXPECT_EQ(evaluate("document.title"), "Two");
}

TEST_F(ExecuteTest, AResultIsBounded) { EXPECT_EQ(evaluate("'x'.repeat(3000000)").size(), executed_bytes_max + 3); }

TEST_F(ExecuteTest, ItIsQuick) {
  evaluate("1");
  evaluate("1");
  EXPECT_LT(took_ms, 50);
}

}  // namespace
}  // namespace sojourn

#include "base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace sojourn {
namespace {

Task<int> give(int number) { co_return number; }

Task<int> add(Later<int> a, Later<int> b) {
  int const first = co_await a;
  int const second = co_await b;
  co_return first + second;
}

Task<int> count_down(int from) {
  if (from == 0) co_return 0;
  int const rest = co_await count_down(from - 1);
  co_return rest + 1;
}

Task<Result<std::string>> tell(Later<Result<int>> source) {
  CO_TRY(int const number, co_await source);
  CO_CHECK(number > 9 ? Result<>(error(Code::too_large, "more than one digit")) : Result<>());
  co_return std::to_string(number);
}

Task<int> hold(std::shared_ptr<int> held, Later<int> later) {
  int const number = co_await later;
  co_return number + *held;
}

TEST(Task, BeginsWhenItIsStartedAndGivesItsValueOnce) {
  std::vector<int> got;
  auto task = give(7);
  EXPECT_TRUE(got.empty());
  start(std::move(task), [&](int number) { got.push_back(number); });
  EXPECT_EQ(got, (std::vector{7}));
  start(give(8));  // nobody has to listen
}

TEST(Task, WaitsForWhatComesFromOutside) {
  std::vector<int> got;
  Later<int> const a;
  Later<int> const b;
  start(add(a, b), [&](int sum) { got.push_back(sum); });
  EXPECT_TRUE(got.empty());
  EXPECT_TRUE(b.give(2)) << "it may come before it is waited for";
  EXPECT_TRUE(got.empty());
  EXPECT_TRUE(a.give(1));
  EXPECT_EQ(got, (std::vector{3})) << "and who gives the last one resumes the task";
}

TEST(Task, TheFirstValueCounts) {
  int got = 0;
  Later<int> const a;
  Later<int> const b;
  EXPECT_FALSE(a.is_given());
  EXPECT_TRUE(a.give(1));
  EXPECT_FALSE(a.give(100));
  EXPECT_TRUE(a.is_given());
  start(add(a, b), [&](int sum) { got = sum; });
  EXPECT_TRUE(b.give(2));
  EXPECT_FALSE(b.give(100));
  EXPECT_EQ(got, 3);
  EXPECT_TRUE(a.is_given()) << "taken, and yet given";
}

TEST(Task, AwaitsAnother) {
  int got = 0;
  start(count_down(200), [&](int number) { got = number; });
  EXPECT_EQ(got, 200);
}

TEST(Task, AnErrorEndsItWhereItComesUp) {
  for (auto const& [given, code] : {std::pair(Result<int>(error(Code::crashed, "gone")), Code::crashed),
                                    std::pair(Result<int>(10), Code::too_large)}) {
    Later<Result<int>> const source;
    Code got = Code::internal;
    start(tell(source), [&](Result<std::string> text) {
      ASSERT_FALSE(text);
      got = text.error().code;
    });
    source.give(given);
    EXPECT_EQ(got, code);
  }
  Later<Result<int>> const source;
  std::string got;
  start(tell(source), [&](Result<std::string> text) { got = text.value(); });
  source.give(9);
  EXPECT_EQ(got, "9");
}

TEST(Task, FreesWhatItHoldsWhenItHasEnded) {
  auto const held = std::make_shared<int>(1);
  Later<int> const later;
  int got = 0;
  start(hold(held, later), [&](int number) { got = number; });
  EXPECT_EQ(held.use_count(), 2);
  later.give(2);
  EXPECT_EQ(got, 3);
  EXPECT_EQ(held.use_count(), 1);
  {
    auto const unused = hold(held, later);
    EXPECT_EQ(held.use_count(), 2) << "one that never begins";
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace sojourn

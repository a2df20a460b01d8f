#include "net/outbox.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sojourn {
namespace {

Bytes make(std::string text) { return std::make_shared<std::string const>(std::move(text)); }

// What the parts that come next hold.
std::string peeked(Outbox const& outbox, std::size_t parts_max = 64) {
  std::vector<iovec> parts(parts_max);
  auto const count = outbox.peek(parts);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text.append(static_cast<char const*>(parts[i].iov_base), parts[i].iov_len);
  return text;
}

TEST(Outbox, GivesBytesInOrderAndForgetsWhatHasGone) {
  Outbox outbox;
  EXPECT_TRUE(outbox.empty());
  outbox.push(make("abc"));
  outbox.push(make(""));
  outbox.push(make("defg"));
  EXPECT_EQ(outbox.bytes(), 7u);
  EXPECT_EQ(peeked(outbox), "abcdefg");
  EXPECT_EQ(peeked(outbox, 1), "abc");
  outbox.drop(2);
  EXPECT_EQ(peeked(outbox), "cdefg");
  outbox.drop(1);
  EXPECT_EQ(peeked(outbox), "defg");
  outbox.drop(4);
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(peeked(outbox), "");
}

TEST(Outbox, SharesBytesAndLetsThemGo) {
  Outbox outbox;
  auto const bytes = make("abc");
  outbox.push(bytes);
  outbox.push(bytes);
  EXPECT_EQ(bytes.use_count(), 3);
  outbox.drop(4);
  EXPECT_EQ(bytes.use_count(), 2);
  outbox.drop(2);
  EXPECT_EQ(bytes.use_count(), 1);
}

TEST(Outbox, DroppingTheUnsentKeepsTheRestOfWhatHasBegun) {
  Outbox outbox;
  outbox.push(make("abc"));
  outbox.push(make("def"));
  outbox.drop(1);
  outbox.drop_unsent();
  EXPECT_EQ(outbox.bytes(), 2u);
  EXPECT_EQ(peeked(outbox), "bc");
  outbox.push(make("!"));
  EXPECT_EQ(peeked(outbox), "bc!");
  outbox.drop(2);
  outbox.drop_unsent();
  EXPECT_TRUE(outbox.empty());
  outbox.drop_unsent();
  outbox.push(make("x"));
  EXPECT_EQ(peeked(outbox), "x");
}

// Most flushes have one buffer for each of thousands, and an idle connection has none.
TEST(Outbox, OneBufferAloneCostsNoAllocation) {
  Outbox outbox;
  auto const bytes = make("abc");
  auto const before = mallinfo2().uordblks;
  outbox.push(bytes);
  EXPECT_EQ(mallinfo2().uordblks, before);
  outbox.drop(3);
  outbox.push(bytes);
  outbox.push(bytes);
  outbox.drop(6);
  EXPECT_EQ(mallinfo2().uordblks, before) << "what an empty one needed is given back";
}

TEST(Outbox, CostsABitMoreForEachBuffer) {
  Outbox outbox;
  EXPECT_EQ(outbox.push(make("")), 0u);
  auto const one = outbox.push(make("abc"));
  EXPECT_GT(one, 3u);
  EXPECT_EQ(outbox.cost_bytes(), one);
  EXPECT_EQ(outbox.push(make("def")), one);
  EXPECT_EQ(outbox.cost_bytes(), 2 * one);
  outbox.drop(1);
  EXPECT_EQ(outbox.cost_bytes(), 2 * one - 1);
  outbox.drop(2);
  EXPECT_EQ(outbox.cost_bytes(), one);
  outbox.drop_unsent();
  EXPECT_EQ(outbox.cost_bytes(), 0u);
}

// A peer that is always a little behind for days must not cost more and more.
TEST(Outbox, WhatNeverEmptiesDoesNotGrow) {
  auto const in_use = [] {
    auto const info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  Outbox outbox;
  auto const bytes = make("abc");
  outbox.push(bytes);
  auto const before = in_use();
  for (int i = 0; i < 300'000; ++i) {
    outbox.push(bytes);
    outbox.drop(3);
  }
  EXPECT_EQ(peeked(outbox), "abc");
  EXPECT_EQ(bytes.use_count(), 2);
  EXPECT_LT(in_use(), before + 100'000);
}

TEST(Outbox, AgreesWithAString) {
  std::mt19937 random(5);
  auto const below = [&](std::size_t count) { return static_cast<std::size_t>(random()) % count; };
  for (int round = 0; round < 20; ++round) {
    Outbox outbox;
    std::string model;
    std::deque<std::size_t> ends;  // of the buffers, counted in model
    bool begun = false;            // a part of the first has gone
    char next = 'a';
    for (int step = 0; step < 1000; ++step) {
      auto const choice = below(20);
      // Now and then it fills, so that much has gone before something that waits.
      if (choice < (step / 100 % 2 == 0 ? 14U : 8U)) {
        std::string const text(below(9), next = next == 'z' ? 'a' : static_cast<char>(next + 1));
        outbox.push(make(text));
        model += text;
        if (!text.empty()) ends.push_back(model.size());
      } else if (choice < 19) {
        auto const count = below(std::min<std::size_t>(model.size(), 12) + 1);
        outbox.drop(count);
        model.erase(0, count);
        std::size_t whole = 0;
        bool const moved = count > 0;
        while (!ends.empty() && ends.front() <= count) whole = ends.front(), ends.pop_front();
        if (moved) begun = count > whole || (whole == 0 && begun);
        for (auto& end : ends) end -= count;
      } else {
        outbox.drop_unsent();
        model.resize(begun && !ends.empty() ? ends.front() : 0);
        ends.resize(model.empty() ? 0 : 1);
        begun = begun && !model.empty();
      }
      ASSERT_EQ(outbox.bytes(), model.size());
      ASSERT_EQ(outbox.empty(), model.empty());
      ASSERT_EQ(peeked(outbox, 1000), model) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace sojourn

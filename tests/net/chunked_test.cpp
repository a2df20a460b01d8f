#include "net/chunked.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace sojourn {
namespace {

constexpr std::size_t body_bytes_max = 1000;

// The body, then what became of it, then what was left of the bytes.
std::string read(std::string_view bytes, std::size_t chop) {
  constexpr std::array<std::string_view, 6> words{"more", "done", "malformed", "large", "framing", "trailers"};
  ChunkedReader reader(body_bytes_max, 3);
  std::string body;
  auto status = ChunkedReader::Status::need_more;
  while (!bytes.empty() && status == ChunkedReader::Status::need_more) {
    auto piece = bytes.substr(0, chop);
    auto const before = piece.size();
    status = reader.read(piece, body);
    bytes.remove_prefix(before - piece.size());
  }
  bool const is_done = status == ChunkedReader::Status::done;
  return body + "|" + std::string(words.at(static_cast<std::size_t>(status))) + "|" + std::string(is_done ? bytes : "");
}

TEST(Chunked, BodiesEndWhereTheNextRequestBegins) {
  EXPECT_EQ(read("0\r\n\r\nGET", 100), "|done|GET");
  EXPECT_EQ(read("3\r\nabc\r\n0\r\n\r\n", 100), "abc|done|");
  EXPECT_EQ(read("3\r\nabc\r\n0\r\n", 100), "abc|more|");
  EXPECT_EQ(read("1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\n\r\n", 100), "a|done|\r\n");
}

TEST(Chunked, SizesHaveLimits) {
  EXPECT_EQ(read("3E8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n", 100), std::string(1000, 'x') + "|done|");
  EXPECT_EQ(read("3e9\r\n", 100), "|large|");
  EXPECT_EQ(read("1\r\nx\r\n3e8\r\n", 100), "x|large|");
  EXPECT_EQ(read("FFFFFFFFFFFFFFFF\r\n", 100), "|large|");
  EXPECT_EQ(read("10000000000000000\r\n", 100), "|malformed|") << "a size that does not fit in a number";
  EXPECT_EQ(read("00000000000000000000001\r\nx\r\n0\r\n\r\n", 100), "x|done|");
}

TEST(Chunked, WhatIsNoBodyIsBounded) {
  EXPECT_EQ(read("0\r\nA:1\r\nA:1\r\nA:1\r\n\r\n", 100), "|done|");
  EXPECT_EQ(read("0\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\n\r\n", 100), "|trailers|");
  EXPECT_EQ(read("1;" + std::string(4000, 'x') + "\r\n!\r\n0\r\n\r\n", 100), "!|done|");
  EXPECT_EQ(read("1;" + std::string(4100, 'x') + "\r\n!\r\n0\r\n\r\n", 100), "|framing|");
  std::string small;
  for (int i = 0; i < 1000; ++i) small += "1\r\n!\r\n";
  EXPECT_EQ(read(small + "0\r\n\r\n", 100), std::string(1000, '!') + "|done|") << "small chunks are no attack";
}

TEST(Chunked, AnyCutGivesTheSameAndAnyBodySurvives) {
  std::mt19937 random(7);
  auto const below = [&](unsigned count) { return static_cast<unsigned>(random() % count); };
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    std::string body;
    for (unsigned chunk = 0; chunk < below(6); ++chunk) {
      std::string part(1 + below(40), ' ');
      std::ranges::generate(part, [&] { return "\r\n0;aA:5"[below(8)]; });
      std::array<char, 8> size{};
      std::snprintf(size.data(), size.size(), below(2) == 0 ? "%x" : "%04X", static_cast<unsigned>(part.size()));
      bytes.append(size.data()).append(below(3) == 0 ? ";n=\"v\"" : "").append("\r\n").append(part).append("\r\n");
      body += part;
    }
    bytes += below(2) == 0 ? "0\r\n\r\nnext" : "0;x\r\nT: v\r\n\r\nnext";
    for (std::size_t const chop : {std::size_t{1}, std::size_t{1} + below(9), bytes.size()}) {
      ASSERT_EQ(read(bytes, chop), body + "|done|next");
    }
    // One byte that is wrong may be taken for another body, but never differently by different cuts.
    bytes[below(static_cast<unsigned>(bytes.size()))] = "\r\n5x:\0; "[below(8)];
    ASSERT_EQ(read(bytes, 1), read(bytes, bytes.size()));
  }
}

TEST(Chunked, WhatIsWrittenIsReadAgain) {
  std::string out;
  for (auto const size : {1U, 9U, 0U, 10U, 255U, 256U, 300U}) append_chunk(out, std::string(size, 'x'));
  EXPECT_TRUE(out.starts_with("1\r\nx\r\n9\r\n"));
  out += last_chunk;
  EXPECT_EQ(read(out + "GET", 100), std::string(831, 'x') + "|done|GET");
  EXPECT_EQ(read(out, 1), std::string(831, 'x') + "|done|");
}

}  // namespace
}  // namespace sojourn

#include "codec/deflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/bomb.h"

namespace sojourn::websocket {
namespace {

using namespace std::literals;

std::string deflated(std::string_view message, int window_bits = 15) {
  std::string out;
  deflate_message(out, message, window_bits);
  return out;
}

// What comes out, or why nothing does.
std::string inflated(std::string_view bytes, std::size_t bytes_max = 1 << 24) {
  std::string out;
  switch (inflate_message(out, bytes, bytes_max)) {
    case Inflated::damaged:
      return "damaged";
    case Inflated::too_big:
      return "too big";
    case Inflated::whole:
      return out;
  }
  return "?";
}

std::string noise(std::size_t size) {
  std::minstd_rand random(static_cast<unsigned>(size) + 1);
  std::string out;
  while (out.size() < size) out += static_cast<char>(random() >> 8U);
  return out;
}

std::string prose(std::size_t size) {
  std::minstd_rand random(7);
  std::string out;
  while (out.size() < size) out += "{\"type\":\"session.state\",\"seq\":" + std::to_string(random() % 9999) + "}\n";
  out.resize(size);
  return out;
}

// The answer to an offer; empty = it is declined.
std::string answer(std::string_view offers) {
  auto const agreement = accept_offer(offers);
  return agreement ? to_extension(agreement) : "";
}

TEST(DeflateOffer, IsAcceptedWithoutContextOnEitherSide) {
  auto const plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"s;
  for (auto const offer :
       {"permessage-deflate", " permessage-deflate ", "PerMessage-Deflate",
        "permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=15",
        "permessage-deflate;server_no_context_takeover;client_no_context_takeover",
        "permessage-deflate ; client_max_window_bits = \"10\"", "permessage-deflate; Client_No_Context_Takeover",
        "x-webkit-deflate-frame, permessage-deflate", "foo; bar=\"a, permessage-deflate; x\", permessage-deflate",
        "permessage-deflate; unknown, permessage-deflate",
        "permessage-deflate; server_max_window_bits=8, permessage-deflate"})
    EXPECT_EQ(answer(offer), plain) << offer;
  for (int bits = 9; bits <= 15; ++bits) {
    auto const window = "; server_max_window_bits=" + std::to_string(bits);
    EXPECT_EQ(answer("permessage-deflate" + window), plain + window);
    EXPECT_EQ(accept_offer("permessage-deflate; client_max_window_bits" + window).window_bits, bits);
  }
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10, permessage-deflate"),
            plain + "; server_max_window_bits=10")
      << "the first that can be accepted";
}

TEST(DeflateOffer, IsDeclinedWithAParameterThatIsWrong) {
  for (auto const offer : {"",
                           ",",
                           ";",
                           "permessage-deflat",
                           "permessage-deflate-2",
                           "permessage-deflate=1",
                           "x-webkit-deflate-frame",
                           "foo; bar=\"a, permessage-deflate\"",
                           "foo; bar=\"a\\\", permessage-deflate\"",
                           "foo; bar=\"permessage-deflate\\",
                           "permessage-deflate; unknown",
                           "permessage-deflate; unknown=1",
                           "permessage-deflate; ; client_max_window_bits",
                           "permessage-deflate; server_no_context_takeover=1",
                           "permessage-deflate; client_no_context_takeover=\"\"",
                           "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
                           "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
                           "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
                           "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
                           "permessage-deflate; server_max_window_bits",
                           "permessage-deflate; server_max_window_bits=",
                           "permessage-deflate; server_max_window_bits=7",
                           "permessage-deflate; server_max_window_bits=8",
                           "permessage-deflate; server_max_window_bits=16",
                           "permessage-deflate; server_max_window_bits=09",
                           "permessage-deflate; server_max_window_bits=+9",
                           "permessage-deflate; server_max_window_bits=9.0",
                           "permessage-deflate; server_max_window_bits=-9",
                           "permessage-deflate; server_max_window_bits=4294967305",
                           "permessage-deflate; server_max_window_bits=\"9",
                           "permessage-deflate; server_max_window_bits=nine",
                           "permessage-deflate; client_max_window_bits=7",
                           "permessage-deflate; client_max_window_bits=16",
                           "permessage-deflate; client_max_window_bits=",
                           "permessage-deflate; client_max_window_bits=x"})
    EXPECT_EQ(answer(offer), "") << offer;
}

TEST(Deflate, ReadsTheExamplesOfTheStandard) {  // RFC 7692, section 7.2.3
  EXPECT_EQ(inflated("\xf2\x48\xcd\xc9\xc9\x07\x00"sv), "Hello");
  EXPECT_EQ(inflated("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"sv), "Hello") << "a block that is stored";
  EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"sv), "Hello") << "a block that says it is the last";
  EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00"sv), "Hello") << "and nothing behind it";
  EXPECT_EQ(inflated("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"sv), "Hello") << "two blocks";
  EXPECT_EQ(inflated("\xf2\x00\x11\x00\x00"sv), "damaged") << "what refers to an earlier message";
  EXPECT_EQ(inflated("\x00"sv), "") << "an empty message";
  EXPECT_EQ(inflated(""sv), "") << "and one that is not even that";
  EXPECT_EQ(deflated("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(deflated(""), "\x00"s);
}

TEST(Deflate, GivesBackWhatItWasGivenInEveryWindow) {
  for (int bits = 9; bits <= 15; ++bits) {
    for (std::size_t const size : {0U, 1U, 512U, 1024U, 70'000U}) {
      EXPECT_TRUE(inflated(deflated(prose(size), bits)) == prose(size)) << bits << " " << size;
      EXPECT_TRUE(inflated(deflated(noise(size), bits)) == noise(size)) << bits << " " << size;
    }
  }
  EXPECT_LT(deflated(prose(100'000)).size(), 25'000U);
  std::string behind = "before";
  deflate_message(behind, "Hello", 15);
  EXPECT_EQ(behind, "before\xf2\x48\xcd\xc9\xc9\x07\x00"s);
}

// Written out in small pieces, so that the reader has only its window to look back at.
TEST(Deflate, KeepsToTheWindowThatWasAgreedOn) {
  for (int bits = 9; bits <= 15; ++bits) {
    auto const far = noise((1U << static_cast<unsigned>(bits)) + 1);
    auto bytes = deflated(far + far, bits) + "\x00\x00\xff\xff"s;
    std::string out;
    std::array<Bytef, 64> piece{};
    z_stream stream{};
    ASSERT_EQ(inflateInit2(&stream, -bits), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    for (auto status = Z_OK; status == Z_OK && out.size() < 2 * far.size();) {
      stream.next_out = piece.data();
      stream.avail_out = static_cast<uInt>(piece.size());
      status = ::inflate(&stream, Z_SYNC_FLUSH);
      EXPECT_EQ(status, Z_OK) << bits;
      out.append(reinterpret_cast<char const*>(piece.data()), piece.size() - stream.avail_out);
    }
    EXPECT_TRUE(out == far + far) << bits;
    inflateEnd(&stream);
  }
}

TEST(Deflate, NoMessageKnowsOfTheOneBefore) {
  auto const first = deflated(prose(5000));
  EXPECT_EQ(deflated(prose(5000)), first);
  EXPECT_EQ(inflated(first.substr(0, 100)), "damaged");
  EXPECT_EQ(inflated(first, 10), "too big");
  EXPECT_EQ(inflated(first), prose(5000));
}

TEST(Deflate, StopsAtTheLimit) {
  for (std::size_t const size : {1U, 16'383U, 16'384U, 16'385U, 100'000U}) {
    auto const bytes = deflated(std::string(size, 'a'));
    EXPECT_EQ(inflated(bytes, size).size(), size);
    EXPECT_EQ(inflated(bytes, size - 1), "too big");
  }
  EXPECT_EQ(inflated(deflated("a"), 0), "too big");
  EXPECT_EQ(inflated(deflated(""), 0), "");
  auto const bomb = test::make_bomb(1024);
  EXPECT_LT(bomb.size(), 1'100'000U);
  std::string out;
  EXPECT_EQ(inflate_message(out, bomb, 1'000'000), Inflated::too_big);
  EXPECT_LT(out.capacity(), 3'000'000U);
}

TEST(Deflate, WhatIsCutAnywhereIsDamaged) {
  for (auto const& whole :
       {deflated(prose(3000)), deflated(noise(300)), "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s}) {
    for (std::size_t size = 2; size < whole.size(); ++size)
      EXPECT_EQ(inflated(std::string_view(whole).substr(0, size)), "damaged") << size << " of " << whole.size();
  }
}

TEST(Deflate, TakesAnyBytes) {
  for (std::size_t size = 1; size < 3000; ++size) {
    std::string out;
    auto const read = inflate_message(out, noise(size), 1000);
    EXPECT_LE(out.size(), read == Inflated::whole ? 1000U : 1000U + 16'384U) << size;
  }
  EXPECT_EQ(inflated("\x07"sv), "damaged") << "a block of no kind";
  EXPECT_EQ(inflated("\xff\xff\xff\xff"sv), "damaged");
  EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00\xff"sv), "damaged") << "rubbish behind the last block";
}

}  // namespace
}  // namespace sojourn::websocket

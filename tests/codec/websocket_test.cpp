#include "codec/websocket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "support/frame_script.h"

namespace sojourn::websocket {
namespace {

using namespace std::literals;
using namespace script;

static_assert(sizeof(Decoder) <= 64);

TEST(WebSocketDecoder, ReadsFramesOfEverySizeClass) {  // group 1
  for (std::size_t const size : {0U, 1U, 7U, 8U, 9U, 125U, 126U, 127U, 128U, 65535U, 65536U}) {
    std::string payload(size, '*');
    expect_lines(frame(last | text, payload), {line(text, payload)}, "text of " + std::to_string(size));
    for (std::size_t at = 0; at < size; ++at) payload[at] = static_cast<char>(at * 7 + 0xFE);
    expect_lines(frame(last | binary, payload), {line(binary, payload)}, "binary of " + std::to_string(size));
  }
}

TEST(WebSocketDecoder, ReadsPingsAndPongs) {  // group 2
  std::string const bytes = "\0\xFF\xFE\xFD\xFC\xFB\0\xFF"s, full(125, '\xFE');
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += frame(last | ping, "one of ten");
  expect_all({
      {"2.1 empty", frame(last | ping, ""), {"9 "}},
      {"2.2 text", frame(last | ping, "Hello"), {"9 Hello"}},
      {"2.3 bytes", frame(last | ping, bytes), {line(ping, bytes)}},
      {"2.4 125 bytes", frame(last | ping, full), {line(ping, full)}},
      {"2.5 126 bytes", frame(last | ping, std::string(126, '\xFE')), {failed(1002)}},
      {"2.7 unsolicited empty pong", frame(last | pong, ""), {"10 "}},
      {"2.9 pong, then ping", frame(last | pong, "a") + frame(last | ping, "b"), {"10 a", "9 b"}},
      {"2.10 ten pings", ten, Lines(10, "9 one of ten")},
      {"a pong of 126 bytes", frame(last | pong, std::string(126, 'a')), {failed(1002)}},
  });
}

TEST(WebSocketDecoder, RefusesReservedBitsAndOpcodes) {  // groups 3 and 4
  auto const hello = frame(last | text, "Hello");
  for (int bits = 1; bits <= 7; ++bits) {
    for (int const opcode : {text, binary, closing, ping, pong}) {
      auto const bad = frame(last | (bits << 4) | opcode, "x");
      expect_lines(bad, {failed(1002)}, "reserved bits");
      expect_lines(hello + bad + hello, {"1 Hello", failed(1002)}, "reserved bits after a message");
    }
    expect_lines(frame(text, "a") + frame(last | (bits << 4), "b"), {failed(1002)}, "bits in a continuation");
  }
  for (int const opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    expect_lines(frame(last | opcode, ""), {failed(1002)}, "opcode");
    expect_lines(hello + frame(last | opcode, "x") + hello, {"1 Hello", failed(1002)}, "opcode after a message");
    expect_lines(frame(text, "a") + frame(last | opcode, ""), {failed(1002)}, "opcode inside a message");
  }
}

TEST(WebSocketDecoder, JoinsFragmentsAroundControlFrames) {  // group 5
  auto const p = frame(last | ping, "ping");
  expect_all({
      {"5.1 fragmented ping", frame(ping, "a") + frame(last | continued, "b"), {failed(1002)}},
      {"5.2 fragmented pong", frame(pong, "a") + frame(last | continued, "b"), {failed(1002)}},
      {"fragmented close", frame(closing, ""), {failed(1002)}},
      {"5.3 two fragments", fragments(text, "ab", 1), {"1 ab"}},
      {"5.6 a ping between", fragments(text, "ab", 1, p), {"9 ping", "1 ab"}},
      {"5.9 continuation of nothing", frame(last | continued, "a") + frame(last | text, "b"), {failed(1002)}},
      {"5.11 after a message", frame(last | text, "a") + frame(last | continued, "b"), {"1 a", failed(1002)}},
      {"5.12 open continuation of nothing", frame(continued, "a"), {failed(1002)}},
      {"after a fragmented one", fragments(text, "ab", 1) + frame(continued, "c"), {"1 ab", failed(1002)}},
      {"5.15 and once more", fragments(text, "abcd", 2) + fragments(text, "xyz", 1), {"1 abcd", "1 xyz"}},
      {"5.18 message inside a message", frame(text, "a") + frame(last | text, "b"), {failed(1002)}},
      {"binary inside a message", frame(text, "a") + p + frame(binary, "b"), {"9 ping", failed(1002)}},
      {"5.19 pings between five", fragments(text, "12345", 1, p), {"9 ping", "9 ping", "9 ping", "9 ping", "1 12345"}},
      {"empty fragments", frame(text, "") + frame(continued, "") + frame(last | continued, ""), {"1 "}},
      {"empty ends", frame(binary, "") + frame(continued, "a") + p + frame(last | continued, ""), {"9 ping", "2 a"}},
      {"two kinds of control", fragments(binary, "ab", 1, p + frame(last | pong, "")), {"9 ping", "10 ", "2 ab"}},
      {"close inside a message", frame(text, "a") + close_frame(1000, "bye") + p, {"8 1000 bye"}},
  });
}

TEST(WebSocketDecoder, ReadsTheSameTextHoweverItIsFragmented) {  // group 6
  for (auto const body : {"Hello-\u00b5@\u00df\u00f6\u00e4\u00fc-UTF-8!!"sv, "\u03ba\u1f79\u03c3\u03bc\u03b5"sv,
                          "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\xEF\xBF\xBE"sv}) {
    for (std::size_t size = 1; size <= body.size(); ++size) {
      Lines expected((body.size() - 1) / size, "9 \xFF");
      expected.push_back(line(text, body));
      auto const bytes = fragments(text, body, size, frame(last | ping, "\xFF"));
      expect_lines(bytes, expected, "fragments of " + std::to_string(size));
    }
  }
}

// Every sequence of up to 3 telling bytes: the verdict on a message is the validator's, which has tests
// of its own, in one frame as in many.
TEST(WebSocketDecoder, RefusesTextThatIsNotUtf8) {
  constexpr auto telling = "a\x80\x90\xA0\xBF\xC0\xC2\xE0\xE1\xED\xF0\xF4\xF5"sv;
  for (std::size_t round = 0; round < telling.size() * telling.size() * telling.size(); ++round) {
    std::string body = "abc";
    for (auto rest = round; rest > 0; rest /= telling.size()) body += telling[rest % telling.size()];
    Lines const expected = {is_utf8(body) ? line(text, body) : failed(1007)};
    ASSERT_EQ(decode(frame(last | text, body), 0), expected);
    ASSERT_EQ(decode(frame(last | text, body), 1), expected);
    ASSERT_EQ(decode(fragments(text, body, 1), 0), expected);
    ASSERT_EQ(decode(fragments(text, body, 4), 3), expected);
    ASSERT_EQ(decode(frame(last | binary, body), 1), Lines{line(binary, body)});
  }
}

TEST(WebSocketDecoder, RefusesTextAtItsFirstBadByteInsideAnUnfinishedFrame) {  // 6.4
  for (auto const& [body, bad] : {std::pair{"\xCE\xBA\xF4\x90\x80\x80 edited"s, 3U},
                                  {"eight by\xE2\x82 tes"s, 10U},
                                  {"\xFF"s, 0U},
                                  {"\xED\xA0\x80"s, 1U},
                                  {"\xF0\x8F\xBF\xBF"s, 1U},
                                  {"\xC0\xAF"s, 0U}}) {
    for (bool const fragmented : {false, true}) {
      auto bytes = fragmented ? frame(text, body.substr(0, bad)) : "";
      std::size_t const already = fragmented ? bad : 0;
      auto more = frame(fragmented ? continued : last | text, body.substr(already) + std::string(500, 'a'));
      bytes += more.substr(0, 8 + bad - already);  // 8: the header with a length of 2 bytes
      Decoder decoder(1000);
      EXPECT_EQ(feed(decoder, bytes), Decoder::Status::need_more) << testing::PrintToString(body);
      auto one = more.substr(8 + bad - already, 1);
      ASSERT_EQ(feed(decoder, one), Decoder::Status::failed) << testing::PrintToString(body);
      EXPECT_EQ(decoder.failure().close_code, close_bad_utf8);
      EXPECT_EQ(decoder.held_bytes(), 0U);
    }
  }
}

TEST(WebSocketDecoder, ReadsTheCloseHandshake) {  // group 7
  std::string const longest(123, 'r'), euros(120, 'e');
  auto const bye = close_frame(1000, "bye");
  expect_all({
      {"7.1.2 two close frames", bye + bye, {"8 1000 bye"}},
      {"7.1.3 ping after close", bye + frame(last | ping, ""), {"8 1000 bye"}},
      {"7.1.4 text after close", bye + frame(last | text, "a"), {"8 1000 bye"}},
      {"garbage after close", bye + std::string(300, '\xFF'), {"8 1000 bye"}},
      {"7.1.6 message, close, ping", frame(last | text, "a") + bye + frame(last | ping, ""), {"1 a", "8 1000 bye"}},
      {"7.3.1 no payload", frame(last | closing, ""), {"8 1005 "}},
      {"7.3.2 half a code", frame(last | closing, "\x03"), {failed(1002)}},
      {"7.3.3 code only", close_frame(1000), {"8 1000 "}},
      {"7.3.5 longest reason", close_frame(1000, longest), {line(closing, longest, 1000)}},
      {"7.3.6 too long a reason", close_frame(1000, longest + "r"), {failed(1002)}},
      {"7.5.1 reason is not UTF-8", close_frame(1000, "\xCE\xBA\xED\xA0\x80"), {failed(1007)}},
      {"reason ends in a sequence", close_frame(1000, euros + "\xE2\x82"), {failed(1007)}},
      {"reason in UTF-8", close_frame(3000, euros + "\xE2\x82\xAC"), {line(closing, euros + "\xE2\x82\xAC", 3000)}},
  });
}

TEST(WebSocketDecoder, AcceptsTheCloseCodesOfTheRegistryOnly) {
  for (int code = 0; code <= 0xFFFF; ++code) {
    bool const defined = code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
    bool const registered = defined || (code >= 3000 && code <= 4999);
    auto const expected = registered ? line(closing, "", code) : failed(1002);
    ASSERT_EQ(decode(close_frame(static_cast<std::uint16_t>(code)), 0), Lines{expected}) << code;
  }
}

TEST(WebSocketDecoder, RefusesHeadersThatNoClientMaySend) {
  expect_all({
      {"unmasked text",
       "\x81\x01"
       "a"s,
       {failed(1002)}},
      {"unmasked ping", "\x89\0"s, {failed(1002)}},
      {"unmasked in a message",
       frame(text, "a") + "\x80\x01"
                          "b",
       {failed(1002)}},
      {"0 in 2 bytes", header(last | text, 0, 2), {failed(1002)}},
      {"125 in 2 bytes", header(last | text, 125, 2), {failed(1002)}},
      {"125 in 8 bytes", header(last | text, 125, 8), {failed(1002)}},
      {"65535 in 8 bytes", header(last | text, 65535, 8), {failed(1002)}},
      {"5 in 2 bytes in a ping", header(last | ping, 5, 2), {failed(1002)}},
      {"top bit", header(last | binary, 1ULL << 63, 8), {failed(1002)}},
      {"all bits", header(last | binary, ~0ULL, 8), {failed(1002)}},
      {"largest length", header(last | binary, ~0ULL >> 1, 8), {failed(1009)}},
  });
}

TEST(WebSocketDecoder, RefusesAHeaderAtTheByteThatShowsTheFault) {
  for (auto const& bytes : {"\xC1"s, "\x83"s, "\x80"s, "\x09"s, "\x81\x05"s, "\x89\xFE"s, "\x82\xFE\0\x7D"s,
                            "\x82\xFF\x80\0\0\0\0\0\0\0"s, "\x82\xFE\x03\xE9"s}) {
    auto before = bytes.substr(0, bytes.size() - 1);
    auto at = bytes.substr(bytes.size() - 1);
    Decoder decoder(1000);
    EXPECT_EQ(feed(decoder, before), Decoder::Status::need_more) << testing::PrintToString(bytes);
    EXPECT_EQ(feed(decoder, at), Decoder::Status::failed) << testing::PrintToString(bytes);
  }
}

TEST(WebSocketDecoder, KeepsToTheLimitOfAMessage) {
  std::string const exact(1000, 'a'), over(1001, 'a');
  auto const p = frame(last | ping, "p"), whole = frame(last | text, exact);
  expect_all(
      {
          {"exact", whole + whole, {line(text, exact), line(text, exact)}},
          {"over", whole + frame(last | text, over), {line(text, exact), failed(1009)}},
          {"header only", header(last | binary, 1001, 2), {failed(1009)}},
          {"exact in fragments", fragments(text, exact, 400, p), {"9 p", "9 p", line(text, exact)}},
          {"over in fragments", fragments(binary, over, 500), {failed(1009)}},
          {"header of a continuation", frame(binary, exact) + header(continued, 1, 0), {failed(1009)}},
      },
      1000);
  expect_lines(frame(last | text, "") + p + frame(last | text, "a"), {"1 ", "9 p", failed(1009)}, "limit of 0", 0);
}

TEST(WebSocketDecoder, HandsOutAWholeFrameWithoutACopy) {
  auto bytes = frame(last | text, std::string(5000, 'a')) + frame(last | ping, "p") + close_frame(1000, "r");
  Decoder decoder(5000);
  std::span<char> input(bytes);
  for (int count = 0; count < 3; ++count) {
    ASSERT_EQ(decoder.next(input), Decoder::Status::item);
    auto const payload = decoder.item().payload;
    EXPECT_GE(payload.data(), bytes.data());
    EXPECT_EQ(payload.data() + payload.size(), input.data());
    EXPECT_EQ(decoder.held_bytes(), 0U);
  }
}

TEST(WebSocketDecoder, HoldsNoMoreThanTwiceWhatCameAndNothingWhenIdle) {
  auto const bytes = frame(last | binary, std::string(1'000'000, 'a'));
  Decoder decoder(1'000'000);
  std::string piece;
  for (std::size_t at = 0; at < bytes.size(); at += 100) {
    piece = bytes.substr(at, 100);
    auto const status = feed(decoder, piece);
    ASSERT_EQ(status, at + 100 < bytes.size() ? Decoder::Status::need_more : Decoder::Status::item);
    ASSERT_LE(decoder.held_bytes(), 2 * (at + 100) + 256);
  }
  std::span<char> rest;
  EXPECT_EQ(decoder.next(rest), Decoder::Status::need_more);
  EXPECT_EQ(decoder.held_bytes(), 0U);
}

TEST(WebSocketDecoder, JoinsAnyNumberOfFragmentsWithinTheLimit) {  // groups 9 and 10
  std::string const body(4 << 20, '*');
  for (std::size_t const size : {64U, 256U, 1300U, 65536U}) {
    auto const bytes = fragments(binary, body, size);
    Decoder decoder(body.size());
    auto status = Decoder::Status::need_more;
    std::size_t held_most = 0;
    std::string piece;
    for (std::size_t at = 0; at < bytes.size(); at += 16384) {
      ASSERT_EQ(status, Decoder::Status::need_more);
      piece = bytes.substr(at, 16384);
      status = feed(decoder, piece);
      held_most = std::max(held_most, decoder.held_bytes());
    }
    ASSERT_EQ(status, Decoder::Status::item) << size;
    EXPECT_EQ(decoder.item().payload, body);
    EXPECT_LE(held_most, 2 * body.size() + 256);
  }
}

TEST(WebSocketDecoder, GoesOnAfterAMoveInTheMiddleOfAMessage) {
  auto const bytes = fragments(text, "moved", 2, frame(last | ping, "p"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto front = bytes.substr(0, at), back = bytes.substr(at);
    Lines lines;
    Decoder first(100);
    std::span<char> input(front);
    while (first.next(input) == Decoder::Status::item) lines.emplace_back(first.item().payload);
    Decoder second(std::move(first));
    input = back;
    while (second.next(input) == Decoder::Status::item) lines.emplace_back(second.item().payload);
    EXPECT_EQ(lines, (Lines{"p", "p", "moved"})) << at;
  }
}

TEST(WebSocketFrames, AreWrittenUnmaskedWithTheShortestLength) {
  for (auto const& [size, start] : {std::pair{0U, "\x81\0"s},
                                    {125U, "\x81\x7D"s},
                                    {126U, "\x81\x7E\0\x7E"s},
                                    {65535U, "\x81\x7E\xFF\xFF"s},
                                    {65536U, "\x81\x7F\0\0\0\0\0\x01\0\0"s}}) {
    std::string out = "before";
    append_frame(out, Opcode::text, std::string(size, 'a'));
    EXPECT_EQ(out, "before" + start + std::string(size, 'a'));
  }
  std::string out;
  append_frame(out, Opcode::pong, "p");
  append_frame(out, Opcode::binary, "b");
  EXPECT_EQ(out,
            "\x8A\x01p\x82\x01"
            "b");
}

TEST(WebSocketFrames, CutACloseReasonAtACharactersBoundary) {
  std::string out, a(120, 'a');
  auto const written = [&](std::uint16_t code, std::string const& reason) {
    out.clear();
    append_close(out, code, reason);
    return out;
  };
  EXPECT_EQ(written(close_normal, "bye"),
            "\x88\x05\x03\xE8"
            "bye");
  EXPECT_EQ(written(close_none, "dropped"), "\x88\0"s);
  EXPECT_EQ(written(close_policy, a + "bcd"), "\x88\x7D\x03\xF0" + a + "bcd");
  EXPECT_EQ(written(close_policy, a + "bcde"), "\x88\x7D\x03\xF0" + a + "bcd");
  EXPECT_EQ(written(close_policy, a + "bc\xC3\xA9"), "\x88\x7C\x03\xF0" + a + "bc");
  EXPECT_EQ(written(close_policy, a + "\xF0\x9F\x98\x80"), "\x88\x7A\x03\xF0" + a);
  EXPECT_EQ(written(close_policy, a + "\xE2\x82\xAC"
                                      "b"),
            "\x88\x7D\x03\xF0" + a + "\xE2\x82\xAC");
}

TEST(WebSocketHandshake, AnswersTheKeyOfTheStandardAndTakesOnlyKeysOfSixteenBytes) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
  for (auto const key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ= ", "dGhlIHNhbXBsZSBub25jZWU=",
                         "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZR==", "dGhl-HNhbXBsZSBub25jZQ=="}) {
    EXPECT_FALSE(is_valid_key(key)) << key;
  }
}

}  // namespace
}  // namespace sojourn::websocket

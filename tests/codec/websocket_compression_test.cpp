#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "codec/websocket.h"
#include "support/bomb.h"
#include "support/frame_script.h"

namespace sojourn::websocket {
namespace {

using namespace std::literals;
using namespace script;

constexpr unsigned char rsv1 = 0x40;
constexpr unsigned char compressed = last | rsv1;

std::string deflated(std::string_view message) {
  std::string out;
  deflate_message(out, message, 15);
  return out;
}

std::string noise(std::size_t size) {
  std::minstd_rand random(5);
  std::string out;
  while (out.size() < size) out += static_cast<char>(random() >> 8U);
  return out;
}

void expect_inflated(std::vector<Case> const& cases, std::size_t limit = 1 << 24) {
  expect_all(cases, limit, Compression::deflate);
}

TEST(WebSocketCompression, ReadsMessagesHoweverTheyAreCut) {
  std::string const long_text(40'000, 'a');
  auto const hello = deflated("Hello"), big = deflated(long_text), bytes = deflated(noise(3000));
  auto const p = frame(last | ping, "p");
  expect_inflated({
      {"text", frame(compressed | text, hello), {"1 Hello"}},
      {"binary", frame(compressed | binary, bytes), {line(binary, noise(3000))}},
      {"large", frame(compressed | text, big), {line(text, long_text)}},
      {"empty", frame(compressed | text, "\x00"s), {"1 "}},
      {"without a byte", frame(compressed | binary, ""), {"2 "}},
      {"some are not compressed",
       frame(last | text, "a") + frame(compressed | text, hello) + frame(last | text, "b"),
       {"1 a", "1 Hello", "1 b"}},
      {"fragments", fragments(rsv1 | text, hello, 2), {"1 Hello"}},
      {"fragments of one byte with pings",
       fragments(rsv1 | binary, hello, 1, p),
       {"9 p", "9 p", "9 p", "9 p", "9 p", "9 p", "2 Hello"}},
      {"the end is empty", frame(rsv1 | text, hello) + frame(last | continued, ""), {"1 Hello"}},
      {"the start is empty", frame(rsv1 | text, "") + frame(last | continued, hello), {"1 Hello"}},
      {"all is empty", frame(rsv1 | text, "") + frame(last | continued, ""), {"1 "}},
      {"one after the other",
       frame(compressed | text, hello) + fragments(rsv1 | text, hello, 3) + frame(last | text, "c"),
       {"1 Hello", "1 Hello", "1 c"}},
      {"close behind it", frame(compressed | text, hello) + close_frame(1000, "bye"), {"1 Hello", "8 1000 bye"}},
  });
}

TEST(WebSocketCompression, ReservedBitsStandOnTheFirstFrameOfAMessageOnly) {
  auto const hello = deflated("Hello");
  expect_inflated({
      {"ping", frame(compressed | ping, "p"), {failed(1002)}},
      {"pong", frame(compressed | pong, "p"), {failed(1002)}},
      {"close", frame(compressed | closing, ""), {failed(1002)}},
      {"ping in a message", frame(rsv1 | text, hello) + frame(compressed | ping, ""), {failed(1002)}},
      {"continuation", frame(rsv1 | text, hello) + frame(compressed | continued, hello), {failed(1002)}},
      {"continuation of a plain message", frame(text, "a") + frame(compressed | continued, hello), {failed(1002)}},
      {"stray continuation", frame(compressed | continued, hello), {failed(1002)}},
      {"inside a message", frame(rsv1 | text, hello) + frame(compressed | text, hello), {failed(1002)}},
      {"RSV2", frame(compressed | 0x20 | text, hello), {failed(1002)}},
      {"RSV3", frame(compressed | 0x10 | text, hello), {failed(1002)}},
      {"RSV2 alone", frame(last | 0x20 | binary, hello), {failed(1002)}},
      {"unknown opcode", frame(compressed | 3, hello), {failed(1002)}},
  });
  expect_lines(frame(compressed | text, hello), {failed(1002)}, "not agreed on");
}

TEST(WebSocketCompression, TextIsUtf8AfterInflating) {
  auto const bad = deflated("abc\xff"), cut = deflated("abc\xe2\x82");
  expect_inflated({
      {"bad text", frame(compressed | text, bad), {failed(1007)}},
      {"the same as bytes", frame(compressed | binary, bad), {"2 abc\xff"}},
      {"text that ends in a sequence", frame(compressed | text, cut), {failed(1007)}},
      {"in fragments", fragments(rsv1 | text, bad, 2), {failed(1007)}},
      {"a plain one behind it",
       frame(compressed | binary, bad) + frame(last | text, "\xff"),
       {"2 abc\xff", failed(1007)}},
      {"good text", frame(compressed | text, deflated("\u03ba\u1f79")), {line(text, "\u03ba\u1f79")}},
  });
}

TEST(WebSocketCompression, DamagedDataEndsTheConnection) {
  auto const hello = deflated("Hello");
  expect_inflated({
      {"no deflate", frame(compressed | binary, "\xff\xff\xff"), {failed(1007)}},
      {"cut", frame(compressed | binary, hello.substr(0, 3)), {failed(1007)}},
      {"context of an earlier message",
       frame(compressed | text, hello) + frame(compressed | text, "\xf2\x00\x11\x00\x00"s),
       {"1 Hello", failed(1007)}},
  });
}

TEST(WebSocketCompression, TheLimitIsThatOfTheInflatedMessage) {
  std::string const exact(1000, 'a'), over(1001, 'a');
  expect_inflated(
      {
          {"exact", frame(compressed | text, deflated(exact)), {line(text, exact)}},
          {"over", frame(compressed | text, deflated(over)), {failed(1009)}},
          {"over in fragments", fragments(rsv1 | text, deflated(over), 3), {failed(1009)}},
          {"grown by compression", frame(compressed | binary, deflated(noise(1000))), {line(binary, noise(1000))}},
          {"the same in fragments", fragments(rsv1 | binary, deflated(noise(1000)), 100), {line(binary, noise(1000))}},
          {"what no message can need", header(compressed | binary, 1190, 2), {failed(1009)}},
          {"the same in fragments",
           frame(rsv1 | binary, std::string(1000, '\0')) + header(continued, 190, 2),
           {failed(1009)}},
          {"plain", frame(last | text, over), {failed(1009)}},
      },
      1000);
}

TEST(WebSocketCompression, ABombIsRefusedAndTakesNoMemory) {
  auto const bomb = test::make_bomb(1000);
  ASSERT_LT(bomb.size(), 1'100'000U);
  for (auto bytes : {frame(compressed | binary, bomb), fragments(rsv1 | binary, bomb, 1000)}) {
    Decoder decoder(1'000'000, Compression::deflate);
    std::span<char> input(bytes);
    ASSERT_EQ(decoder.next(input), Decoder::Status::failed);
    EXPECT_EQ(decoder.failure().close_code, close_too_big);
    EXPECT_EQ(decoder.held_bytes(), 0U);
  }
}

TEST(WebSocketCompression, NothingIsHeldBetweenMessages) {
  auto bytes = frame(compressed | text, deflated(std::string(5000, 'a')));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    auto front = bytes.substr(0, cut), back = bytes.substr(cut);
    Decoder decoder(5000, Compression::deflate);
    std::span<char> input(front);
    ASSERT_EQ(decoder.next(input), Decoder::Status::need_more);
    EXPECT_LE(decoder.held_bytes(), 2 * cut + 256);
    input = back;
    ASSERT_EQ(decoder.next(input), Decoder::Status::item);
    EXPECT_EQ(decoder.item().payload, std::string(5000, 'a'));
    ASSERT_EQ(decoder.next(input), Decoder::Status::need_more);
    EXPECT_EQ(decoder.held_bytes(), 0U);
  }
}

TEST(WebSocketCompression, MessagesAreCompressedWhereItPays) {
  std::string const small(1023, 'a'), large(1024, 'a');
  std::string plain, out;
  for (auto const& [payload, bits, shrinks] : {std::tuple{small, 15, false},
                                               {large, 15, true},
                                               {large, 9, true},
                                               {large, 0, false},
                                               {noise(5000), 15, false}}) {
    plain.clear();
    out.clear();
    append_frame(plain, Opcode::binary, payload);
    append_message(out, Opcode::binary, payload, bits);
    EXPECT_EQ(out == plain, !shrinks) << payload.size() << " " << bits;
    if (!shrinks) continue;
    ASSERT_LT(out.size(), 126U);
    EXPECT_EQ(static_cast<unsigned char>(out[0]), compressed | binary);
    EXPECT_EQ(static_cast<std::size_t>(out[1]), out.size() - 2);
    EXPECT_EQ(decode(frame(compressed | binary, out.substr(2)), 0, 1 << 20, Compression::deflate),
              Lines{line(binary, payload)});
  }
}

}  // namespace
}  // namespace sojourn::websocket

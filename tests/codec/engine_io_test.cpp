#include "codec/engine_io.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/websocket.h"

namespace sojourn::engine_io {
namespace {

using namespace std::string_literals;
using websocket::Opcode;
using Lines = std::vector<std::string>;

// "4 text", "4 bytes ..." for each packet; the error alone when there is one.
Lines to_lines(Result<std::vector<Packet>> const& packets) {
  if (!packets) return {packets.error().message};
  Lines lines;
  for (auto const& packet : *packets)
    lines.push_back(std::to_string(static_cast<int>(packet.type)) + (packet.is_binary ? " bytes " : " ") + packet.data);
  return lines;
}
Lines read_text_body(std::string_view body) { return to_lines(read_body_v3(body, false)); }
Lines read_byte_body(std::string_view body) { return to_lines(read_body_v3(body, true)); }

// A packet of a body with the lengths as bytes.
std::string counted(char kind, std::string const& content) {
  std::string out(1, kind);
  for (char const digit : std::to_string(content.size())) out += static_cast<char>(digit - '0');
  return out + '\xff' + content;
}

std::string frame(Opcode opcode, std::string_view payload) {
  std::string out;
  websocket::append_frame(out, opcode, payload);
  return out;
}

// U+1F600, which UTF-16 has two units for.
constexpr std::string_view smile = "\xF0\x9F\x98\x80";

std::string payload_of(std::vector<Packet> const& packets) {
  std::string payload;
  for (auto const& packet : packets) append_body(payload, packet);
  return payload;
}

TEST(EngineIo, ATextMessageIsAPacket) {
  auto const packet = read_text("4hello");
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, Type::message);
  EXPECT_EQ(packet->data, "hello");
  EXPECT_FALSE(packet->is_binary);
  EXPECT_EQ(to_text(*packet), "4hello");
  EXPECT_EQ(read_text("2probe")->type, Type::ping);
  EXPECT_EQ(read_text("6")->type, Type::noop);
}

TEST(EngineIo, WhatIsNoPacketIsRefused) {
  for (auto const* const text : {"", "7", "abc", "b4", "-1", "\x1e"}) EXPECT_FALSE(read_text(text)) << text;
}

TEST(EngineIo, ABodyHasPacketsApartByTheSeparator) {
  auto const packets = read_body(
      "4test1\x1e"
      "4test2\x1e"
      "bAQIDBA==\x1e"
      "3");
  ASSERT_TRUE(packets);
  ASSERT_EQ(packets->size(), 4U);
  EXPECT_EQ(packets->at(1).data, "test2");
  EXPECT_TRUE(packets->at(2).is_binary);
  EXPECT_EQ(packets->at(2).data, "\x01\x02\x03\x04");
  EXPECT_EQ(packets->at(3).type, Type::pong);
}

TEST(EngineIo, ABodyWithOneBadPacketIsRefusedWhole) {
  for (auto const* const body : {"", "abc", "4a\x1e",
                                 "\x1e"
                                 "4a",
                                 "4a\x1e\x1e"
                                 "4b",
                                 "b%%", "bAQ=",
                                 "4a\x1e"
                                 "9"})
    EXPECT_FALSE(read_body(body)) << body;
}

TEST(EngineIo, ABodyHasABoundedNumberOfPackets) {
  std::string body = "4";
  for (std::size_t i = 1; i < packets_max; ++i)
    body +=
        "\x1e"
        "4";
  EXPECT_EQ(read_body(body)->size(), packets_max);
  EXPECT_FALSE(read_body(body + "\x1e"
                                "4"));
}

TEST(EngineIo, WhatIsAddedToABodyIsReadFromIt) {
  std::vector<Packet> const packets{
      {Type::open, "{}"}, {Type::message, std::string("\0\xff", 2), true}, {Type::noop, ""}};
  std::string body;
  for (auto const& packet : packets) append_body(body, packet);
  EXPECT_EQ(body,
            "0{}\x1e"
            "bAP8=\x1e"
            "6");
  auto const again = read_body(body);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->at(1).data, packets[1].data);
}

TEST(EngineIo, APayloadIsAddedToAnother) {
  std::string out;
  append_payload(out, "");
  EXPECT_EQ(out, "");
  append_payload(out, "4a");
  append_payload(out, "");
  append_payload(out,
                 "4b\x1e"
                 "6");
  EXPECT_EQ(out,
            "4a\x1e"
            "4b\x1e"
            "6");
}

TEST(EngineIo, APayloadIsCutIntoFrames) {
  auto const payload = payload_of({{Type::message, "a"}, {Type::message, "\x01\x02"s, true}, {Type::noop, ""}});
  std::string out = "before";
  append_frames(out, payload);
  EXPECT_EQ(out, "before" + frame(Opcode::text, "4a") + frame(Opcode::binary, "\x01\x02") + frame(Opcode::text, "6"));
  out.clear();
  append_frames(out, "");
  EXPECT_EQ(out, "");
}

TEST(EngineIo, FramesOfRevisionThreeNameTheTypeOfBytes) {
  auto const payload = payload_of({{Type::message, "a"}, {Type::message, "\x01\x02\x03"s, true}});
  std::string out;
  append_frames_v3(out, payload, false);
  EXPECT_EQ(out, frame(Opcode::text, "4a") + frame(Opcode::binary, "\x04\x01\x02\x03"));
  out.clear();
  append_frames_v3(out, payload, true);
  EXPECT_EQ(out, frame(Opcode::text, "4a") + frame(Opcode::text, "b4AQID"));
}

TEST(EngineIo, BytesAreFoundAmongPackets) {
  EXPECT_FALSE(has_bytes(""));
  EXPECT_FALSE(
      has_bytes("4b\x1e"
                "4bb\x1e"
                "6"));
  EXPECT_TRUE(has_bytes("bAQID"));
  EXPECT_TRUE(
      has_bytes("4a\x1e"
                "bAQID\x1e"
                "6"));
}

TEST(EngineIo, MessagesOfRevisionThreeMayHaveBytesAsText) {
  auto const packet = read_text_v3("b4AQID");
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->is_binary);
  EXPECT_EQ(packet->type, Type::message);
  EXPECT_EQ(packet->data, "\x01\x02\x03");
  EXPECT_EQ(read_text_v3("2probe")->data, "probe");
  for (auto const* const text : {"", "b", "bAQID", "b4%", "b4AQ=", "b2AQID", "7"})
    EXPECT_FALSE(read_text_v3(text)) << text;
}

TEST(EngineIo, BinaryMessagesOfRevisionThreeBeginWithTheirType) {
  EXPECT_EQ(read_bytes("\x04"
                       "ab",
                       Revision::v3)
                ->data,
            "ab");
  EXPECT_EQ(read_bytes("\x04"
                       "ab",
                       Revision::v4)
                ->data,
            "\x04"
            "ab");
  EXPECT_TRUE(read_bytes("\x04", Revision::v3)->is_binary);
  EXPECT_TRUE(read_bytes("", Revision::v4)->is_binary);
  for (auto const* const bytes : {"", "ab", "\x02probe", "4ab"}) EXPECT_FALSE(read_bytes(bytes, Revision::v3)) << bytes;
}

TEST(EngineIo, ABodyOfRevisionThreeCountsInUnitsOfUtf16) {
  EXPECT_EQ(read_text_body("6:4hello2:4\u20ac"), (Lines{"4 hello", "4 \u20ac"}));
  EXPECT_EQ(read_text_body("1:41:2"), (Lines{"4 ", "2 "}));
  EXPECT_EQ(read_text_body("4:4" + std::string(smile) + "a2:4b"), (Lines{"4 " + std::string(smile) + "a", "4 b"}));
  EXPECT_EQ(read_text_body("6:b4AQID2:4:"), (Lines{"4 bytes \x01\x02\x03", "4 :"}));
}

TEST(EngineIo, ABodyOfRevisionThreeIsWholeOrRefused) {
  for (auto const& body : {""s, "4hello"s, ":4"s, "2:4"s, "0:"s, "1:4x"s, "1:42:4"s, "-1:4"s, "+1:4"s, " 1:4"s,
                           "99999999999999999999:4"s, "6:bAQIDa"s, "3:b4%"s, "1:7"s, "2:\xff"s, "2"s, "2:4\xe2\x82"s})
    EXPECT_FALSE(read_body_v3(body, false)) << body;
}

TEST(EngineIo, ABodyOfRevisionThreeMayHaveItsLengthsAsBytes) {
  auto const body =
      counted('\0', "4\u20ac") + counted('\1', "\x04\x01\x02\x03") + counted('\0', "2" + std::string(100, 'p'));
  EXPECT_EQ(read_byte_body(body), (Lines{"4 \u20ac", "4 bytes \x01\x02\x03", "2 " + std::string(100, 'p')}));
}

TEST(EngineIo, ABodyWithLengthsAsBytesIsWholeOrRefused) {
  auto const good = counted('\0', "4hello");
  for (std::size_t cut = 0; cut < good.size(); ++cut) EXPECT_FALSE(read_body_v3(good.substr(0, cut), true)) << cut;
  for (auto const& body : {"\2\1\xff"
                           "4"s,
                           "\0\xff"
                           "4"s,
                           "\0\x0a\xff"
                           "4"s,
                           "\0\xfe\xff"
                           "4"s,
                           "\0\0\xff"s,
                           "\1\1\xff"
                           "4"s,
                           "\1\0\xff"s, good + "4",
                           "\0\1\xff"
                           "9"s,
                           "\0" + std::string(10, '\0') +
                               "\1\xff"
                               "4",
                           "6:4hello"s})
    EXPECT_FALSE(read_body_v3(body, true)) << testing::PrintToString(body);
  EXPECT_EQ(read_byte_body("\0"s + std::string(8, '\0') +
                           "\1\xff"
                           "4"),
            Lines{"4 "})
      << "nine digits at most";
}

TEST(EngineIo, ABodyOfRevisionThreeHasABoundedNumberOfPackets) {
  std::string texts, bytes;
  for (std::size_t i = 0; i < packets_max; ++i) {
    texts += "1:4";
    bytes += counted('\0', "4");
  }
  EXPECT_EQ(read_body_v3(texts, false)->size(), packets_max);
  EXPECT_EQ(read_body_v3(bytes, true)->size(), packets_max);
  EXPECT_FALSE(read_body_v3(texts + "1:4", false));
  EXPECT_FALSE(read_body_v3(bytes + counted('\0', "4"), true));
}

TEST(EngineIo, APayloadBecomesABodyOfRevisionThree) {
  auto const texts = payload_of({{Type::open, "{}"}, {Type::message, std::string(smile)}, {Type::message, "\u20ac"}});
  for (bool const as_text : {false, true})
    EXPECT_EQ(to_body_v3(texts, as_text), "3:0{}3:4" + std::string(smile) + "2:4\u20ac");
  EXPECT_EQ(to_body_v3("", false), "");
  auto const mixed = payload_of({{Type::message, "\u20ac"}, {Type::message, "\x01\x02\x03"s, true}, {Type::noop, ""}});
  EXPECT_EQ(to_body_v3(mixed, true), "2:4\u20ac6:b4AQID1:6");
  EXPECT_EQ(to_body_v3(mixed, false),
            counted('\0', "4\u20ac") + counted('\1', "\x04\x01\x02\x03") + counted('\0', "6"));
}

TEST(EngineIo, WhatIsWrittenForRevisionThreeIsReadAgain) {
  std::vector<Packet> const packets{{Type::message, std::string(300, 'x')},
                                    {Type::message, std::string(1234, '\xfe'), true},
                                    {Type::message, "", true},
                                    {Type::pong, "probe"},
                                    {Type::message, std::string(smile) + "b"}};
  auto const payload = payload_of(packets);
  for (bool const as_text : {false, true}) {
    auto const again = read_body_v3(to_body_v3(payload, as_text), !as_text);
    EXPECT_EQ(to_lines(again), to_lines(packets)) << as_text;
  }
}

}  // namespace
}  // namespace sojourn::engine_io

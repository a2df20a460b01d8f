#include "codec/socket_io.h"

#include <gtest/gtest.h>

namespace sojourn::socket_io {
namespace {

std::optional<Packet> read(std::string_view text) {
  auto packet = Reader().take_text(text);
  return packet ? *std::move(packet) : std::nullopt;
}

std::string refusal(std::string_view text) {
  auto const packet = Reader().take_text(text);
  return packet ? std::string("none") : packet.error().message;
}

TEST(SocketIo, PacketsOfEachTypeAreReadAndWrittenAlike) {
  for (auto const* const text :
       {"0", R"(0{"token":"123"})", R"(0/custom,{"a":1})", "0/custom,", "1", "1/custom,",
        R"(2["message",1,"2",{"3":[true]}])", R"(212["foo"])", R"(2/custom,456["foo",null])", R"(31["bar"])",
        R"(3/custom,0[])", R"(4/random,{"message":"Invalid namespace"})", R"(4"why")"}) {
    auto const packet = read(text);
    ASSERT_TRUE(packet) << text;
    EXPECT_EQ(to_text(*packet), text);
  }
}

TEST(SocketIo, ANamespaceNeedsNoCommaAtTheEnd) {
  auto const packet = read("0/custom");
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->nsp, "/custom");
  EXPECT_TRUE(packet->data.is_null());
}

TEST(SocketIo, TheIdIsAskedForOrAnswered) {
  EXPECT_EQ(read(R"(2456["a"])")->id, 456U);
  EXPECT_EQ(read(R"(2["a"])")->id, std::nullopt);
  EXPECT_EQ(read(R"(218446744073709551615["a"])")->id, UINT64_MAX);
  EXPECT_EQ(refusal(R"(299999999999999999999["a"])"), "the id of a packet is too large");
}

TEST(SocketIo, WhatMakesNoSenseIsRefused) {
  for (auto const* const text : {"",
                                 "7",
                                 "x",
                                 "abc",
                                 "2",
                                 "2{}",
                                 R"(2"a")",
                                 "2[]",
                                 R"(2[{}])",
                                 R"(2["connect"])",
                                 R"(2["disconnecting"])",
                                 "3[]",
                                 "3",
                                 R"(31{"a":1})",
                                 "0[]",
                                 R"(0"a")",
                                 "1{}",
                                 "4",
                                 "4[]",
                                 R"(2abc["a"])",
                                 R"(2["a")",
                                 R"(2/x["a"])",
                                 R"(5["a"])",
                                 R"(5-["a"])",
                                 R"(51["a"])",
                                 R"(51-)",
                                 "\xff"})
    EXPECT_NE(refusal(text), "none") << text;
}

TEST(SocketIo, AnEventMayBeCalledByANumber) { EXPECT_TRUE(read("2[1]")); }

TEST(SocketIo, AttachmentsFollowTheText) {
  Reader reader;
  auto packet = reader.take_text(R"(52-/custom,7["file",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])");
  ASSERT_TRUE(packet);
  EXPECT_FALSE(*packet);
  packet = reader.take_bytes("one");
  ASSERT_TRUE(packet);
  EXPECT_FALSE(*packet);
  packet = reader.take_bytes("two");
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->type, Type::event);
  EXPECT_EQ((*packet)->nsp, "/custom");
  EXPECT_EQ((*packet)->id, 7U);
  EXPECT_EQ((*packet)->attachments, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(to_text(**packet), R"(52-/custom,7["file",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])");
  EXPECT_TRUE(reader.take_text(R"(2["next"])")) << "it is free again";
}

TEST(SocketIo, AnAckMayHaveAttachments) {
  Reader reader;
  ASSERT_TRUE(reader.take_text(R"(61-456[{"_placeholder":true,"num":0}])"));
  auto const packet = reader.take_bytes("x");
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->type, Type::ack);
}

TEST(SocketIo, WithoutAttachmentsAPacketIsWholeAtOnce) { EXPECT_TRUE(read(R"(50-["a"])")); }

TEST(SocketIo, TextAndBytesComeOnlyWhereTheyAreAwaited) {
  Reader reader;
  EXPECT_FALSE(reader.take_bytes("x"));
  ASSERT_TRUE(reader.take_text(R"(51-["a",{"_placeholder":true,"num":0}])"));
  EXPECT_FALSE(reader.take_text(R"(2["b"])"));
}

TEST(SocketIo, PlaceholdersNameAttachmentsThatThereAre) {
  for (auto const* const number : {"1", "-1", "\"0\"", "0.5", "null"})
    EXPECT_NE(refusal(R"(51-["a",[{"_placeholder":true,"num":)" + std::string(number) + "}]]"), "none") << number;
  EXPECT_NE(refusal(R"(50-["a",{"_placeholder":true,"num":0}])"), "none");
}

TEST(SocketIo, AttachmentsAreBoundedInNumberAndSize) {
  Reader reader({2, 4});
  EXPECT_FALSE(reader.take_text(R"(53-["a"])"));
  ASSERT_TRUE(reader.take_text(R"(52-["a"])"));
  EXPECT_TRUE(reader.take_bytes("abc"));
  EXPECT_FALSE(reader.take_bytes("de"));
  EXPECT_NE(refusal(R"(599999999999999999999999-["a"])"), "none");
}

}  // namespace
}  // namespace sojourn::socket_io

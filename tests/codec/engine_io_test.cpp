#include "codec/engine_io.h"

#include <gtest/gtest.h>

namespace sojourn::engine_io {
namespace {

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

}  // namespace
}  // namespace sojourn::engine_io

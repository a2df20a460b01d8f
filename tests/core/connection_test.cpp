#include "core/connection.h"

#include <gtest/gtest.h>

#include <string>

#include "support/recording_outlet.h"

namespace sojourn {
namespace {

void frame_in_brackets(std::string& out, std::string_view message) { out.append("[").append(message).append("]"); }

TEST(Send, FramesTheMessageAndQueuesItAtTheOutlet) {
  RecordingOutlet outlet;
  Connection connection;
  connection.via.outlet = &outlet;
  connection.via.framing = frame_in_brackets;
  send(connection, "one");
  send(connection, "");
  ASSERT_EQ(outlet.pushed.size(), 2U);
  EXPECT_EQ(*outlet.pushed[0], "[one]");
  EXPECT_EQ(*outlet.pushed[1], "[]");
  EXPECT_EQ(outlet.closes, 0);
}

TEST(Send, CopiesTheMessageSoThatItMayGoAtOnce) {
  RecordingOutlet outlet;
  Connection connection;
  connection.via.outlet = &outlet;
  connection.via.framing = frame_in_brackets;
  {
    std::string message(100, 'x');
    send(connection, message);
    message.assign(100, 'y');
  }
  EXPECT_EQ(*outlet.pushed.at(0), "[" + std::string(100, 'x') + "]");
}

TEST(ConnectionId, IsWrittenWithItsLetterAndReadBack) {
  EXPECT_EQ(to_text(ConnectionId{7}), "c7");
  for (ConnectionId const id : {ConnectionId{1}, ConnectionId{18'446'744'073'709'551'615U}})
    EXPECT_EQ(to_connection_id(to_text(id)), id);
}

TEST(ConnectionId, IsNobodyWhenItIsAnythingElse) {
  for (auto const* text : {"", "c", "7", "C7", "c-7", "c+7", "c 7", "c7 ", "c7x", "cc7", "c18446744073709551616"})
    EXPECT_EQ(to_connection_id(text), 0U) << text;
}

}  // namespace
}  // namespace sojourn

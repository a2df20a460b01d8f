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

}  // namespace
}  // namespace sojourn

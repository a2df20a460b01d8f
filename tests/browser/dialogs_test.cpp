#include "browser/dialogs.h"

#include <gtest/gtest.h>

namespace sojourn {
namespace {

json::object opening(std::string_view type, std::string_view message) {
  json::object params;
  params["type"] = type;
  params["message"] = message;
  return params;
}

TEST(Dialogs, AreDismissedAndKeptForTheAnswer) {
  Dialogs dialogs;
  auto const reply = dialogs.on_opening(opening("confirm", "Sure?"), 0);
  EXPECT_FALSE(reply.accepts);
  EXPECT_TRUE(reply.is_told);
  EXPECT_EQ(json::to_text(dialogs.take()), R"([{"type":"confirm","message":"Sure?","action":"dismissed"}])");
  EXPECT_TRUE(dialogs.take().empty());
}

TEST(Dialogs, LeavingAPageIsAllowed) {
  Dialogs dialogs;
  EXPECT_TRUE(dialogs.on_opening(opening("beforeunload", ""), 0).accepts);
}

TEST(Dialogs, AStormIsBoundedAndStopped) {
  Dialogs dialogs;
  std::size_t told = 0;
  std::size_t storms = 0;
  for (int i = 0; i < 1000; ++i) {
    auto const reply = dialogs.on_opening(opening("alert", "x"), 5);
    told += reply.is_told;
    storms += reply.is_storm;
  }
  EXPECT_EQ(told, Dialogs::told_max);
  EXPECT_EQ(storms, 1000 / Dialogs::storm);
  EXPECT_EQ(dialogs.take().size(), Dialogs::kept_max);
  EXPECT_TRUE(dialogs.on_opening(opening("alert", "x"), 1'500'000).is_told) << "a second later";
}

TEST(Dialogs, ALongMessageIsCutBetweenTwoCharacters) {
  Dialogs dialogs;
  std::string message = "a";
  for (int i = 0; i < 2000; ++i) message += "\xC3\xA4";
  auto const reply = dialogs.on_opening(opening("alert", message), 0);
  auto const text = json::find_string(reply.dialog, "message");
  EXPECT_LE(text.size(), Dialogs::message_bytes_max + 3);
  EXPECT_EQ(text.size() % 2, 0U) << "a, whole pairs, three dots";
}

}  // namespace
}  // namespace sojourn

#include "app/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 4> words{"serve", "sessions", "show", "send"};

TEST(Nearest, FindsTheWordThatWasMeant) {
  EXPECT_EQ(nearest("sesions", words), "sessions");
  EXPECT_EQ(nearest("sned", words), "send");  // swapped
  EXPECT_EQ(nearest("serve", words), "serve");
  EXPECT_EQ(nearest("showw", words), "show");
  EXPECT_EQ(nearest("sess", words), "sessions");
  EXPECT_EQ(nearest("sendmessage", words), "send");
}

TEST(Nearest, FindsNothingWhereNothingIsNear) {
  EXPECT_EQ(nearest("configuration", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(10'000, 's'), words), "");
}

TEST(Nearest, SuggestsTheWordOrElseAll) {
  EXPECT_EQ(suggest("sevre", words), "did you mean \"serve\"?");
  EXPECT_EQ(suggest("xyz", words), "known are serve, sessions, show, send");
}

}  // namespace
}  // namespace sojourn

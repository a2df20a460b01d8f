#include "store/room.h"

#include <gtest/gtest.h>

#include <thread>

namespace sojourn {
namespace {

TEST(Room, IsThereWhileMoreThanTheReserveIsFree) {
  std::uint64_t free = 100;
  EXPECT_TRUE(Room(100, [&] { return free; }).is_there());
  free = 99;
  EXPECT_FALSE(Room(100, [&] { return free; }).is_there());
}

TEST(Room, LooksNowAndThenAndComesBackByItself) {
  std::uint64_t free = 0;
  int looks = 0;
  Room room(100, [&] {
    ++looks;
    return free;
  });
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(room.is_there());
  EXPECT_LT(looks, 100);
  free = 100;
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  EXPECT_TRUE(room.is_there());
}

}  // namespace
}  // namespace sojourn

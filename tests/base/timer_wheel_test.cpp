#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace sojourn {
namespace {

constexpr std::int64_t slot_us = 50'000;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

struct Alarm {
  Alarm() : timer([](void* owner) { ++static_cast<Alarm*>(owner)->fired; }, this) {}
  int fired = 0;
  Timer timer;
};

TEST(TimerWheel, ATimerFiresOnceAndNeverEarly) {
  TimerWheel wheel(0);
  Alarm alarm;
  EXPECT_EQ(wheel.next_us(), never);
  wheel.arm(alarm.timer, 120'000);
  EXPECT_TRUE(alarm.timer.is_armed());
  wheel.advance(119'999);
  EXPECT_EQ(alarm.fired, 0);
  wheel.advance(120'000 + slot_us);
  EXPECT_EQ(alarm.fired, 1);
  EXPECT_FALSE(alarm.timer.is_armed());
  wheel.advance(10'000'000);
  EXPECT_EQ(alarm.fired, 1);
}

TEST(TimerWheel, ArmingAgainReplacesTheDeadline) {
  TimerWheel wheel(0);
  Alarm alarm;
  wheel.arm(alarm.timer, 100'000);
  wheel.arm(alarm.timer, 500'000);
  wheel.advance(400'000);
  EXPECT_EQ(alarm.fired, 0);
  wheel.arm(alarm.timer, 420'000);
  wheel.advance(480'000);
  EXPECT_EQ(alarm.fired, 1);
}

TEST(TimerWheel, ADisarmedOrFreedTimerDoesNotFire) {
  TimerWheel wheel(0);
  Alarm kept;
  auto freed = std::make_unique<Alarm>();
  Alarm disarmed;
  for (auto* alarm : {&kept, freed.get(), &disarmed}) wheel.arm(alarm->timer, 100'000);
  disarmed.timer.disarm();
  disarmed.timer.disarm();
  freed.reset();
  wheel.advance(1'000'000);
  EXPECT_EQ(kept.fired, 1);
  EXPECT_EQ(disarmed.fired, 0);
}

TEST(TimerWheel, DeadlinesBeyondARoundAndLongSleepsAreKept) {
  TimerWheel wheel(7 * slot_us);
  Alarm far;
  Alarm near;
  wheel.arm(far.timer, 3'600'000'000);
  wheel.arm(near.timer, 1'000'000);
  wheel.advance(3'599'000'000);
  EXPECT_EQ(near.fired, 1) << "one sleep over many rounds";
  EXPECT_EQ(far.fired, 0);
  EXPECT_LE(wheel.next_us(), 3'600'000'000 + slot_us);
  wheel.advance(3'600'000'000 + slot_us);
  EXPECT_EQ(far.fired, 1);
  wheel.arm(far.timer, 5);
  wheel.advance(3'600'000'000 + 2 * slot_us);
  EXPECT_EQ(far.fired, 2) << "a deadline that has passed already";
}

// While it fires a timer may arm itself, end its neighbours and begin others.
TEST(TimerWheel, ATimerThatFiresMayChangeTheOthers) {
  TimerWheel wheel(0);
  struct Bully {
    explicit Bully(TimerWheel& w)
        : wheel(w),
          timer([](void* owner) { static_cast<Bully*>(owner)->fire(); }, this),
          victim(std::make_unique<Alarm>()) {}
    void fire() {
      ++fired;
      victim.reset();
      if (fired < 3) wheel.arm(timer, fired * 200'000);
    }
    TimerWheel& wheel;
    Timer timer;
    std::unique_ptr<Alarm> victim;
    int fired = 0;
  };
  std::vector<std::unique_ptr<Bully>> bullies;
  for (int i = 0; i < 10; ++i) {
    bullies.push_back(std::make_unique<Bully>(wheel));
    wheel.arm(bullies.back()->timer, 100'000);
    wheel.arm(bullies.back()->victim->timer, 100'000);
  }
  for (std::int64_t now = 0; now < 2'000'000; now += slot_us) wheel.advance(now);
  for (auto const& bully : bullies) EXPECT_EQ(bully->fired, 3);
}

// Random arming, disarming and time against a list that is searched.
TEST(TimerWheel, AgreesWithAListOfDeadlines) {
  std::mt19937 random(3);
  auto const below = [&](std::int64_t count) { return static_cast<std::int64_t>(random()) % count; };
  for (int round = 0; round < 20; ++round) {
    std::int64_t now = below(1'000'000'000);
    TimerWheel wheel(now);
    std::vector<std::unique_ptr<Alarm>> alarms(40);
    std::ranges::generate(alarms, [] { return std::make_unique<Alarm>(); });
    std::map<Alarm*, std::int64_t> model;
    for (int step = 0; step < 2000; ++step) {
      auto* const alarm = alarms[static_cast<std::size_t>(below(40))].get();
      switch (below(4)) {
        case 0:
        case 1: {
          auto const deadline = now + below(below(2) == 0 ? 300'000 : 200'000'000) - 60'000;
          wheel.arm(alarm->timer, deadline);
          model[alarm] = std::max(deadline, now);  // one that has passed fires in the next slot
          break;
        }
        case 2:
          alarm->timer.disarm();
          model.erase(alarm);
          break;
        default:
          now += below(20) == 0 ? below(400'000'000) : below(120'000);
          ASSERT_TRUE(model.empty() ||
                      wheel.next_us() <=
                          std::ranges::min_element(model, {}, [](auto const& entry) { return entry.second; })->second +
                              slot_us ||
                      wheel.next_us() <= now + slot_us);
          wheel.advance(now);
          for (auto const& each : alarms) {
            auto const place = model.find(each.get());
            auto const deadline = place == model.end() ? never : place->second;
            if (each->fired > 0) {
              ASSERT_LE(deadline, now) << "early, or not armed";
              ASSERT_EQ(each->fired, 1);
              model.erase(each.get());
            } else {
              ASSERT_GT(deadline, now - slot_us) << "late";
            }
            each->fired = 0;
            ASSERT_EQ(each->timer.is_armed(), model.contains(each.get()));
          }
      }
    }
  }
}

}  // namespace
}  // namespace sojourn

#include "api/restore_point.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace sojourn {
namespace {

constexpr std::uint32_t epoch = 0xf1790e6f;
constexpr std::int64_t begin_us = 1'771'960'936'000'000;
constexpr std::int64_t second_us = 1'000'000;

StateView view(std::string const& state, std::uint64_t revision) {
  return {std::make_shared<std::string const>(state), revision, {}};
}

json::object body_of(std::string_view text) { return json::parse(text)->get_object(); }

// "place|time" of a point, or what is wrong.
std::string parsed(std::string_view body) {
  auto const point = parse_restore_point(body_of(body));
  if (!point) return point.error().field + ": " + point.error().message;
  return point->place + "|" + (point->at_us ? std::to_string(*point->at_us) : "");
}

TEST(RestorePoint, IsTheLatestAPlaceOrATime) {
  EXPECT_EQ(parsed(R"({"restore_point":"latest"})"), "|");
  EXPECT_EQ(parsed(R"({"restore_point":"f1790e6f.7"})"), "f1790e6f.7|");
  EXPECT_EQ(parsed(R"({"restore_point":"7"})"), "7|");
  EXPECT_EQ(parsed(R"({"restore_point":7})"), "7|");
  EXPECT_EQ(parsed(R"({"restore_point":"2026-02-24T19:22:16Z"})"), "|" + std::to_string(begin_us));
  EXPECT_EQ(parsed(R"({"restore_point":"2026-02-24T20:22:16.5+01:00"})"), "|" + std::to_string(begin_us + 500'000));
}

TEST(RestorePoint, IsNothingElse) {
  for (std::string_view const body :
       {"{}", R"({"restore_point":null})", R"({"restore_point":""})", R"({"restore_point":"Latest"})",
        R"({"restore_point":"yesterday"})", R"({"restore_point":-1})", R"({"restore_point":1.5})",
        R"({"restore_point":true})", R"({"restore_point":["latest"]})", R"({"restore_point":{}})",
        R"({"restore_point":"-1"})", R"({"restore_point":"x.1"})", R"({"restore_point":".1"})",
        R"({"restore_point":"1."})", R"({"restore_point":" 7"})", R"({"restore_point":"2026-02-24"})",
        R"({"restore_point":18446744073709551615})", R"({"restore_point":"18446744073709551616"})"}) {
    EXPECT_EQ(parsed(body),
              "body.restore_point: restore_point has to be \"latest\", a cursor or seq of the session's log, or an ISO "
              "8601 time")
        << body;
  }
}

// A log whose events are a second apart, and what comes of reading it again in pages.
class RewindTest : public testing::Test {
 protected:
  void say(EventType type, std::string data = {}, std::string name = {}) {
    auto event = std::make_shared<Event>();
    event->seq = log.size() + 1;
    event->at_us = begin_us + static_cast<std::int64_t>(log.size()) * second_us;
    event->type = type;
    event->data = std::move(data);
    event->name = std::move(name);
    if (type == EventType::state) revision = event->seq;
    log.push_back(std::move(event));
  }
  void set(std::string const& key, std::string const& value) {
    say(EventType::state, "{\"set\":{\"" + key + "\":" + value + "},\"removed\":[]}");
  }
  void remove(std::string const& key) { say(EventType::state, "{\"set\":{},\"removed\":[\"" + key + "\"]}"); }

  // What the state was at the point, as "cursor state cases", or "code message".
  std::string past(RestorePoint point, std::size_t page_size = 100) const {
    Rewind rewind(std::move(point), view(present, revision));
    for (auto at = gone;;) {
      EventPage page;
      page.last_seq = log.size();
      while (at < log.size() && page.events.size() < page_size) page.events.push_back(log[at++]);
      page.cursor = {epoch, at};
      if (!rewind.take(page)) break;
    }
    auto const found = rewind.finish(now_us);
    if (!found) return std::string(row(found.error().code).word) + " " + found.error().message;
    return to_text(found->cursor) + " " + json::to_text(found->state) + " " + std::to_string(found->cases);
  }
  static RestorePoint place(std::string text) { return {std::move(text), {}}; }
  static RestorePoint time(std::int64_t after_us) { return {{}, begin_us + after_us}; }
  static std::string cursor(std::uint64_t seq) { return to_text(Cursor{epoch, seq}); }

  // 1 opened, 2 {a:1}, 3 {a:1,b:[2]}, 4 a note, 5 {a:3,b:[2]}, 6 {a:3}
  void fill() {
    say(EventType::opened, "{}");
    set("a", "1");
    set("b", "[2]");
    say(EventType::message, "7", "note");
    set("a", "3");
    remove("b");
    present = R"({"a":3})";
  }

  std::vector<EventRef> log;
  std::size_t gone = 0;  // of the log's beginning
  std::uint64_t revision = 0;
  std::string present = "{}";
  std::int64_t now_us = begin_us + 3600 * second_us;
  std::string const untold =
      "conflict the log does not go back to its beginning any more: it can't tell what the state was";
};

TEST_F(RewindTest, TheStateIsFoldedUpToAPlace) {
  fill();
  std::vector<std::string> const states{
      "{}", R"({"a":1})", R"({"a":1,"b":[2]})", R"({"a":1,"b":[2]})", R"({"a":3,"b":[2]})", R"({"a":3})"};
  for (std::size_t seq = 1; seq <= states.size(); ++seq) {
    auto const expected = cursor(seq) + " " + states[seq - 1] + " 0";
    EXPECT_EQ(past(place(std::to_string(seq))), expected);
    EXPECT_EQ(past(place(cursor(seq))), expected);
  }
  EXPECT_EQ(past({}), cursor(6) + R"( {"a":3} 0)");
}

TEST_F(RewindTest, HowTheLogIsCutIntoPagesIsAllTheSame) {
  fill();
  for (std::size_t size = 1; size <= 7; ++size) {
    EXPECT_EQ(past(place("3"), size), cursor(3) + R"( {"a":1,"b":[2]} 0)") << size;
    EXPECT_EQ(past({}, size), cursor(6) + R"( {"a":3} 0)") << size;
    EXPECT_EQ(past(time(2 * second_us), size), cursor(3) + R"( {"a":1,"b":[2]} 0)") << size;
    EXPECT_TRUE(past(place("7"), size).starts_with("unprocessable ")) << size;
  }
}

TEST_F(RewindTest, ATimeIsTheLastEventUntilThen) {
  fill();
  EXPECT_EQ(past(time(0)), cursor(1) + " {} 0");
  EXPECT_EQ(past(time(second_us - 1)), cursor(1) + " {} 0");
  EXPECT_EQ(past(time(second_us)), cursor(2) + R"( {"a":1} 0)");
  EXPECT_EQ(past(time(4 * second_us + 1)), cursor(5) + R"( {"a":3,"b":[2]} 0)");
  EXPECT_EQ(past(time(3600 * second_us)), cursor(6) + R"( {"a":3} 0)") << "now";
  EXPECT_EQ(past(time(3600 * second_us + 1)), "unprocessable restore_point has to be a time that has been");
  EXPECT_EQ(past(time(-1)),
            "unprocessable restore_point has to be a time from the session's beginning on, "
            "2026-02-24T19:22:16.000000Z");
}

TEST_F(RewindTest, EventsOfOneMomentBelongTogether) {
  say(EventType::opened, "{}");
  auto event = std::make_shared<Event>(*log[0]);
  event->seq = 2;
  event->type = EventType::state;
  event->data = R"({"set":{"a":1},"removed":[]})";
  log.push_back(event);
  revision = 2;
  EXPECT_EQ(past(time(0)), cursor(2) + R"( {"a":1} 0)");
}

TEST_F(RewindTest, APlaceThatIsNotInTheLogIsUnprocessable) {
  fill();
  std::string const wrong = "unprocessable restore_point has to be a place in this session's log, which ends at ";
  for (auto const* const text : {"0", "7", "18446744073709551615", "f1790e6f.7", "f1790e6f.0", "0.1", "f1790e6e.3"})
    EXPECT_EQ(past(place(text)), wrong + cursor(6)) << text;
}

TEST_F(RewindTest, WithoutItsBeginningALogTellsOnlyWhatHasNotChangedSince) {
  fill();
  say(EventType::message, "8", "note");
  for (gone = 1; gone <= 6; ++gone) {
    EXPECT_EQ(past({}), cursor(7) + R"( {"a":3} 0)") << "the present state is known";
    EXPECT_EQ(past(place("6")), cursor(6) + R"( {"a":3} 0)");
    EXPECT_EQ(past(time(6 * second_us)), cursor(7) + R"( {"a":3} 0)");
    for (auto const* const text : {"1", "2", "5"}) EXPECT_EQ(past(place(text)), untold) << gone << text;
    EXPECT_EQ(past(time(0)), untold);
    EXPECT_EQ(past(time(4 * second_us)), untold);
    EXPECT_TRUE(past(place("8")).starts_with("unprocessable ")) << "it never was";
  }
}

TEST_F(RewindTest, AStateThatNeverChangedNeedsNoLog) {
  for (int i = 0; i < 5; ++i) say(EventType::message, "1", "note");
  gone = 3;
  EXPECT_EQ(past(place("4")), cursor(4) + " {} 0");
  EXPECT_EQ(past({}), cursor(5) + " {} 0");
}

TEST_F(RewindTest, AnEmptyLogHasALatestPointAndNoOther) {
  EXPECT_EQ(past({}), cursor(0) + " {} 0");
  EXPECT_TRUE(past(place("0")).starts_with("unprocessable "));
  EXPECT_TRUE(past(place("1")).starts_with("unprocessable "));
  EXPECT_EQ(past(time(0)), "unprocessable restore_point has to be a time at which there was a log");
}

TEST_F(RewindTest, AGapBetweenThePagesIsABeginningThatIsMissing) {
  fill();
  Rewind rewind(place("5"), view(present, revision));
  EventPage first;
  first.events = {log[0], log[1]};
  first.cursor = {epoch, 2};
  first.last_seq = 6;
  EXPECT_TRUE(rewind.take(first));
  EventPage second;
  second.events = {log[4], log[5]};
  second.cursor = {epoch, 6};
  second.last_seq = 6;
  second.gap = true;
  EXPECT_FALSE(rewind.take(second));
  auto const found = rewind.finish(now_us);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::conflict);
}

TEST_F(RewindTest, WhatIsNoChangeIsNeverFolded) {
  for (std::string const& data :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"set":{}})"),
        std::string(R"({"set":[],"removed":[]})"), std::string(R"({"set":{},"removed":{}})"),
        std::string(R"({"set":{},"removed":[7]})"), std::string(70, '[')}) {
    log.clear();
    say(EventType::opened, "{}");
    set("a", "1");
    say(EventType::state, data);
    set("a", "2");
    present = R"({"a":2})";
    EXPECT_EQ(past(place("3")), untold) << data;
    EXPECT_EQ(past(place("2")), cursor(2) + R"( {"a":1} 0)") << "what was before it is told all the same";
  }
}

TEST_F(RewindTest, AKeyIsRemovedWhetherItIsThereOrNot) {
  say(EventType::opened, "{}");
  say(EventType::state, R"({"set":{"a":null,"b":{"c":[]},"":1},"removed":["x"]})");
  say(EventType::state, R"({"set":{"a":{}},"removed":["b",""]})");
  EXPECT_EQ(past(place("2")), cursor(2) + R"( {"a":null,"b":{"c":[]},"":1} 0)");
  EXPECT_EQ(past({}), cursor(3) + R"( {"a":{}} 0)");
}

TEST_F(RewindTest, CasesUntilThenAreCounted) {
  say(EventType::opened, "{}");
  say(EventType::message, "{}", "case.opened");
  say(EventType::message, "{}", "case.closed");
  say(EventType::call, "{}", "case.opened");
  say(EventType::message, "{}", "case.opened");
  EXPECT_EQ(past(place("1")), cursor(1) + " {} 0");
  EXPECT_EQ(past(place("4")), cursor(4) + " {} 1");
  EXPECT_EQ(past({}), cursor(5) + " {} 2");
}

TEST_F(RewindTest, ThePresentStateStaysAtHand) {
  Rewind const rewind({}, view(R"({"a":1})", 7));
  EXPECT_EQ(rewind.revision(), 7u);
  EXPECT_EQ(json::to_text(*rewind.present()), R"({"a":1})");
  EXPECT_FALSE(Rewind({}, view("{", 7)).present());
  EXPECT_FALSE(Rewind({}, view("[]", 7)).present());
}

TEST(Wholeness, IsAFirstEventOrNoneAtAll) {
  EventPage page;
  EXPECT_TRUE(is_whole(page)) << "nothing was said yet";
  page.last_seq = 4;
  EXPECT_FALSE(is_whole(page)) << "what was said is gone";
  page.events = {std::make_shared<Event const>(Event{.seq = 1})};
  EXPECT_TRUE(is_whole(page));
  page.events = {std::make_shared<Event const>(Event{.seq = 2})};
  EXPECT_FALSE(is_whole(page));
}

}  // namespace
}  // namespace sojourn

// The part of show.cpp that catches up: resuming by a cursor, gaps, peers that read slowly, what is dropped for them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {
namespace {

class ResumeTest : public CoreTest {
 protected:
  std::string cursor(std::uint64_t seq) { return to_text(Cursor{session.cursor.epoch, seq}); }
  Opened resume(RecordingOutlet& end, std::string since) {
    return join(session.id, end, user("alice"), std::move(since));
  }

  SessionInfo session = open_empty("alice");
};

TEST_F(ResumeTest, SHP_02_AfterACursorComesWhatWasMissedAndThenTheRest) {
  for (auto const* name : {"a", "b", "c"}) post(session.id, name);
  auto const opened = resume(outlet, cursor(2));
  EXPECT_EQ(opened.greeting,
            "welcome " + std::to_string(opened.connection) + " to " + session.id + " after " + cursor(2));
  turn();
  EXPECT_EQ(outlet.take_lines(), (Lines{"3 message 0 b", "4 message 0 c"}));
  post(session.id, "d");
  EXPECT_EQ(outlet.take_lines(), Lines{"5 message 0 d"});
}

TEST_F(ResumeTest, ABareSeqIsACursorToo) {
  for (auto const* name : {"a", "b"}) post(session.id, name);
  resume(outlet, "0");
  turn();
  EXPECT_EQ(outlet.take_lines().size(), 3U);
  resume(other_outlet, "3");
  turn();
  EXPECT_EQ(other_outlet.text, "") << "nothing was missed";
  post(session.id, "c");
  EXPECT_EQ(other_outlet.take_lines(), Lines{"4 message 0 c"});
}

TEST_F(ResumeTest, WhatWasMissedOfTheStateComesAsOne) {
  for (int i = 0; i < 3; ++i) set(session.id, "k", std::to_string(i));
  resume(outlet, cursor(1));
  turn();
  EXPECT_EQ(outlet.take_lines(), Lines{R"(2-4 session.state 0 {"set":{"k":2},"removed":[]})"});
}

TEST_F(ResumeTest, OverCommitsInFlightEachEventComesExactlyOnce) {
  post(session.id, "committed");
  store.hold();
  submit(PostMessage{{}, session.id, "in flight"});
  turn();
  submit(PostMessage{{}, session.id, "gathering"});
  auto const resuming = submit(JoinSession{{}, session.id, attachment(outlet), cursor(1)});
  submit(PostMessage{{}, session.id, "later"});
  turns(3);
  EXPECT_FALSE(resuming->is_there());
  EXPECT_EQ(outlet.text.find("flight"), std::string::npos);
  EXPECT_EQ(outlet.text.find("gathering"), std::string::npos);
  store.release();
  turns(4);
  ASSERT_TRUE(resuming->as<Opened>());
  EXPECT_EQ(outlet.take_lines(),
            (Lines{"2 message 0 committed", "3 message 0 in flight", "4 message 0 gathering", "5 message 0 later"}));
}

TEST_F(ResumeTest, ACursorThatCanNotBeUsedIsAnsweredWithASnapshot) {
  post(session.id, "a");
  set(session.id, "k", "1");
  for (auto const& wrong : {to_text(Cursor{session.cursor.epoch + 1, 1}), cursor(4), std::string("99"),
                            std::string("nonsense"), std::string(".")}) {
    RecordingOutlet end;
    auto const opened = resume(end, wrong);
    EXPECT_EQ(opened.greeting, "welcome " + std::to_string(opened.connection) + " to " + session.id +
                                   " with a gap after " + wrong + R"( at 3 with {"k":1})");
    turn();
    EXPECT_EQ(end.text, "") << wrong;
    ask(Leave{opened.connection});
  }
}

TEST(ResumeOfATrimmedLog, IsAGapWhereTheCursorFellOff) {
  HubStage::Options options;
  options.limits.log_events = 10;
  CoreStage stage(options);
  auto const session = stage.open_empty("alice");
  for (int i = 2; i <= 30; ++i) stage.post(session.id, std::to_string(i));
  RecordingOutlet outlet, other_outlet;
  auto const gap = stage.join(session.id, outlet, user("alice"), "19");
  EXPECT_NE(gap.greeting.find(" with a gap after 19 at 30 "), std::string::npos) << gap.greeting;
  stage.turn();
  EXPECT_EQ(outlet.text, "");
  auto const last = stage.join(session.id, other_outlet, user("alice"), "20");
  EXPECT_TRUE(last.greeting.ends_with(" after 20")) << last.greeting;
  stage.turn();
  EXPECT_EQ(other_outlet.take_lines().size(), 10U);
}

// 1 MB of log in messages of 10 kB.
class SlowTest : public CoreTest {
 protected:
  static constexpr std::size_t message_bytes = 10'000;
  static constexpr std::size_t chunk_bytes_max = 128 * 1024 + 2 * message_bytes;

  static Options options() {
    Options options;
    options.limits.log_bytes = 2'000'000;
    return options;
  }
  SlowTest() : CoreTest(options()) {
    for (int i = 0; i < 90; ++i) submit(PostMessage{{}, session.id, "m", std::string(message_bytes, 'x')});
    turns(2);
  }
  // The seqs of the lines that came, from the first to the last; 0 when one is missing or twice.
  std::uint64_t last_of(RecordingOutlet& end, std::uint64_t after) {
    for (auto const& line : end.take_lines()) {
      if (line.starts_with("0 ")) continue;
      if (std::stoull(line) != after + 1) return 0;
      ++after;
    }
    return after;
  }

  // Somebody joins, does not read, and misses more than the log keeps.
  void fall_off() {
    outlet.is_slow = true;
    join(session.id, outlet, user("alice"), "0");
    turns(3);
    outlet.take_lines();
    for (int i = 0; i < 300; ++i) submit(PostMessage{{}, session.id, "m", std::string(message_bytes, 'y')});
    turns(2);
  }

  SessionInfo session = open_empty("alice");
};

TEST_F(SlowTest, WhatWasMissedComesInPiecesAsFastAsItIsRead) {
  outlet.is_slow = true;
  join(session.id, outlet, user("alice"), "0");
  turns(5);
  EXPECT_LE(outlet.queued, chunk_bytes_max);
  EXPECT_GT(outlet.queued, 100'000U) << "one whole piece";
  EXPECT_LE(hub.next_deadline_us(), clock.now().steady_us + 10'000) << "somebody looks whether there is room again";
  auto last = last_of(outlet, 0);
  EXPECT_GT(last, 10U);
  int pieces = 1;
  for (; last < 91 && pieces < 100; ++pieces) {
    outlet.queued = 0;
    turns(3);
    EXPECT_LE(outlet.queued, chunk_bytes_max);
    auto const more = last_of(outlet, last);
    ASSERT_GT(more, last) << "nothing came, or not what is next";
    last = more;
  }
  EXPECT_EQ(last, 91U);
  EXPECT_GT(pieces, 5);
  outlet.queued = 0;
  turns(2);
  EXPECT_GT(hub.next_deadline_us(), clock.now().steady_us + second_us) << "nobody is behind any more";
  post(session.id, "live");
  EXPECT_EQ(outlet.take_lines(), Lines{"92 message 0 live"});
}

TEST_F(SlowTest, WhoReadsGetsAPieceEachTurnWhileOthersSpeak) {
  join(session.id, outlet, user("alice"), "0");
  for (int i = 0; i < 30; ++i) {
    submit(PostMessage{{}, session.id, "live", "1"});
    turn();
  }
  turns(3);
  EXPECT_EQ(last_of(outlet, 0), 121U) << "each once and in order";
}

TEST_F(SlowTest, WhoFallsOffTheLogWhileBehindGetsOneGapWithASnapshot) {
  outlet.is_slow = true;
  auto const opened = join(session.id, outlet, user("alice"), "0");
  turns(3);
  auto const last = last_of(outlet, 0);
  ASSERT_GT(last, 10U);
  for (int i = 0; i < 300; ++i) submit(PostMessage{{}, session.id, "m", std::string(message_bytes, 'y')});
  turns(2);
  set(session.id, "k", "1");
  EXPECT_EQ(outlet.text.find("yyy"), std::string::npos);
  outlet.queued = 0;
  turns(2);
  auto const lines = outlet.take_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "welcome " + std::to_string(opened.connection) + " to " + session.id + " with a gap after " +
                          to_text(Cursor{session.cursor.epoch, last}) + R"( at 392 with {"k":1})");
  post(session.id, "live");
  EXPECT_EQ(outlet.take_lines(), Lines{"393 message 0 live"});
}

TEST_F(SlowTest, AGapTellsNothingThatIsNotCommitted) {
  fall_off();
  store.hold();
  submit(ChangeState{{}, session.id, {StateEdit::Verb::set, "k", "\"secret\"", {}}});
  outlet.queued = 0;
  turns(4);
  EXPECT_EQ(outlet.text.find("secret"), std::string::npos);
  store.release();
  turns(2);
  EXPECT_NE(outlet.text.find("secret"), std::string::npos);
}

TEST_F(SlowTest, AGapComesThoughOthersSpeakAllTheTime) {
  fall_off();
  outlet.queued = 0;
  outlet.is_slow = false;
  for (int i = 0; i < 10; ++i) {
    submit(PostMessage{{}, session.id, "live", std::to_string(i)});
    turn();
  }
  auto const lines = outlet.take_lines();
  ASSERT_GE(lines.size(), 5U) << "nobody waits until all are silent";
  EXPECT_NE(lines[0].find(" with a gap after "), std::string::npos) << lines[0];
  auto const at = lines[0].find(" at ");
  auto next = std::stoull(lines[0].substr(at + 4)) + 1;
  for (std::size_t i = 1; i < lines.size(); ++i) EXPECT_EQ(std::stoull(lines[i]), next++);
}

TEST_F(SlowTest, AnEndComesBehindTheGapThatWaits) {
  fall_off();
  store.hold();
  submit(PostMessage{{}, session.id, "last"});
  outlet.queued = 0;
  turns(2);
  submit(CloseSession{{}, session.id});
  store.release();
  turns(4);
  auto const lines = outlet.take_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(" with a gap after "), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("session.closed"), std::string::npos) << lines[1];
  EXPECT_EQ(outlet.closes, 1);
}

TEST_F(SlowTest, WhoLeavesOrIsSentAwayWhileBehindIsForgotten) {
  for (int how = 0; how < 4; ++how) {
    RecordingOutlet end;
    end.is_slow = true;
    auto const opened = join(session.id, end, user("alice"), "0");
    turns(2);
    Command const away[] = {Leave{opened.connection}, KickConnection{{}, session.id, opened.connection},
                            SayGoodbye{opened.connection}, CloseSession{{}, session.id}};
    submit(away[how]);
    end.queued = 0;
    auto const pushes = end.pushed.size();
    turns(20);
    if (how < 3) {
      EXPECT_EQ(end.pushed.size(), pushes) << how;
    }
    submit(Leave{opened.connection});  // who said goodbye goes too
    turn();
    EXPECT_EQ(end.pushes_after_close, 0);
  }
  EXPECT_EQ(hub.session_count(), 0U);
}

TEST_F(SlowTest, WhoIsBehindWhenTheSessionEndsGetsAllOfItWithTheEnd) {
  outlet.is_slow = true;
  join(session.id, outlet, user("alice"), "0");
  turns(2);
  EXPECT_LT(last_of(outlet, 0), 20U);
  other_outlet.is_slow = true;
  join(session.id, other_outlet, user("alice"), "0");
  submit(CloseSession{{}, session.id});
  turns(5);
  for (auto* each : {&outlet, &other_outlet}) {
    EXPECT_EQ(each->closes, 1);
    EXPECT_TRUE(each->text.ends_with("92 session.closed 0 {\"reason\":\"deleted\"}\n"));
  }
  EXPECT_EQ(last_of(other_outlet, 0), 92U);
  EXPECT_EQ(hub.connection_count(), 0U);
  turns(3);
}

TEST_F(ResumeTest, AMemorySessionMayEndAtOnceAfterSomebodyResumed) {
  auto const browser = open(extension, outlet);
  submit(PostMessage{{}, browser.session.id, "x"});
  submit(JoinSession{{}, browser.session.id, attachment(other_outlet), "0"});
  submit(Leave{browser.connection});
  turns(3);
  EXPECT_EQ(other_outlet.closes, 1);
  EXPECT_EQ(hub.connection_count(), 0U);
}

TEST_F(ResumeTest, WhatIsVolatileIsDroppedForWhoDoesNotRead) {
  join(session.id, outlet, user("alice"));
  join(session.id, other_outlet, user("alice"));
  outlet.take_lines();
  auto const fleeting = [&] { ask(PostMessage{{}, session.id, "fleeting", {}, true}); };
  outlet.queued = 256 * 1024 + 1;
  fleeting();
  EXPECT_EQ(outlet.take_lines(), Lines{});
  EXPECT_EQ(other_outlet.take_lines(), Lines{"0 message 0 fleeting"});
  post(session.id, "kept");
  EXPECT_EQ(outlet.take_lines(), Lines{"2 message 0 kept"}) << "what is kept is never dropped";
  outlet.queued = 256 * 1024;
  fleeting();
  EXPECT_EQ(outlet.take_lines(), Lines{"0 message 0 fleeting"}) << "and what was dropped does not come later";
}

TEST_F(SlowTest, WhatIsVolatileIsDroppedForWhoIsBehind) {
  outlet.is_slow = true;
  join(session.id, outlet, user("alice"), "0");
  turns(2);
  ask(PostMessage{{}, session.id, "fleeting", {}, true});
  for (int i = 0; i < 30; ++i) {
    outlet.queued = 0;
    turn();
  }
  EXPECT_EQ(last_of(outlet, 0), 91U);
  EXPECT_EQ(outlet.text.find("fleeting"), std::string::npos);
  ask(PostMessage{{}, session.id, "now", {}, true});
  EXPECT_TRUE(outlet.text.ends_with("0 message 0 now\n")) << "once it has caught up it hears them again";
}

}  // namespace
}  // namespace sojourn

#include "codec/engine_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "support/engine_session_walk.h"

namespace sojourn::engine_io {
namespace {

// What happens, and what is to be done about it.
struct Turn {
  std::string happens;
  std::string done;
};
using Script = std::vector<Turn>;

std::string to_line(Step const& step) {
  switch (step.what) {
    case Step::Do::deliver:
      return (step.packet.is_binary ? "deliver bytes " : "deliver ") + step.packet.data;
    case Step::Do::send:
      return "send " + step.text;
    case Step::Do::send_probed:
      return "probed " + step.text;
    case Step::Do::answer:
      return "answer";
    case Step::Do::drop_probed:
      return "drop";
    case Step::Do::move:
      return "move";
    case Step::Do::end:
      return "end: " + std::string(step.reason);
    case Step::Do::close:
      return "close";
    case Step::Do::bury:
      return "bury";
  }
  return "?";
}

// Seconds, as they stand in scripts.
std::int64_t to_us(std::string_view seconds) { return std::stoll(std::string(seconds)) * 1'000'000; }

// A session, opened at second 0 with the timing of the protocol: 25 to a ping, 20 for a pong, 10 to change over.
class Player {
 public:
  explicit Player(Transport transport, Revision revision = Revision::v4)
      : session_(revision, transport, Timing(), 0), revision_(revision) {}

  std::string play(std::string_view happens) {
    auto rest = happens;
    auto const verb = take_until(rest, ' ');
    if (verb == "next?") return next();
    if (verb == "candidate") return add_candidate();
    std::string lines;
    for (auto const& step : act(verb, rest)) {
      if (step.what == Step::Do::answer) session_.answered();
      lines += (lines.empty() ? "" : ", ") + to_line(step);
    }
    return lines;
  }

 private:
  Steps act(std::string_view verb, std::string_view rest) {
    if (verb == "poll") return session_.poll();
    if (verb == "hang-up") return session_.lose_poll();
    if (verb == "post") return session_.post(read_body(in_one_body(rest)), now_us_);
    if (verb == "try") return session_.take_probed(read(rest));
    if (verb == "candidate-gone") return session_.lose_candidate();
    if (verb == "say") return session_.take(read(rest), now_us_);
    if (verb == "socket-gone") return session_.lose_socket();
    if (verb == "end") return session_.end(forced_close, now_us_);
    if (verb == "fail") return session_.fail(transport_error);
    EXPECT_EQ(verb, "second");
    now_us_ = to_us(rest);
    return session_.tick(now_us_);
  }
  Result<Packet> read(std::string_view text) const {
    return revision_ == Revision::v4 ? read_text(text) : read_text_v3(text);
  }
  static std::string in_one_body(std::string_view packets) {
    std::string body(packets);
    std::ranges::replace(body, ' ', '\x1e');
    return body;
  }
  std::string next() const {
    auto const us = session_.next_us();
    return us == std::numeric_limits<std::int64_t>::max() ? "never" : std::to_string(us / 1'000'000);
  }
  std::string add_candidate() {
    if (!session_.takes_candidate()) return "refused";
    session_.add_candidate(now_us_);
    return "";
  }

  Session session_;
  Revision revision_;
  std::int64_t now_us_ = 0;
};

void play(Player player, Script const& script) {
  for (std::size_t at = 0; at < script.size(); ++at)
    ASSERT_EQ(player.play(script[at].happens), script[at].done) << "turn " << at << ": " << script[at].happens;
}
void by_polling(Script const& script) { play(Player(Transport::polling), script); }
void by_websocket(Script const& script) { play(Player(Transport::websocket), script); }
void by_old_polling(Script const& script) { play(Player(Transport::polling, Revision::v3), script); }

TEST(EngineSession, TransportsHaveTheirNames) {
  EXPECT_EQ(to_word(Transport::polling), "polling");
  EXPECT_EQ(to_word(Transport::websocket), "websocket");
}

TEST(EngineSession, WhatIsPostedIsDeliveredInOrder) {
  by_polling({
      {"post 4one", "deliver one"},
      {"poll", ""},
      {"post 4two bAQID 4", "deliver two, deliver bytes \x01\x02\x03, deliver "},
      {"post 6 5 0 4three", "deliver three"},
  });
}

TEST(EngineSession, ASecondPollAtATimeEndsIt) {
  by_polling({
      {"poll", ""},
      {"poll", "send 1, answer, end: transport error, close, bury"},
      {"post 4late", ""},
      {"hang-up", ""},
      {"next?", "never"},
  });
}

TEST(EngineSession, WhoHangsUpOnItsPollIsGone) {
  by_polling({
      {"hang-up", ""},  // none waited
      {"poll", ""},
      {"hang-up", "end: transport close, close, bury"},
      {"hang-up", ""},
  });
}

TEST(EngineSession, ABodyThatIsNoneEndsIt) {
  by_polling({
      {"poll", ""},
      {"post 4a x", "answer, end: parse error, close, bury"},
      {"post x", ""},
      {"end", ""},
  });
}

TEST(EngineSession, TheClientClosesAndNothingBehindThatIsHeard) {
  by_polling({{"post 4a 1 4b", "deliver a, end: transport close, close, bury"}, {"post 4c", ""}});
  by_polling({
      {"poll", ""},
      {"post 1", "send 6, answer, end: transport close, close, bury"},
  });
  by_websocket({{"say 1", "end: transport close, close, bury"}, {"say 4late", ""}, {"socket-gone", ""}});
}

TEST(EngineSession, AWebSocketTakesOverWhileAPollWaits) {
  by_polling({
      {"poll", ""},
      {"candidate", ""},
      {"next?", "10"},
      {"try 2probe", "probed 3probe, send 6, answer"},
      {"post 4posted", "deliver posted"},  // the old transport is one still
      {"try 5", "move"},
      {"next?", "25"},
      {"say 4said", "deliver said"},
      {"candidate", "refused"},
      {"second 25", "send 2"},
  });
}

TEST(EngineSession, AWebSocketTakesOverWhileNoPollWaits) {
  by_polling({{"candidate", ""}, {"try 2probe", "probed 3probe"}, {"try 5", "move"}, {"say 4a", "deliver a"}});
}

TEST(EngineSession, APollThatComesAfterTheProbeIsNotKeptWaiting) {
  by_polling({
      {"candidate", ""},
      {"try 2probe", "probed 3probe"},
      {"poll", "send 6, answer"},
      {"poll", "send 6, answer"},
      {"try 5", "move"},
  });
  by_polling({
      {"candidate", ""},
      {"poll", ""},  // before it, it waits
      {"try 2probe", "probed 3probe, send 6, answer"},
      {"candidate-gone", ""},
      {"poll", ""},  // and again after it is lost
      {"hang-up", "end: transport close, close, bury"},
  });
}

TEST(EngineSession, ACandidateThatIsLostChangesNothing) {
  by_polling({
      {"candidate-gone", ""},
      {"candidate", ""},
      {"candidate-gone", ""},
      {"next?", "25"},
      {"poll", ""},
      {"candidate", ""},
      {"try 2probe", "probed 3probe, send 6, answer"},
      {"candidate-gone", ""},
      {"second 10", ""},
      {"post 4a", "deliver a"},
      {"candidate", ""},  // another may try
      {"try 2probe", "probed 3probe"},
      {"try 5", "move"},
  });
}

TEST(EngineSession, ACandidateThatSaysAnythingElseIsDropped) {
  for (std::string const instead : {"2", "2Probe", "5", "4hello", "1", "x", ""}) {
    by_polling({{"candidate", ""}, {"try " + instead, "drop"}, {"post 4a", "deliver a"}, {"next?", "25"}});
    if (instead == "5") continue;
    by_polling({{"candidate", ""},
                {"try 2probe", "probed 3probe"},
                {"try " + instead, "drop"},
                {"poll", ""},
                {"candidate", ""}});
  }
  by_polling({{"candidate", ""}, {"try 2probe", "probed 3probe"}, {"try 2probe", "drop"}});
}

TEST(EngineSession, ACandidateThatTakesTooLongIsDropped) {
  by_polling({{"second 3", ""}, {"candidate", ""}, {"second 12", ""}, {"second 13", "drop"}, {"next?", "25"}});
  by_polling({{"candidate", ""}, {"try 2probe", "probed 3probe"}, {"second 10", "drop"}, {"candidate", ""}});
}

TEST(EngineSession, ThereIsOneCandidateAtATime) {
  by_polling({{"candidate", ""}, {"candidate", "refused"}, {"try 2probe", "probed 3probe"}, {"candidate", "refused"}});
  by_websocket({{"candidate", "refused"}});
}

TEST(EngineSession, ACandidateGoesWithItsSession) {
  by_polling({{"candidate", ""}, {"post 1", "drop, end: transport close, close, bury"}, {"try 2probe", ""}});
  by_polling({{"candidate", ""}, {"end", "send 1, drop, end: forced close"}, {"candidate-gone", ""}, {"next?", "10"}});
}

TEST(EngineSession, TheServerPingsAndWaitsForThePong) {
  by_websocket({
      {"next?", "25"},
      {"second 24", ""},
      {"second 25", "send 2"},
      {"next?", "45"},
      {"second 44", ""},
      {"say 3", ""},
      {"next?", "69"},
      {"say 4a", "deliver a"},  // no pong
      {"second 69", "send 2"},
      {"second 89", "end: ping timeout, close, bury"},
      {"second 200", ""},
  });
}

TEST(EngineSession, APongThatNobodyAskedForIsNoSignOfLife) {
  by_polling({{"second 20", ""}, {"post 3", ""}, {"next?", "25"}, {"second 25", "send 2"}});
}

TEST(EngineSession, APollThatWaitsHearsThatTheTimeIsUp) {
  by_polling({{"poll", ""},
              {"second 25", "send 2"},
              {"second 45", "send 1, answer, end: ping timeout, close, bury"},
              {"next?", "never"}});
}

TEST(EngineSession, ClientsOfRevisionThreePingThemselves) {
  by_old_polling({
      {"next?", "45"},
      {"second 44", ""},
      {"post 2hello", "send 3hello"},
      {"next?", "89"},
      {"post 4a", "deliver a"},  // no ping
      {"second 88", ""},
      {"second 89", "end: ping timeout, close, bury"},
  });
  by_old_polling({{"poll", ""}, {"second 45", "send 1, answer, end: ping timeout, close, bury"}});
}

TEST(EngineSession, ABeatInTheWrongDirectionEndsIt) {
  by_websocket({{"say 2", "end: transport error, close, bury"}});
  by_polling({{"poll", ""}, {"post 4a 2 4b", "deliver a, answer, end: transport error, close, bury"}});
  by_old_polling({{"post 3", "end: transport error, close, bury"}});
}

TEST(EngineSession, AWebSocketThatSaysNonsenseOrIsLostEndsIt) {
  for (std::string const nonsense : {"", "7", "hello"})
    by_websocket({{"say " + nonsense, "end: parse error, close, bury"}, {"say 4late", ""}});
  by_websocket({{"socket-gone", "end: transport close, close, bury"}, {"socket-gone", ""}, {"end", ""}});
}

TEST(EngineSession, WhatTheServerEndsIsStillFetchedByALastPoll) {
  by_polling({
      {"second 5", ""},
      {"end", "send 1, end: forced close"},
      {"next?", "15"},
      {"end", ""},
      {"fail", ""},
      {"post 4late", ""},
      {"post x", ""},
      {"second 14", ""},
      {"poll", "answer, bury"},
      {"second 15", ""},
      {"next?", "never"},
  });
}

TEST(EngineSession, ALastPollThatNeverComesIsNotAwaitedForEver) {
  by_polling({{"end", "send 1, end: forced close"}, {"second 9", ""}, {"second 10", "bury"}, {"second 11", ""}});
}

TEST(EngineSession, TheServerEndsAtOnceWhatHasSomebodyToTell) {
  by_polling({{"poll", ""}, {"end", "send 1, answer, end: forced close, close, bury"}, {"next?", "never"}});
  by_websocket({{"end", "end: forced close, close, bury"}, {"say 4late", ""}, {"second 100", ""}});
}

TEST(EngineSession, WhoBreaksTheRulesIsNotWaitedFor) {
  by_polling({{"fail", "end: transport error, close, bury"}, {"fail", ""}, {"next?", "never"}});
  by_polling({{"poll", ""}, {"fail", "send 1, answer, end: transport error, close, bury"}});
  by_websocket({{"fail", "end: transport error, close, bury"}});
}

TEST(EngineSession, OnlyMessagesOfAnOpenWebSocketArePlain) {
  Session session(Revision::v4, Transport::websocket, Timing(), 0);
  EXPECT_TRUE(session.is_plain("4"));
  EXPECT_TRUE(session.is_plain("4hello"));
  for (auto const* const text : {"", "2", "hello4"}) EXPECT_FALSE(session.is_plain(text)) << text;
  session.end(forced_close, 0);
  EXPECT_FALSE(session.is_plain("4hello"));
  EXPECT_FALSE(Session(Revision::v4, Transport::polling, Timing(), 0).is_plain("4hello"));
}

// Any bytes are a walk; see the model for what has to hold at every step.
TEST(EngineSession, WhateverHappensItsPromisesHold) {
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    std::mt19937_64 random(seed);
    test::EngineSessionWalk walk(static_cast<unsigned char>(random()));
    for (int step = 0; step < 60; ++step)
      ASSERT_EQ(walk.step(static_cast<unsigned char>(random())), "") << "seed " << seed << ", step " << step;
    ASSERT_EQ(walk.fall_silent(), "") << "seed " << seed;
  }
}

// The walk gets everywhere, or it would prove nothing.
TEST(EngineSession, TheWalkGetsEverywhere) {
  std::array<std::size_t, test::EngineSessionWalk::kinds> seen{};
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    std::mt19937_64 random(seed);
    test::EngineSessionWalk walk(static_cast<unsigned char>(random()));
    for (int step = 0; step < 60; ++step) ASSERT_EQ(walk.step(static_cast<unsigned char>(random())), "");
    for (std::size_t kind = 0; kind < seen.size(); ++kind) seen.at(kind) += walk.seen().at(kind);
  }
  for (std::size_t kind = 0; kind < seen.size(); ++kind) EXPECT_GT(seen.at(kind), 30U) << "kind of step " << kind;
}

}  // namespace
}  // namespace sojourn::engine_io

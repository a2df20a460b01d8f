#include "core/record.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sojourn {
namespace {

using Marks = std::vector<std::pair<std::string, std::string>>;

Session made() {
  Session session("id-1", SessionKind::shared, 0xfedcba98);
  session.owner = "al\"ice";
  session.opened_us = 1'771'960'936'000'000;
  session.idle_us = 60'000'000;
  session.traits = std::make_unique<SessionTraits>(SessionTraits{"laptop", "lab", "{\"a\":1}", ""});
  return session;
}

Marks with(std::vector<Mark> const& marks) {
  Marks all;
  for (auto const& [name, value] : marks) {
    if (value) all.emplace_back(name, *value);
  }
  return all;
}

Result<Restored> read(Marks marks) { return read_record({"id-1", 3, 7, std::move(marks)}); }

TEST(Record, ASessionIsWhatItWasOpenedAs) {
  auto const restored = read(with({birth_mark(made())}));
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_FALSE(restored->stone);
  auto const& session = *restored->session;
  EXPECT_EQ(session.id, "id-1");
  EXPECT_EQ(session.kind, SessionKind::shared);
  EXPECT_EQ(session.owner, "al\"ice");
  EXPECT_EQ(session.journal.epoch(), 0xfedcba98U);
  EXPECT_EQ(session.opened_us, 1'771'960'936'000'000);
  EXPECT_EQ(session.active.utc_us, session.opened_us);
  EXPECT_EQ(session.idle_us, 60'000'000);
  EXPECT_EQ(session.client_id(), "laptop");
  EXPECT_EQ(session.type(), "lab");
  EXPECT_EQ(session.metadata(), "{\"a\":1}");
  EXPECT_TRUE(session.journal.is_asleep());
  EXPECT_EQ(session.journal.last_seq(), 7U);
  EXPECT_EQ(session.visible_seq, 7U);
}

TEST(Record, OfOneThatSaysNothingOfItselfNothingIsMade) {
  Session const plain("id-1", SessionKind::browser, 1);
  auto const restored = read(with({birth_mark(plain)}));
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->session->traits, nullptr);
  EXPECT_EQ(restored->session->type(), default_session_type);
}

TEST(Record, AStateIsItsKeysWithTheirRevisions) {
  auto marks = with({birth_mark(made())});
  for (auto const& mark : with(state_marks({{{"a/b c", "{\"x\": 1}"}, {"", "\"y z\""}}, {"gone"}}, 6)))
    marks.push_back(mark);
  auto const restored = read(std::move(marks));
  ASSERT_TRUE(restored) << restored.error().message;
  auto const& state = restored->session->state;
  EXPECT_EQ(state.revision(), 6U);
  EXPECT_EQ(state.size(), 2U);
  EXPECT_EQ(state.find("a/b c")->value, "{\"x\": 1}");
  EXPECT_EQ(state.find("a/b c")->revision, 6U);
  EXPECT_EQ(state.bytes(), 5 + 8 + 5U);
  EXPECT_FALSE(state_marks({{}, {"gone"}}, 6).at(1).value) << "a key that was removed is kept no longer";
}

TEST(Record, TokensKeepWhatTheyAllow) {
  auto session = made();
  EXPECT_FALSE(tokens_mark(session).value);
  session.tokens = {{"tok_1", Scope::control, 5, true, true}, {"tok_2", Scope::read, 6, false, false}};
  auto const restored = read(with({birth_mark(session), tokens_mark(session)}));
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_EQ(restored->session->tokens.size(), 2U);
  auto const& first = restored->session->tokens[0];
  EXPECT_EQ(first.id, "tok_1");
  EXPECT_EQ(first.scope, Scope::control);
  EXPECT_EQ(first.expires_us, 5);
  EXPECT_TRUE(first.single_use && first.used);
  EXPECT_FALSE(restored->session->tokens[1].single_use || restored->session->tokens[1].used);
}

TEST(Record, SmallThingsAreNumbers) {
  auto session = made();
  session.followed_seq = 6;
  session.active.utc_us = session.opened_us + 5;
  auto const hash = to_once("alice\0id");
  auto const restored =
      read(with({birth_mark(session), followed_mark(session), seen_mark(session), once_mark(hash, 4)}));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->session->followed_seq, 6U);
  EXPECT_EQ(restored->session->active.utc_us, session.opened_us + 5);
  EXPECT_EQ(restored->session->said->at(hash), 4U);
  EXPECT_EQ(hash.size(), 20U);
  EXPECT_FALSE(once_mark(hash, 0).value);
}

TEST(Record, ABrowserSessionKeepsItsSeatAndItsCheckpointAsItStands) {
  Session session("id-1", SessionKind::browser, 1);
  session.seat = std::make_unique<BrowserSeat>();
  session.seat->url = "https://site.test/\"a\"";
  session.seat->title = "A";
  session.seat->width = 800;
  session.seat->height = 600;
  session.seat->calls = 3;
  session.seat->last_call_us = 4;
  session.seat->checkpoint_us = 5;
  session.seat->life_us = 60;
  session.seat->ends_us = 150;
  auto const sealed = std::string("\x01\0\xff\"", 4);
  auto marks = with({birth_mark(session), seat_mark(session, {100, 1000}), checkpoint_mark(sealed)});
  auto const restored = read(marks);
  ASSERT_TRUE(restored) << restored.error().message;
  auto const& seat = *restored->session->seat;
  EXPECT_EQ(seat.url, session.seat->url);
  EXPECT_EQ(seat.title, "A");
  EXPECT_EQ(seat.width * 1000 + seat.height, 800'600);
  EXPECT_EQ(seat.calls, 3U);
  EXPECT_EQ(seat.last_call_us * 10 + seat.checkpoint_us, 45);
  EXPECT_EQ(seat.life_us, 60);
  EXPECT_EQ(seat.ends_us, 1050) << "in UTC: the steady clock of another run says nothing";
  EXPECT_EQ(restored->checkpoint, sealed);
  marks[1].second = "{}";
  EXPECT_EQ(read(marks).error().code, Code::damaged);
  auto const nobody = read(with({birth_mark(made()), seat_mark(session, {100, 1000})}));
  EXPECT_EQ(nobody.error().code, Code::damaged) << "a shared session has no seat";
}

TEST(Record, ATombstoneIsNothingElse) {
  auto const restored = read(with({stone_mark({"bob", true, 5, SessionKind::browser, true})}));
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->session, nullptr);
  ASSERT_TRUE(restored->stone);
  EXPECT_EQ(restored->stone->owner, "bob");
  EXPECT_TRUE(restored->stone->expired && restored->stone->crashed);
  EXPECT_EQ(restored->stone->at_us, 5);
  EXPECT_EQ(restored->stone->kind, SessionKind::browser);
}

TEST(Record, WhatIsNoneOfOursIsDamaged) {
  auto const birth = with({birth_mark(made())}).at(0);
  auto const without = [&](std::string const& part, std::string const& instead) {
    auto text = birth.second;
    return Marks{{"birth", text.replace(text.find(part), part.size(), instead)}};
  };
  for (auto const& marks : {Marks{},
                            Marks{{"birth", ""}},
                            Marks{{"birth", "[]"}},
                            Marks{{"birth", "{}"}},
                            without("shared", "shard"),
                            without("epoch", "epic"),
                            without("60000000", "6e99"),
                            Marks{{"stone", "{}"}},
                            Marks{birth, {"tokens", "{}"}},
                            Marks{birth, {"tokens", "[{}]"}},
                            Marks{birth, {"tokens", "[1]"}},
                            Marks{birth, {"state/a", "1"}},
                            Marks{birth, {"state/a", "x 1"}},
                            Marks{birth, {"state/a", ""}},
                            Marks{birth, {"revision", ""}},
                            Marks{birth, {"revision", "-1"}},
                            Marks{birth, {"followed", "1x"}},
                            Marks{birth, {"seen", "99999999999999999999"}},
                            Marks{birth, {"once/x", "y"}},
                            Marks{birth, {"other", "1"}}}) {
    auto const restored = read(marks);
    ASSERT_FALSE(restored) << (marks.empty() ? "" : marks.back().first + " " + marks.back().second);
    EXPECT_EQ(restored.error().code, Code::damaged);
    EXPECT_NE(restored.error().message.find("id-1"), std::string::npos);
  }
}

TEST(Record, WhatItWasUsedForIsCounted) {
  auto session = made();
  EXPECT_FALSE(use_mark(session).value);
  session.use = std::make_unique<SessionUse>();
  auto& use = *session.use;
  use.counts = {1, 2, 3, 4, 5, 6};
  use.recent = {{Use::query, 1'771'960'936'000'000}, {Use::restore, 1'771'960'936'000'001}};
  use.open_queries = {"q1"};
  auto const without = read(with({birth_mark(session), use_mark(session)}));
  ASSERT_TRUE(without);
  EXPECT_EQ(without->session->use->counts, use.counts);
  EXPECT_EQ(without->session->use->recent.at(0).use, Use::query);
  EXPECT_EQ(without->session->use->recent.at(1).at_us, 1'771'960'936'000'001);
  EXPECT_FALSE(without->session->use->confidence);
  EXPECT_TRUE(without->session->use->open_queries.empty()) << "nobody waits for them any more";
  use.confidence = 0.85;
  EXPECT_EQ(read(with({birth_mark(session), use_mark(session)}))->session->use->confidence, 0.85);
}

TEST(Record, AUseThatIsNoneOfOursIsDamaged) {
  auto session = made();
  session.use = std::make_unique<SessionUse>();
  auto const good = *use_mark(session).value;
  ASSERT_TRUE(read({{"birth", *birth_mark(session).value}, {"use", good}}));
  for (std::string const& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"counts":{},"recent":[]})"),
        std::string(R"({"counts":[],"recent":[]})"), good.substr(0, good.size() - 1) + R"(,"confidence":"x"})",
        good.substr(0, good.find("\"recent")) + R"("recent":{}})",
        good.substr(0, good.find("\"recent")) + R"("recent":[{"use":"dance","at_us":1}]})",
        good.substr(0, good.find("\"recent")) + R"("recent":[1]})"}) {
    auto const damaged = read({{"birth", *birth_mark(session).value}, {"use", text}});
    ASSERT_FALSE(damaged) << text;
    EXPECT_EQ(damaged.error().code, Code::damaged);
  }
}

}  // namespace
}  // namespace sojourn

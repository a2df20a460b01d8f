// tokens.cpp: keys to one session, what they open and what they do not.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "core/core_stage.h"

namespace sojourn {
namespace {

class TokenTest : public CoreTest {
 protected:
  std::string id = open_empty("alice").id;
};

TEST_F(TokenTest, AnOwnerMintsATokenAndTheLogTellsOfItWithoutTheSecret) {
  auto const minted = get<Minted>(user("alice"), MintToken{{}, id, Scope::write, hour_us, true});
  EXPECT_EQ(minted.session_id, id);
  EXPECT_EQ(minted.owner, "alice");
  EXPECT_TRUE(minted.token.id.starts_with("tok_"));
  EXPECT_EQ(minted.token.id.size(), 28U);
  EXPECT_EQ(minted.token.scope, Scope::write);
  EXPECT_EQ(minted.token.expires_us, clock.now().utc_us + hour_us);
  EXPECT_TRUE(minted.token.single_use);
  auto const event = log_of(id).events.back();
  EXPECT_EQ(event->type, EventType::token_minted);
  EXPECT_EQ(event->user, "alice");
  EXPECT_EQ(event->data, "{\"id\":\"" + minted.token.id + "\",\"scope\":\"write\",\"expires_at\":\"" +
                             to_iso_ms(minted.token.expires_us) + "\",\"single_use\":true}");
  EXPECT_NE(mint(id).token.id, minted.token.id);
}

TEST_F(TokenTest, IsMintedOnlyAfterItsCommit) {
  store.hold();
  auto const minted = submit(user("alice"), MintToken{{}, id, Scope::read, hour_us});
  turns(3);
  EXPECT_FALSE(minted->is_there());
  store.release();
  turns(2);
  EXPECT_TRUE(minted->as<Minted>());
}

TEST_F(TokenTest, NobodyHandsOutMoreThanTheyHave) {
  auto const mint_as = [&](Principal const& principal, Scope scope) {
    return ask(principal, MintToken{{}, id, scope, hour_us})->code();
  };
  EXPECT_EQ(mint_as(user("alice", Scope::write), Scope::write), std::nullopt);
  EXPECT_EQ(mint_as(user("alice", Scope::write), Scope::control), Code::forbidden);
  EXPECT_EQ(mint_as(user("alice", Scope::control), Scope::control), std::nullopt);
  EXPECT_EQ(mint_as(user("alice", Scope::read), Scope::read), Code::forbidden);
  EXPECT_EQ(mint_as(user("bob"), Scope::read), Code::not_found);
  EXPECT_EQ(mint_as(admin(), Scope::control), std::nullopt);
}

TEST_F(TokenTest, SHP_28_AReadingGuestReadsItsOneSessionAndChangesNothing) {
  auto const other = open_empty("alice").id;
  auto const reader = guest(mint(id, Scope::read));
  auto const opened = join(id, outlet, reader);
  ASSERT_NE(opened.connection, 0U);
  for (auto const& command : std::vector<Command>{GetSession{{}, id}, GetState{{}, id}, ReadEvents{{}, id},
                                                  ListConnections{{}, id}, GetState{{}, {}, {}, opened.connection}})
    EXPECT_FALSE(ask(reader, command)->code()) << command.index();
  StateEdit const edit{StateEdit::Verb::set, "k", "1", {}};
  for (auto const& command :
       std::vector<Command>{PostMessage{{}, id, "x"}, ChangeState{{}, id, edit}, Say{opened.connection, "x"},
                            Say{opened.connection, "x", {}, true}, ChangeState{{}, {}, edit, opened.connection},
                            CallTool{opened.connection, "t", "{}"}, MakeOffer{opened.connection, {{"t"}, false}},
                            RecordResult{id, opened.connection, "t"}}) {
    auto const answer = ask(reader, command);
    EXPECT_EQ(answer->code(), Code::forbidden) << command.index();
    EXPECT_EQ(answer->message(), "this token may only read");
  }
  for (auto const& command : std::vector<Command>{GetSession{{}, other}, ReadEvents{{}, other},
                                                  JoinSession{{}, other, attachment(other_outlet)}})
    EXPECT_EQ(ask(reader, command)->code(), Code::not_found) << command.index();
  EXPECT_EQ(state_of(id), "{}");
}

TEST_F(TokenTest, AWritingGuestWritesButNeverManages) {
  auto const visitor = guest(mint(id, Scope::write));
  auto const opened = join(id, outlet, visitor);
  for (auto const& command :
       std::vector<Command>{PostMessage{{}, id, "x"}, Say{opened.connection, "x"},
                            ChangeState{{}, id, {StateEdit::Verb::set, "k", "1", {}}},
                            MakeOffer{opened.connection, {{"t"}, false}}, CallTool{opened.connection, "t", "{}"}})
    EXPECT_FALSE(ask(visitor, command)->code()) << command.index();
  for (auto const& command :
       std::vector<Command>{CloseSession{{}, id}, MintToken{{}, id, Scope::read, hour_us}, ListTokens{{}, id},
                            RevokeToken{{}, id, "tok_1"}, KickConnection{{}, id, opened.connection}})
    EXPECT_EQ(ask(visitor, command)->code(), Code::forbidden) << command.index();
  EXPECT_EQ(ask(visitor, OpenSession{shared})->code(), Code::forbidden);
  EXPECT_EQ(ask(visitor, PostToAll{"x"})->code(), Code::forbidden);
  EXPECT_EQ(outlet.closes, 0);
}

TEST_F(TokenTest, AGuestWhoCanNotJoinGetsNoSessionInstead) {
  auto const other = open_empty("alice").id;
  for (auto const& where : {other, std::string("nobody"), std::string()}) {
    JoinSession command{shared, where, attachment(outlet)};
    command.opens = true;
    EXPECT_EQ(ask(guest(mint(id)), command)->code(), where.empty() ? Code::forbidden : Code::not_found) << where;
  }
  EXPECT_EQ(hub.session_count(), 2U);
  EXPECT_EQ(hub.connection_count(), 0U);
}

TEST_F(TokenTest, SHP_28_ATokenForOneUseIsUsedUpByTheFirstUse) {
  auto const minted = mint(id, Scope::write, true);
  auto const visitor = guest(minted);
  auto const opened = join(id, outlet, visitor);
  ASSERT_NE(opened.connection, 0U);
  EXPECT_EQ(log_of(id).events.back()->type, EventType::token_used);
  EXPECT_EQ(log_of(id).events.back()->data, "{\"id\":\"" + minted.token.id + "\"}");
  for (auto const& command : std::vector<Command>{JoinSession{{}, id, attachment(other_outlet)}, GetSession{{}, id},
                                                  GetState{{}, id}, PostMessage{{}, id, "x"}}) {
    auto const answer = ask(visitor, command);
    EXPECT_EQ(answer->code(), Code::unauthenticated) << command.index();
    EXPECT_EQ(answer->message(), "Invalid or expired token");
  }
  EXPECT_TRUE(ask(Say{opened.connection, "x"})->as<Posted>()) << "who came in with it stays";
  EXPECT_EQ(outlet.closes, 0);
  EXPECT_TRUE(get<std::vector<SessionToken>>(ListTokens{{}, id}).at(0).used);

  auto const reading = guest(mint(id, Scope::read, true));
  EXPECT_EQ(ask(reading, PostMessage{{}, id, "x"})->code(), Code::forbidden);
  EXPECT_TRUE(ask(reading, GetState{{}, id})->as<StateView>()) << "what is refused is no use";
  EXPECT_EQ(ask(reading, GetState{{}, id})->code(), Code::unauthenticated);
}

TEST_F(TokenTest, OfTwoWhoUseATokenForOneUseAtOnceOneComesIn) {
  auto const visitor = guest(mint(id, Scope::write, true));
  auto const one = submit(visitor, JoinSession{{}, id, attachment(outlet)});
  auto const two = submit(visitor, JoinSession{{}, id, attachment(other_outlet)});
  turns(3);
  EXPECT_TRUE(one->as<Opened>());
  EXPECT_EQ(two->code(), Code::unauthenticated);
  EXPECT_EQ(hub.connection_count(), 1U);
}

TEST_F(TokenTest, SHP_28_RevokingATokenClosesWhoCameInWithItAndNobodyElse) {
  auto const minted = mint(id), other = mint(id);
  auto const owner = join(id, outlet, user("alice"));
  auto const one = join(id, other_outlet, guest(minted));
  auto const two = join(id, third_outlet, guest(other));
  EXPECT_EQ(ask(user("bob"), RevokeToken{{}, id, minted.token.id})->code(), Code::not_found);
  EXPECT_EQ(ask(user("alice"), RevokeToken{{}, id, "tok_nobody"})->code(), Code::not_found);
  EXPECT_TRUE(ask(user("alice"), RevokeToken{{}, id, minted.token.id})->as<std::monostate>());
  EXPECT_EQ(other_outlet.closes, 1);
  EXPECT_EQ(other_outlet.close_code, 1008);
  EXPECT_EQ(other_outlet.close_reason, "token revoked");
  EXPECT_EQ(outlet.closes + third_outlet.closes, 0);
  EXPECT_EQ(log_of(id).events.back()->type, EventType::token_revoked);
  EXPECT_EQ(log_of(id).events.back()->data, "{\"id\":\"" + minted.token.id + "\"}");
  for (auto const& command : std::vector<Command>{GetSession{{}, id}, JoinSession{{}, id, attachment(other_outlet)}}) {
    auto const refused = ask(guest(minted), command);
    EXPECT_EQ(refused->code(), Code::unauthenticated);
    EXPECT_EQ(refused->message(), "Invalid or expired token");
  }
  EXPECT_TRUE(ask(guest(other), GetSession{{}, id})->as<SessionInfo>());
  EXPECT_EQ(ask(user("alice"), RevokeToken{{}, id, minted.token.id})->code(), Code::not_found) << "once";
  EXPECT_EQ(other_outlet.pushes_after_close, 0);
  EXPECT_TRUE(ask(Say{owner.connection, "x"})->as<Posted>() && ask(Say{two.connection, "x"})->as<Posted>());
}

TEST_F(TokenTest, SHP_28_WhoCameInWithATokenIsClosedWhenItRunsOut) {
  auto const minted = mint(id, Scope::read, false, 10 * second_us);
  auto const stays = mint(id, Scope::read, false, hour_us);
  clock.advance_us(3 * second_us);
  join(id, outlet, guest(minted));
  join(id, other_outlet, guest(stays));
  EXPECT_EQ(hub.next_deadline_us(), clock.now().steady_us + 7 * second_us);
  clock.advance_us(7 * second_us - 1);
  turns(2);
  EXPECT_EQ(outlet.closes, 0);
  clock.advance_us(1);
  turns(2);
  EXPECT_EQ(outlet.closes, 1);
  EXPECT_EQ(outlet.close_code, 1008);
  EXPECT_EQ(outlet.close_reason, "Invalid or expired token");
  EXPECT_EQ(other_outlet.closes, 0);
  EXPECT_EQ(hub.connection_count(), 1U);
}

TEST_F(TokenTest, AGuestWhoLeftIsNotClosedLater) {
  auto const minted = mint(id, Scope::read, false, 10 * second_us);
  auto const opened = join(id, outlet, guest(minted));
  ask(Leave{opened.connection});
  clock.advance_us(10 * second_us);
  turns(2);
  EXPECT_EQ(outlet.closes, 0);
}

TEST_F(TokenTest, AGuestWhoseTokenNeverRunsOutStaysForGood) {
  auto minted = mint(id, Scope::read);
  minted.token.expires_us = 0;
  join(id, outlet, guest(minted));
  clock.advance_us(100 * hour_us);
  turns(2);
  EXPECT_EQ(outlet.closes, 0);
}

TEST_F(TokenTest, OnlyTokensThatLiveAreListed) {
  auto const quick = mint(id, Scope::read, true, second_us), slow = mint(id, Scope::write);
  auto const list = [&] {
    Lines ids;
    for (auto const& token : get<std::vector<SessionToken>>(user("alice"), ListTokens{{}, id})) ids.push_back(token.id);
    return ids;
  };
  EXPECT_EQ(list(), (Lines{quick.token.id, slow.token.id}));
  clock.advance_us(second_us - 1);
  EXPECT_EQ(list(), (Lines{quick.token.id, slow.token.id}));
  clock.advance_us(1);
  EXPECT_EQ(list(), Lines{slow.token.id});
  auto const token = get<std::vector<SessionToken>>(ListTokens{{}, id}).at(0);
  EXPECT_EQ(token.scope, Scope::write);
  EXPECT_EQ(token.expires_us, slow.token.expires_us);
  EXPECT_FALSE(token.single_use || token.used);
  EXPECT_EQ(ask(user("bob"), ListTokens{{}, id})->code(), Code::not_found);
}

TEST(TokenLimit, RefusesOneMoreUntilOneIsGone) {
  HubStage::Options options;
  options.limits.tokens = 2;
  CoreStage stage(options);
  auto const id = stage.open_empty("alice").id, other = stage.open_empty("alice").id;
  auto const first = stage.mint(id);
  stage.mint(id, Scope::read, false, second_us);
  MintToken const one_more{{}, id, Scope::read, hour_us};
  EXPECT_EQ(stage.ask(one_more)->code(), Code::too_many);
  EXPECT_TRUE(stage.ask(MintToken{{}, other, Scope::read, hour_us})->as<Minted>()) << "the limit is of one session";
  stage.ask(RevokeToken{{}, id, first.token.id});
  EXPECT_TRUE(stage.ask(one_more)->as<Minted>());
  EXPECT_EQ(stage.ask(one_more)->code(), Code::too_many);
  stage.clock.advance_us(second_us);
  EXPECT_TRUE(stage.ask(one_more)->as<Minted>()) << "one ran out";
}

TEST_F(TokenTest, ATokenEndsWithItsSession) {
  auto const minted = mint(id);
  ask(CloseSession{{}, id});
  EXPECT_EQ(ask(guest(minted), GetSession{{}, id})->code(), Code::not_found);
}

TEST_F(TokenTest, AGuestIsNotToldThatASessionExpiredWhateverItIsCalled) {
  auto const minted = mint(id, Scope::read, false, 10 * hour_us);
  clock.advance_us(hour_us);
  turns(3);
  EXPECT_EQ(ask(guest(minted, "alice"), GetSession{{}, id})->code(), Code::not_found);
  EXPECT_EQ(ask(user("alice"), GetSession{{}, id})->code(), Code::expired);
}

TEST_F(TokenTest, WhatIsDoneForAConnectionDoesNotUseItsTokenAgain) {
  auto const opened = join(id, outlet, guest(mint(id, Scope::write, true)));
  auto const told = get<ToolAnswer>(CallTool{opened.connection, "t", "{}"});
  EXPECT_TRUE(told.by.is_inside);
  EXPECT_TRUE(ask(told.by, RecordResult{id, opened.connection, "t", "{}"})->as<Posted>());
  ask(Leave{opened.connection});
  EXPECT_TRUE(ask(told.by, RecordResult{id, opened.connection, "t", "{}"})->as<Posted>())
      << "it may have gone meanwhile";
}

}  // namespace
}  // namespace sojourn

// The part of hub.cpp that lists sessions and finds them again: filters, pages, totals, client ids, the log lines.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "core/core_stage.h"

namespace sojourn {
namespace {

class ListTest : public CoreTest {
 protected:
  SessionPage list(Principal const& principal, ListSessions command = {}) {
    return get<SessionPage>(principal, std::move(command));
  }
  SessionPage list(ListSessions command) { return list(local_principal(), std::move(command)); }
};

TEST_F(ListTest, AUserSeesItsOwnSessionsAndAnAdminAll) {
  auto const alices = open_empty("alice").id, bobs = open_empty("bob").id;
  auto const browser = open(extension, outlet, user("alice")).session.id;
  EXPECT_EQ(ids_of(list(user("alice"))), (Lines{browser, alices}));
  EXPECT_EQ(list(user("alice")).total, 2U);
  EXPECT_EQ(ids_of(list(user("alice"), {.kind = shared})), Lines{alices});
  EXPECT_EQ(ids_of(list(user("bob"))), Lines{bobs});
  EXPECT_EQ(list(user("carol")).total, 0U);
  EXPECT_EQ(ids_of(list(admin())), (Lines{browser, alices, bobs}));
  EXPECT_EQ(ids_of(list({.owner = "bob"})), Lines{bobs});
  EXPECT_EQ(list({.owner = "nobody"}).total, 0U);
}

TEST_F(ListTest, NobodyButAnAdminAsksForAnotherOwner) {
  auto const id = open_empty("alice").id;
  open_empty("bob");
  EXPECT_EQ(list(user("bob"), {.owner = "alice"}).total, 0U);
  EXPECT_EQ(ids_of(list(user("alice"), {.owner = "alice"})), Lines{id});
}

TEST_F(ListTest, AGuestSeesTheOneSessionThatItsTokenIsFor) {
  auto const id = open_empty("alice").id;
  open_empty("alice");
  open_empty("visitor");
  auto const minted = mint(id, Scope::read);
  auto const visitor = guest(minted);
  EXPECT_EQ(ids_of(list(visitor)), Lines{id});
  EXPECT_EQ(list(visitor).total, 1U);
  EXPECT_EQ(list(visitor, {.kind = extension}).total, 0U);
  EXPECT_EQ(list(visitor, {.limit = 0}).total, 1U);
  ask(RevokeToken{{}, id, minted.token.id});
  EXPECT_EQ(list(visitor).total, 0U);
  EXPECT_TRUE(list(visitor).sessions.empty());
}

TEST_F(ListTest, ATokenForOneUseListsOnceAndNotAgain) {
  auto const visitor = guest(mint(open_empty("alice").id, Scope::read, true));
  EXPECT_EQ(list(visitor).total, 1U);
  EXPECT_EQ(ask(visitor, ListSessions{})->code(), Code::unauthenticated);
}

TEST_F(ListTest, PagesHaveTheTotalOfWhatTheFiltersLetThrough) {
  Lines browsers, all;
  std::vector<std::unique_ptr<RecordingOutlet>> outlets;
  for (int i = 0; i < 4; ++i) {
    outlets.push_back(std::make_unique<RecordingOutlet>());
    all.push_back(open(extension, *outlets.back()).session.id);
  }
  for (int i = 0; i < 5; ++i) all.push_back(open_empty(i % 2 == 0 ? "alice" : "bob", {.type = i < 2 ? "a" : "b"}).id);
  struct Row {
    ListSessions command;
    std::size_t first, count, total;
  };
  for (auto const& row : std::vector<Row>{{{}, 0, 9, 9},
                                          {{.limit = 3}, 0, 3, 9},
                                          {{.limit = 3, .offset = 3}, 3, 3, 9},
                                          {{.limit = 100, .offset = 7}, 7, 2, 9},
                                          {{.limit = 3, .offset = 9}, 9, 0, 9},
                                          {{.limit = 3, .offset = 1000}, 9, 0, 9},
                                          {{.limit = 0}, 0, 0, 9},
                                          {{.limit = 4}, 0, 4, 9},
                                          {{.limit = 1, .offset = 4}, 4, 1, 9},
                                          {{.kind = shared, .limit = 2, .offset = 1}, 5, 2, 5},
                                          {{.kind = extension, .limit = 2, .offset = 3}, 3, 1, 4},
                                          {{.type = "b"}, 6, 3, 3},
                                          {{.type = "b", .limit = 1, .offset = 1}, 7, 1, 3},
                                          {{.type = "b", .limit = 1, .offset = 3}, 9, 0, 3},
                                          {{.type = "c"}, 0, 0, 0},
                                          {{.connected = true, .limit = 2}, 0, 2, 4},
                                          {{.connected = false, .limit = 2, .offset = 2}, 6, 2, 5}}) {
    auto const page = list(row.command);
    auto const from = all.begin() + static_cast<std::ptrdiff_t>(row.first);
    EXPECT_EQ(ids_of(page), Lines(from, from + static_cast<std::ptrdiff_t>(row.count)));
    EXPECT_EQ(page.total, row.total);
  }
  EXPECT_EQ(list(user("bob"), {.limit = 1}).total, 2U);
  EXPECT_EQ(list(user("alice"), {.type = "b", .limit = 1}).total, 2U);
}

TEST_F(ListTest, ALabelIsAMemberOfTheMetadata) {
  auto const blue = open_empty("alice", {.metadata = R"({"team":"blue","n":7,"deep":{"a":1},"ok":true})"}).id;
  auto const red = open_empty("alice", {.metadata = R"({"team":"red"})"}).id;
  open_empty("alice");
  auto const with = [&](std::string label, std::string value) {
    return ids_of(list({.label = std::move(label), .label_value = std::move(value)}));
  };
  EXPECT_EQ(with("team", "blue"), Lines{blue});
  EXPECT_EQ(with("team", "red"), Lines{red});
  EXPECT_EQ(with("team", "green"), Lines{});
  EXPECT_EQ(with("team", ""), Lines{});
  EXPECT_EQ(with("n", "7"), Lines{blue});
  EXPECT_EQ(with("ok", "true"), Lines{blue});
  EXPECT_EQ(with("deep", R"({"a":1})"), Lines{blue});
  EXPECT_EQ(with("nobody", "blue"), Lines{});
}

TEST_F(ListTest, TellsTheStateOnlyWhereItIsAskedFor) {
  auto const id = open_empty("alice").id;
  set(id, "k", "1");
  EXPECT_EQ(list({.kind = shared}).sessions.at(0).state, "");
  EXPECT_EQ(list({.kind = shared, .with_state = true}).sessions.at(0).state, R"({"k":1})");
}

TEST(ListOfStates, EndsEarlyWhenTheyAreTooManyTogether) {
  HubStage::Options options;
  options.limits.state_value_bytes = options.limits.state_bytes = 10'000'000;
  CoreStage stage(options);
  for (int i = 0; i < 4; ++i) {
    SessionWish wish;
    wish.state = "{\"k\":\"" + std::string(9'000'000, 'x') + "\"}";
    stage.open_empty("alice", wish);
  }
  auto const page = stage.get<SessionPage>(ListSessions{.kind = shared, .with_state = true});
  EXPECT_EQ(page.sessions.size(), 2U);
  EXPECT_EQ(page.total, 4U) << "the total is right all the same";
  EXPECT_EQ(stage.get<SessionPage>(ListSessions{.kind = shared}).sessions.size(), 4U);
}

TEST_F(ListTest, WhatHasEndedIsNotListedThoughItsEndIsNotCommitted) {
  auto const id = open_empty("alice").id, stays = open_empty("alice").id;
  store.hold();
  submit(CloseSession{{}, id});
  auto const browsers = submit(ListSessions{extension});
  auto const all = submit(ListSessions{});
  turns(3);
  EXPECT_TRUE(browsers->as<SessionPage>()) << "what lives in memory does not wait for the store";
  EXPECT_FALSE(all->is_there());
  store.release();
  turns(2);
  EXPECT_EQ(ids_of(*all->as<SessionPage>()), Lines{stays});
  EXPECT_EQ(all->as<SessionPage>()->total, 1U);
}

TEST_F(ListTest, AClientIdFindsTheOwnersSessionAgain) {
  auto const first = get<Opened>(user("alice"), OpenSession{shared, {}, {.client_id = "laptop", .type = "a"}});
  EXPECT_FALSE(first.resumed);
  auto const again = get<Opened>(user("alice"), OpenSession{shared, {}, {.client_id = "laptop", .type = "b"}});
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.session.id, first.session.id);
  EXPECT_EQ(again.session.type, "a") << "it is what it was opened as";
  EXPECT_EQ(get<Opened>(admin(), OpenSession{shared, {}, {.owner = "alice", .client_id = "laptop"}}).session.id,
            first.session.id);
  std::set<std::string> others{first.session.id};
  EXPECT_TRUE(
      others.insert(get<Opened>(user("bob"), OpenSession{shared, {}, {.client_id = "laptop"}}).session.id).second);
  EXPECT_TRUE(
      others.insert(get<Opened>(user("alice"), OpenSession{shared, {}, {.client_id = "Laptop"}}).session.id).second);
  EXPECT_TRUE(others.insert(get<Opened>(user("alice"), OpenSession{shared}).session.id).second);
  EXPECT_TRUE(others.insert(get<Opened>(user("alice"), OpenSession{shared}).session.id).second);
  EXPECT_EQ(words_of(first.session.id), Lines{"session.opened"}) << "to find it again is no event";
}

TEST_F(ListTest, TwoWhoOpenByOneClientIdAtOnceGetTheSameSessionAndOneOfThemOpenedIt) {
  store.hold();
  auto const wish = SessionWish{.client_id = "laptop", .state = R"({"a":1})"};
  auto const one = submit(user("alice"), OpenSession{shared, attachment(outlet), wish});
  auto const two = submit(user("alice"), OpenSession{shared, attachment(other_outlet), wish});
  turns(3);
  EXPECT_FALSE(one->is_there() || two->is_there()) << "the second is told of what is not committed either";
  store.release();
  turns(3);
  ASSERT_TRUE(one->as<Opened>() && two->as<Opened>());
  EXPECT_EQ(one->as<Opened>()->session.id, two->as<Opened>()->session.id);
  EXPECT_FALSE(one->as<Opened>()->resumed);
  EXPECT_TRUE(two->as<Opened>()->resumed);
  EXPECT_TRUE(two->as<Opened>()->greeting.ends_with(R"( at 2 with {"a":1})")) << two->as<Opened>()->greeting;
  EXPECT_EQ(hub.session_count(), 1U);
  EXPECT_EQ(hub.connection_count(), 2U);
}

TEST_F(ListTest, AClientIdIsFreeAgainOnceItsSessionHasEnded) {
  auto const wish = SessionWish{.client_id = "laptop"};
  auto const first = get<Opened>(user("alice"), OpenSession{shared, {}, wish}).session.id;
  store.hold();
  submit(CloseSession{{}, first});
  auto const second = submit(user("alice"), OpenSession{shared, {}, wish});
  store.release();
  turns(4);
  ASSERT_TRUE(second->as<Opened>());
  EXPECT_FALSE(second->as<Opened>()->resumed);
  EXPECT_NE(second->as<Opened>()->session.id, first);
  EXPECT_EQ(get<Opened>(user("alice"), OpenSession{shared, {}, wish}).session.id, second->as<Opened>()->session.id)
      << "the end of the first has left the second its name";
  clock.advance_us(hour_us);
  turns(3);
  EXPECT_EQ(hub.session_count(), 0U);
  EXPECT_FALSE(get<Opened>(user("alice"), OpenSession{shared, {}, wish}).resumed) << "an expired one is not found";
}

// The lines of a hub's log with their names and fields, without the times.
class LoggedTest : public testing::Test {
 protected:
  // What is logged until now: the log ends with it.
  std::vector<json::object> end() {
    log.reset();
    std::vector<json::object> lines;
    std::string const text = testing::internal::GetCapturedStderr();
    for (std::size_t from = 0; from < text.size(); from = text.find('\n', from) + 1)
      lines.push_back(json::parse(std::string_view(text).substr(from, text.find('\n', from) - from))->as_object());
    return lines;
  }
  void turns(int count) {
    for (; count > 0; --count) {
      store.turn();
      hub.turn();
    }
  }
  Opened join(Principal const& principal, std::string id) {
    Opened opened;
    JoinSession command{.kind = shared, .id = std::move(id), .via = {&outlet, &dialect, frame_line, "", "10.0.0.1"}};
    command.opens = true;
    hub.submit(principal, std::move(command), [&](Result<Outcome> out) { opened = std::get<Opened>(*out); });
    turns(3);
    return opened;
  }

  ManualClock clock;
  FakeStore store;
  PlainDialect dialect;
  RecordingOutlet outlet;
  std::unique_ptr<Log> log = [] {
    testing::internal::CaptureStderr();
    return std::make_unique<Log>(Level::info);
  }();
  Hub hub{{store, *log, clock.clock(), Random(1), {}}};
};

TEST_F(LoggedTest, SHP_23_TheLogNamesWhatHappensToSessions) {
  auto const opened = join(user("alice"), {});
  auto const id = opened.session.id;
  join(user("bob"), id);
  join(user("bob"), "nonsense");
  hub.submit({}, Leave{opened.connection});
  hub.submit(user("alice"), CloseSession{{}, id});
  turns(3);
  clock.advance_us(2 * hour_us);
  for (auto const connection : {opened.connection + 1, opened.connection + 2}) hub.submit({}, Leave{connection});
  clock.advance_us(2 * hour_us);
  turns(3);
  std::string told;
  for (auto const& line : end()) {
    EXPECT_TRUE(line.contains("session") && line.contains("user")) << json::to_text(line);
    for (auto const* name : {"event", "user", "reason", "address"}) {
      auto const word = std::string(json::find_string(line, name));
      told += word.empty() ? "" : word + " ";
    }
    told += json::find_string(line, "session") == id ? "it\n" : "other\n";
  }
  EXPECT_EQ(told,
            "session.created alice it\nsession.joined alice 10.0.0.1 it\n"
            "session.not_owner bob 10.0.0.1 it\nsession.created bob other\nsession.joined bob 10.0.0.1 other\n"
            "session.invalid bob 10.0.0.1 other\nsession.created bob other\nsession.joined bob 10.0.0.1 other\n"
            "session.disconnected alice left it\nsession.deleted alice it\n"
            "session.disconnected bob left other\nsession.disconnected bob left other\n"
            "session.expired bob other\nsession.expired bob other\n");
}

}  // namespace
}  // namespace sojourn

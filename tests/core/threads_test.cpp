// threads.cpp: what is said in a thread while nobody follows it is kept for whoever comes next, once.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {
namespace {

class ThreadsTest : public CoreTest {
 protected:
  // As a registration does: the thread's session, or a new one.
  Opened follow(std::string thread_id, RecordingOutlet& end, Principal const& principal = user("alice"),
                std::string since = {}) {
    JoinSession command{shared, {}, attachment(end)};
    command.via.follows = true;
    command.since = std::move(since);
    command.opens = true;
    command.wish.thread_id = std::move(thread_id);
    return get<Opened>(principal, std::move(command));
  }
  // As a message from outside does.
  std::string open_thread(std::string thread_id) {
    SessionWish wish;
    wish.thread_id = std::move(thread_id);
    return open_empty("alice", std::move(wish)).id;
  }
  Lines take(std::string thread_id, Principal const& principal = user("alice")) {
    Lines names;
    for (auto const& event : get<Missed>(principal, TakeMissed{std::move(thread_id)}).events)
      names.push_back(event->name);
    return names;
  }
  Lines waiting() {
    Lines lines;
    for (auto const& [thread, count] : get<std::vector<MissedCount>>(ListMissed{}))
      lines.push_back(thread + " " + std::to_string(count));
    return lines;
  }
};

// What the plain language says of them at the end of its greeting.
std::string missed(Opened const& opened) {
  auto const at = opened.greeting.find(" missed");
  return at == std::string::npos ? std::string() : opened.greeting.substr(at + 1);
}

TEST_F(ThreadsTest, AThreadIsFoundAgainByItsOwnerOnly) {
  auto const first = follow("chat", outlet);
  EXPECT_FALSE(first.resumed);
  EXPECT_EQ(first.session.thread_id, "chat");
  EXPECT_EQ(follow("chat", other_outlet).session.id, first.session.id);
  EXPECT_NE(follow("chat", third_outlet, user("bob")).session.id, first.session.id);
  EXPECT_EQ(hub.session_count(), 2U);
  EXPECT_EQ(open_thread("chat"), first.session.id);
}

TEST_F(ThreadsTest, AThreadAndAClientOfOneNameAreTwoSessions) {
  auto const thread = follow("laptop", outlet);
  EXPECT_NE(open_empty("alice", {.client_id = "laptop"}).id, thread.session.id);
}

TEST_F(ThreadsTest, AnEndedThreadBeginsAnew) {
  auto const first = follow("chat", outlet);
  ask(CloseSession{{}, first.session.id});
  EXPECT_NE(follow("chat", other_outlet).session.id, first.session.id);
}

TEST_F(ThreadsTest, AMI_23_WhatIsSaidWhileNobodyFollowsIsForWhoeverComesNextOnce) {
  auto const id = open_thread("chat");
  post(id, "a");
  set(id, "k", "1");
  post(id, "b");
  EXPECT_EQ(waiting(), Lines{"chat 2"});
  EXPECT_EQ(missed(follow("chat", outlet)), "missed a b");
  EXPECT_EQ(waiting(), Lines{});
  EXPECT_EQ(missed(follow("chat", other_outlet)), "") << "somebody follows already";
  outlet.take_lines();
  post(id, "c");
  EXPECT_EQ(outlet.take_lines().size(), 1U);
}

TEST_F(ThreadsTest, AMI_23_WhatThoseWhoFollowedWereShownIsNotMissed) {
  auto const one = follow("chat", outlet);
  auto const two = follow("chat", other_outlet);
  post(one.session.id, "seen");
  ask(Leave{one.connection});
  post(one.session.id, "seen by one");
  ask(Leave{two.connection});
  post(one.session.id, "unseen");
  EXPECT_EQ(missed(follow("chat", third_outlet)), "missed unseen");
}

TEST_F(ThreadsTest, AMI_23_TheLastFiftyAreKept) {
  auto const id = open_thread("chat");
  for (int i = 1; i <= 60; ++i) post(id, std::to_string(i));
  auto const names = take("chat");
  ASSERT_EQ(names.size(), 50U);
  EXPECT_EQ(names.front(), "11");
  EXPECT_EQ(names.back(), "60");
}

TEST_F(ThreadsTest, AMI_23_TheyCanBeAskedForWithoutFollowing) {
  auto const id = open_thread("chat");
  post(id, "a");
  EXPECT_EQ(take("chat", user("bob")), Lines{});
  EXPECT_EQ(take("elsewhere"), Lines{});
  EXPECT_EQ(take("chat"), Lines{"a"});
  EXPECT_EQ(take("chat"), Lines{}) << "once";
  post(id, "b");
  auto const opened = follow("chat", outlet);
  EXPECT_EQ(missed(opened), "missed b");
  EXPECT_EQ(take("chat"), Lines{}) << "whoever follows has them";
}

TEST_F(ThreadsTest, WhoComesBackToItsPlaceMissesNothingTwice) {
  auto const one = follow("chat", outlet);
  auto const seen = post(one.session.id, "seen");
  post(one.session.id, "on the way");
  ask(Leave{one.connection});
  post(one.session.id, "unseen");
  other_outlet.take_lines();
  auto const again = follow("chat", other_outlet, user("alice"), to_text(seen.cursor));
  EXPECT_EQ(missed(again), "") << "they follow as events";
  auto const lines = other_outlet.take_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].find("on the way") != std::string::npos);
  ask(Leave{again.connection});
  EXPECT_EQ(take("chat"), Lines{});
}

TEST_F(ThreadsTest, ASessionThatIsNoThreadRemembersNothing) {
  auto const id = open_empty("alice").id;
  post(id, "a");
  JoinSession command{shared, id, attachment(outlet)};
  command.via.follows = true;
  EXPECT_EQ(missed(get<Opened>(user("alice"), std::move(command))), "");
}

TEST_F(ThreadsTest, OnlyAnAdminSeesEverybodysThreads) {
  EXPECT_EQ(ask(user("alice"), ListMissed{})->code(), Code::forbidden);
  EXPECT_EQ(ask(user("alice", Scope::read), TakeMissed{"chat"})->code(), Code::forbidden);
}

TEST_F(ThreadsTest, AMI_02_AConnectionGoesOnOverAnotherCarrier) {
  auto const opened = follow("chat", outlet);
  auto const frame = [](std::string& out, std::string_view message) { out.append("<").append(message).append(">\n"); };
  ask(MoveConnection{opened.connection, frame, "pigeon"});
  outlet.take_lines();
  post(opened.session.id, "a");
  EXPECT_EQ(outlet.take_lines().front().front(), '<');
  EXPECT_EQ(get<std::vector<ConnectionInfo>>(ListConnections{{}, opened.session.id}).front().transport, "pigeon");
  EXPECT_EQ(ask(MoveConnection{999, frame, "pigeon"})->code(), Code::not_found);
}

}  // namespace
}  // namespace sojourn

#include "core/principal.h"

#include <gtest/gtest.h>

#include "core/session.h"

namespace sojourn {
namespace {

constexpr Action all_actions[] = {Action::list, Action::open, Action::read, Action::write, Action::call, Action::close};

Session session_of(std::string owner) {
  Session session("id", SessionKind::shared, 1);
  session.owner = std::move(owner);
  return session;
}

TEST(Can, LetsTheLocalPrincipalAndAdminsDoEverything) {
  auto const session = session_of("alice");
  for (auto const action : all_actions) {
    for (auto const& principal : {local_principal(), Principal{Role::admin, "root"}}) {
      EXPECT_TRUE(can(principal, action, &session));
      EXPECT_TRUE(can(principal, action, nullptr));
    }
  }
}

TEST(Can, LetsAUserDoEverythingWithASessionOfItsOwn) {
  auto const session = session_of("alice");
  for (auto const action : all_actions) EXPECT_TRUE(can({Role::user, "alice"}, action, &session));
}

TEST(Can, LetsAUserDoNothingWithASessionOfSomebodyElse) {
  auto const session = session_of("alice");
  for (auto const action : all_actions) {
    EXPECT_FALSE(can({Role::user, "bob"}, action, &session));
    EXPECT_FALSE(can({Role::user, "Alice"}, action, &session));
    EXPECT_FALSE(can({Role::user, ""}, action, &session));
  }
}

TEST(Can, LetsAUserOpenAndListWithoutASession) {
  for (auto const action : all_actions)
    EXPECT_EQ(can({Role::user, "alice"}, action, nullptr), action == Action::open || action == Action::list);
}

TEST(Principal, IsAUserWithoutANameUnlessSomethingElseIsSaid) {
  EXPECT_EQ(Principal{}.role, Role::user);
  EXPECT_EQ(local_principal().role, Role::local);
  EXPECT_EQ(local_principal().name, "local");
}

}  // namespace
}  // namespace sojourn

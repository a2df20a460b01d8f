#include "core/principal.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/session.h"

namespace sojourn {
namespace {

constexpr Action all_actions[] = {Action::list, Action::open,  Action::read, Action::write,
                                  Action::call, Action::close, Action::share};

Session session_of(std::string owner) {
  Session session("id", SessionKind::shared, 1);
  session.owner = std::move(owner);
  session.tokens = {{"tok_1", Scope::write, 5}};
  return session;
}
Principal user(std::string name, Scope scope = Scope::write) { return {Role::user, std::move(name), scope, {}}; }
Principal guest(std::string session_id, std::string token_id, Scope scope = Scope::write) {
  return {Role::guest, "alice", scope,
          std::make_shared<Grant const>(Grant{std::move(session_id), std::move(token_id), 0})};
}

TEST(Can, LetsTheLocalPrincipalAndAdminsDoEverything) {
  auto const session = session_of("alice");
  for (auto const action : all_actions) {
    for (auto const& principal : {local_principal(), Principal{Role::admin, "root", Scope::admin, {}}}) {
      EXPECT_TRUE(can(principal, action, &session));
      EXPECT_TRUE(can(principal, action, nullptr));
    }
  }
}

TEST(Can, LetsAUserDoEverythingWithASessionOfItsOwn) {
  auto const session = session_of("alice");
  for (auto const action : all_actions) {
    EXPECT_TRUE(can(user("alice"), action, &session));
    EXPECT_TRUE(can(user("alice", Scope::control), action, &session));
  }
}

TEST(Can, LetsAUserDoNothingWithASessionOfSomebodyElse) {
  auto const session = session_of("alice");
  for (auto const action : all_actions) {
    EXPECT_FALSE(can(user("bob"), action, &session));
    EXPECT_FALSE(can(user("Alice"), action, &session));
    EXPECT_FALSE(can(user(""), action, &session));
    EXPECT_FALSE(can(user("bob", Scope::admin), action, &session)) << "a scope is no role";
  }
}

TEST(Can, LetsAReaderReadItsOwnAndListAndNothingElse) {
  auto const session = session_of("alice");
  for (auto const action : all_actions) {
    EXPECT_EQ(can(user("alice", Scope::read), action, &session), action == Action::read);
    EXPECT_EQ(can(user("alice", Scope::read), action, nullptr), action == Action::list);
  }
}

TEST(Can, LetsAUserOpenAndListWithoutASession) {
  EXPECT_TRUE(can(user("alice"), Action::open, nullptr));
  EXPECT_TRUE(can(user("alice"), Action::list, nullptr));
}

TEST(Can, LetsAGuestReadAndWriteTheOneSessionOfItsToken) {
  auto const session = session_of("alice");
  auto other = session_of("alice");
  other.id = "other";
  for (auto const action : all_actions) {
    bool const writes = action == Action::write || action == Action::call;
    EXPECT_EQ(can(guest("id", "tok_1"), action, &session), action == Action::read || writes);
    EXPECT_EQ(can(guest("id", "tok_1", Scope::read), action, &session), action == Action::read);
    EXPECT_EQ(can(guest("id", "tok_1", Scope::admin), action, &session), action == Action::read || writes);
    EXPECT_FALSE(can(guest("id", "tok_1"), action, &other)) << "though it has a token of that name";
    EXPECT_FALSE(can(guest("other", "tok_1"), action, &session));
    EXPECT_FALSE(can(guest("id", "tok_2"), action, &session)) << "revoked";
    EXPECT_FALSE(can(guest("id", "tok_1"), action, nullptr));
    EXPECT_FALSE(can({Role::guest, "alice", Scope::write, {}}, action, &session)) << "without a token";
  }
}

TEST(Principal, IsAUserWhoMayWriteUnlessSomethingElseIsSaid) {
  EXPECT_EQ(Principal{}.role, Role::user);
  EXPECT_EQ(Principal{}.scope, Scope::write);
  EXPECT_FALSE(Principal{}.is_admin());
  EXPECT_EQ(local_principal().role, Role::local);
  EXPECT_EQ(local_principal().name, "local");
  EXPECT_TRUE(local_principal().is_admin());
  EXPECT_FALSE(guest("id", "tok_1", Scope::admin).is_admin());
}

TEST(Scope, HasTheWordOfItsClaim) {
  EXPECT_EQ(to_word(Scope::read), "read");
  EXPECT_EQ(to_word(Scope::write), "write");
  EXPECT_EQ(to_word(Scope::control), "control");
  EXPECT_EQ(to_word(Scope::admin), "admin");
}

}  // namespace
}  // namespace sojourn

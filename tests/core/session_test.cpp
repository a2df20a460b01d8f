#include "core/session.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

TEST(SessionKind, HasAWordThatClientsKnow) {
  EXPECT_EQ(to_word(SessionKind::extension), "extension");
  EXPECT_EQ(to_word(SessionKind::shared), "shared");
  EXPECT_EQ(to_word(SessionKind::browser), "browser");
}

TEST(Session, IsDurableUnlessItStandsForSomebodysOwnBrowser) {
  EXPECT_TRUE(Session("a", SessionKind::shared, 1).is_durable());
  EXPECT_TRUE(Session("a", SessionKind::browser, 1).is_durable());
  EXPECT_FALSE(Session("a", SessionKind::extension, 1).is_durable());
}

TEST(Session, IsKeptByAnyUseUnlessItHasABrowser) {
  EXPECT_TRUE(Session("a", SessionKind::shared, 1).is_kept_by_any_use());
  EXPECT_TRUE(Session("a", SessionKind::extension, 1).is_kept_by_any_use());
  EXPECT_FALSE(Session("a", SessionKind::browser, 1).is_kept_by_any_use());
}

TEST(Session, HasDefaultsWhereItsOwnerSaidNothing) {
  Session session("a", SessionKind::shared, 7);
  EXPECT_EQ(session.journal.epoch(), 7U);
  EXPECT_EQ(session.client_id(), "");
  EXPECT_EQ(session.type(), default_session_type);
  EXPECT_EQ(session.metadata(), "{}");
  session.traits = std::make_unique<SessionTraits>();
  EXPECT_EQ(session.type(), default_session_type);
  EXPECT_EQ(session.metadata(), "{}");
}

TEST(Session, ShowsWhatItsOwnerSaidWhereItIsKept) {
  Session session("a", SessionKind::shared, 7);
  session.traits = std::make_unique<SessionTraits>(
      SessionTraits{"laptop", std::string(100, 't'), "{\"m\":\"" + std::string(100, 'm') + "\"}"});
  EXPECT_EQ(session.client_id(), "laptop");
  EXPECT_EQ(session.type().data(), session.traits->type.data()) << "a view of a copy would be of nothing";
  EXPECT_EQ(session.metadata().data(), session.traits->metadata.data());
}

TEST(Session, FindsItsTokensById) {
  Session session("a", SessionKind::shared, 1);
  session.tokens = {{"tok_1", Scope::read, 5}, {"tok_2", Scope::write, 6}};
  ASSERT_NE(session.find_token("tok_2"), nullptr);
  EXPECT_EQ(session.find_token("tok_2")->scope, Scope::write);
  EXPECT_EQ(session.find_token("tok_3"), nullptr);
  EXPECT_EQ(session.find_token(""), nullptr);
}

}  // namespace
}  // namespace sojourn

#include "browser/account.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace sojourn {
namespace {

TEST(Account, OnlyRootLendsOneAndItIsNotItsOwn) {
  auto const lent = lend_account();
  ASSERT_TRUE(lent) << lent.error().message;
  EXPECT_EQ(lent->has_value(), geteuid() == 0);
  if (!lent->has_value()) return;
  EXPECT_EQ((*lent)->name, browser_account);
  EXPECT_NE((*lent)->user, 0U);
  EXPECT_NE((*lent)->group, 0U);
  auto const again = lend_account();
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->user, (*lent)->user) << "made once";
}

TEST(Account, IsFoundByItsName) {
  auto const root = find_account("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0U);
  EXPECT_FALSE(find_account("nobody-has-such-a-name"));
  EXPECT_FALSE(find_account(""));
}

}  // namespace
}  // namespace sojourn

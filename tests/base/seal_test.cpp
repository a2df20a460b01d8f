// What is sealed opens with its key and its name, and with nothing else.
#include "base/seal.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

SealKey key_of(unsigned char first) {
  SealKey key{};
  key[0] = first;
  return key;
}

std::string const secret = "the cookie of a bank";

TEST(SealTest, WhatIsSealedOpensAgain) {
  for (auto const& plain : {std::string(), std::string("a"), secret, std::string(100'000, '\0')}) {
    auto const opened = unseal(key_of(1), "sess_a", seal(key_of(1), "sess_a", plain));
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, plain);
  }
}

TEST(SealTest, NothingOfItShowsAndNoTwoAreAlike) {
  auto const sealed = seal(key_of(1), "sess_a", secret);
  EXPECT_EQ(sealed.find("cookie"), std::string::npos);
  EXPECT_EQ(sealed.size(), secret.size() + 29);
  EXPECT_NE(sealed, seal(key_of(1), "sess_a", secret));
}

TEST(SealTest, AnotherKeyOrAnotherNameDoesNotOpenIt) {
  auto const sealed = seal(key_of(1), "sess_a", secret);
  for (auto const& opened : {unseal(key_of(2), "sess_a", sealed), unseal(key_of(1), "sess_b", sealed),
                             unseal(key_of(1), "", sealed), unseal(key_of(1), "sess_ab", sealed)}) {
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::damaged);
    EXPECT_EQ(opened.error().message, "what was sealed can't be opened: it was changed, or another key has sealed it");
  }
}

TEST(SealTest, AnyBitThatIsTurnedIsNoticed) {
  auto const sealed = seal(key_of(1), "sess_a", secret);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(unseal(key_of(1), "sess_a", changed)) << bit;
  }
}

TEST(SealTest, WhatIsCutOrLongerIsNotOpened) {
  auto const sealed = seal(key_of(1), "sess_a", secret);
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(unseal(key_of(1), "sess_a", std::string_view(sealed).substr(0, size))) << size;
  EXPECT_FALSE(unseal(key_of(1), "sess_a", sealed + '\0'));
}

}  // namespace
}  // namespace sojourn

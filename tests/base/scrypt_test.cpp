#include "base/scrypt.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

// RFC 7914, section 12: the first 32 bytes of scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1).
constexpr std::string_view rfc_line =
    "scrypt$16384$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=";
constexpr std::string_view salt = "TmFDbE5hQ2xOYUNsTmFDbA==";
// scrypt("password", "NaClNaClNaClNaCl", 1024, 8, 2), computed elsewhere.
constexpr std::string_view hash = "4bmMI57cQ1Q1qiYR0sOiKYjtYoL0yIe6kEcQC0jx9QQ=";

std::string make_line(std::string const& parameters) {
  return "scrypt$" + parameters + "$" + std::string(salt) + "$" + std::string(hash);
}

TEST(Scrypt, MatchesThePublishedVectorAndAnotherProgram) {
  EXPECT_TRUE(verify_password("pleaseletmein", rfc_line));
  EXPECT_TRUE(verify_password("password", make_line("1024$8$2")));
  EXPECT_FALSE(verify_password("pleaseletmein ", rfc_line));
  EXPECT_FALSE(verify_password("Password", make_line("1024$8$2")));
  EXPECT_FALSE(verify_password("password", make_line("1024$8$1"))) << "the parameters count";
  EXPECT_FALSE(verify_password("", make_line("1024$8$2")));
}

TEST(Scrypt, WritesLinesWithASaltOfTheirOwn) {
  auto const line = hash_password("a password");
  EXPECT_TRUE(line.starts_with("scrypt$16384$8$1$")) << line;
  EXPECT_EQ(line.size(), 17U + 24 + 1 + 44);
  EXPECT_NE(line, hash_password("a password"));
  EXPECT_TRUE(is_password_hash(line));
  EXPECT_TRUE(verify_password("a password", line));
  EXPECT_FALSE(verify_password("another", line));
}

TEST(Scrypt, TakesAnyBytesAsAPassword) {
  for (auto const& password :
       {std::string(), std::string("\0\0", 2), std::string("\xFF\xFE"), std::string(5000, 'x')}) {
    auto const line = hash_password(password);
    EXPECT_TRUE(verify_password(password, line));
    EXPECT_FALSE(verify_password(password + 'x', line));
  }
}

TEST(Scrypt, LinesThatWouldTakeTheMemoryAreRefused) {
  for (char const* const wrong : {"262144$8$1", "1048576$1$1", "131072$17$1", "131072$8$3", "16384$1$17", "16384$17$1",
                                  "16384$4294967296$4294967296", "18446744073709551616$8$1", "99999999999999999999$8$1",
                                  "16384$18446744073709551615$1", "65536$1$1"}) {
    EXPECT_FALSE(is_password_hash(make_line(wrong))) << wrong;
  }
  for (char const* const right : {"131072$16$1", "131072$2$8", "131072$4$4", "32768$1$16", "1024$1$1"}) {
    EXPECT_TRUE(is_password_hash(make_line(right))) << right;
  }
}

TEST(Scrypt, LinesThatAreTooCheapOrNotNumbersAreRefused) {
  for (char const* const wrong :
       {"512$8$1", "1$8$1", "0$8$1", "16383$8$1", "16384$0$1", "16384$8$0", "016384$8$1", "+16384$8$1", "-16384$8$1",
        " 16384$8$1", "16384 $8$1", "16384.0$8$1", "0x4000$8$1", "16384$8", "16384$8$1$1", "$8$1", "16384$$1"}) {
    EXPECT_FALSE(is_password_hash(make_line(wrong))) << wrong;
  }
}

TEST(Scrypt, OtherSpellingsAreRefused) {
  auto const line = make_line("1024$8$2");
  ASSERT_TRUE(is_password_hash(line));
  EXPECT_FALSE(is_password_hash(""));
  EXPECT_FALSE(is_password_hash("password"));
  EXPECT_FALSE(is_password_hash("scrypt"));
  EXPECT_FALSE(is_password_hash("Scrypt" + line.substr(6)));
  EXPECT_FALSE(is_password_hash(line + "\n"));
  EXPECT_FALSE(is_password_hash(line + "$"));
  EXPECT_FALSE(is_password_hash(line.substr(0, line.size() - 1))) << "padding left out";
  EXPECT_FALSE(is_password_hash(std::string(line).replace(line.find("Q="), 1, "R"))) << "bits that nobody reads";
  auto const with = [](std::string const& salt_text, std::string const& hash_text) {
    return is_password_hash("scrypt$1024$8$2$" + salt_text + "$" + hash_text);
  };
  EXPECT_TRUE(with("AAAAAAAAAAA=", std::string(hash))) << "8 bytes";
  EXPECT_FALSE(with("AAAAAAAAAA==", std::string(hash))) << "7 bytes";
  EXPECT_FALSE(with("", std::string(hash)));
  EXPECT_TRUE(with(std::string(84, 'A') + "AA==", std::string(hash))) << "64 bytes";
  EXPECT_FALSE(with(std::string(88, 'A'), std::string(hash))) << "66 bytes";
  EXPECT_FALSE(with(std::string(salt), "")) << "an empty hash would fit everybody";
  EXPECT_FALSE(with(std::string(salt), std::string(44, 'A'))) << "33 bytes";
}

TEST(Scrypt, ALineThatIsNoneFitsNobody) {
  for (char const* const line : {"", "password", "scrypt$1024$8$2$$", "$2b$12$KIX"}) {
    EXPECT_FALSE(verify_password("password", line)) << line;
    EXPECT_FALSE(verify_password("", line)) << line;
  }
}

}  // namespace
}  // namespace sojourn

#include "base/crypto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sojourn {
namespace {

using namespace std::string_view_literals;

std::span<unsigned char const> bytes_of(std::string_view text) {
  return {reinterpret_cast<unsigned char const*>(text.data()), text.size()};
}

std::string to_hex(std::span<unsigned char const> bytes) {
  std::string text;
  for (auto const byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// RFC 4648 section 10, and bytes with the two last digits of the alphabet.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> pairs = {{
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xFB\xEF\xBE", "++++"},
    {"\xFF\xFF\xFF", "////"},
    {"\0\0\0\0"sv, "AAAAAA=="},
}};

TEST(Sha1, MatchesThePublishedVectors) {
  EXPECT_EQ(to_hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(to_hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// RFC 4231, section 4; the keys of the last two are longer than a block.
TEST(HmacSha256, MatchesThePublishedVectors) {
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0B'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xAA'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xAA'),
                               "This is a test using a larger than block-size key and a larger than block-size data. "
                               "The key needs to be hashed before being used by the HMAC algorithm.")),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacSha256, OfAnEmptyKeyIsNotThatOfTheKeyBefore) {
  auto const of_empty = to_hex(hmac_sha256({}, ""));
  EXPECT_EQ(of_empty, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  static_cast<void>(hmac_sha256("another", ""));
  EXPECT_EQ(to_hex(hmac_sha256({}, "")), of_empty);
}

TEST(HmacSha256, TellsKeysOfABlockFromLongerOnes) {
  std::string const block(64, 'k');
  EXPECT_NE(to_hex(hmac_sha256(block, "x")), to_hex(hmac_sha256(block + "k", "x")));
  auto const digest = sha256(block + "k");
  std::string_view const shorter(reinterpret_cast<char const*>(digest.data()), digest.size());
  EXPECT_EQ(to_hex(hmac_sha256(block + "k", "x")), to_hex(hmac_sha256(shorter, "x")));
}

TEST(Base64, WritesAndReadsThePublishedVectors) {
  for (auto const& [plain, text] : pairs) {
    EXPECT_EQ(base64_encode(bytes_of(plain)), text);
    std::string out = "left over";
    EXPECT_TRUE(base64_decode(text, out)) << text;
    EXPECT_EQ(out, plain);
  }
}

TEST(Base64, RefusesEveryOtherSpelling) {
  for (auto const text :
       {"Z"sv, "Zg"sv, "Zg="sv, "Zg==="sv, "===="sv, "="sv, "Z==="sv, "Zh=="sv, "Zm9="sv, "Zg==Zg=="sv, "Zm=v"sv,
        "Zm9v\n"sv, "Zm9\n"sv, " m9v"sv, "Zm-_"sv, "Zm9\0"sv, "Zm9\xFF"sv, "Zm9v===="sv}) {
    std::string out = "left over";
    EXPECT_FALSE(base64_decode(text, out)) << testing::PrintToString(text);
    EXPECT_EQ(out, "");
  }
}

TEST(Base64, RoundTripsRandomBytesOfEveryLength) {
  std::mt19937 random(5409);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string plain(size, '\0');
    for (auto& byte : plain) byte = static_cast<char>(random() & 0xFF);
    std::string out;
    ASSERT_TRUE(base64_decode(base64_encode(bytes_of(plain)), out));
    ASSERT_EQ(out, plain);
  }
}

TEST(Base64Url, WritesAndReadsThePublishedVectorsWithoutPadding) {
  for (auto const& [plain, padded] : pairs) {
    std::string text(padded.substr(0, padded.find('=')));
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    EXPECT_EQ(base64url_encode(bytes_of(plain)), text);
    std::string out = "left over";
    EXPECT_TRUE(base64url_decode(text, out)) << text;
    EXPECT_EQ(out, plain);
  }
}

TEST(Base64Url, RefusesEveryOtherSpelling) {
  for (auto const text : {"Z"sv, "Zg=="sv, "Zg="sv, "="sv, "===="sv, "Zh"sv, "Zm9"sv, "Zm9vY"sv, "Zm+/"sv, "++++"sv,
                          "Zm9v\n"sv, " Zm9"sv, "Zm9\0"sv, "Zm9\xFF"sv, "Zm.v"sv}) {
    std::string out = "left over";
    EXPECT_FALSE(base64url_decode(text, out)) << testing::PrintToString(text);
    EXPECT_EQ(out, "");
  }
}

TEST(EqualInConstantTime, IsTrueForEqualTextsOnly) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_in_constant_time("Secret", "secret"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secret "));
  EXPECT_FALSE(equal_in_constant_time("", "s"));
  EXPECT_FALSE(equal_in_constant_time("a\0b"sv, "a\0c"sv));
}

TEST(FillRandom, FillsEveryPlaceAndNeverRepeats) {
  std::set<std::string> seen;
  std::array<bool, 32> touched{};
  for (int round = 0; round < 64; ++round) {
    std::array<unsigned char, 32> bytes{};
    fill_random(bytes);
    seen.insert(to_hex(bytes));
    for (std::size_t at = 0; at < bytes.size(); ++at) touched[at] = touched[at] || bytes[at] != 0;
  }
  EXPECT_EQ(seen.size(), 64U);
  EXPECT_TRUE(std::all_of(touched.begin(), touched.end(), [](bool place) { return place; }));
  fill_random({});
}

}  // namespace
}  // namespace sojourn

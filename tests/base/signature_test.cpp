#include "base/signature.h"

#include <gtest/gtest.h>

#include <string>

#include "base/crypto.h"
#include "support/signer.h"

namespace sojourn {
namespace {

using test::Signer;

// RFC 7515, appendices A.2 and A.3: the keys as PEM, and what they signed.
constexpr std::string_view rfc_rsa_pem = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
oQIDAQAB
-----END PUBLIC KEY-----
)";
constexpr std::string_view rfc_curve_pem = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END PUBLIC KEY-----
)";
constexpr std::string_view rfc_payload =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view rfc_rsa_signature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d"
    "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
    "cN_IoypGlUPQGe77Rw";
constexpr std::string_view rfc_curve_signature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

std::string decode(std::string_view text) {
  std::string bytes;
  EXPECT_TRUE(base64url_decode(text, bytes));
  return bytes;
}

std::string refusal(std::string_view pem) {
  auto const key = PublicKey::read(pem);
  if (key) return "accepted";
  EXPECT_EQ(key.error().code, Code::configuration);
  return key.error().message;
}

// Every single bit of a signature counts, and so does its length.
void expect_only_this_one(PublicKey const& key, std::string_view bytes, std::string const& signature) {
  EXPECT_TRUE(key.verify(bytes, signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; bit += 37) {
    auto other = signature;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(key.verify(bytes, other)) << bit;
  }
  EXPECT_FALSE(key.verify(bytes, signature + '\0'));
  EXPECT_FALSE(key.verify(bytes, std::string(1, '\0') + signature));
  EXPECT_FALSE(key.verify(bytes, signature.substr(1)));
  EXPECT_FALSE(key.verify(bytes, signature.substr(0, signature.size() - 1)));
  EXPECT_FALSE(key.verify(bytes, ""));
  EXPECT_FALSE(key.verify(std::string(bytes) + " ", signature));
  EXPECT_FALSE(key.verify("", signature));
}

TEST(Signature, OfRsaMatchesThePublishedVector) {
  auto const key = PublicKey::read(rfc_rsa_pem);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->kind(), PublicKey::Kind::rsa);
  expect_only_this_one(*key, "eyJhbGciOiJSUzI1NiJ9" + std::string(rfc_payload), decode(rfc_rsa_signature));
}

TEST(Signature, OfP256MatchesThePublishedVector) {
  auto const key = PublicKey::read(rfc_curve_pem);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->kind(), PublicKey::Kind::p256);
  expect_only_this_one(*key, "eyJhbGciOiJFUzI1NiJ9" + std::string(rfc_payload), decode(rfc_curve_signature));
}

TEST(Signature, OfAnyGoodKeyIsBelievedByThatKeyOnly) {
  for (auto const& signer : {Signer::rsa(2048), Signer::rsa(3072), Signer::curve()}) {
    auto const key = PublicKey::read(signer.public_pem());
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_TRUE(key->verify("text", signer.sign("text")));
    EXPECT_TRUE(key->verify("", signer.sign("")));
    for (auto const& stranger : {Signer::rsa(2048), Signer::curve()}) {
      EXPECT_FALSE(key->verify("text", stranger.sign("text")));
    }
  }
}

TEST(Signature, OfP256IsTwoNumbersAndNotDer) {
  auto const signer = Signer::curve();
  auto const key = PublicKey::read(signer.public_pem());
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->verify("text", signer.sign_raw("text")));
  EXPECT_FALSE(key->verify("text", std::string(64, '\0')));
  EXPECT_FALSE(key->verify("text", std::string(64, '\xFF')));
  auto const zero_s = signer.sign("text").substr(0, 32) + std::string(32, '\0');
  EXPECT_FALSE(key->verify("text", zero_s));
}

TEST(Signature, KeysThatAreTooWeakOrOfAnotherKindAreRefused) {
  EXPECT_EQ(refusal(Signer::rsa(1024).public_pem()), "it holds an RSA key of 1024 bits; use one of 2048 to 16384 bits");
  for (char const* const curve : {"P-384", "P-521", "secp256k1"}) {
    EXPECT_EQ(refusal(Signer::curve(curve).public_pem()),
              "it holds a key of another curve than P-256; use one of RSA or of P-256 (prime256v1)");
  }
  for (char const* const other : {"ED25519", "X25519"}) {
    EXPECT_EQ(refusal(Signer::other(other).public_pem()),
              "it holds a key that is neither RSA nor of the curve P-256; use one of these");
  }
}

TEST(Signature, WhatIsNoPublicKeyIsRefusedWithTheCommandThatMakesOne) {
  auto const signer = Signer::curve();
  EXPECT_NE(refusal(signer.private_pem()).find("openssl pkey -in FILE -pubout"), std::string::npos);
  EXPECT_NE(refusal(signer.public_pem() + signer.private_pem()).find("private key"), std::string::npos);
  EXPECT_NE(refusal("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").find("openssl x509"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(64 * 1024 + 1, '\n')).find("over 64 KiB"), std::string::npos);
  auto const pem = signer.public_pem();
  for (auto const& broken : {std::string(), std::string("-----BEGIN PUBLIC KEY-----\n"), pem.substr(0, 80),
                             std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}) {
    EXPECT_EQ(refusal(broken), "it holds no public key; a PEM file begins with -----BEGIN PUBLIC KEY-----");
  }
}

TEST(Signature, AKeyThatAsksForAPasswordIsRefusedWithoutAsking) {
  auto pem = Signer::curve().public_pem();
  pem.insert(pem.find('\n') + 1, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n");
  EXPECT_NE(refusal(pem).find("holds no public key"), std::string::npos);
}

TEST(Signature, AKeyThatSaysYesToEverythingIsRefused) {
  // The RSA key above with the exponent 1: every text would be its own signature.
  constexpr std::string_view pem = R"(-----BEGIN PUBLIC KEY-----
MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAofgWCuLjybRlzo0tZWJj
NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
oQIBAQ==
-----END PUBLIC KEY-----
)";
  EXPECT_EQ(refusal(pem), "it holds a key whose numbers are no key; get it from its owner again");
}

}  // namespace
}  // namespace sojourn

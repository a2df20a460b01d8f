#include "api/token.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/json.h"
#include "support/signer.h"

namespace sojourn {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using test::Signer;

constexpr std::int64_t now_us = 1'771'960'936'000'000;
constexpr std::int64_t now_s = now_us / 1'000'000;
std::string const own_secret(64, 'a');
std::string const configured_secret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view hs256 = R"({"alg":"HS256","typ":"JWT"})";

std::string encode(std::string_view text) {
  return base64url_encode({reinterpret_cast<unsigned char const*>(text.data()), text.size()});
}

std::string sign(std::string_view header, std::string_view payload, std::string_view secret = own_secret) {
  auto const text = encode(header) + "." + encode(payload);
  auto const code = hmac_sha256(secret, text);
  return text + "." + base64url_encode(code);
}

std::string sign(Signer const& signer, std::string_view header, std::string_view payload) {
  auto const text = encode(header) + "." + encode(payload);
  return text + "." + encode(signer.sign(text));
}

PublicKey public_half(Signer const& signer) { return PublicKey::read(signer.public_pem()).value(); }

// "alice", or what is wrong.
std::string outcome(Result<Claims> const& claims) {
  if (claims) return claims->user;
  bool const makes_no_sense = claims.error().code == Code::invalid;
  EXPECT_TRUE(makes_no_sense || claims.error().code == Code::unauthenticated);
  EXPECT_EQ(claims.error().message, makes_no_sense ? "Invalid token payload" : "Invalid or expired token");
  return makes_no_sense ? "payload" : "token";
}

std::string outcome_of_payload(std::string_view payload, std::int64_t at_us = now_us) {
  return outcome(Keys(own_secret).verify(sign(hs256, payload), at_us));
}

std::string outcome_of_header(std::string_view header) {
  return outcome(Keys(own_secret).verify(sign(header, R"({"sub":"alice"})"), now_us));
}

Scope scope_of(std::string_view scope) {
  auto const claims =
      Keys(own_secret).verify(sign(hs256, R"({"sub":"alice","scope":")"s.append(scope) + "\"}"), now_us);
  EXPECT_TRUE(claims) << scope;
  return claims ? claims->scope : Scope::admin;
}

TEST(Token, SaysWhatWasMinted) {
  Keys const keys(own_secret);
  for (auto const& claims :
       {Claims{"alice", now_s + 1, Scope::read, "", ""}, Claims{"alice", 0, Scope::write, "", ""},
        Claims{"\"a\\lice\" \u00E9\u4E2D", now_s + 3600, Scope::control, "s-1", "t1"},
        Claims{std::string(256, '"'), 253'402'300'799, Scope::admin, std::string(256, '\\'), std::string(256, 'x')}}) {
    auto const token = keys.mint(claims, now_us);
    EXPECT_LE(token.size(), token_bytes_max);
    EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
              std::string::npos);
    auto const verified = keys.verify(token, now_us);
    ASSERT_TRUE(verified) << claims.user;
    EXPECT_EQ(*verified, claims);
  }
}

TEST(Token, IsWrittenAsEverybodyReadsIt) {
  auto const token = Keys(own_secret).mint({"alice", now_s + 60, Scope::read, "s", "t"}, now_us);
  EXPECT_EQ(token,
            sign(hs256, R"({"sub":"alice","iat":1771960936,"exp":1771960996,"scope":"read","sid":"s","jti":"t"})"));
  EXPECT_EQ(Keys(own_secret).mint({"alice", 0, Scope::write, "", ""}, now_us),
            sign(hs256, R"({"sub":"alice","iat":1771960936,"scope":"write"})"));
}

TEST(Token, OfTheOriginalSystemsIsValidWithTheirSecret) {
  // {"sub":"user","exp":1893456000}, as Python's libraries write it.
  constexpr std::string_view token =
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c2VyIiwiZXhwIjoxODkzNDU2MDAwfQ."
      "DaWIrwt1QG7YsaECqAS3zDS7G1WH0sYVkMuwt9Bd86U";
  auto const claims = Keys(own_secret, configured_secret).verify(token, now_us);
  ASSERT_TRUE(claims);
  EXPECT_EQ(*claims, (Claims{"user", 1'893'456'000, Scope::write, "", ""}));
  EXPECT_EQ(outcome(Keys(own_secret).verify(token, now_us)), "token");
}

TEST(Token, OfRfc7515IsSignedByItsKeyButNamesNobody) {
  std::string secret;
  ASSERT_TRUE(base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
                               secret));
  constexpr std::string_view token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
      "NvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  Keys const keys(own_secret, secret);
  EXPECT_EQ(outcome(keys.verify(token, 1'300'819'379'999'999)), "payload");
  EXPECT_EQ(outcome(keys.verify(token, 1'300'819'380'000'000)), "token");
}

TEST(Token, OfAPublicKeyIsValidByThatKeysOwnAlgorithmOnly) {
  constexpr std::string_view payload = R"({"sub":"alice","exp":1771960937})";
  auto const rsa = Signer::rsa();
  auto const curve = Signer::curve();
  Keys const of_rsa(own_secret, public_half(rsa));
  Keys const of_curve(own_secret, public_half(curve));
  EXPECT_EQ(outcome(of_rsa.verify(sign(rsa, R"({"alg":"RS256"})", payload), now_us)), "alice");
  EXPECT_EQ(outcome(of_curve.verify(sign(curve, R"({"alg":"ES256"})", payload), now_us)), "alice");
  EXPECT_EQ(outcome(of_rsa.verify(sign(rsa, R"({"alg":"RS256"})", payload), now_us + 1'000'000)), "token");
  for (char const* const other : {"ES256", "HS256", "RS384", "RS512", "PS256", "none", "rs256", ""}) {
    auto const header = R"({"alg":")"s + other + "\"}";
    EXPECT_EQ(outcome(of_rsa.verify(sign(rsa, header, payload), now_us)), "token") << other;
  }
  for (char const* const other : {"RS256", "HS256", "ES384", "ES256K", "es256", "EdDSA"}) {
    auto const header = R"({"alg":")"s + other + "\"}";
    EXPECT_EQ(outcome(of_curve.verify(sign(curve, header, payload), now_us)), "token") << other;
  }
  EXPECT_EQ(outcome(of_rsa.verify(sign(curve, R"({"alg":"RS256"})", payload), now_us)), "token");
  EXPECT_EQ(outcome(of_curve.verify(sign(rsa, R"({"alg":"ES256"})", payload), now_us)), "token");
  EXPECT_EQ(outcome(Keys(own_secret).verify(sign(rsa, R"({"alg":"RS256"})", payload), now_us)), "token");
}

TEST(Token, SignedWithAPublicKeyAsSecretIsRefused) {
  constexpr std::string_view payload = R"({"sub":"alice"})";
  for (auto const& signer : {Signer::rsa(), Signer::curve()}) {
    Keys const keys(own_secret, public_half(signer));
    auto const pem = signer.public_pem();
    for (char const* const algorithm : {"HS256", "RS256", "ES256"}) {
      auto const header = R"({"alg":")"s + algorithm + "\"}";
      EXPECT_EQ(outcome(keys.verify(sign(header, payload, pem), now_us)), "token") << algorithm;
      EXPECT_EQ(outcome(keys.verify(sign(header, payload, pem.substr(0, pem.size() - 1)), now_us)), "token");
      EXPECT_EQ(outcome(keys.verify(sign(header, payload, ""), now_us)), "token");
    }
  }
}

TEST(Token, OfOurOwnKeyIsValidBesideAConfiguredOne) {
  auto const token = Keys(own_secret).mint({"alice", 0, Scope::write, "", ""}, now_us);
  EXPECT_EQ(outcome(Keys(own_secret, configured_secret).verify(token, now_us)), "alice");
  EXPECT_EQ(outcome(Keys(own_secret, public_half(Signer::curve())).verify(token, now_us)), "alice");
  EXPECT_EQ(outcome(Keys(std::string(64, 'b')).verify(token, now_us)), "token");
  EXPECT_EQ(outcome(Keys(std::string(64, 'b'), configured_secret).verify(token, now_us)), "token");
}

TEST(Token, IsMintedWithTheConfiguredSecretButNeverWithAPublicKey) {
  Claims const claims{"alice", 0, Scope::write, "", ""};
  auto const by_secret = Keys(own_secret, configured_secret).mint(claims, now_us);
  EXPECT_EQ(outcome(Keys(std::string(64, 'b'), configured_secret).verify(by_secret, now_us)), "alice");
  EXPECT_EQ(outcome(Keys(own_secret).verify(by_secret, now_us)), "token");
  auto const beside_public = Keys(own_secret, public_half(Signer::curve())).mint(claims, now_us);
  EXPECT_EQ(beside_public, Keys(own_secret).mint(claims, now_us));
}

TEST(Token, HeadersThatMeanSomethingElseAreRefused) {
  EXPECT_EQ(outcome_of_header(R"({"alg":"HS256"})"), "alice");
  EXPECT_EQ(outcome_of_header(R"({"alg":"HS256","kid":"k","typ":"at+jwt","jwk":{"kty":"oct","k":"AA"}})"), "alice");
  EXPECT_EQ(outcome_of_header(" {\"al\\u0067\" : \"HS256\"} "), "alice");
  for (char const* const algorithm : {"none", "None", "NONE", "nOnE", "hs256", "Hs256", "HS256 ", " HS256", "HS384",
                                      "HS512", "RS256", "ES256", "", "HS256\\u0000"}) {
    EXPECT_EQ(outcome_of_header(R"({"alg":")"s + algorithm + "\"}"), "token") << algorithm;
  }
  for (char const* const header : {"",
                                   "{}",
                                   "[]",
                                   "null",
                                   "\"HS256\"",
                                   R"({"alg":null})",
                                   R"({"alg":["HS256"]})",
                                   R"({"alg":256})",
                                   R"({"Alg":"HS256"})",
                                   R"({"ALG":"HS256"})",
                                   R"({"alg":"HS256","crit":["exp"],"exp":1})",
                                   R"({"alg":"HS256","crit":[]})",
                                   R"({"alg":"HS256","crit":["b64"],"b64":false})",
                                   R"({"alg":"HS256","b64":true})",
                                   R"({"alg":"HS256","zip":"DEF"})",
                                   R"({"alg":"HS256","enc":"A128GCM"})",
                                   R"({"alg":"HS256"}{})",
                                   R"({"alg":"HS256",})",
                                   R"({"alg":"none","alg":"HS256"})",
                                   R"({"alg":"HS256","a\u006cg":"HS256"})",
                                   R"({"alg":"HS256","kid":"a","kid":"b"})"}) {
    EXPECT_EQ(outcome_of_header(header), "token") << header;
  }
}

TEST(Token, WithoutASignatureIsRefused) {
  auto const payload = encode(R"({"sub":"alice"})");
  for (char const* const header : {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({"alg":""})", "{}"}) {
    EXPECT_EQ(outcome(Keys(own_secret).verify(encode(header) + "." + payload + ".", now_us)), "token") << header;
    EXPECT_EQ(outcome(Keys(own_secret).verify(encode(header) + "." + payload, now_us)), "token") << header;
  }
}

TEST(Token, CutOrChangedAnywhereIsRefused) {
  Keys const keys(own_secret);
  auto const token = keys.mint({"alice", 0, Scope::admin, "", ""}, now_us);
  ASSERT_EQ(outcome(keys.verify(token, now_us)), "alice");
  for (std::size_t i = 0; i < token.size(); ++i) {
    EXPECT_EQ(outcome(keys.verify(token.substr(0, i), now_us)), "token") << i;
    EXPECT_EQ(outcome(keys.verify(token.substr(i + 1), now_us)), "token") << i;
    for (char const c : {'A', 'B', '-', '.', '=', '\0', '\n', '\xFF'}) {
      auto changed = token;
      changed[i] = c;
      EXPECT_EQ(outcome(keys.verify(changed, now_us)), changed == token ? "alice" : "token") << i << c;
    }
  }
}

TEST(Token, InAnotherSpellingIsRefused) {
  Keys const keys(own_secret);
  auto const token = keys.mint({"alice", 0, Scope::admin, "", ""}, now_us);
  for (auto const& other : {token + "=", token + ".", "." + token, token + " ", " " + token, token + "\n",
                            token + "." + token, "Bearer " + token, token + "A", token + "AA"}) {
    EXPECT_EQ(outcome(keys.verify(other, now_us)), "token") << other;
  }
  // 32 bytes are 43 digits, of which the last one carries two bits that nobody reads.
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  auto const last = digits.find(token.back());
  ASSERT_EQ(last % 4, 0U);
  for (std::size_t bits = 1; bits < 4; ++bits) {
    auto spelled = token;
    spelled.back() = digits[last + bits];
    EXPECT_EQ(outcome(keys.verify(spelled, now_us)), "token") << bits;
  }
  // The same where the signature covers the spelling.
  auto const text = encode(hs256) + "." + encode(R"({"sub":"alice"} )").substr(0, 21) + "B";
  EXPECT_EQ(outcome(keys.verify(text + "." + base64url_encode(hmac_sha256(own_secret, text)), now_us)), "token");
}

TEST(Token, IsBounded) {
  auto const with_size = [](std::size_t size) {
    std::string payload = R"({"sub":"alice","pad":""})";
    auto token = sign(hs256, payload);
    while (token.size() < size) {
      payload.insert(payload.size() - 2, 1, 'x');
      token = sign(hs256, payload);
    }
    return token;
  };
  auto const largest = with_size(token_bytes_max);
  ASSERT_EQ(largest.size(), token_bytes_max);
  EXPECT_EQ(outcome(Keys(own_secret).verify(largest, now_us)), "alice");
  EXPECT_EQ(outcome(Keys(own_secret).verify(with_size(token_bytes_max + 1), now_us)), "token");
  EXPECT_EQ(outcome(Keys(own_secret).verify(std::string(10'000'000, '.'), now_us)), "token");
  EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","deep":)" + std::string(1000, '[') + std::string(1000, ']') + "}"),
            "token");
}

TEST(Token, EndsAtItsExpiryToTheMicrosecond) {
  constexpr std::string_view payload = R"({"sub":"alice","exp":1000})";
  EXPECT_EQ(outcome_of_payload(payload, 999'999'999), "alice");
  EXPECT_EQ(outcome_of_payload(payload, 1'000'000'000), "token");
  EXPECT_EQ(outcome_of_payload(payload, 1'000'000'001), "token");
  constexpr std::string_view fraction = R"({"sub":"alice","exp":1000.000001})";
  EXPECT_EQ(outcome_of_payload(fraction, 1'000'000'000), "alice");
  EXPECT_EQ(outcome_of_payload(fraction, 1'000'000'001), "token");
  EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","exp":2207427297.472079})", 2'207'427'297'472'078), "alice");
  EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","exp":1e3})", 999'999'999), "alice");
  EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","exp":1e3})", 1'000'000'000), "token");
}

TEST(Token, SaysWhenItExpiresInWholeSecondsThatNobodyCanOverflow) {
  auto const expires_s = [](std::string_view exp) {
    auto const claims = Keys(own_secret).verify(sign(hs256, R"({"sub":"a","exp":)"s.append(exp) + "}"), 1);
    EXPECT_TRUE(claims) << exp;
    return claims ? claims->expires_s : -1;
  };
  EXPECT_EQ(expires_s("1000.999"), 1000);
  EXPECT_EQ(expires_s("0.5"), 1) << "0 would be never";
  EXPECT_EQ(expires_s("253402300799"), 253'402'300'799);
  for (char const* const huge : {"253402300800", "9223372036854775807", "9223372036854775808", "18446744073709551615",
                                 "18446744073709551616", "1e18", "1e300"}) {
    EXPECT_EQ(expires_s(huge), 253'402'300'799) << huge;
  }
}

TEST(Token, DatesThatAreNoNumbersOrLongAgoAreRefused) {
  for (char const* const exp :
       {"0", "-0", "-1", "-1.5", "-9223372036854775808", "-1e300", "\"9999999999\"", "null", "true", "[9999999999]",
        "{}", "1e999999", "NaN", "Infinity", "09999999999", "+9999999999"}) {
    EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","exp":)"s + exp + "}"), "token") << exp;
  }
  for (char const* const nbf :
       {"\"0\"", "null", "false", "[0]", "1e300", "9223372036854775807", "18446744073709551615"}) {
    EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","nbf":)"s + nbf + "}"), "token") << nbf;
  }
  for (char const* const nbf : {"0", "-9223372036854775808", "-1e300", "1.5"}) {
    EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","nbf":)"s + nbf + "}"), "alice") << nbf;
  }
}

TEST(Token, MayBeginFiveSecondsEarly) {
  constexpr std::string_view payload = R"({"sub":"alice","nbf":1000})";
  EXPECT_EQ(outcome_of_payload(payload, 994'999'999), "token");
  EXPECT_EQ(outcome_of_payload(payload, 995'000'000), "alice");
}

TEST(Token, SaidTwiceIsRefused) {
  for (char const* const payload :
       {R"({"sub":"alice","sub":"root"})", R"({"sub":"alice","s\u0075b":"root"})",
        R"({"exp":1,"sub":"alice","exp":9999999999})", R"({"sub":"alice","scope":"read","scope":"admin"})",
        R"({"sub":"alice","other":{"a":1},"other":2})", R"({"sub":"alice","x":"\"}:{","x":1})"}) {
    EXPECT_EQ(outcome_of_payload(payload), "token") << payload;
  }
  for (char const* const payload :
       {R"({"sub":"alice","a":{"sub":"x","sub":"y"}})", R"({"sub":"alice","a":[{"a":1},{"a":2}],"b":":{\"a\":\\"})",
        R"( { "sub" : "alice" , "a:b" : ":" } )"}) {
    EXPECT_EQ(outcome_of_payload(payload), "alice") << payload;
  }
}

TEST(Token, PayloadsThatAreNoObjectsAreRefused) {
  for (char const* const payload : {"", "null", "[]", "\"alice\"", "1", "{", "{\"sub\":\"alice\"",
                                    "{\"sub\":\"alice\"}x", "{'sub':'alice'}", "\xEF\xBB\xBF{\"sub\":\"alice\"}"}) {
    EXPECT_EQ(outcome_of_payload(payload), "token") << payload;
  }
}

TEST(Token, MustNameItsUser) {
  for (auto const& payload :
       {R"({})"s, R"({"sub":""})"s, R"({"sub":null})"s, R"({"sub":7})"s, R"({"sub":["alice"]})"s, R"({"Sub":"alice"})"s,
        R"({"sub":"al\u0000ice"})"s, R"({"sub":"al\nice"})"s, R"({"sub":"al\u007fice"})"s, R"({"sub":"al\u0085ice"})"s,
        "{\"sub\":\"al\xFFice\"}"s, "{\"sub\":\"al\xC3\"}"s, R"({"sub":")" + std::string(257, 'x') + "\"}"}) {
    EXPECT_EQ(outcome_of_payload(payload), "payload") << payload;
  }
  EXPECT_EQ(outcome_of_payload(R"({"sub":")" + std::string(256, 'x') + "\"}"), std::string(256, 'x'));
  EXPECT_EQ(outcome_of_payload(R"({"sub":"\u00a0\u00e9 @"})"), "\u00A0\u00E9 @");
  EXPECT_EQ(outcome_of_payload(R"({"exp":1})"), "token") << "what is over is over";
}

TEST(Token, ScopeIsTheHighestWordWeKnow) {
  EXPECT_EQ(scope_of("read"), Scope::read);
  EXPECT_EQ(scope_of("write"), Scope::write);
  EXPECT_EQ(scope_of("control"), Scope::control);
  EXPECT_EQ(scope_of("admin"), Scope::admin);
  EXPECT_EQ(scope_of("openid read email"), Scope::read);
  EXPECT_EQ(scope_of("read control write"), Scope::control);
  EXPECT_EQ(scope_of("  write  read "), Scope::write);
  auto const absent = Keys(own_secret).verify(sign(hs256, R"({"sub":"alice"})"), now_us);
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->scope, Scope::write);
  for (char const* const scope : {"\"\"", "\" \"", "\"Admin\"", "\"root\"", "\"openid email\"", "\"read,write\"",
                                  "\"admin\\u0000\"", "\"administrator\"", "null", "4", "[\"read\"]", "{}"}) {
    EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","scope":)"s + scope + "}"), "payload") << scope;
  }
}

TEST(Token, OfASessionNamesItProperly) {
  auto const claims = Keys(own_secret).verify(sign(hs256, R"({"sub":"alice","sid":"s","jti":"t"})"), now_us);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->session, "s");
  EXPECT_EQ(claims->id, "t");
  for (char const* const wrong : {"\"\"", "null", "7", "[\"s\"]", "\"a\\u0000\""}) {
    EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","sid":)"s + wrong + "}"), "payload") << wrong;
    EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","jti":)"s + wrong + "}"), "payload") << wrong;
  }
}

TEST(Token, OfAnotherIssuerIsAUsersOwnWhateverItsSidAndAudienceAre) {
  auto const signer = Signer::curve();
  Keys const keys(own_secret, public_half(signer));
  auto const token =
      sign(signer, R"({"alg":"ES256","kid":"7"})",
           R"({"sub":"alice","sid":"theirs","jti":7,"aud":["x"],"iss":"https://issuer","scope":"openid read"})");
  auto const claims = keys.verify(token, now_us);
  ASSERT_TRUE(claims);
  EXPECT_EQ(*claims, (Claims{"alice", 0, Scope::read, "", ""}));
}

TEST(Token, AudienceAndUnknownClaimsDoNotMatter) {
  EXPECT_EQ(outcome_of_payload(R"({"sub":"alice","aud":"somebody else","iat":"x","name":null})"), "alice");
}

TEST(Secret, IsLongEnoughAndNoPublicKey) {
  EXPECT_TRUE(check_secret(std::string(32, 'x')));
  EXPECT_TRUE(check_secret(std::string(10'000, '\xFF')));
  auto const is_short = check_secret(std::string(31, 'x'));
  ASSERT_FALSE(is_short);
  EXPECT_EQ(is_short.error().code, Code::configuration);
  EXPECT_EQ(is_short.error().message, "key has 31 bytes but needs at least 32; make one with: openssl rand -hex 32");
  auto const pem = check_secret(Signer::curve().public_pem());
  ASSERT_FALSE(pem);
  EXPECT_NE(pem.error().message.find("key_file"), std::string::npos);
}

TEST(UserName, IsTextThatCanBeShown) {
  for (auto const& right : {"a"s, "alice@example.com"s, " "s, "\u00E9\U0001F600"s, "\u00A0"s, std::string(256, 'x')}) {
    EXPECT_TRUE(is_user_name(right)) << right;
  }
  for (auto const& wrong : {""s, "\x1F"s, "a\tb"s, "\x7F"s, "\u0080"s, "\u009F"s, "\xC2"s, "\xFF"s, "a\0"s,
                            std::string(257, 'x'), std::string("\xED\xA0\x80")}) {
    EXPECT_FALSE(is_user_name(wrong)) << testing::PrintToString(wrong);
  }
}

TEST(Scope, WordsAreReadAsTheyAreWritten) {
  for (auto const scope : {Scope::read, Scope::write, Scope::control, Scope::admin}) {
    EXPECT_EQ(to_scope(to_word(scope)), scope);
  }
  for (char const* const wrong : {"", "Read", "write ", "all"}) EXPECT_EQ(to_scope(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace sojourn

#pragma once
// A private key of a test's own, so that no key need be kept with the tests.
// Invariant: what sign gives is spelled as in a token (RFC 7518). Thread: the test's.

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace sojourn::test {

class Signer {
 public:
  static Signer rsa(unsigned bits = 2048) { return Signer(EVP_RSA_gen(bits)); }
  static Signer curve(char const* name = "P-256") { return Signer(EVP_EC_gen(name)); }
  static Signer other(char const* algorithm) { return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, algorithm)); }

  std::string public_pem() const {
    return write([this](BIO* out) { PEM_write_bio_PUBKEY(out, key_.get()); });
  }
  std::string private_pem() const {
    return write(
        [this](BIO* out) { PEM_write_bio_PKCS8PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }

  // As OpenSSL writes it: of a curve, DER.
  std::string sign_raw(std::string_view bytes) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    auto const* const text = reinterpret_cast<unsigned char const*>(bytes.data());
    std::string signature(4096, '\0');
    std::size_t size = signature.size();
    auto* const out = reinterpret_cast<unsigned char*>(signature.data());
    bool const done = EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
                      EVP_DigestSign(context.get(), out, &size, text, bytes.size()) == 1;
    signature.resize(done ? size : 0);
    return signature;
  }

  std::string sign(std::string_view bytes) const {
    auto const raw = sign_raw(bytes);
    if (EVP_PKEY_is_a(key_.get(), "EC") != 1) return raw;
    auto const* start = reinterpret_cast<unsigned char const*>(raw.data());
    std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> const parts(
        d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(raw.size())), ECDSA_SIG_free);
    std::array<unsigned char, 64> both{};
    BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), both.data(), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), both.data() + 32, 32);
    return {both.begin(), both.end()};
  }

 private:
  explicit Signer(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}

  template <typename Writer> static std::string write(Writer writer) {
    std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), BIO_free);
    writer(out.get());
    char* start = nullptr;
    auto const size = BIO_get_mem_data(out.get(), &start);
    return {start, static_cast<std::size_t>(size)};
  }

  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace sojourn::test

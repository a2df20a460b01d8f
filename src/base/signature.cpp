#include "base/signature.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include <array>
#include <cstddef>
#include <string>

namespace sojourn {
namespace {

constexpr int rsa_bits_min = 2048;
constexpr int rsa_bits_max = 16384;
constexpr std::size_t pem_bytes_max = 64UL * 1024;
constexpr std::size_t scalar_bytes = 32;  // of P-256

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};

template <typename T> using Owned = std::unique_ptr<T, Free>;

unsigned char const* to_bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }

Error refuse(std::string const& why) { return error(Code::configuration, why); }

// OpenSSL would ask whoever sits at the terminal.
int give_no_password(char*, int, int, void*) { return -1; }

Result<PublicKey::Kind> to_kind(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    int const bits = EVP_PKEY_get_bits(key);
    if (bits >= rsa_bits_min && bits <= rsa_bits_max) return PublicKey::Kind::rsa;
    return refuse("it holds an RSA key of " + std::to_string(bits) + " bits; use one of 2048 to 16384 bits");
  }
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    std::array<char, 64> name{};
    std::size_t size = 0;
    bool const named = EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1;
    if (named && std::string_view(name.data()) == SN_X9_62_prime256v1) return PublicKey::Kind::p256;
    return refuse("it holds a key of another curve than P-256; use one of RSA or of P-256 (prime256v1)");
  }
  return refuse("it holds a key that is neither RSA nor of the curve P-256; use one of these");
}

// The number of RFC 7518, section 3.4, as OpenSSL wants it (RFC 3279, section 2.2.3); empty when it can't be written.
std::string to_der(std::string_view signature) {
  Owned<BIGNUM> r(BN_bin2bn(to_bytes(signature), scalar_bytes, nullptr));
  Owned<BIGNUM> s(BN_bin2bn(to_bytes(signature) + scalar_bytes, scalar_bytes, nullptr));
  Owned<ECDSA_SIG> const both(ECDSA_SIG_new());
  if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());  // they are the signature's now
  static_cast<void>(s.release());
  std::array<unsigned char, 2 * scalar_bytes + 16> der{};
  if (i2d_ECDSA_SIG(both.get(), nullptr) > static_cast<int>(der.size())) return {};
  unsigned char* end = der.data();
  int const size = i2d_ECDSA_SIG(both.get(), &end);
  return size <= 0 ? std::string() : std::string(der.data(), der.data() + size);
}

}  // namespace

Result<PublicKey> PublicKey::read(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return refuse("it is over 64 KiB, which no public key is");
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return refuse(
        "it holds a private key, which stays with its owner; take its public half: openssl pkey -in FILE -pubout");
  }
  if (pem.find("BEGIN CERTIFICATE-----") != std::string_view::npos) {
    return refuse("it holds a certificate; take the public key out of it: openssl x509 -in FILE -noout -pubkey");
  }
  Owned<BIO> const source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* const raw = source ? PEM_read_bio_PUBKEY(source.get(), nullptr, give_no_password, nullptr) : nullptr;
  ERR_clear_error();
  if (raw == nullptr) return refuse("it holds no public key; a PEM file begins with -----BEGIN PUBLIC KEY-----");
  std::shared_ptr<EVP_PKEY> key(raw, EVP_PKEY_free);
  auto const kind = to_kind(raw);
  if (!kind) return kind.error();
  Owned<EVP_PKEY_CTX> const context(EVP_PKEY_CTX_new_from_pkey(nullptr, raw, nullptr));
  bool const sound = context && EVP_PKEY_public_check(context.get()) == 1;
  ERR_clear_error();
  if (!sound) return refuse("it holds a key whose numbers are no key; get it from its owner again");
  return PublicKey(std::move(key), *kind);
}

bool PublicKey::verify(std::string_view bytes, std::string_view signature) const {
  std::string der;
  if (kind_ == Kind::p256) {
    if (signature.size() != 2 * scalar_bytes) return false;
    der = to_der(signature);
    signature = der;
  }
  if (signature.empty()) return false;
  Owned<EVP_MD_CTX> const context(EVP_MD_CTX_new());
  bool const valid =
      context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), to_bytes(signature), signature.size(), to_bytes(bytes), bytes.size()) == 1;
  ERR_clear_error();  // nobody is to find the reasons of a forged one later
  return valid;
}

}  // namespace sojourn

#include "base/seal.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <limits>
#include <memory>
#include <span>

#include "base/crypto.h"

namespace sojourn {
namespace {

constexpr char form = 1;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t frame_bytes = 1 + nonce_bytes + tag_bytes;
constexpr std::size_t bytes_max = std::numeric_limits<int>::max();  // OpenSSL counts in int

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;

unsigned char const* to_bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }
unsigned char* to_bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Error unreadable() {
  return error(Code::damaged, "what was sealed can't be opened: it was changed, or another key has sealed it");
}

}  // namespace

std::string seal(SealKey const& key, std::string_view name, std::string_view plain) {
  if (plain.size() > bytes_max || name.size() > bytes_max) std::abort();
  std::string sealed(frame_bytes + plain.size(), '\0');
  sealed[0] = form;
  auto* const nonce = to_bytes(sealed) + 1;
  fill_random(std::span(nonce, nonce_bytes));
  Cipher const cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  auto* const text = nonce + nonce_bytes;
  bool const is_sealed =
      cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, to_bytes(name), static_cast<int>(name.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), text, &size, to_bytes(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), text + plain.size(), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, text + plain.size()) == 1;
  if (!is_sealed) std::abort();  // nothing is ever kept open instead
  return sealed;
}

Result<std::string> unseal(SealKey const& key, std::string_view name, std::string_view sealed) {
  if (sealed.size() < frame_bytes || sealed.size() > bytes_max || name.size() > bytes_max || sealed[0] != form)
    return unreadable();
  auto const* const nonce = to_bytes(sealed) + 1;
  auto const* const text = nonce + nonce_bytes;
  std::string plain(sealed.size() - frame_bytes, '\0');
  std::string tag(sealed.substr(sealed.size() - tag_bytes));
  Cipher const cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  bool const is_open =
      cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, to_bytes(name), static_cast<int>(name.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), to_bytes(plain), &size, text, static_cast<int>(plain.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), to_bytes(plain) + plain.size(), &size) == 1;
  if (!is_open) return unreadable();
  return plain;
}

}  // namespace sojourn

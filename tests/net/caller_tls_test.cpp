// Outgoing calls over TLS: whom the caller believes. A server of a thread of its own, with a certificate that it makes.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "net/call_stage.h"
#include "net/caller.h"

namespace sojourn {
namespace {

using test::CallStage;

template <auto Free> struct Freed {
  template <typename T> void operator()(T* it) const { Free(it); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

// Signed by itself, for one name ("IP:127.0.0.1").
Certificate make_certificate(EVP_PKEY* key, char const* name) {
  Certificate made(X509_new());
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_set_pubkey(made.get(), key);
  auto* const subject = X509_get_subject_name(made.get());
  auto const* const common = reinterpret_cast<unsigned char const*>("test");
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(made.get(), subject);
  for (auto const& [kind, value] :
       {std::pair{NID_subject_alt_name, name}, {NID_basic_constraints, "critical,CA:TRUE"}}) {
    auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(made.get(), key, EVP_sha256());
  return made;
}

class TlsServer {
 public:
  explicit TlsServer(char const* name) : key_(EVP_EC_gen("P-256")), certificate_(make_certificate(key_.get(), name)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(listener_, 8);
    socklen_t size = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  TlsServer(TlsServer const&) = delete;
  TlsServer& operator=(TlsServer const&) = delete;

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/"; }
  int requests() const { return requests_; }
  // A file with its certificate, for as long as the test likes.
  std::string write_certificate(std::string path) const {
    FILE* const file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
    return path;
  }

 private:
  void serve() {
    std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> const context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context.get(), key_.get());
    while (true) {
      int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      std::unique_ptr<SSL, Freed<SSL_free>> const tls(SSL_new(context.get()));
      SSL_set_fd(tls.get(), fd);
      std::array<char, 4096> buffer{};
      std::string heard;
      while (SSL_accept(tls.get()) == 1 && !heard.ends_with("\r\n\r\n{}")) {
        int const count = SSL_read(tls.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (count <= 0) break;
        heard.append(buffer.data(), static_cast<std::size_t>(count));
      }
      if (heard.ends_with("{}")) {
        ++requests_;
        auto const answer = CallStage::answer(200, "[true]", "Connection: close\r\n");
        SSL_write(tls.get(), answer.data(), static_cast<int>(answer.size()));
        SSL_shutdown(tls.get());
      }
      ERR_clear_error();
      ::close(fd);
    }
  }

  Key key_;
  Certificate certificate_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

class CallerTls : public testing::Test {
 protected:
  CallerTls() { std::signal(SIGPIPE, SIG_IGN); }
  ~CallerTls() override { ::unlink(path.c_str()); }

  std::string path = testing::TempDir() + "caller_tls." + std::to_string(::getpid()) + ".pem";
};

TEST_F(CallerTls, AnAuthorityThatIsTrustedIsBelieved) {
  TlsServer const server("IP:127.0.0.1");
  CallStage stage(CallerOptions{{"sojourn", server.write_certificate(path)}});
  auto const answered = stage.call({server.url(), "{}"});
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->body, "[true]");
}

TEST_F(CallerTls, ACertificateOfNobodyWeTrustIsNotBelieved) {
  TlsServer const server("IP:127.0.0.1");
  CallStage stage;
  auto const answered = stage.call({server.url(), "{}"});
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::failed);
  EXPECT_NE(answered.error().message.find("no safe connection to 127.0.0.1:"), std::string::npos);
  EXPECT_NE(answered.error().message.find("certificate"), std::string::npos) << answered.error().message;
  EXPECT_EQ(server.requests(), 0) << "nothing is said to it";
}

TEST_F(CallerTls, ACertificateOfAnotherHostIsNotBelieved) {
  TlsServer const server("DNS:rates.test");
  CallStage stage(CallerOptions{{"sojourn", server.write_certificate(path)}});
  auto const answered = stage.call({server.url(), "{}"});
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::failed) << answered.error().message;
  EXPECT_EQ(server.requests(), 0);
}

}  // namespace
}  // namespace sojourn

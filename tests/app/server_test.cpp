#include "app/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "app/temporary_folder.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

std::uint16_t port_of(std::string const& url) {
  std::uint16_t port = 0;
  std::from_chars(url.data() + url.rfind(':') + 1, url.data() + url.size(), port);
  return port;
}

// A blocking client with a deadline.
class Client {
 public:
  explicit Client(std::uint16_t port) : port_(port), fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval const patience{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { ::close(fd_); }
  Client(Client const&) = delete;
  Client& operator=(Client const&) = delete;

  bool is_connected() const { return is_connected_; }
  void ask(std::string const& target, std::string const& fields = "") const {
    auto const bytes =
        "GET " + target + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) + "\r\n" + fields + "\r\n";
    send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void upgrade() const {
    ask("/ws",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  }
  // Everything up to `end`, or to the end of the connection.
  std::string read_until(std::string_view end) const {
    std::string text;
    std::array<char, 4096> buffer{};
    while (end.empty() || text.find(end) == text.npos) {
      auto const count = recv(fd_, buffer.data(), buffer.size(), 0);
      if (count < 0 && errno == EINTR) continue;  // a pause of the whole process ends a read that has a deadline
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  std::uint16_t port_;
  int fd_;
  bool is_connected_ = false;
};

// A server that runs in a thread of its own until it is stopped.
class Running {
 public:
  explicit Running(Config config) {
    auto opened = Server::open(std::move(config));
    if (!opened) {
      error = opened.error();
      return;
    }
    server = std::move(*opened);
    urls = server->urls();
    thread_ = std::thread([this] { exit_code = server->run(); });
  }
  ~Running() {
    if (server) stop();
  }
  Running(Running const&) = delete;
  Running& operator=(Running const&) = delete;

  int stop() {
    if (thread_.joinable()) server->stop();
    return wait();
  }
  int wait() {
    if (thread_.joinable()) thread_.join();
    return exit_code;
  }
  std::uint16_t port(std::size_t at = 0) const { return port_of(urls.at(at)); }

  Error error;
  std::unique_ptr<Server> server;
  std::vector<std::string> urls;
  int exit_code = -1;

 private:
  std::thread thread_;
};

class ServerTest : public testing::Test {
 protected:
  Config config() const {
    Config made;
    made.listen = {{"127.0.0.1", 0, "extension"}};
    made.data = folder.path() + "/data";
    made.log_level = Level::error;
    return made;
  }

  test::TemporaryFolder folder;
};

TEST_F(ServerTest, AnswersOnItsAddressAndSaysWhereItIs) {
  Running running(config());
  ASSERT_TRUE(running.server) << running.error.message;
  ASSERT_EQ(running.urls.size(), 1u);
  EXPECT_TRUE(running.urls[0].starts_with("http://127.0.0.1:"));
  EXPECT_TRUE(fs::exists(folder.path() + "/data/server.json"));
  Client const client(running.port());
  client.ask("/api/websocket/sessions");
  EXPECT_NE(client.read_until("}").find("{\"count\":0,\"sessions\":[]}"), std::string::npos);
  client.ask("/readyz");
  EXPECT_NE(client.read_until("}").find("\"status\":\"ready\""), std::string::npos);
  EXPECT_EQ(running.stop(), 0);
  running.server.reset();
  EXPECT_FALSE(fs::exists(folder.path() + "/data/server.json"));
}

TEST_F(ServerTest, EveryListenerSpeaksItsOwnDialect) {
  auto made = config();
  made.listen.push_back({"127.0.0.1", 0, "sessions"});
  Running running(made);
  ASSERT_TRUE(running.server) << running.error.message;
  ASSERT_EQ(running.urls.size(), 2u);
  Client const extension(running.port(0));
  extension.upgrade();
  auto const welcome = extension.read_until("connected");
  EXPECT_TRUE(welcome.starts_with("HTTP/1.1 101 ")) << welcome;
  Client const sessions(running.port(1));
  sessions.upgrade();
  EXPECT_TRUE(sessions.read_until("Missing authentication token").starts_with("HTTP/1.1 101 "));
  Client const crossing(running.port(0));
  crossing.ask("/api/health", "Origin: http://localhost:" + std::to_string(running.port(1)) + "\r\n");
  EXPECT_TRUE(crossing.read_until("}").starts_with("HTTP/1.1 200 ")) << "both ports are ours";
}

TEST_F(ServerTest, TwoServersFitInOneProcess) {
  auto other = config();
  other.data = folder.path() + "/other";
  Running first(config());
  Running second(other);
  ASSERT_TRUE(first.server && second.server);
  EXPECT_NE(first.port(), second.port());
  {
    Client const guest(first.port());
    guest.upgrade();
    EXPECT_NE(guest.read_until("ext_"), "");
    Client const asking(second.port());
    asking.ask("/api/websocket/sessions");
    EXPECT_NE(asking.read_until("}").find("\"count\":0"), std::string::npos) << "nothing is shared";
  }
  EXPECT_EQ(first.stop(), 0);
  Client const asking(second.port());
  asking.ask("/healthz");
  EXPECT_NE(asking.read_until("}").find("ok"), std::string::npos);
}

TEST_F(ServerTest, StoppingSaysGoodbyeAndEndsSoon) {
  Running running(config());
  ASSERT_TRUE(running.server);
  auto socket = std::make_unique<Client>(running.port());
  socket->upgrade();
  ASSERT_NE(socket->read_until("}").find("connected"), std::string::npos);
  Client const idle(running.port());
  idle.ask("/healthz");
  idle.read_until("}");
  auto const port = running.port();
  auto const start = std::chrono::steady_clock::now();
  running.server->stop();
  auto const goodbye = socket->read_until("");
  socket.reset();
  EXPECT_NE(goodbye.find("\x03\xf4the server is shutting down"), std::string::npos) << "a close with 1012";
  EXPECT_EQ(idle.read_until(""), "");
  EXPECT_EQ(running.wait(), 0);
  auto const ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(ms, 1500) << "nobody is left to wait for";
  EXPECT_FALSE(Client(port).is_connected());
}

TEST_F(ServerTest, WhoeverStaysIsWaitedForWithoutSpinning) {
  Running running(config());
  ASSERT_TRUE(running.server);
  Client const staying(running.port());
  staying.upgrade();
  ASSERT_NE(staying.read_until("}").find("connected"), std::string::npos);
  auto const cpu_ms = [] { return std::clock() * 1000 / CLOCKS_PER_SEC; };
  auto const start = std::chrono::steady_clock::now();
  auto const cpu_start_ms = cpu_ms();
  running.server->stop();
  ASSERT_NE(staying.read_until("shutting down"), "");
  running.server->stop();  // asked twice
  EXPECT_EQ(running.wait(), 0);
  auto const ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  EXPECT_GT(ms, 1000);
  EXPECT_LT(ms, 5000);
  EXPECT_LT(cpu_ms() - cpu_start_ms, ms / 3);
}

TEST_F(ServerTest, ASignalEndsItCleanly) {
  for (int const signal : {SIGTERM, SIGINT}) {
    Running running(config());
    ASSERT_TRUE(running.server);
    sigset_t blocked;
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
    ASSERT_EQ(sigismember(&blocked, signal), 1) << "it would end the test";
    Client const client(running.port());
    client.ask("/healthz");
    client.read_until("}");
    ASSERT_EQ(kill(getpid(), signal), 0);
    EXPECT_EQ(running.wait(), 0);
  }
}

TEST_F(ServerTest, WhatKeepsItFromStartingIsSaid) {
  Running running(config());
  ASSERT_TRUE(running.server);
  Running same_folder(config());
  EXPECT_FALSE(same_folder.server);
  EXPECT_EQ(same_folder.error.code, Code::unavailable);
  auto made = config();
  made.data = folder.path() + "/other";
  made.listen = {{"127.0.0.1", running.port(), "extension"}};
  Running same_port(made);
  EXPECT_FALSE(same_port.server);
  EXPECT_EQ(same_port.error.code, Code::unavailable);
  EXPECT_NE(same_port.error.message.find("in use"), std::string::npos);
  made = config();
  made.data = "/proc/nowhere";
  Running no_folder(made);
  EXPECT_FALSE(no_folder.server);
  EXPECT_EQ(no_folder.error.code, Code::cannot_create);
}

TEST_F(ServerTest, AllowedOriginsAreEchoedAndOthersRefused) {
  auto made = config();
  made.allow_origins = {"http://app.test"};
  Running running(made);
  ASSERT_TRUE(running.server);
  Client const allowed(running.port());
  allowed.ask("/api/health", "Origin: http://app.test\r\n");
  auto const answer = allowed.read_until("}");
  EXPECT_NE(answer.find("\r\nAccess-Control-Allow-Origin: http://app.test\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nVary: Origin\r\n"), std::string::npos);
  Client const refused(running.port());
  refused.ask("/api/health", "Origin: http://evil.test\r\n");
  auto const refusal = refused.read_until("");
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 403 "));
  EXPECT_EQ(refusal.find("Access-Control-Allow-Origin"), std::string::npos);
}

TEST_F(ServerTest, ServeTellsTheExitCodeOfWhatWentWrong) {
  auto made = config();
  made.data = "/proc/nowhere";
  testing::internal::CaptureStderr();
  EXPECT_EQ(serve(made), row(Code::cannot_create).exit_code);
  auto const said = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(said.starts_with("sojourn: ")) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
}

}  // namespace
}  // namespace sojourn

#include "net/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "support/net_client.h"
#include "support/net_stage.h"

namespace sojourn {
namespace {

using test::NetClient;
using test::NetStage;

class ListenerTest : public testing::Test {
 protected:
  // Opens a place of which the name is ours.
  void listen(std::string const& host, ListenerDialect dialect = ListenerDialect::extension) {
    auto opened = Listener::open(stage.peers, {host, 0, dialect});
    ASSERT_TRUE(opened) << opened.error().message;
    listeners = std::move(*opened);
    ASSERT_FALSE(listeners.empty());
    stage.access.add_port(listeners.front()->port());
  }
  // A connected, non-blocking socket; -1 without IPv6.
  int dial(std::uint16_t port, bool v6 = false) {
    int const fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a4{};
    a4.sin_family = AF_INET;
    a4.sin_port = htons(port);
    a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 a6{};
    a6.sin6_family = AF_INET6;
    a6.sin6_port = htons(port);
    a6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    auto const* const address = v6 ? reinterpret_cast<sockaddr*>(&a6) : reinterpret_cast<sockaddr*>(&a4);
    bool const is_connected =
        ::connect(fd, address, v6 ? static_cast<socklen_t>(sizeof(a6)) : static_cast<socklen_t>(sizeof(a4))) == 0;
    if (!is_connected) ::close(fd);
    if (is_connected) fcntl(fd, F_SETFL, O_NONBLOCK);
    return is_connected ? fd : -1;
  }
  std::string get(std::string_view host, std::uint16_t port, std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) + ":" + std::to_string(port) +
           "\r\n\r\n";
  }
  bool has_v6() {
    int const fd = socket(AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    bool const has = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    if (fd >= 0) ::close(fd);
    return has;
  }

  NetStage stage;
  std::vector<std::unique_ptr<Listener>> listeners;
};

TEST_F(ListenerTest, ServesOnAFreePort) {
  listen("127.0.0.1");
  ASSERT_EQ(listeners.size(), 1u);
  auto const port = listeners.front()->port();
  EXPECT_GT(port, 0);
  EXPECT_EQ(listeners.front()->url(), "http://127.0.0.1:" + std::to_string(port));
  NetClient client(stage, NetClient::Connected{dial(port)});
  client.send(get("localhost", port, "/now?tcp"));
  EXPECT_EQ(client.answer().body, "now tcp");
}

TEST_F(ListenerTest, LocalhostIsBothOfItsAddressesOnOnePort) {
  listen("localhost");
  auto const port = listeners.front()->port();
  EXPECT_EQ(listeners.front()->url(), "http://127.0.0.1:" + std::to_string(port));
  if (!has_v6()) return;
  ASSERT_EQ(listeners.size(), 2u);
  EXPECT_EQ(listeners.back()->port(), port);
  EXPECT_EQ(listeners.back()->url(), "http://[::1]:" + std::to_string(port));
  NetClient client(stage, NetClient::Connected{dial(port, true)});
  client.send(get("[::1]", port, "/now?six"));
  EXPECT_EQ(client.answer().body, "now six");
}

TEST_F(ListenerTest, TellsWhereAConnectionComesFrom) {
  listen("localhost");
  auto const port = listeners.front()->port();
  NetClient client(stage, NetClient::Connected{dial(port)});
  EXPECT_EQ(client.upgrade(), 101);
  NetClient asking(stage);
  asking.get("/api/websocket/sessions");
  EXPECT_NE(asking.answer().body.find("\"ip\":\"127.0.0.1\""), std::string::npos);
  if (listeners.size() < 2) return;
  client.drop();
  NetClient six(stage, NetClient::Connected{dial(port, true)});
  EXPECT_EQ(six.upgrade(), 101);
  asking.get("/api/websocket/sessions");
  EXPECT_NE(asking.answer().body.find("\"ip\":\"::1\""), std::string::npos);
}

TEST_F(ListenerTest, SpeaksItsDialectWherePathsAreAmbiguous) {
  listen("127.0.0.1", ListenerDialect::sessions);
  auto const port = listeners.front()->port();
  NetClient ambiguous(stage, NetClient::Connected{dial(port)});
  EXPECT_EQ(ambiguous.upgrade("/ws"), 400) << "here /ws is another system's";
  NetClient plain(stage, NetClient::Connected{dial(port)});
  EXPECT_EQ(plain.upgrade("/ws/extension"), 101);
}

TEST_F(ListenerTest, APlaceThatIsTakenSaysSoAndWhatToDo) {
  listen("127.0.0.1");
  auto const port = listeners.front()->port();
  auto const taken = Listener::open(stage.peers, {"127.0.0.1", port, ListenerDialect::extension});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::unavailable);
  EXPECT_NE(taken.error().message.find("port " + std::to_string(port) + " is in use"), std::string::npos);
  EXPECT_NE(taken.error().message.find("--listen"), std::string::npos);
}

TEST_F(ListenerTest, WhatIsNoAddressOfOursIsRefused) {
  auto const name = Listener::open(stage.peers, {"example.test", 0, ListenerDialect::extension});
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, Code::configuration);
  auto const foreign = Listener::open(stage.peers, {"192.0.2.1", 0, ListenerDialect::extension});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Code::unavailable);
}

TEST_F(ListenerTest, OneThatEndsTakesNobodyAnyMore) {
  listen("127.0.0.1");
  auto const port = listeners.front()->port();
  listeners.clear();
  EXPECT_EQ(dial(port), -1);
}

TEST_F(ListenerTest, TakesAWholeCrowd) {
  listen("127.0.0.1");
  auto const port = listeners.front()->port();
  std::vector<std::unique_ptr<NetClient>> crowd;
  for (int i = 0; i < 200; ++i) crowd.push_back(std::make_unique<NetClient>(stage, NetClient::Connected{dial(port)}));
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 200; }));
  crowd.back()->send(get("localhost", port, "/now?last"));
  EXPECT_EQ(crowd.back()->answer().body, "now last");
}

TEST_F(ListenerTest, RestsWhileThereAreNoDescriptors) {
  listen("127.0.0.1");
  int const fd = dial(listeners.front()->port());
  ASSERT_GE(fd, 0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  int const next = dup(fd);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  stage.steps(3);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(stage.peers.size(), 0u);
  stage.step();
  EXPECT_EQ(stage.peers.size(), 0u) << "it does not spin";
  EXPECT_TRUE(stage.until([&] { return stage.peers.size() == 1; }, 1000));
  NetClient client(stage, NetClient::Connected{fd});
  client.send(get("localhost", listeners.front()->port(), "/now?late"));
  EXPECT_EQ(client.answer().body, "now late");
}

}  // namespace
}  // namespace sojourn

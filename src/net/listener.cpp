#include "net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

namespace sojourn {
namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_turn = 256;
constexpr std::int64_t rest_us = 100'000;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> to_address(std::string const& host, std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(sockaddr_in);
    return address;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return std::nullopt;
}

std::string to_text(sockaddr_storage const& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  void const* raw = storage.ss_family == AF_INET
                        ? static_cast<void const*>(&reinterpret_cast<sockaddr_in const*>(&storage)->sin_addr)
                        : static_cast<void const*>(&reinterpret_cast<sockaddr_in6 const*>(&storage)->sin6_addr);
  return inet_ntop(storage.ss_family, raw, text.data(), text.size()) != nullptr ? text.data() : "";
}

// The kernel's, for each peer (it takes twice that). Left to itself it keeps up to 4 MB for one that does not read, and
// every message is copied for it until then; what is more waits in the peer's queue, as shared bytes, and is counted.
constexpr int send_buffer_bytes = 128 * 1024;

std::uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&storage)->sin_port
                                            : reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port);
}

// The listening descriptor, or errno as a negative number.
int open_socket(Address const& address) {
  int const fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int const on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Whom it accepts inherits these.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof(send_buffer_bytes));
  if (address.storage.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  bool const is_open =
      bind(fd, reinterpret_cast<sockaddr const*>(&address.storage), address.size) == 0 && listen(fd, backlog) == 0;
  int const why = errno;
  if (is_open) return fd;
  ::close(fd);
  return -why;
}

Error describe(Listener::Place const& place, int why) {
  auto const name = place.host + ":" + std::to_string(place.port);
  if (why == EADDRINUSE)
    return error(Code::unavailable, "port " + std::to_string(place.port) + " is in use (" + name +
                                        "); stop the other program or choose another with --listen 127.0.0.1:PORT");
  if (why == EACCES)
    return error(Code::unavailable,
                 "not allowed to listen on " + name + "; choose a port above 1023 with --listen 127.0.0.1:PORT");
  return error(Code::unavailable, "can't listen on " + name + ": " + std::strerror(why));
}

}  // namespace

Result<std::vector<std::unique_ptr<Listener>>> Listener::open(Peers& peers, Place const& place) {
  std::vector<std::unique_ptr<Listener>> opened;
  bool const is_localhost = place.host == "localhost";
  Place next = place;
  for (std::string const& host :
       is_localhost ? std::vector<std::string>{"127.0.0.1", "::1"} : std::vector<std::string>{place.host}) {
    next.host = host;
    auto const address = to_address(host, next.port);
    if (!address)
      return error(Code::configuration,
                   "\"" + host + "\" is not an address to listen on; use localhost, 127.0.0.1 or ::1");
    int const fd = open_socket(*address);
    bool const may_be_absent = is_localhost && host == "::1" && fd != -EADDRINUSE;
    if (fd < 0 && may_be_absent) continue;
    if (fd < 0) return describe(next, -fd);
    next.port = bound_port(fd);
    opened.push_back(std::make_unique<Listener>(peers, fd, next));
  }
  return opened;
}

Listener::Listener(Peers& peers, int fd, Place place)
    : peers_(peers),
      place_(std::move(place)),
      watch_(peers.world().loop, fd, EPOLLIN, [this](std::uint32_t) { accept_some(); }),
      timer_([](void* owner) { static_cast<Listener*>(owner)->watch_.want(EPOLLIN); }, this) {}

std::string Listener::host() const {
  return place_.host.find(':') == std::string::npos ? place_.host : "[" + place_.host + "]";
}

std::string Listener::url() const { return "http://" + host() + ":" + std::to_string(place_.port); }

void Listener::accept_some() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    int const fd = accept4(watch_.fd(), reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) rest(std::strerror(errno));
      return;
    }
    // What one newcomer costs too much (the system watches no more sockets) harms nobody else.
    try {
      peers_.add(fd, {to_text(storage), place_.dialect});
    } catch (std::exception const& failure) {
      return rest(failure.what());
    }
  }
}

void Listener::rest(std::string_view why) {
  auto& world = peers_.world();
  world.log.write(Level::warn, "listener.resting", {{"reason", why}});
  watch_.want(0);
  world.wheel.arm(timer_, world.loop.now().steady_us + rest_us);
}

}  // namespace sojourn

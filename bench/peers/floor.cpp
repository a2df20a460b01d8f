// The least that a broadcast costs on this machine: no protocol beyond the WebSocket handshake, prebuilt bytes,
// one plain send() to each socket. What comes is taken for whole client frames with a mask of zeros; the payload
// goes on behind a server's header, untouched. Members of a room are those that asked for the same path.
//
//   bench_floor [--uring]     with --uring the sends of one turn of the loop go to the kernel in one batch
//
// Prints `Listening on http://127.0.0.1:PORT`. A socket that takes no more, or a frame in two parts, ends it.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#ifdef BENCH_HAS_URING
#include <liburing.h>
#endif

namespace {

// The answer to the key of RFC 6455, section 1.3: the load has no other.
constexpr std::string_view answer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
constexpr std::size_t client_header = 8;  // two bytes, a length in two more, a mask in four
constexpr std::size_t server_header = 4;

[[noreturn]] void fail(char const* what) {
  std::perror(what);
  std::exit(1);
}

void send_plainly(int fd, std::string_view bytes) {
  if (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
    fail("send");
  }
}

#ifdef BENCH_HAS_URING
class Batch {
 public:
  Batch() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init_params(entries, &ring_, &params) < 0) fail("io_uring_queue_init_params");
  }

  // The bytes have to stay until flush().
  void add(int fd, std::string_view bytes) {
    if (waiting_ == entries) flush();
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
    io_uring_prep_send(entry, fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    io_uring_sqe_set_data64(entry, bytes.size());
    ++waiting_;
  }

  void flush() {
    if (waiting_ == 0) return;
    if (io_uring_submit_and_wait(&ring_, waiting_) < 0) fail("io_uring_submit_and_wait");
    unsigned head = 0;
    unsigned done = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(&ring_, head, entry) {
      if (entry->res < 0 || static_cast<std::uint64_t>(entry->res) != entry->user_data) fail("a send of the batch");
      ++done;
    }
    io_uring_cq_advance(&ring_, done);
    waiting_ -= done;
  }

 private:
  static constexpr unsigned entries = 4096;
  io_uring ring_{};
  unsigned waiting_ = 0;
};
#else
class Batch {
 public:
  Batch() { fail("built without io_uring"); }
  void add(int fd, std::string_view bytes) { send_plainly(fd, bytes); }
  void flush() {}
};
#endif

struct Room {
  std::vector<int> members;
};

class Floor {
 public:
  explicit Floor(bool batched) : poll_(::epoll_create1(0)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (batched) batch_ = std::make_unique<Batch>();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 4096) != 0)
      fail("listen");
    ::fcntl(listener_, F_SETFL, O_NONBLOCK);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    watch(listener_);
    std::printf("Listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 1024> events;
    for (;;) {
      int const count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        int const fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_ ? accept_all() : read(fd);
      }
      if (batch_) batch_->flush();
      sent_.clear();
    }
  }

 private:
  void watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  void accept_all() {
    for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      int const on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd);
    }
    if (errno != EAGAIN) fail("accept");
  }

  void read(int fd) {
    static std::array<char, 64 * 1024> buffer;
    ssize_t const got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return leave(fd);
    std::string_view const bytes(buffer.data(), static_cast<std::size_t>(got));
    auto const room = rooms_of_.find(fd);
    room == rooms_of_.end() ? join(fd, bytes) : broadcast(*room->second, bytes);
  }

  void join(int fd, std::string_view request) {
    if (!request.starts_with("GET ") || !request.ends_with("\r\n\r\n")) fail("a request in two parts");
    Room& room = rooms_[std::string(request.substr(4, request.find(' ', 4) - 4))];
    room.members.push_back(fd);
    rooms_of_[fd] = &room;
    send_plainly(fd, answer);
  }

  void leave(int fd) {
    if (auto const room = rooms_of_.find(fd); room != rooms_of_.end()) {
      std::erase(room->second->members, fd);
      rooms_of_.erase(room);
    }
    ::close(fd);
  }

  void broadcast(Room const& room, std::string_view frames) {
    std::string const& out = *sent_.emplace_back(std::make_unique<std::string>(turn_round(frames)));
    for (int const member : room.members) batch_ ? batch_->add(member, out) : send_plainly(member, out);
  }

  static std::string turn_round(std::string_view frames) {
    std::string out;
    while (!frames.empty()) {
      auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(frames[at]); };
      std::size_t const size = frames.size() < client_header ? 0 : byte(2) * 256U + byte(3);
      if (size == 0 || byte(1) != 0xFE || frames.size() < client_header + size) fail("not a frame of middle length");
      out.append(frames.substr(0, 1)).append(1, '\x7E').append(frames.substr(2, server_header - 2));
      out.append(frames.substr(client_header, size));
      frames.remove_prefix(client_header + size);
    }
    return out;
  }

  int poll_;
  int listener_;
  std::unique_ptr<Batch> batch_;
  std::unordered_map<std::string, Room> rooms_;
  std::unordered_map<int, Room*> rooms_of_;
  std::vector<std::unique_ptr<std::string>> sent_;  // in this turn of the loop
};

}  // namespace

int main(int count, char** words) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  Floor(count > 1 && std::string_view(words[1]) == "--uring").run();
}

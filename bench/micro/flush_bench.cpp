// What the end of an iteration costs on loopback: one shared buffer to N WebSockets through Peers, by turns with a
// plain loop of send() over the same sockets. A thread on the last CPU reads everything.
//
//   bench_micro --benchmark_filter=flush
//
// fan_out/N/messages/plain: `messages` of 200 bytes wait for each of N when the iteration ends; plain = 1 is without
// io_uring. Counters are medians, the kernel's softirq thread included: us each delivered message, `ratio` to the
// floor.

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../proc.h"
#include "api/auth.h"
#include "api/identity.h"
#include "api/router.h"
#include "base/loop.h"
#include "base/timer_wheel.h"
#include "core/hub.h"
#include "net/peers.h"
#include "net/websocket.h"
#include "store/memory.h"

namespace {

using namespace sojourn;

constexpr std::size_t message_bytes = 200;

void require(bool so) {
  if (!so) std::abort();
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  sched_setaffinity(0, sizeof(set), &set);
}

std::int64_t thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Of the kernel's thread that does a part of our sends' work.
std::int64_t softirq_ns() { return bench::read_usage(getpid()).softirq0_ns; }

double median(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Reads all that comes in, in a thread of its own.
class Reader {
 public:
  explicit Reader(std::vector<int> fds) : fds_(std::move(fds)), thread_([this] { read_all(); }) {}
  ~Reader() {
    running_ = false;
    thread_.join();
    for (int const fd : fds_) ::close(fd);
  }
  void await(std::size_t bytes) {
    expected_ += bytes;
    while (got_.load(std::memory_order_acquire) < expected_) usleep(50);
    usleep(200);  // lets the softirq thread leave the CPU, so that its time is up to date
  }

 private:
  void read_all() {
    pin(static_cast<int>(std::thread::hardware_concurrency()) - 1);
    int const epoll = epoll_create1(0);
    for (int const fd : fds_) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    std::array<epoll_event, 256> ready;
    std::vector<char> buffer(1 << 16);
    while (running_) {
      int const count = epoll_wait(epoll, ready.data(), static_cast<int>(ready.size()), 0);
      std::size_t bytes = 0;
      for (int i = 0; i < count; ++i) {
        auto const got = recv(ready[static_cast<std::size_t>(i)].data.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0) bytes += static_cast<std::size_t>(got);
      }
      got_.fetch_add(bytes, std::memory_order_release);
    }
    ::close(epoll);
  }

  std::vector<int> fds_;
  std::atomic<bool> running_ = true;
  std::atomic<std::size_t> got_ = 0;
  std::size_t expected_ = 0;
  std::thread thread_;
};

struct Stage {
  explicit Stage(Sending sending) : peers(NetWorld{loop, wheel, router, hub, log, limits}, sending) {}

  void turn() {
    loop.run([this] {
      if (!peers.turn()) loop.stop();
      return std::int64_t{0};
    });
  }

  Loop loop;
  TimerWheel wheel{loop.now().steady_us};
  Log log;
  Limits limits;
  MemoryStore store{[this](std::function<void()> function) { loop.post(std::move(function)); }};
  Hub hub{Hub::World{store, log, Clock(), Random(), limits}};
  Access access{{}, false};
  Identity identity{Keys(std::string(64, 'k')), true};
  Router router{access, identity, log, Random()};
  Peers peers;
};

// The server's ends of connections to us, with nothing waiting on them.
class Crowd {
 public:
  Crowd(Stage& stage, std::size_t count) {
    int const listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    require(bind(listener, name, size) == 0 && listen(listener, 64) == 0 && getsockname(listener, name, &size) == 0);
    std::vector<int> others;
    for (std::size_t i = 0; i < count; ++i) {
      others.push_back(socket(AF_INET, SOCK_STREAM, 0));
      require(connect(others.back(), name, size) == 0);
      fds.push_back(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
      require(fds.back() >= 0);
      stage.peers.add(fds.back(), {"127.0.0.1", ListenerDialect::extension});
      auto& peer = *stage.peers.find(i + 1);
      auto& websocket = peer.become(std::make_unique<WebSocket>(peer));
      websocket.open({}, "hello");
      peer.end_exchange({});
      outlets.push_back(&websocket);
    }
    ::close(listener);
    reader = std::make_unique<Reader>(std::move(others));
    stage.turn();
    reader->await(count * 5);
  }

  std::vector<int> fds;
  std::vector<Outlet*> outlets;
  std::unique_ptr<Reader> reader;
};

void raise_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void flush_fan_out(benchmark::State& state) {
  raise_descriptors();
  pin(0);
  auto const count = static_cast<std::size_t>(state.range(0));
  auto const messages = static_cast<std::size_t>(state.range(1));
  auto stage = std::make_unique<Stage>(state.range(2) == 1 ? Sending::plain : Sending::fastest);
  Crowd crowd(*stage, count);
  auto const each = static_cast<double>(count * messages) * 1000;
  std::vector<double> floor;
  std::vector<double> ours;
  auto const measure = [&](std::vector<double>& us, auto&& send) {
    auto const softirq_before_ns = softirq_ns();
    auto const before_ns = thread_ns();
    send();
    auto const used_ns = thread_ns() - before_ns;
    crowd.reader->await(count * messages * message_bytes);
    us.push_back(static_cast<double>(used_ns + softirq_ns() - softirq_before_ns) / each);
  };
  auto const by_hand = [&] {
    std::string const bytes(messages * message_bytes, 'x');
    for (int const fd : crowd.fds) send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  };
  auto const through_peers = [&] {
    auto const bytes = std::make_shared<std::string const>(messages * message_bytes, 'x');
    for (auto* const outlet : crowd.outlets) outlet->push(bytes);
    stage->turn();
  };
  for (auto _ : state) {
    measure(floor, by_hand);
    measure(ours, through_peers);
    state.SetIterationTime(ours.back() * each / 1e9);
  }
  state.SetLabel(std::string(stage->peers.sending()));
  state.counters["floor_us"] = median(floor);
  state.counters["ours_us"] = median(ours);
  state.counters["ratio"] = median(ours) / median(floor);
}

double percentile(std::vector<double>& values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void flush_turns(benchmark::State& state) {
  raise_descriptors();
  pin(0);
  auto const count = static_cast<std::size_t>(state.range(0));
  Stage stage(Sending::fastest);
  Crowd crowd(stage, count);
  auto const bytes = std::make_shared<std::string const>(message_bytes, 'x');
  std::vector<double> pushes;
  std::vector<double> turns;
  auto const time = [](std::vector<double>& us, auto&& work) {
    auto const before_ns = thread_ns();
    work();
    us.push_back(static_cast<double>(thread_ns() - before_ns) / 1000);
  };
  for (auto _ : state) {
    time(pushes, [&] {
      for (auto* const outlet : crowd.outlets) outlet->push(bytes);
    });
    for (bool more = true; more;) time(turns, [&] { more = stage.peers.turn(); });
    crowd.reader->await(count * message_bytes);
  }
  state.counters["pushes_us"] = median(pushes);
  state.counters["turn_p50_us"] = median(turns);
  state.counters["turn_p99_us"] = percentile(turns, 0.99);
  state.counters["turn_max_us"] = turns.back();
}

BENCHMARK(flush_turns)->ArgName("peers")->Arg(1000)->Arg(9000)->MinTime(2.0);

BENCHMARK(flush_fan_out)
    ->ArgNames({"peers", "messages", "plain"})
    ->ArgsProduct({{100, 1000, 9000}, {1, 16}, {0, 1}})
    ->UseManualTime()
    ->MinTime(2.0);

}  // namespace

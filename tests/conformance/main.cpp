// sojourn-conformance: the product's own rooms under doors that the suites of protocols ask for.
// Says "Listening on http://ADDRESS:PORT" when it does, and ends on SIGTERM or SIGINT.

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/identity.h"
#include "api/router.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/timer_wheel.h"
#include "base/timers.h"
#include "conformance/echo.h"
#include "conformance/engine_echo.h"
#include "conformance/options.h"
#include "conformance/socket_io_echo.h"
#include "core/hub.h"
#include "net/listener.h"
#include "net/peers.h"
#include "store/memory.h"

namespace sojourn::conformance {
namespace {

constexpr std::int64_t mebibyte = 1024 * 1024;
// Of Engine.IO and Socket.IO, as their suites expect.
constexpr std::int64_t payload_bytes = 1'000'000;
constexpr std::int64_t connect_us = 1'000'000;
// How long everybody has to hear that the server ends.
constexpr std::int64_t drain_us = 1'000'000;

// A suite sends more at once than any client may.
Limits wide_limits() {
  Limits limits;
  limits.message_bytes = 16 * mebibyte;
  limits.body_bytes = payload_bytes;
  limits.messages_per_s = 0;
  limits.queue_bytes = 32 * mebibyte;
  limits.queues_bytes = 1024 * mebibyte;
  return limits;
}

int open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

// In the order of need: what stands later may use what stands earlier.
class Server {
 public:
  explicit Server(Options o) : options_(std::move(o)) { add_doors(); }

  Result<> listen() {
    auto opened = Listener::open(peers_, {options_.host, options_.port});
    if (!opened) return opened.error();
    listeners_ = std::move(*opened);
    for (auto const& listener : listeners_) access_.add_port(listener->port(), listener->host());
    return {};
  }
  std::string url() const { return listeners_.front()->url(); }
  void run() {
    loop_.run([this] { return turn(); });
  }

 private:
  void add_doors() {
    router_.add(&echo_, {}, Echo::entrances());
    router_.add(&engine_echo_, {}, EngineEcho::entrances());
    router_.add(static_cast<SocketIo*>(&socket_io_echo_), {}, SocketIoEcho::entrances());
  }

  void begin_to_end() {
    signalfd_siginfo info{};
    if (read(signals_.fd(), &info, sizeof(info)) != sizeof(info)) return;
    if (end_us_ != 0) return loop_.stop();  // asked twice
    end_us_ = loop_.now().steady_us + drain_us;
    listeners_.clear();
    peers_.drain("the server is shutting down");
  }

  // Ends a loop iteration; see Loop::Turn.
  std::int64_t turn() {
    auto const now_us = loop_.now().steady_us;
    wheel_.advance(now_us);
    timers_.run_due(now_us);
    hub_.turn();
    bool const has_closed = peers_.turn();
    log_.flush();
    if (end_us_ != 0 && (peers_.size() == 0 || now_us >= end_us_)) loop_.stop();
    if (has_closed || hub_.has_more()) return 0;
    auto const next_us = std::min({wheel_.next_us(), timers_.next_us(), hub_.next_deadline_us()});
    return end_us_ != 0 ? std::min(next_us, end_us_) : next_us;
  }

  Options options_;
  Loop loop_;
  // Before any thread starts, so that all of them leave these signals to the loop.
  Watch signals_{loop_, open_signals(), EPOLLIN, [this](std::uint32_t) { begin_to_end(); }};
  Log log_{Level::warn};
  TimerWheel wheel_{loop_.now().steady_us};
  Timers timers_;
  MemoryStore store_{[this](std::function<void()> function) { loop_.post(std::move(function)); },
                     MemoryStore::Memory::nothing};
  Limits limits_ = wide_limits();
  Hub hub_{Hub::World{store_, log_, Clock(), Random(), limits_}};
  Access access_{{}, false};
  Identity identity_{Keys(std::string(64, '-')), true};
  Router router_{access_, identity_, log_, Random()};
  Echo echo_{hub_, options_.compression};
  EngineEcho engine_echo_;
  SocketIoEcho socket_io_echo_{{Random(),
                                Clock(),
                                [this](std::int64_t us, std::function<void()> function) {
                                  timers_.set(loop_.now().steady_us + us, std::move(function));
                                },
                                {.connect_us = connect_us}}};
  Peers peers_{NetWorld{loop_,
                        wheel_,
                        router_,
                        hub_,
                        log_,
                        limits_,
                        {options_.eio3, options_.ping_ms, options_.pong_ms, payload_bytes},
                        options_.compression}};
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::int64_t end_us_ = 0;  // when a server that is ending ends; 0 = it is not
};

int fail(Error const& error) {
  if (!error.message.empty()) std::fprintf(stderr, "sojourn-conformance: %s\n", error.message.c_str());
  return error.message.empty() ? 0 : row(error.code).exit_code;
}

int run(int argc, char const* const* argv) {
  auto options = read_options(argc, argv);
  if (!options) return fail(options.error());
  Server server(std::move(*options));
  if (auto const listening = server.listen(); !listening) return fail(listening.error());
  std::printf("Listening on %s\n", server.url().c_str());
  std::fflush(stdout);
  server.run();
  return 0;
}

}  // namespace
}  // namespace sojourn::conformance

int main(int argc, char** argv) { return sojourn::conformance::run(argc, argv); }
